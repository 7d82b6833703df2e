package denylist_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/builtin"
	"github.com/interdict/interdict/sbom"
)

// ev is one evidence: kind, value and, after "|", where it stands.
type ev struct {
	kind  sbom.Kind
	value string
	where string // of a name or a path: the format of the file
	count int
}

func (e ev) evidence(path string) sbom.Evidence {
	out := sbom.Evidence{Kind: e.kind, Value: e.value, Count: e.count, Path: path, Layer: "sha256:1", Detector: "test@1"}
	if e.kind == sbom.Filename || e.kind == sbom.Path {
		out.Format = sbom.FileFormat(e.where)
	} else {
		out.Where = e.where
	}
	return out
}

// file is a component of one file with evidence of its own.
func file(path string, es ...ev) sbom.Component {
	c := sbom.Component{Type: sbom.FileType, Name: path[strings.LastIndexByte(path, '/')+1:], Occurrences: []sbom.Occurrence{{Path: path, Layer: "sha256:1"}}}
	for _, e := range es {
		c.Evidence = append(c.Evidence, e.evidence(path))
	}
	return c
}

// pkg is a package as a cataloger finds it.
func pkg(purl string, change func(*sbom.Component)) sbom.Component {
	name := purl[strings.LastIndexByte(purl, '/')+1:]
	if i := strings.LastIndexByte(name, '@'); i > 0 {
		name = name[:i]
	}
	c := sbom.Component{Type: sbom.Library, Name: name, PURL: purl, Occurrences: []sbom.Occurrence{{Path: "/db", Layer: "sha256:1"}}}
	if change != nil {
		change(&c)
	}
	return c
}

// named is a program that a scan saw by its name.
func named(format, name string) ev { return ev{sbom.Filename, name, format, 0} }

// inventory is what a scan with the embedded list would have made.
func inventory(cs ...sbom.Component) *sbom.Inventory {
	inv := &sbom.Inventory{
		Subject:    sbom.Subject{Kind: sbom.Directory, Name: "test"},
		Tool:       sbom.Tool{Name: "interdict", Watched: builtin.List().Watch().Fingerprints},
		Components: cs,
	}
	inv.Normalize()
	return inv
}

func day(s string) denylist.Date {
	d, err := denylist.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

var today = day("2026-11-23")

// strictest returns the strictest level of a vendor's findings, or "".
func strictest(v denylist.Verdict, vendor string, level func(denylist.Finding) denylist.Level) denylist.Level {
	order := []denylist.Level{denylist.Denied, denylist.Review, denylist.Mention}
	best := len(order)
	for _, f := range v.Findings {
		if f.Vendor == vendor {
			best = min(best, slices.Index(order, level(f)))
		}
	}
	if best == len(order) {
		return ""
	}
	return order[best]
}

func identity(f denylist.Finding) denylist.Level { return f.Identity }

func judge(t *testing.T, inv *sbom.Inventory, p denylist.Policy) denylist.Verdict {
	t.Helper()
	if p.AsOf.IsZero() {
		p.AsOf = today
	}
	return builtin.List().Judge(inv, p)
}
