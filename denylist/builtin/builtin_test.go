package builtin

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom"
)

var update = flag.Bool("update", false, "write testdata/rules.txt anew")

// TestNothingIsLost holds the names of all regimes, vendors and rules against
// testdata/rules.txt, so that an edit that drops one is seen in the change.
func TestNothingIsLost(t *testing.T) {
	var b strings.Builder
	l := List()
	for _, r := range l.Regimes {
		fmt.Fprintf(&b, "regime %s\n", r.ID)
		for _, v := range r.Vendors {
			fmt.Fprintf(&b, "  names %s\n", v.ID)
		}
	}
	for _, v := range l.Vendors {
		fmt.Fprintf(&b, "vendor %s\n", v.ID)
		for _, r := range v.Rules {
			fmt.Fprintf(&b, "  %s %s\n", r.Kind, strings.TrimPrefix(r.ID, v.ID+"/"))
		}
	}
	const file = "testdata/rules.txt"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("the list is not that of %s (-update writes it anew; -want +got):\n%s", file, d)
	}
}

// TestNothingIsIdle: a vendor has rules or says why not, and a law names it.
func TestNothingIsIdle(t *testing.T) {
	named := map[string]bool{}
	for _, r := range List().Regimes {
		if len(r.Vendors) == 0 {
			t.Errorf("%s names no vendor", r.ID)
		}
		for _, v := range r.Vendors {
			named[v.ID] = true
		}
	}
	for _, v := range List().Vendors {
		if len(v.Rules) == 0 && v.Note == "" {
			t.Errorf("%s has neither rules nor a note", v.ID)
		}
		if !named[v.ID] {
			t.Errorf("no regime names %s", v.ID)
		}
	}
}

// TestLint: no errors and no warnings; notes are what is not verified.
func TestLint(t *testing.T) {
	for _, p := range denylist.Lint(List()) {
		if p.Severity != denylist.SeverityNote {
			t.Error(p)
		}
	}
}

// TestRegimes: the matrix of answers that the laws give (facts, section 0).
func TestRegimes(t *testing.T) {
	const yes, no, open = denylist.Covered, denylist.Excluded, denylist.Open
	want := map[string]struct{ product, engine, source, embedded denylist.Answer }{
		"us-bod-17-01":        {yes, no, no, no},
		"us-ndaa2018-1634":    {yes, yes, yes, yes},
		"us-far-52-204-23":    {yes, yes, yes, yes},
		"us-bis-fd-kaspersky": {yes, yes, no, yes},
		"us-fcc-covered-list": {yes, yes, open, yes},
		"us-ndaa2019-889":     {yes, open, open, open},
		"us-fascsa-acronis":   {yes, yes, open, yes},
		"us-1260h":            {yes, open, open, open},
		"us-tiktok":           {yes, open, no, open},
		"au-pspf-002-2025":    {yes, no, open, no},
		"it-acn-4336":         {yes, open, no, open},
		"lt-2017":             {yes, open, no, open},
	}
	for _, r := range List().Regimes {
		w, ok := want[r.ID]
		if !ok {
			continue
		}
		got := w
		got.product, got.engine, got.source, got.embedded = r.Covers[denylist.Product], r.Covers[denylist.Engine], r.Covers[denylist.OpenSource], r.Embedded
		if got != w {
			t.Errorf("%s: %v, want %v", r.ID, got, w)
		}
		delete(want, r.ID)
	}
	for id := range want {
		t.Errorf("%s is missing", id)
	}
}

// TestRulesSpeakForThemselves: what every rule must have.
func TestRulesSpeakForThemselves(t *testing.T) {
	for _, v := range List().Vendors {
		for _, r := range v.Rules {
			if r.Verified == (len(r.Sources) == 0) {
				t.Errorf("%s: verified %v with sources %q", r.ID, r.Verified, r.Sources)
			}
			if r.Kind == sbom.Filename && len(r.Requires.Formats) == 0 {
				t.Errorf("%s: a file name without a format", r.ID)
			}
			for _, s := range r.Sources {
				if strings.HasPrefix(s, "http") && strings.Contains(s, " ") {
					t.Errorf("%s: %q is no address", r.ID, s)
				}
			}
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		l, err := load(files)
		if err != nil {
			b.Fatal(err)
		}
		l.Watch()
	}
}
