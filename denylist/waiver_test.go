package denylist_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom"
)

func date(t testing.TB, s string) denylist.Date {
	t.Helper()
	d, err := denylist.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func waivable(t testing.TB) denylist.Verdict {
	return denylist.Verdict{
		Outcome: denylist.Deny, AsOf: date(t, "2026-06-01"),
		Findings: []denylist.Finding{{
			ID: "acme-1", Vendor: "acme", Level: denylist.Denied,
			Rulings: []denylist.Ruling{
				{Regime: "hard", Verdict: denylist.RulingDenied}, {Regime: "none", Verdict: denylist.RulingNotCovered}, {Regime: "soft", Verdict: denylist.RulingReview}},
			Component:   denylist.ComponentRef{PURL: "pkg:deb/debian/acme@1?arch=amd64"},
			Occurrences: []sbom.Occurrence{{Path: "/opt/acme/a.zip!/bin/x.dll", Digest: "sha256:x"}, {Path: "/opt/acme/y", Digest: "sha256:x"}},
		}},
	}
}

func TestWaive(t *testing.T) {
	for name, tt := range map[string]struct {
		waivers  []denylist.Waiver
		outcome  denylist.Outcome
		standing denylist.Level
		waived   bool
		states   []denylist.WaiverState
	}{
		"finding":          {[]denylist.Waiver{{Finding: "acme-1"}}, denylist.Pass, denylist.Mention, true, []denylist.WaiverState{"used"}},
		"vendor and purl":  {[]denylist.Waiver{{Vendor: "acme", PURL: "pkg:deb/*/acme@*"}}, denylist.Pass, denylist.Mention, true, []denylist.WaiverState{"used"}},
		"all must match":   {[]denylist.Waiver{{Vendor: "acme", PURL: "pkg:rpm/*"}}, denylist.Deny, denylist.Denied, false, []denylist.WaiverState{"unused"}},
		"path":             {[]denylist.Waiver{{Path: "/opt/acme/**"}}, denylist.Pass, denylist.Mention, true, []denylist.WaiverState{"used"}},
		"path of one part": {[]denylist.Waiver{{Path: "/opt/acme/*"}}, denylist.Deny, denylist.Denied, false, []denylist.WaiverState{"unused"}},
		"digest of files":  {[]denylist.Waiver{{Digest: "sha256:x"}}, denylist.Pass, denylist.Mention, true, []denylist.WaiverState{"used"}},
		"digest of image":  {[]denylist.Waiver{{Digest: "sha256:image"}}, denylist.Pass, denylist.Mention, true, []denylist.WaiverState{"used"}},
		"other digest":     {[]denylist.Waiver{{Digest: "sha256:other"}}, denylist.Deny, denylist.Denied, false, []denylist.WaiverState{"unused"}},
		"one regime":       {[]denylist.Waiver{{Vendor: "acme", Regime: "hard"}}, denylist.NeedsReview, denylist.Review, false, []denylist.WaiverState{"used"}},
		"other regime":     {[]denylist.Waiver{{Vendor: "acme", Regime: "soft"}}, denylist.Deny, denylist.Denied, false, []denylist.WaiverState{"used"}},
		"regime by regime": {[]denylist.Waiver{{Vendor: "acme", Regime: "soft"}, {Vendor: "acme", Regime: "hard"}}, denylist.Pass, denylist.Mention, true, []denylist.WaiverState{"used", "used"}},
		"no ban to waive":  {[]denylist.Waiver{{Vendor: "acme", Regime: "none"}}, denylist.Deny, denylist.Denied, false, []denylist.WaiverState{"unused"}},
		"second in line":   {[]denylist.Waiver{{Vendor: "acme"}, {Finding: "acme-1"}}, denylist.Pass, denylist.Mention, true, []denylist.WaiverState{"used", "unused"}},
		"last day":         {[]denylist.Waiver{{Vendor: "acme", Expires: date(t, "2026-06-01")}}, denylist.Pass, denylist.Mention, true, []denylist.WaiverState{"used"}},
		"day after":        {[]denylist.Waiver{{Vendor: "acme", Expires: date(t, "2026-05-31")}}, denylist.Deny, denylist.Denied, false, []denylist.WaiverState{"expired"}},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range tt.waivers {
				if tt.waivers[i].Expires.IsZero() {
					tt.waivers[i].Expires = date(t, "2027-01-01")
				}
			}
			before := waivable(t)
			v, uses := denylist.Waive(before, "sha256:image", tt.waivers)
			f := v.Findings[0]
			if v.Outcome != tt.outcome || f.Standing() != tt.standing || (f.Waiver != nil) != tt.waived || f.Level != denylist.Denied {
				t.Errorf("outcome %s, standing %s, waived %t", v.Outcome, f.Standing(), f.Waiver != nil)
			}
			for i, want := range tt.states {
				if uses[i].State != want {
					t.Errorf("waiver %d is %s, want %s", i, uses[i].State, want)
				}
			}
			if diff := cmp.Diff(waivable(t), before); diff != "" {
				t.Errorf("the verdict given was changed:\n%s", diff)
			}
		})
	}
	undated := waivable(t)
	undated.AsOf = denylist.Date{}
	if v, _ := denylist.Waive(undated, "", []denylist.Waiver{{Vendor: "acme", Expires: date(t, "2099-01-01")}}); v.Outcome != denylist.Deny {
		t.Error("a verdict without a day is waived")
	}
	gap := waivable(t)
	gap.Gaps = []sbom.Gap{{Reason: sbom.Encrypted}}
	if v, _ := denylist.Waive(gap, "", []denylist.Waiver{{Vendor: "acme", Expires: date(t, "2099-01-01")}}); v.Outcome != denylist.Incomplete {
		t.Error("a waiver hides what could not be examined")
	}
}

