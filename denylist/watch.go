package denylist

import (
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// watched is one pattern that a scan must look for.
type watched struct {
	print, rule, vendor string
}

// Watch returns what a scan must look for so that its inventory can be judged
// by the list. Its Match looks up in hash tables and is cheap enough for every
// path of a large image.
func (l *List) Watch() *sbom.Watch {
	ix := l.compiled()
	w := &sbom.Watch{
		Match:  func(k sbom.Kind, value string) bool { return len(ix.find(k, value, nil)) > 0 },
		Folder: ix.folder,
	}
	for _, r := range ix.rules {
		if r.Disabled {
			continue
		}
		switch r.Kind {
		case sbom.SymbolFamily:
			w.SymbolPrefixes = append(w.SymbolPrefixes, r.Values...)
		case sbom.CXXNamespace:
			w.Namespaces = append(w.Namespaces, r.Values...)
		case sbom.BinaryString:
			w.Strings = append(w.Strings, r.Values...)
		case sbom.Symbol, sbom.PEExport:
			addSymbols(w, r.Rule)
		}
	}
	for _, p := range ix.watched {
		w.Fingerprints = append(w.Fingerprints, p.print)
	}
	for _, s := range []*[]string{&w.Symbols, &w.SymbolPrefixes, &w.Namespaces, &w.Strings, &w.Fingerprints} {
		slices.Sort(*s)
		*s = slices.Compact(*s)
	}
	return w
}

func addSymbols(w *sbom.Watch, r *Rule) {
	if r.Match == Prefix {
		w.SymbolPrefixes = append(w.SymbolPrefixes, r.Values...)
	} else {
		w.Symbols = append(w.Symbols, r.Values...)
	}
	for _, s := range r.elements() {
		if prefix, ok := strings.CutSuffix(s, "*"); ok {
			w.SymbolPrefixes = append(w.SymbolPrefixes, prefix)
		} else {
			w.Symbols = append(w.Symbols, s)
		}
	}
}

// elements are the members of the rule's set of symbols.
func (r *Rule) elements() []string {
	if r.AtLeast != nil {
		return r.AtLeast.Of
	}
	return r.All
}

// fingerprints returns the patterns of a list that a scan must look for, in
// the order of the rules. Those of kinds that are always noted are none: every
// inventory has the metadata of packages and the configuration of the image.
// There are too many paths, symbols and strings to note all, and a rule of such
// a kind cannot be judged from an inventory whose scan did not know it.
func fingerprints(l *List) []watched {
	var ws []watched
	for i := range l.Vendors {
		v := &l.Vendors[i]
		for j := range v.Rules {
			r := &v.Rules[j]
			if r.Disabled || r.Kind.Info().Is(sbom.AlwaysNoted) {
				continue
			}
			for _, value := range r.Values {
				ws = append(ws, watched{sbom.Fingerprint(string(r.Kind), string(r.Match), value), r.ID, v.ID})
			}
			for _, value := range r.elements() {
				ws = append(ws, watched{sbom.Fingerprint(string(r.Kind), "element", value), r.ID, v.ID})
			}
		}
	}
	return ws
}

// folder is Watch.Folder: of the folders of the list that the path is in, the
// one that is written longest.
func (ix *index) folder(path string) string {
	longest := 0
	for _, p := range ix.find(sbom.Path, path, nil) {
		switch p.rule.Match {
		case Prefix, PrefixFold:
			longest = max(longest, len(strings.TrimSuffix(p.value, "/")))
		case Elements:
			longest = max(longest, endOfElements(path, p.value))
		}
	}
	return path[:min(longest, len(path))]
}

// endOfElements returns the length of the path up to the end of a run of
// elements that is in it.
func endOfElements(path, elements string) int {
	low := strings.ToLower(strings.ReplaceAll(path, `\`, "/"))
	if len(low) != len(path) {
		return 0
	}
	want := strings.ToLower(strings.ReplaceAll(strings.Trim(elements, `/\`), `\`, "/"))
	for start := 0; start <= len(low); {
		if hasElements(low[start:], want) {
			return start + len(want)
		}
		next := strings.IndexByte(low[start:], '/')
		if next < 0 {
			break
		}
		start += next + 1
	}
	return 0
}
