package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sync/errgroup"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/builtin"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/cyclonedx"
	"github.com/interdict/interdict/scanner/scan"
	"github.com/interdict/interdict/scanner/source"
)

// result is what was found in one probe.
type result struct {
	probe
	findings []denylist.Finding
	files    int // regular files that were looked at
}

// results are those of all probes, in their order.
type results []result

// measure builds the probes under dir, scans them and judges.
func measure(ctx context.Context, dir string, probes []probe) (results, error) {
	b := &bench{ctx: ctx, dir: dir}
	if err := b.makeAuthorities(); err != nil {
		return nil, err
	}
	if err := b.buildAll(probes); err != nil {
		return nil, err
	}
	rs := make(results, len(probes))
	at := map[string]*result{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for i, p := range probes {
		rs[i].probe = p
		if p.target == "" {
			at[filepath.Base(filepath.Dir(b.folder(&p)))+"/"+p.name] = &rs[i]
			continue
		}
		g.Go(func() (err error) {
			scheme, rest, _ := strings.Cut(p.target, ":")
			rs[i].findings, rs[i].files, err = look(ctx, scheme+":"+filepath.Join(b.folder(&p), rest))
			return err
		})
	}
	for _, set := range []string{"vendors", "innocent"} {
		g.Go(func() error { return together(ctx, filepath.Join(dir, set), set, at) })
	}
	return rs, g.Wait()
}

// together scans a folder of probes at once and deals out what it finds.
func together(ctx context.Context, dir, set string, at map[string]*result) error {
	if _, err := os.Stat(dir); os.IsNotExist(err) {
		return nil
	}
	found, _, err := look(ctx, "dir:"+dir)
	if err != nil {
		return err
	}
	for _, f := range found {
		given := map[string]bool{}
		for _, o := range f.Occurrences {
			name, _, _ := strings.Cut(strings.TrimPrefix(o.Path, "/"), "/")
			if r := at[set+"/"+name]; r != nil && !given[name] {
				given[name] = true
				r.findings = append(r.findings, f)
			}
		}
	}
	for key, r := range at {
		if strings.HasPrefix(key, set+"/") {
			r.files, err = countFiles(filepath.Join(dir, r.name))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func countFiles(dir string) (n int, err error) {
	err = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			n++
		}
		return err
	})
	return n, err
}

// look scans a target and judges it under every law, as the command line does.
func look(ctx context.Context, target string) ([]denylist.Finding, int, error) {
	srcs, err := source.Open(ctx, target, source.Options{})
	if err != nil {
		return nil, 0, err
	}
	day, err := denylist.ParseDate(time.Now().UTC().Format(time.DateOnly))
	if err != nil {
		return nil, 0, err
	}
	list := builtin.List()
	var found []denylist.Finding
	files := 0
	for _, src := range srcs {
		defer src.Close()
		inv, err := scan.Run(ctx, src, scan.Options{Watch: list.Watch(), Tool: sbom.Tool{Name: "interdict"}})
		if err != nil {
			return nil, 0, fmt.Errorf("scanning %s: %w", target, err)
		}
		v := list.Judge(inv, denylist.Policy{AsOf: day, Mentions: true})
		if err := stored(inv, v, list, day); err != nil {
			return nil, 0, fmt.Errorf("judging the bill of materials of %s: %w", target, err)
		}
		found = append(found, v.Findings...)
		files += int(inv.Coverage.FilesSeen)
	}
	return found, files, nil
}

// stored fails unless "check" of what a scan wrote gives the scan's verdict.
func stored(inv *sbom.Inventory, want denylist.Verdict, list *denylist.List, day denylist.Date) error {
	for _, opt := range []cyclonedx.Options{{}, {Format: cyclonedx.XML, SpecVersion: "1.4"}} {
		var doc bytes.Buffer
		if err := cyclonedx.Encode(&doc, inv, opt); err != nil {
			return err
		}
		back, err := cyclonedx.Decode(&doc)
		if err != nil {
			return err
		}
		got := list.Judge(back, denylist.Policy{AsOf: day, Mentions: true})
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			return fmt.Errorf("the verdict is another:\n%s", diff)
		}
	}
	return nil
}
