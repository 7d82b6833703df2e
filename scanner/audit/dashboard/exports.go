package dashboard

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	"github.com/interdict/interdict/scanner/audit/export"
	"github.com/interdict/interdict/scanner/audit/store"
)

func contextWithTimeout(r *http.Request, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), d)
}

// exportList streams all images or findings that a filter selects.
func (d *dashboard) exportList(name string, f export.Format, write func(context.Context, io.Writer, export.Lister, store.Filter, export.Format) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		filter, err := filterOf(r.URL.Query())
		if err != nil {
			d.fail(w, r, err)
			return
		}
		d.attachment(w, name+"."+string(f), f.MediaType())
		if r.Method == http.MethodHead {
			return
		}
		if err := write(r.Context(), w, d.opt.Store, filter, f); err != nil {
			d.log.ErrorContext(r.Context(), "exporting", "what", name, "error", err)
			panic(http.ErrAbortHandler) // so that the client sees that it is not whole
		}
	}
}

// attachment says that the answer is a file to keep.
func (d *dashboard) attachment(w http.ResponseWriter, name, mediaType string) {
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Disposition", `attachment; filename="interdict-`+name+`"`)
	w.Header().Set("Cache-Control", "no-store")
}

func (d *dashboard) exportCounts(plural string, what store.Group, f export.Format) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		filter, err := filterOf(r.URL.Query())
		if err != nil {
			d.fail(w, r, err)
			return
		}
		counts, err := d.opt.Store.By(r.Context(), what, filter)
		if err != nil {
			d.fail(w, r, err)
			return
		}
		d.attachment(w, plural+"."+string(f), f.MediaType())
		export.Counts(w, string(what), counts, f)
	}
}

func (d *dashboard) exportRuns(from History, f export.Format) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		runs, err := from.Runs(r.Context(), maxLimit)
		if err != nil {
			d.fail(w, r, err)
			return
		}
		d.attachment(w, "runs."+string(f), f.MediaType())
		export.Runs(w, runs, f)
	}
}

func (d *dashboard) exportReport(ext string, f export.Format) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		rep, err := export.MakeReport(r.Context(), d.opt.Store, d.now())
		if err != nil {
			d.fail(w, r, err)
			return
		}
		var buf bytes.Buffer
		if err := export.WriteReport(&buf, rep, f); err != nil {
			d.fail(w, r, err)
			return
		}
		d.attachment(w, "report."+ext, f.MediaType())
		w.Write(buf.Bytes())
	}
}