// TestOutcome: the first of deny, incomplete, review and pass that holds is the
// outcome; what is waived does not count.
func TestOutcome(t *testing.T) {
	later, past := []denylist.Waiver{{Vendor: "acme", Expires: date(t, "2099-01-01")}}, []denylist.Waiver{{Vendor: "acme", Expires: date(t, "2001-01-01")}}
	gap, noted := []sbom.Gap{{Reason: sbom.Encrypted}}, []sbom.Gap{{Reason: sbom.Malformed}}
	for name, tt := range map[string]struct {
		ruling  denylist.RulingVerdict
		gaps    []sbom.Gap
		waivers []denylist.Waiver
		want    denylist.Outcome
	}{
		"denied":                 {denylist.RulingDenied, nil, nil, denylist.Deny},
		"denied, with a gap":     {denylist.RulingDenied, gap, nil, denylist.Deny},
		"review":                 {denylist.RulingReview, nil, nil, denylist.NeedsReview},
		"review, with a note":    {denylist.RulingReview, noted, nil, denylist.NeedsReview},
		"review, with a gap":     {denylist.RulingReview, gap, nil, denylist.Incomplete},
		"review, waived":         {denylist.RulingReview, nil, later, denylist.Pass},
		"review, no longer":      {denylist.RulingReview, nil, past, denylist.NeedsReview},
		"waived, with a gap":     {denylist.RulingReview, gap, later, denylist.Incomplete},
		"mention":                {denylist.RulingMention, nil, nil, denylist.Pass},
		"mention, with a gap":    {denylist.RulingMention, gap, nil, denylist.Incomplete},
		"no ban":                 {denylist.RulingNotCovered, nil, nil, denylist.Pass},
		"no ban, with a note":    {denylist.RulingNotCovered, noted, nil, denylist.Pass},
		"denied, waived, a note": {denylist.RulingDenied, noted, later, denylist.Pass},
	} {
		t.Run(name, func(t *testing.T) {
			level := map[denylist.RulingVerdict]denylist.Level{denylist.RulingDenied: denylist.Denied, denylist.RulingReview: denylist.Review,
				denylist.RulingMention: denylist.Mention, denylist.RulingNotCovered: denylist.Mention}[tt.ruling]
			v := denylist.Verdict{AsOf: date(t, "2026-06-01"), Gaps: tt.gaps, Findings: []denylist.Finding{{
				Vendor: "acme", Level: level, Rulings: []denylist.Ruling{{Regime: "r", Verdict: tt.ruling}},
			}}}
			if got, _ := denylist.Waive(v, "", tt.waivers); got.Outcome != tt.want {
				t.Errorf("outcome %s, want %s", got.Outcome, tt.want)
			}
		})
	}
}

// TestWorst: the worst outcome of several counts, whatever their order.
func TestWorst(t *testing.T) {
	for _, tt := range []struct {
		of   []denylist.Outcome
		want denylist.Outcome
	}{
		{nil, denylist.Pass},
		{[]denylist.Outcome{denylist.Pass, denylist.NeedsReview}, denylist.NeedsReview},
		{[]denylist.Outcome{denylist.Incomplete, denylist.NeedsReview, denylist.Pass}, denylist.Incomplete},
		{[]denylist.Outcome{denylist.NeedsReview, denylist.Deny, denylist.Incomplete}, denylist.Deny},
		{[]denylist.Outcome{denylist.Pass, ""}, denylist.Incomplete}, // no outcome is no pass
	} {
		if got := denylist.Worst(tt.of...); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.of, got, tt.want)
		}
	}
}

