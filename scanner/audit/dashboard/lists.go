package dashboard

import (
	"net/http"
	"strings"

	"github.com/interdict/interdict/scanner/audit/store"
)

// listPage is a page of images or findings with its filter.
type listPage struct {
	Filter   store.Filter
	Choices  choices
	Images   []store.Image
	Findings []store.Finding
	Totals   store.Totals // of the filter
	Next     string       // address of the next page
	First    string       // address of the first page, on later ones
	CSV      string
	JSON     string
	Filtered bool
}

// choices are what the filter's selections offer.
type choices struct {
	Vendors, Regimes, Teams []store.Count
}

// maxChoices bounds a selection.
const maxChoices = 500

func (d *dashboard) choices(r *http.Request) (c choices, err error) {
	for _, by := range []struct {
		what store.Group
		to   *[]store.Count
	}{{"vendor", &c.Vendors}, {"regime", &c.Regimes}, {"team", &c.Teams}} {
		counts, err := d.opt.Store.By(r.Context(), by.what, store.Filter{})
		if err != nil {
			return c, err
		}
		*by.to = counts[:min(len(counts), maxChoices)]
	}
	return c, nil
}

// listOf reads what both lists have.
func (d *dashboard) listOf(r *http.Request, path string) (*listPage, error) {
	f, err := filterOf(r.URL.Query())
	if err != nil {
		return nil, err
	}
	p := &listPage{Filter: f}
	if p.Choices, err = d.choices(r); err != nil {
		return nil, err
	}
	whole := f
	whole.After, whole.Limit = "", 0
	if p.Totals, err = d.opt.Store.Totals(r.Context(), whole); err != nil {
		return nil, err
	}
	p.Filtered = whole != store.Filter{}
	q := queryOf(whole).Encode()
	p.CSV, p.JSON = address(path+".csv", q), address(path+".json", q)
	if f.After != "" {
		whole.Limit = f.Limit
		p.First = address(path, queryOf(whole).Encode())
	}
	return p, nil
}

func address(path, query string) string { return strings.TrimSuffix(path+"?"+query, "?") }

func (p *listPage) next(path, cursor string) {
	if cursor != "" {
		f := p.Filter
		f.After = cursor
		p.Next = address(path, queryOf(f).Encode())
	}
}

// images lists images.
func (d *dashboard) images(w http.ResponseWriter, r *http.Request) {
	p, err := d.listOf(r, "/images")
	if err != nil {
		d.fail(w, r, err)
		return
	}
	page, next, err := d.opt.Store.Images(r.Context(), p.Filter)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	p.Images = page
	p.next("/images", next)
	d.page(w, r, "images", layout{Title: "Images", Nav: "/images", Body: p})
}

// findings lists findings.
func (d *dashboard) findings(w http.ResponseWriter, r *http.Request) {
	p, err := d.listOf(r, "/findings")
	if err != nil {
		d.fail(w, r, err)
		return
	}
	page, next, err := d.opt.Store.Findings(r.Context(), p.Filter)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	p.Findings = page
	p.next("/findings", next)
	d.page(w, r, "findings", layout{Title: "Findings", Nav: "/findings", Body: p})
}

type countsPage struct {
	Plural, Param string
	Repository    string // the filter's
	Counts        []store.Count
	More          int
	CSV, JSON     string
}

// maxCounts bounds the lines of a table of counts.
const maxCounts = 500

// counts is the table of vendors, repositories or teams.
func (d *dashboard) counts(name string, what store.Group) http.HandlerFunc {
	title := strings.ToUpper(name[:1]) + name[1:]
	return func(w http.ResponseWriter, r *http.Request) {
		f, err := filterOf(r.URL.Query())
		if err != nil {
			d.fail(w, r, err)
			return
		}
		counts, err := d.opt.Store.By(r.Context(), what, f)
		if err != nil {
			d.fail(w, r, err)
			return
		}
		q := queryOf(f).Encode()
		p := &countsPage{Plural: name, Param: string(what), Repository: f.Repository, CSV: address("/"+name+".csv", q), JSON: address("/"+name+".json", q)}
		p.Counts = counts[:min(len(counts), maxCounts)]
		p.More = len(counts) - len(p.Counts)
		d.page(w, r, "counts", layout{Title: title, Nav: "/" + name, Body: p})
	}
}
