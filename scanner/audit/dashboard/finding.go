package dashboard

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/report"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/audit/export"
	"github.com/interdict/interdict/scanner/audit/store"
)

// findingPage is the whole story of one finding in one image.
type findingPage struct {
	Image      store.Image
	Name       string
	Finding    denylist.Finding
	Since      store.Finding
	Class      string
	Word       string
	What       string
	Laws       []storyLaw
	Proofs     []storyProof
	Places     []storyPlace
	MorePlaces int
	Others     []store.Finding // the same in other images
	MoreOthers bool
}

// storyLaw is one regime's ruling with what the regime is.
type storyLaw struct {
	denylist.Ruling
	Name, Who, Reporting, Remedy, InForce string
	Deadlines                             []export.Deadline
}

type storyProof struct {
	denylist.Match
	Counts, Layer string
	Sources       []string
}

type storyPlace struct {
	sbom.Occurrence
	LayerName, MadeBy string
}

func (d *dashboard) findingPage(w http.ResponseWriter, r *http.Request, image store.Image, id string) {
	ctx := r.Context()
	rep, err := d.reportOf(ctx, image)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	t := &rep.Targets[0]
	i := slices.IndexFunc(t.Verdict.Findings, func(f denylist.Finding) bool { return f.ID == id })
	if i < 0 {
		d.fail(w, r, store.ErrNotFound)
		return
	}
	since, err := d.known(ctx, image)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	f := t.Verdict.Findings[i]
	p := &findingPage{Image: image, Name: reference1(image), Finding: f, Since: since[id], What: report.Identified(&f)}
	p.Class, p.Word = levelOf(&f)
	p.fill(t, d.storyLaws(rep, &f, since[id]))
	others, next, err := d.opt.Store.Findings(ctx, store.Filter{Finding: id, Limit: maxOthers + 1})
	if err != nil {
		d.fail(w, r, err)
		return
	}
	p.Others = slices.DeleteFunc(others, func(o store.Finding) bool { return o.Repository == image.Repository && o.Digest == image.Digest })
	if p.MoreOthers = next != "" || len(p.Others) > maxOthers; len(p.Others) > maxOthers {
		p.Others = p.Others[:maxOthers]
	}
	title := cmp.Or(f.VendorName, f.Vendor) + ": " + cmp.Or(f.Component.Name, f.ID)
	d.page(w, r, "finding", layout{Title: title, Nav: "/findings", Body: p})
}

func (p *findingPage) fill(t *report.Target, laws []storyLaw) {
	p.Laws = laws
	for _, proof := range p.Finding.Matches {
		p.Proofs = append(p.Proofs, storyProof{proof, report.Weight(proof), layerName(t, proof.Layer), strings.Split(proof.Source, "; ")})
	}
	for i, o := range p.Finding.Occurrences {
		if i == maxPlaces {
			p.MorePlaces = len(p.Finding.Occurrences) - i
			break
		}
		place := storyPlace{o, layerName(t, o.Layer), ""}
		if t.Inventory != nil {
			for _, l := range t.Inventory.Layers {
				if l.DiffID == o.Layer && o.Layer != "" {
					place.MadeBy = l.CreatedBy
				}
			}
		}
		p.Places = append(p.Places, place)
	}
}

// storyLaws tells law by law. Periods begin with the day on which the finding
// was first seen in the repository.
func (d *dashboard) storyLaws(rep *report.Report, f *denylist.Finding, since store.Finding) []storyLaw {
	ids := each(f.Rulings, func(r denylist.Ruling) string { return r.Regime })
	counts := each(ids, func(id string) store.Count { return store.Count{Name: id, FirstSeen: since.FirstSeen} })
	laws := export.Laws(&denylist.List{Regimes: rep.Regimes}, ids, counts, true, d.now())
	out := make([]storyLaw, len(laws))
	for i, l := range laws {
		out[i] = storyLaw{Ruling: f.Rulings[i], Name: l.Name, Who: l.Who, InForce: l.InForce}
		if f.Rulings[i].Verdict != denylist.RulingNotCovered {
			out[i].Reporting, out[i].Remedy, out[i].Deadlines = l.Reporting, l.Remedy, l.Deadlines
		}
	}
	return out
}
