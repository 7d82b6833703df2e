package denylist

import (
	"slices"

	"github.com/interdict/interdict/sbom"
)

// allows reports whether the group meets what a rule requires and has nothing
// that excepts it.
func (g *group) allows(r *compiledRule) bool {
	for _, x := range r.except {
		for _, e := range g.evidence {
			if e.Kind == x.kind && x.m.matches(e.Value) {
				return false
			}
		}
		if g.c != nil && x.matchesFacts(g.c) {
			return false
		}
	}
	if len(r.Requires.Formats) > 0 && !g.hasFormat(r.Requires.Formats) {
		return false
	}
	if len(r.Requires.Kinds) > 0 && !slices.ContainsFunc(g.evidence, func(e *sbom.Evidence) bool { return slices.Contains(r.Requires.Kinds, e.Kind) }) {
		return false
	}
	return len(r.Requires.Rules) == 0 || slices.ContainsFunc(g.matched, func(h patternMatch) bool {
		return slices.Contains(r.Requires.Rules, h.p.rule.ID) && !h.e.Kind.Info().Is(sbom.Imported)
	})
}

func (x *exception) matchesFacts(c *sbom.Component) bool {
	for f := range c.Facts() {
		if f.Kind == x.kind && x.m.matches(f.Value) {
			return true
		}
	}
	return false
}

// anyProgram stands for every format that can be run.
const anyProgram = "program"

func (g *group) hasFormat(want []string) bool {
	f := g.format()
	return slices.Contains(want, string(f)) || slices.Contains(want, anyProgram) && f.IsProgram()
}

// format returns the format of the group's file: what its filename or path
// evidence says, or what its other evidence can only come from.
func (g *group) format() sbom.FileFormat {
	for _, e := range g.evidence {
		if e.Format.Known() {
			return e.Format
		}
	}
	for _, e := range g.evidence {
		if f := e.Kind.Info().Format; f != "" {
			return f
		}
	}
	return ""
}
