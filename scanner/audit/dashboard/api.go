package dashboard

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/interdict/interdict/scanner/audit/export"
	"github.com/interdict/interdict/scanner/audit/store"

	_ "embed"
)

//go:embed openapi.json
var openAPI []byte

// versioned begins every document of the API.
type versioned struct {
	SchemaVersion string `json:"schemaVersion"`
}

func version() versioned { return versioned{export.SchemaVersion} }

func (d *dashboard) apiTotals(w http.ResponseWriter, r *http.Request) {
	f, err := filterOf(r.URL.Query())
	if err != nil {
		d.fail(w, r, err)
		return
	}
	totals, err := d.opt.Store.Totals(r.Context(), f)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.json(w, r, http.StatusOK, struct {
		versioned
		Totals export.Totals `json:"totals"`
	}{version(), export.Totals(totals)})
}

func (d *dashboard) apiImages(w http.ResponseWriter, r *http.Request) {
	f, err := filterOf(r.URL.Query())
	if err != nil {
		d.fail(w, r, err)
		return
	}
	page, next, err := d.opt.Store.Images(r.Context(), f)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.json(w, r, http.StatusOK, struct {
		versioned
		Images []export.Image `json:"images"`
		Next   string         `json:"next,omitempty"`
	}{version(), each(page, export.ImageOf), next})
}

func (d *dashboard) apiImage(w http.ResponseWriter, r *http.Request) {
	name, rest, ok := splitImage(r.PathValue("image"))
	if !ok || rest != "" {
		d.fail(w, r, store.ErrNotFound)
		return
	}
	image, err := d.opt.Store.Image(r.Context(), name.repository, name.digest)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	findings, err := export.FindingsOf(r.Context(), d.opt.Store, &image)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.json(w, r, http.StatusOK, struct {
		versioned
		export.Image
		Findings []export.Finding `json:"findings"`
	}{version(), export.ImageOf(image), each(findings, export.FindingOf)})
}

func (d *dashboard) apiFindings(w http.ResponseWriter, r *http.Request) {
	f, err := filterOf(r.URL.Query())
	if err != nil {
		d.fail(w, r, err)
		return
	}
	page, next, err := d.opt.Store.Findings(r.Context(), f)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.json(w, r, http.StatusOK, struct {
		versioned
		Findings []export.Finding `json:"findings"`
		Next     string           `json:"next,omitempty"`
	}{version(), each(page, export.FindingOf), next})
}

func (d *dashboard) apiCounts(what store.Group) http.HandlerFunc {
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
		d.json(w, r, http.StatusOK, struct {
			versioned
			Of     string         `json:"of"`
			Counts []export.Count `json:"counts"`
		}{version(), string(what), each(counts, export.CountOf)})
	}
}

func (d *dashboard) apiRuns(w http.ResponseWriter, r *http.Request) {
	f, err := filterOf(r.URL.Query())
	if err != nil {
		d.fail(w, r, err)
		return
	}
	if f.Limit == 0 {
		f.Limit = 100
	}
	runs, err := d.opt.Store.Runs(r.Context(), f.Limit)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.json(w, r, http.StatusOK, struct {
		versioned
		Runs []export.Run `json:"runs"`
	}{version(), each(runs, export.RunOf)})
}

func (d *dashboard) apiRun(w http.ResponseWriter, r *http.Request) {
	run, err := d.runOf(r, r.PathValue("id"))
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.json(w, r, http.StatusOK, struct {
		versioned
		Run export.Run `json:"run"`
	}{version(), export.RunOf(run)})
}

// runOf reads the run with the ID, or the newest for "latest".
func (d *dashboard) runOf(r *http.Request, id string) (store.Run, error) {
	if id == "latest" {
		return d.opt.Store.Run(r.Context(), 0)
	}
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n < 1 {
		return store.Run{}, store.ErrNotFound
	}
	return d.opt.Store.Run(r.Context(), n)
}

func (d *dashboard) apiChanges(w http.ResponseWriter, r *http.Request) {
	run, err := d.runOf(r, r.URL.Query().Get("run"))
	if err != nil {
		d.fail(w, r, err)
		return
	}
	changes, err := d.opt.Store.Changes(r.Context(), run.ID)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.json(w, r, http.StatusOK, struct {
		versioned
		Changes []export.Change `json:"changes"`
	}{version(), each(changes, export.ChangeOf)})
}

func (d *dashboard) apiReport(w http.ResponseWriter, r *http.Request) {
	rep, err := export.MakeReport(r.Context(), d.opt.Store, d.now())
	if err != nil {
		d.fail(w, r, err)
		return
	}
	d.json(w, r, http.StatusOK, rep)
}

// apiEnqueue queues images by name.
func (d *dashboard) apiEnqueue(w http.ResponseWriter, r *http.Request) {
	body, ok := d.body(w, r)
	if !ok {
		return
	}
	var ask struct{ Images []string }
	if err := json.Unmarshal(body, &ask); err != nil || len(ask.Images) == 0 {
		d.problem(w, r, http.StatusUnprocessableEntity, "The body names no images.", fmt.Sprintf(`Send {"images": ["HOST/REPOSITORY:TAG", ...]}, at most %d.`, maxRefs))
		return
	}
	d.enqueue(w, r, ask.Images)
}
