package dashboard

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/report"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/audit/store"
)

const (
	maxGaps   = 500 // of an image that its page lists
	maxPlaces = 200 // of a finding
	maxOthers = 50  // images that share something
)

// imageName is a manifest in a repository.
type imageName struct{ repository, digest string }

var digestForm = regexp.MustCompile(`^[a-z0-9+._-]+:[0-9a-fA-F]{8,128}$`)

// splitImage reads "REPOSITORY@DIGEST" and what follows it after a slash.
func splitImage(s string) (name imageName, rest string, ok bool) {
	at := strings.LastIndex(s, "@")
	if at < 1 {
		return imageName{}, "", false
	}
	digest, rest, _ := strings.Cut(s[at+1:], "/")
	return imageName{s[:at], digest}, rest, digestForm.MatchString(digest)
}

// image answers all that begins with an image: its page, its documents, and the
// stories of its findings.
func (d *dashboard) image(w http.ResponseWriter, r *http.Request) {
	name, rest, ok := splitImage(r.PathValue("image"))
	if !ok {
		d.fail(w, r, store.ErrNotFound)
		return
	}
	image, err := d.opt.Store.Image(r.Context(), name.repository, name.digest)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	switch id, isFinding := strings.CutPrefix(rest, "findings/"); {
	case rest == "":
		d.imagePage(w, r, image)
	case isFinding:
		d.findingPage(w, r, image, id)
	case rest == "bom.json":
		d.bom(w, r, image)
	default:
		d.reportAs(w, r, image, rest)
	}
}

// bom answers the stored bill of materials.
func (d *dashboard) bom(w http.ResponseWriter, r *http.Request, image store.Image) {
	b, err := d.opt.Store.BOM(r.Context(), image.Digest)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.attachment(w, short(image.Digest)+".cdx.json", "application/vnd.cyclonedx+json")
	w.Write(b)
}

// reportAs answers the stored report of an image in another format. It is a
// file to keep and not a page of ours: the html report brings its own style and
// script, which our policy forbids.
func (d *dashboard) reportAs(w http.ResponseWriter, r *http.Request, image store.Image, name string) {
	forms := map[string]struct {
		format    report.Format
		mediaType string
	}{
		"report.json":  {report.JSON, "application/json"},
		"report.html":  {report.HTML, "text/html; charset=utf-8"},
		"report.sarif": {report.SARIF, "application/sarif+json"},
		"report.csv":   {report.CSV, "text/csv; charset=utf-8"},
		"report.md":    {report.Markdown, "text/markdown; charset=utf-8"},
	}
	form, ok := forms[name]
	if !ok {
		d.fail(w, r, store.ErrNotFound)
		return
	}
	rep, err := d.reportOf(r.Context(), image)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	var buf bytes.Buffer
	if err := report.Write(&buf, form.format, rep, report.Options{Pretty: true}); err != nil {
		d.fail(w, r, err)
		return
	}
	d.attachment(w, short(image.Digest)+strings.TrimPrefix(name, "report"), form.mediaType)
	w.Write(buf.Bytes())
}

