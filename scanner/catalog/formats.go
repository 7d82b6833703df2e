package catalog

import (
	"cmp"
	"slices"
	"strings"

	"github.com/interdict/interdict/scanner/catalog/manifest"
)

// Reading is how well a format is read.
type Reading string

// How well a format is read.
const (
	Read       Reading = "read"
	Recognized Reading = "recognized" // named in the coverage of a scan, and not read
)

// ListedFormat is a format in which packages are named.
type ListedFormat struct {
	Name     string   // "yarn.lock", or the cataloger that reads the files
	Type     string   // of package URLs; empty where a reader names several
	Patterns []string // of the files, for a cataloger that starts from names
	Declares bool     // it says what is to be installed, not what is there
	Reading  Reading
}

// Formats lists the formats that [Components] knows, by name: those of the
// second reader, and syft's catalogers. Any other file names no package here;
// scanner/detect may still know it by its contents.
func Formats() []ListedFormat {
	var all []ListedFormat
	for _, f := range manifest.Formats() {
		l := ListedFormat{Name: f.Name, Type: f.Type, Declares: f.Role == manifest.Declared, Reading: Read}
		if !f.Reads() {
			l.Reading = Recognized
		}
		all = append(all, l)
	}
	asked := requestsOf(both)
	for _, c := range catalogers(configuration()) {
		all = append(all, ListedFormat{Name: c.Name(), Patterns: asked[c.Name()].Globs, Declares: c.declares, Reading: Read})
	}
	slices.SortFunc(all, func(a, b ListedFormat) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.Name, b.Name))
	})
	return all
}
