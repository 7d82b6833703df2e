package builtin

import (
	"slices"
	"strings"
	"testing"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom"
)

// TestNothingIsLost counts what the list carries, so that an edit that drops a
// rule is seen. Change a number together with the rules.
func TestNothingIsLost(t *testing.T) {
	l := List()
	if got := len(l.Regimes); got != 22 {
		t.Errorf("%d regimes, want 22", got)
	}
	vendors := map[string]struct{ rules, values, verified, regimes int }{
		"kaspersky":             {101, 321, 238, 15},
		"acronis":               {27, 49, 40, 1},
		"positive-technologies": {11, 16, 6, 3},
		"qihoo-360":             {26, 44, 39, 2},
		"hikvision":             {48, 162, 155, 3},
		"dahua":                 {24, 58, 53, 3},
		"huawei":                {20, 40, 38, 3},
		"zte":                   {4, 4, 2, 2},
		"hytera":                {2, 2, 0, 2},
		"doctor-web":            {8, 15, 12, 1},
		"group-ib":              {3, 4, 4, 1},
		"nso-candiru":           {2, 2, 0, 1},
		"bytedance":             {2, 3, 0, 1},
		"fcc-carriers":          {0, 0, 0, 1},
		"fcc-uas-routers":       {0, 0, 0, 1},
	}
	if len(l.Vendors) != len(vendors) {
		t.Errorf("%d vendors, want %d", len(l.Vendors), len(vendors))
	}
	for _, v := range l.Vendors {
		got := vendors[v.ID]
		got.rules, got.values, got.verified, got.regimes = len(v.Rules), 0, 0, 0
		for _, r := range v.Rules {
			n := max(len(r.Values), 1)
			got.values += n
			if r.Verified {
				got.verified += n
			}
		}
		for _, r := range l.Regimes {
			if slices.ContainsFunc(r.Vendors, func(x denylist.RegimeVendor) bool { return x.ID == v.ID }) {
				got.regimes++
			}
		}
		if got != vendors[v.ID] {
			t.Errorf("%s: rules, values, verified values, regimes: %v, want %v", v.ID, got, vendors[v.ID])
		}
		if len(v.Rules) == 0 && v.Note == "" {
			t.Errorf("%s has neither rules nor a note", v.ID)
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
	bans := 0
	for _, r := range List().Regimes {
		if r.Bans() {
			bans++
		}
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
	if bans != 14 {
		t.Errorf("%d regimes ban use, procurement or sale, want 14", bans)
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
