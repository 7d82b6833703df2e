package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/report"
)

// waivedReport is the fixture with all findings of a vendor waived.
func waivedReport() *report.Report {
	r := fixture()
	expires, past := day("2099-12-31"), day("2001-01-01")
	ws := []denylist.Waiver{
		{Vendor: "kaspersky", Reason: "air-gapped | laboratory", Approver: "A. Approver", Expires: expires},
		{Vendor: "nobody", Reason: "r", Approver: "b", Expires: expires},
		{Vendor: "hikvision", Reason: "r", Approver: "b", Expires: past},
	}
	for i := range r.Targets {
		tgt := &r.Targets[i]
		var uses []denylist.WaiverUse
		tgt.Verdict, uses = denylist.Waive(tgt.Verdict, tgt.Digest, ws)
		r.AddWaivers(uses)
	}
	return r
}

// TestWaived: a waived finding is in every format, with who answers for it.
func TestWaived(t *testing.T) {
	r := waivedReport()
	if n := len(r.WaiverWarnings()); n != 2 {
		t.Errorf("%d warnings, want 2: %q", n, r.WaiverWarnings())
	}
	want := map[report.Format][]string{
		report.Table: {"WAIVED", "until 2099-12-31", "A. Approver", "vendor nobody", "expired on 2001-01-01"}, report.JSON: {`"approver": "A. Approver"`, `"state": "used"`},
		report.SARIF: {`"suppressions"`, `"status": "accepted"`}, report.JUnit: {"A. Approver"}, report.GitLab: {"A. Approver"},
		report.GitLabQuality: {"A. Approver"}, report.CSV: {"A. Approver"}, report.Markdown: {"WAIVED", "A. Approver"},
		report.HTML: {"WAIVED", "A. Approver", "vendor nobody", "expired on 2001-01-01"},
	}
	var bom bytes.Buffer
	one := &report.Report{Targets: r.Targets[:1], AsOf: r.AsOf}
	if err := report.Write(&bom, report.CycloneDXJSON, one, report.Options{Declarations: true}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(bom.String(), `"annotator":{"individual":{"name":"A. Approver"}}`) {
		t.Errorf("the bill of materials does not say who waived: %s", bom.String())
	}
	for format, texts := range want {
		var b bytes.Buffer
		if err := report.Write(&b, format, r, report.Options{Pretty: true}); err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			if !strings.Contains(strings.Join(strings.Fields(b.String()), " "), text) {
				t.Errorf("%s does not say %q", format, text)
			}
		}
		if format != report.JSON {
			continue
		}
		again, err := report.Read(&b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r.Waivers, again.Waivers); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(r.Targets[0].Verdict.Findings, again.Targets[0].Verdict.Findings); diff != "" {
			t.Error(diff)
		}
	}
}