var badWaivers = map[string]string{
	"no selector": "waivers: 1\nentries: [{regime: a, reason: r, approver: b, expires: 2027-01-01}]",
	"no reason":   "waivers: 1\nentries: [{vendor: a, reason: ' ', approver: b, expires: 2027-01-01}]",
	"no approver": "waivers: 1\nentries: [{vendor: a, reason: r, expires: 2027-01-01}]",
	"no expiry":   "waivers: 1\nentries: [{vendor: a, reason: r, approver: b}]",
	"no day":      "waivers: 1\nentries: [{vendor: a, reason: r, approver: b, expires: soon}]",
	"everything":  "waivers: 1\nentries: [{path: '/**', reason: r, approver: b, expires: 2027-01-01}]",
	"digest":      "waivers: 1\nentries: [{digest: abc, reason: r, approver: b, expires: 2027-01-01}]",
	"field":       "waivers: 1\nentries: [{vender: a, vendor: a, reason: r, approver: b, expires: 2027-01-01}]",
	"format":      "waivers: 2\nentries: []",
	"no format":   "entries: []",
	"list":        "- a",
}

func TestParseWaivers(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(denylist.WaiversSchema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("waivers", doc); err != nil {
		t.Fatal(err)
	}
	schema := c.MustCompile("waivers")
	for name, text := range badWaivers {
		_, err := denylist.ParseWaivers(strings.NewReader(text), "w.yaml")
		if list := (*denylist.ParseError)(nil); !errors.As(err, &list) {
			t.Errorf("%s: %v", name, err)
		}
		if schema.Validate(asJSON(t, []byte(text))) == nil {
			t.Errorf("%s: the schema accepts it", name)
		}
	}
	for _, text := range []string{"", "a: [", "waivers: 1\n---\nwaivers: 1"} {
		if _, err := denylist.ParseWaivers(strings.NewReader(text), "w.yaml"); err == nil {
			t.Errorf("%q is read", text)
		}
	}
	// the field names of schema and type agree
	var s struct {
		Defs map[string]struct{ Properties map[string]any } `json:"$defs"`
	}
	if err := json.Unmarshal(denylist.WaiversSchema, &s); err != nil {
		t.Fatal(err)
	}
	typ := reflect.TypeFor[denylist.Waiver]()
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("yaml"), ",")
		delete(s.Defs["waiver"].Properties, name)
	}
	if len(s.Defs["waiver"].Properties) > 0 {
		t.Errorf("the schema has more: %v", s.Defs["waiver"].Properties)
	}
}

// TestAppendWaiver: what is appended is read back, and comments stay.
func TestAppendWaiver(t *testing.T) {
	var text []byte
	var want []denylist.Waiver
	for i, w := range []denylist.Waiver{
		{Finding: "acme-1", Reason: "of long standing: \"x\"\nsecond line", Approver: "A. B.", Expires: date(t, "2027-01-31")},
		{Path: "/opt/*", Regime: "r", Reason: "#no comment", Approver: "b", Expires: date(t, "2027-02-01")},
	} {
		var err error
		if text, err = denylist.AppendWaiver(text, w); err != nil {
			t.Fatal(err)
		}
		want = append(want, w)
		got, err := denylist.ParseWaivers(bytes.NewReader(text), "w")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n%s", diff, text)
		}
		if i == 0 {
			text = slices.Concat([]byte("# of the security board\n"), text)
		}
	}
	if !bytes.Contains(text, []byte("# of the security board")) {
		t.Errorf("the comment is lost:\n%s", text)
	}
	if _, err := denylist.AppendWaiver(text, denylist.Waiver{Finding: "a"}); err == nil {
		t.Error("a waiver without reason is written")
	}
	if _, err := denylist.AppendWaiver([]byte("waivers: 3"), want[0]); err == nil {
		t.Error("a file of another format is changed")
	}
}

func FuzzParseWaivers(f *testing.F) {
	for _, text := range badWaivers {
		f.Add([]byte(text))
	}
	f.Add([]byte("waivers: 1\nentries:\n- {vendor: a, reason: r, approver: b, expires: 2027-01-01}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		ws, err := denylist.ParseWaivers(bytes.NewReader(text), "w")
		if err != nil {
			return
		}
		w := denylist.Waiver{Vendor: "a", Reason: "r", Approver: "b", Expires: date(t, "2027-01-01")}
		more, err := denylist.AppendWaiver(text, w)
		if err != nil {
			t.Fatal(err)
		}
		got, err := denylist.ParseWaivers(bytes.NewReader(more), "w")
		if err != nil || len(got) != len(ws)+1 || got[len(ws)] != w {
			t.Fatalf("%v %v\n%s", got, err, more)
		}
		denylist.Waive(waivable(t), "", got)
	})
}
