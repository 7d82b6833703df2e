package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/sbom/cyclonedx"
)

// waived says in a line until when and by whom a finding or ruling is waived;
// "" when it is not.
func waived(w *denylist.Waiver) string {
	if w == nil {
		return ""
	}
	return fmt.Sprintf("waived until %s by %s: %s", w.Expires, visible(w.Approver), visible(strings.TrimSpace(w.Reason)))
}

// waiverName names a waiver by what it selects.
func waiverName(w *denylist.Waiver) string {
	var parts []string
	for _, s := range [][2]string{
		{"finding", w.Finding}, {"vendor", w.Vendor}, {"regime", w.Regime}, {"purl", w.PURL}, {"path", w.Path}, {"digest", w.Digest},
	} {
		if s[1] != "" {
			parts = append(parts, s[0]+" "+visible(s[1]))
		}
	}
	return strings.Join(parts, ", ")
}

// WaiverWarnings has a line for each waiver that is expired or waived nothing.
func (r *Report) WaiverWarnings() []string {
	var out []string
	for i := range r.Waivers {
		u := &r.Waivers[i]
		switch u.State {
		case denylist.WaiverExpired:
			out = append(out, fmt.Sprintf("the waiver of %s expired on %s: it waives nothing", waiverName(&u.Waiver), u.Expires))
		case denylist.WaiverUnused:
			out = append(out, fmt.Sprintf("the waiver of %s waives nothing that was found", waiverName(&u.Waiver)))
		}
	}
	return out
}

// AddWaivers notes what became of the waivers for one more target: a waiver is
// used when it is for any of them.
func (r *Report) AddWaivers(uses []denylist.WaiverUse) {
	if r.Waivers == nil {
		r.Waivers = append(r.Waivers, uses...)
		return
	}
	for i := range uses {
		if uses[i].State == denylist.WaiverUsed {
			r.Waivers[i].State = denylist.WaiverUsed
		}
	}
}

// annotations say in a CycloneDX document what the verdict is and what is
// waived. Its vulnerability analysis (VEX) would make a law that bans a product a
// vulnerability of it.
func (r *Report) annotations(t *Target) []cyclonedx.Annotation {
	out := []cyclonedx.Annotation{{
		Made: t.Verdict.AsOf.Time,
		Text: fmt.Sprintf("Verdict %s: %s; %s. By the list %s, law as of %s.", t.Outcome(), t.tally(), meaning(t.Outcome()),
			visible(strings.TrimSpace(r.List.Name+" "+r.List.Version)), cmp.Or(t.Verdict.AsOf, r.AsOf)),
	}}
	for i := range t.Verdict.Findings {
		f := &t.Verdict.Findings[i]
		for _, ruling := range f.Rulings {
			if w := ruling.Waiver; w != nil {
				out = append(out, cyclonedx.Annotation{
					Component: f.Component.Ref, Author: w.Approver, Made: t.Verdict.AsOf.Time,
					Text: fmt.Sprintf("Finding %s, %s under %s: %s", f.ID, ruling.Verdict, ruling.Regime, waived(w)),
				})
			}
		}
	}
	return out
}

// MatchFinding returns the finding whose ID begins with id, with or without the
// vendor in front; it is an error when none has it, or several do.
func (r *Report) MatchFinding(id string) (*denylist.Finding, error) {
	ids := r.matching(id)
	if len(ids) > 1 {
		return nil, fmt.Errorf("%q is the beginning of several findings: %s", id, visible(strings.Join(sortedKeys(ids), ", ")))
	}
	for i := range r.Targets {
		for j := range r.Targets[i].Verdict.Findings {
			if f := &r.Targets[i].Verdict.Findings[j]; ids[f.ID] {
				return f, nil
			}
		}
	}
	return nil, fmt.Errorf("no finding has the id %q", id)
}

// wireWaiver is a waiver in json.
type wireWaiver struct {
	Finding  string `json:"finding,omitempty"`
	Vendor   string `json:"vendor,omitempty"`
	Regime   string `json:"regime,omitempty"`
	PURL     string `json:"purl,omitempty"`
	Path     string `json:"path,omitempty"`
	Digest   string `json:"digest,omitempty"`
	Reason   string `json:"reason"`
	Approver string `json:"approver"`
	Expires  string `json:"expires"`
	State    string `json:"state,omitempty"` // in the report's own list
}

func waiverToWire(w *denylist.Waiver) *wireWaiver {
	if w == nil {
		return nil
	}
	return &wireWaiver{
		Finding: w.Finding, Vendor: w.Vendor, Regime: w.Regime, PURL: w.PURL, Path: w.Path, Digest: w.Digest,
		Reason: w.Reason, Approver: w.Approver, Expires: w.Expires.String(),
	}
}

func waiverFromWire(w *wireWaiver) *denylist.Waiver {
	if w == nil {
		return nil
	}
	day, _ := denylist.ParseDate(w.Expires) // one that is none is not stated
	return &denylist.Waiver{
		Finding: w.Finding, Vendor: w.Vendor, Regime: w.Regime, PURL: w.PURL, Path: w.Path, Digest: w.Digest,
		Reason: w.Reason, Approver: w.Approver, Expires: day,
	}
}

func usesToWire(us []denylist.WaiverUse) []wireWaiver {
	if len(us) == 0 {
		return nil
	}
	return each(us, func(u denylist.WaiverUse) wireWaiver {
		w := waiverToWire(&u.Waiver)
		w.State = string(u.State)
		return *w
	})
}

func usesFromWire(ws []wireWaiver) []denylist.WaiverUse {
	return some(ws, func(w wireWaiver) denylist.WaiverUse {
		return denylist.WaiverUse{Waiver: *waiverFromWire(&w), State: denylist.WaiverState(w.State)}
	})
}
