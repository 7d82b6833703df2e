package catalog

import (
	"bytes"
	"slices"
	"strings"

	"github.com/interdict/interdict/scanner/catalog/manifest"
)

// stanzaFormat is a package database that is one text file: a stanza a
// package, with an empty line after each.
type stanzaFormat struct {
	// fields make up the key of a stanza: what of it decides whether syft would
	// say the same of the package again.
	fields []string
	// text brings the database into the form that catalogers know.
	text func([]byte) []byte
	// gone reports whether a stanza tells of a package that is not there.
	gone func(stanza []byte) bool
}

var (
	// dpkgStatus is the status file of dpkg and opkg (dpkg(1), deb-control(5)).
	// A package that was removed but not purged keeps its stanza.
	dpkgStatus = &stanzaFormat{
		fields: []string{"Package:", "Version:", "Architecture:"},
		text:   func(b []byte) []byte { return markedInstalled(manifest.Find("/var/lib/dpkg/status").Normalize(b)) },
		gone:   func(s []byte) bool { return manifest.Gone(stanzaField(s, "Status:")) },
	}
	// apkInstalled is apk's database of installed packages
	// (https://wiki.alpinelinux.org/wiki/Apk_spec).
	apkInstalled = &stanzaFormat{
		fields: []string{"P:", "V:", "A:"},
		text:   manifest.Text,
		gone:   func([]byte) bool { return false },
	}
)

// markedInstalled has syft list a package that is to be removed and is still
// there: "deinstall ok installed" (dpkg(1), "Package states").
func markedInstalled(b []byte) []byte {
	return bytes.ReplaceAll(b, []byte("\nStatus: deinstall ok installed\n"), []byte("\nStatus: install ok installed\n"))
}

// stanzas splits a database. Joined in order, they are the database.
func stanzas(b []byte) [][]byte {
	var all [][]byte
	for len(b) > 0 {
		end := len(b)
		if i := bytes.Index(b, []byte("\n\n")); i >= 0 {
			end = i + 2
		}
		all = append(all, b[:end:end])
		b = b[end:]
	}
	return all
}

// stanzaField returns the first line of a field. The name holds its colon.
func stanzaField(stanza []byte, name string) string {
	for line := range bytes.Lines(stanza) {
		if v, ok := bytes.CutPrefix(line, []byte(name)); ok {
			return string(bytes.TrimSpace(v))
		}
	}
	return ""
}

// key identifies a stanza; it is empty for one that tells of no package.
func (f *stanzaFormat) key(stanza []byte) string {
	if f.gone(stanza) || stanzaField(stanza, f.fields[0]) == "" {
		return ""
	}
	values := make([]string, len(f.fields))
	for i, name := range f.fields {
		values[i] = stanzaField(stanza, name)
	}
	return strings.Join(values, "\x1f")
}

// fresh returns the stanzas whose key is not among the lower ones, and the
// sorted keys of all stanzas.
func (f *stanzaFormat) fresh(b []byte, lower map[string]bool) (kept []byte, keys []string) {
	for _, s := range stanzas(b) {
		k := f.key(s)
		if k == "" {
			continue
		}
		keys = append(keys, k)
		if !lower[k] {
			kept = append(kept, s...)
		}
	}
	slices.Sort(keys)
	return kept, slices.Compact(keys)
}

// homes returns the Homepage of each stanza that has one, by key.
func (f *stanzaFormat) homes(b []byte) map[string]string {
	homes := map[string]string{}
	for _, s := range stanzas(b) {
		if h := stanzaField(s, "Homepage:"); h != "" {
			homes[f.key(s)] = h
		}
	}
	return homes
}
