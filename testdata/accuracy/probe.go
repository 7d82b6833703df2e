package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/interdict/interdict/denylist"
)

// probe is one case: files that lie in a folder of their own, and what must be
// said of them.
type probe struct {
	name   string // of its folder
	kind   string // what carries the identity: "pe", "elf", "layout", ...
	vendor string // empty for what is innocent
	// level is the identity that must be found, at least, for the vendor; of an
	// innocent probe, the most that may be found for anybody. The zero value is
	// Denied for a vendor's and Mention for an innocent one.
	level denylist.Level
	// build writes the files into an empty folder.
	build func(b *bench, dir string) error
	// target is what to scan, when that is not the folder among others of its
	// sort: "dir:" for a root filesystem, "docker-archive:image.tar".
	target string
	// files is how many files of the probe count; zero means one.
	files int
}

func (p *probe) wanted() denylist.Level {
	switch {
	case p.level != "":
		return p.level
	case p.vendor == "":
		return denylist.Mention
	}
	return denylist.Denied
}

// bench is what probes are built with.
type bench struct {
	ctx   context.Context
	dir   string // for what several probes share
	certs authorities
}

// choose returns the probes whose name or kind contains a text.
func choose(all []probe, text string) []probe {
	var out []probe
	for _, p := range all {
		if strings.Contains(p.name, text) || strings.Contains(p.kind, text) {
			out = append(out, p)
		}
	}
	return out
}

// allProbes are all cases, the vendors' and the innocent.
func allProbes() []probe {
	var all []probe
	for _, f := range []func() []probe{
		vendorLibraries, vendorSigned, vendorResources, vendorApple, vendorJava, vendorPackages,
		vendorNested, vendorLayouts, vendorImages,
		innocentBuilt, innocentTexts, innocentPackages,
	} {
		all = append(all, f()...)
	}
	return all
}

// buildAll writes every probe's files, some at once.
func (b *bench) buildAll(probes []probe) error {
	g, _ := errgroup.WithContext(b.ctx)
	g.SetLimit(4)
	seen := map[string]bool{}
	for i := range probes {
		p := &probes[i]
		if seen[p.name] {
			return fmt.Errorf("two cases are called %s", p.name)
		}
		seen[p.name] = true
		g.Go(func() error {
			dir := b.folder(p)
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
			if err := p.build(b, dir); err != nil {
				return fmt.Errorf("building %s: %w", p.name, err)
			}
			return nil
		})
	}
	return g.Wait()
}

// folder is where the probe's files lie: those that are scanned together in
// one, those with a target of their own in another.
func (b *bench) folder(p *probe) string {
	set := "vendors"
	if p.vendor == "" {
		set = "innocent"
	}
	if p.target != "" {
		set = "alone"
	}
	return filepath.Join(b.dir, set, p.name)
}
