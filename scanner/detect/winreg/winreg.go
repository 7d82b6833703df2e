// Package winreg reads what the registry of Windows says is installed: the
// hives of a Windows image, also the deltas of its layers.
package winreg

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/regf"
)

const (
	name    = "winreg"
	version = 1
)

// Bounds of one hive. The largest of Windows have some 300,000 keys; a hive is
// at most 2 GiB.
const (
	maxKeys  = 4_000_000
	maxDepth = 512 // of keys: the registry's own bound
	maxFacts = 4096
)

type detector struct{ watch *sbom.Watch }

// New returns the detector. It notes all installed programs, and all services,
// keys of vendors and programs that start by themselves that are not Windows'
// own; of Windows' own, of all other keys and of certificates those that w
// watches.
func New(w *sbom.Watch) scanner.Detector { return detector{w} }

func (detector) Name() string { return name }
func (detector) Version() int { return version }

// Wants is true for hives, whatever they are called.
func (detector) Wants(f *scanner.File) bool { return regf.Is(f.Head) }

func (d detector) Detect(ctx context.Context, f *scanner.File) (scanner.Result, error) {
	h, err := regf.Open(f, f.Size)
	switch {
	case errors.Is(err, regf.ErrLog):
		return scanner.Result{}, nil
	case errors.Is(err, regf.ErrFormat):
		return scanner.Result{Gaps: []sbom.Gap{{Reason: sbom.Truncated, Detail: "a registry hive that ends in its first block"}}}, nil
	case err != nil:
		return scanner.Result{}, err
	}
	r := &reader{watch: d.watch, file: &sbom.Component{Type: sbom.Data, Name: path.Base(f.Path)}}
	r.root(ctx, h.Root(), r.file.Name)
	res := scanner.Result{Inside: r.inside, Gaps: r.gaps}
	if len(r.file.Evidence) > 0 || len(r.inside) > 0 {
		res.Component = r.file
	}
	if h.Truncated() {
		res.Gaps = append(res.Gaps, sbom.Gap{Reason: sbom.Truncated, Detail: "the hive ends before its own header says"})
	} else if n := h.Damaged(); n > 0 || !h.Root().Exists() {
		res.Gaps = append(res.Gaps, sbom.Gap{Reason: sbom.Malformed, Detail: fmt.Sprintf("%d keys, lists or values of the hive could not be read", max(n, 1))})
	}
	if h.Dirty() {
		res.Gaps = append(res.Gaps, sbom.Gap{Reason: sbom.Malformed, Detail: "the hive was not closed: what only its transaction logs hold was not read"})
	}
	return res, ctx.Err()
}

// reader reads one hive.
type reader struct {
	watch  *sbom.Watch
	file   *sbom.Component
	inside []sbom.Component
	gaps   []sbom.Gap
	keys   int
	full   bool
	names  map[string]int // of inside
}

// root tells which hive it is: by the name of the file, for a delta may hold
// little, or by the first keys. Other hives name no products.
func (r *reader) root(ctx context.Context, root regf.Key, file string) {
	first := map[string]regf.Key{}
	for k := range root.Subkeys {
		if len(first) < 256 {
			first[strings.ToLower(k.Name)] = k
		}
	}
	has := func(name string) bool { return first[name].Exists() }
	file = strings.ToLower(file)
	switch {
	case has("select"), has("controlset001"), strings.HasPrefix(file, "system"):
		r.system(ctx, root, first)
	case has("software"): // of one user
		r.software(ctx, first["software"], `HKCU\SOFTWARE`)
	case has("microsoft"), has("wow6432node"), strings.HasPrefix(file, "software"):
		r.software(ctx, root, `HKLM\SOFTWARE`)
	}
}

// add notes a fact of the hive itself.
func (r *reader) add(k sbom.Kind, value, where string) {
	if value = sbom.CleanValue(value); value == "" {
		return
	}
	if len(r.file.Evidence) >= maxFacts {
		r.limit(fmt.Sprintf("more than %d facts", maxFacts))
		return
	}
	r.file.Evidence = append(r.file.Evidence, sbom.Evidence{Kind: k, Value: value, Where: sbom.CleanValue(where)})
}

func (r *reader) limit(why string) {
	if !r.full {
		r.full = true
		r.gaps = append(r.gaps, sbom.Gap{Reason: sbom.Limit, Detail: why})
	}
}

// walk notes the watched keys at and below k. Of a watched key all subkeys are
// mostly watched too: the uppermost stands for them.
func (r *reader) walk(ctx context.Context, k regf.Key, at string, depth int) {
	if r.watch == nil || r.watch.Match == nil || ctx.Err() != nil {
		return
	}
	if depth > maxDepth || r.keys > maxKeys {
		r.limit(fmt.Sprintf("more than %d keys, or more than %d deep", maxKeys, maxDepth))
		return
	}
	for sub := range k.Subkeys {
		if r.keys++; r.keys > maxKeys {
			break
		}
		p := at + `\` + sub.Name
		if r.watch.Matches(sbom.RegistryKey, p) {
			r.key(p)
			continue
		}
		r.walk(ctx, sub, p, depth+1)
	}
}

// key notes a key.
func (r *reader) key(p string) {
	for _, e := range r.file.Evidence {
		if e.Kind == sbom.RegistryKey && e.Value == p {
			return
		}
	}
	r.add(sbom.RegistryKey, p, "key")
}