// reportOf reads the stored report of an image, which has one target. It is
// named as in this repository: images of several share one report.
func (d *dashboard) reportOf(ctx context.Context, image store.Image) (*report.Report, error) {
	b, err := d.opt.Store.Report(ctx, image.Digest)
	if err != nil {
		return nil, err
	}
	rep, err := report.Read(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	if len(rep.Targets) != 1 {
		return nil, fmt.Errorf("reading the report of %s: it has %d targets", image.Digest, len(rep.Targets))
	}
	rep.Targets[0].Target = reference1(image)
	return rep, nil
}

// reference1 names an image as people pull it.
func reference1(image store.Image) string {
	if len(image.Tags) > 0 {
		return image.Repository + ":" + image.Tags[0]
	}
	return image.Repository + "@" + image.Digest
}

type imagePage struct {
	Image    store.Image
	Name     string
	Target   *report.Target // nil while there is no result
	Laws     []imageLaw
	Findings []imageFinding
	Mentions int // of a name and nothing more, not listed
	Gaps     []gap
	MoreGaps int
	Noted    int // malformed files, read as plain bytes
	Layers   []sbom.Layer
	Others   []store.Image // the same manifest in other repositories
}

// imageLaw is what one regime says of an image.
type imageLaw struct{ ID, Name, Class, Answer string }

type imageFinding struct {
	denylist.Finding
	Class, Word, What string
	Since             store.Finding // what the store knows of it
}

type gap struct {
	sbom.Gap
	Layer string
}

func (d *dashboard) imagePage(w http.ResponseWriter, r *http.Request, image store.Image) {
	ctx := r.Context()
	p := &imagePage{Image: image, Name: reference1(image)}
	rep, err := d.reportOf(ctx, image)
	switch {
	case errors.Is(err, store.ErrNotFound): // no result yet
	case err != nil:
		d.fail(w, r, err)
		return
	default:
		if err := d.fillImage(ctx, p, rep); err != nil {
			d.fail(w, r, err)
			return
		}
	}
	others, _, err := d.opt.Store.Images(ctx, store.Filter{Digest: image.Digest, Limit: maxOthers})
	if err != nil {
		d.fail(w, r, err)
		return
	}
	p.Others = slices.DeleteFunc(others, func(i store.Image) bool { return i.Repository == image.Repository })
	d.page(w, r, "image", layout{Title: p.Name, Nav: "/images", Body: p})
}

func (d *dashboard) fillImage(ctx context.Context, p *imagePage, rep *report.Report) error {
	t := &rep.Targets[0]
	p.Target = t
	since, err := d.known(ctx, p.Image)
	if err != nil {
		return err
	}
	for i := range t.Verdict.Findings {
		f := t.Verdict.Findings[i]
		if f.Level == denylist.Mention && (f.Identity == denylist.Mention || f.Identity == "") {
			p.Mentions++
			continue
		}
		class, word := levelOf(&f)
		p.Findings = append(p.Findings, imageFinding{f, class, word, report.Identified(&f), since[f.ID]})
	}
	for _, id := range t.Verdict.Regimes {
		p.Laws = append(p.Laws, lawOf(rep, t, id))
	}
	if t.Inventory != nil {
		p.Layers = t.Inventory.Layers
	}
	for _, g := range t.Verdict.Gaps {
		switch {
		case g.Reason == sbom.Malformed:
			p.Noted++
		case len(p.Gaps) == maxGaps:
			p.MoreGaps++
		default:
			p.Gaps = append(p.Gaps, gap{g, layerName(t, g.Layer)})
		}
	}
	return nil
}

// known are the store's findings of an image, by ID.
func (d *dashboard) known(ctx context.Context, image store.Image) (map[string]store.Finding, error) {
	out := make(map[string]store.Finding)
	page, _, err := d.opt.Store.Findings(ctx, store.Filter{Digest: image.Digest, Gone: !image.Gone.IsZero(), Limit: maxLimit})
	for _, f := range page {
		if f.Repository == image.Repository {
			out[f.ID] = f
		}
	}
	return out, err
}

// lawOf is what a regime says of the whole image.
func lawOf(rep *report.Report, t *report.Target, id string) imageLaw {
	l := imageLaw{ID: id, Name: id}
	for _, g := range rep.Regimes {
		if g.ID == id {
			l.Name = cmp.Or(g.Name, id)
		}
	}
	var denied, review, waived int64
	for i := range t.Verdict.Findings {
		f := &t.Verdict.Findings[i]
		for _, ruling := range f.Rulings {
			switch {
			case ruling.Regime != id:
			case ruling.Waiver != nil:
				waived++
			case ruling.Verdict == denylist.RulingDenied && f.Level == denylist.Denied:
				denied++
			case ruling.Verdict == denylist.RulingDenied && f.Level == denylist.Review, ruling.Verdict == denylist.RulingReview:
				review++
			}
		}
	}
	switch {
	case denied > 0:
		l.Class, l.Answer = "deny", plural(denied, "covered article")+"."
	case review > 0:
		l.Class, l.Answer = "review", plural(review, "finding")+" to review."
	case t.Outcome() == denylist.Incomplete:
		l.Class, l.Answer = "incomplete", "Nothing found in what could be examined."
	default:
		l.Class, l.Answer = "pass", "Nothing found."
	}
	if waived > 0 {
		l.Answer += " " + plural(waived, "finding") + " waived."
	}
	return l
}

// levelOf is a finding's level as a badge says it.
func levelOf(f *denylist.Finding) (class, word string) {
	switch {
	case f.Level == denylist.Mention && f.Identity != denylist.Mention && f.Identity != "":
		return "mention", "not banned"
	case f.Waiver != nil:
		return "waived", "waived"
	}
	return string(f.Standing()), string(f.Standing())
}

// layerName says which of the image's layers it is.
func layerName(t *report.Target, diffID string) string {
	if diffID == "" {
		return ""
	}
	if t.Inventory != nil {
		for i, l := range t.Inventory.Layers {
			if l.DiffID == diffID {
				return fmt.Sprintf("layer %d of %d, %s", i+1, len(t.Inventory.Layers), short(diffID))
			}
		}
	}
	return "layer " + short(diffID)
}
