// Package export writes what the store of an audit knows, for programs and for
// people: images with their findings, findings alone, counts, runs, and the
// report of a whole audit. The command line and the dashboard give the same
// bytes, because both use it.
package export

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/interdict/interdict/scanner/audit/store"

	_ "embed"
)

// SchemaVersion is the version of the json formats. The minor number grows when
// fields are added, the major one when a field changes or goes.
const SchemaVersion = "1.0"

//go:embed schema/audit.schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of all that is written as
// [JSON].
func Schema() []byte { return append([]byte(nil), schema...) }

// Format names a form of an export.
type Format string

// The formats. Lists are written as JSON, CSV or HTML, reports as Text,
// Markdown, JSON or HTML.
const (
	JSON     Format = "json"
	CSV      Format = "csv"
	HTML     Format = "html"
	Text     Format = "text"
	Markdown Format = "markdown"
)

// MediaType is what a server says that the format is.
func (f Format) MediaType() string {
	switch f {
	case JSON:
		return "application/json"
	case CSV:
		return "text/csv; charset=utf-8"
	case HTML:
		return "text/html; charset=utf-8"
	case Markdown:
		return "text/markdown; charset=utf-8"
	}
	return "text/plain; charset=utf-8"
}

// Lister gives images and findings a page at a time. *store.Store is one.
type Lister interface {
	Images(ctx context.Context, f store.Filter) (page []store.Image, next string, err error)
	Findings(ctx context.Context, f store.Filter) (page []store.Finding, next string, err error)
}

// pageSize is how many rows are read from the store at once.
const pageSize = 500

// Images writes all images that the filter selects, in the store's order, each
// with its findings; Limit and After of the filter are not used. It holds a
// page or two of the store at a time. An error may come after bytes were written: a
// json document is then not closed, so that no reader takes it for whole.
func Images(ctx context.Context, w io.Writer, from Lister, f store.Filter, format Format) error {
	sink, err := imageSink(w, format)
	if err != nil {
		return err
	}
	if err := sink.begin(); err != nil {
		return fmt.Errorf("writing images: %w", err)
	}
	findings := findingsReader(from, f)
	err = pages(f, func(f store.Filter) (string, error) {
		images, next, err := from.Images(ctx, f)
		if err != nil {
			return "", err
		}
		for i := range images {
			findings, err := findings(ctx, &images[i])
			if err != nil {
				return "", err
			}
			if err := sink.image(images[i], findings); err != nil {
				return "", err
			}
		}
		return next, nil
	})
	if err != nil {
		return fmt.Errorf("writing images: %w", err)
	}
	return sink.end()
}

// Findings writes all findings that the filter selects, in the store's order,
// as Images does.
func Findings(ctx context.Context, w io.Writer, from Lister, f store.Filter, format Format) error {
	sink, err := findingSink(w, format)
	if err != nil {
		return err
	}
	if err := sink.begin(); err != nil {
		return fmt.Errorf("writing findings: %w", err)
	}
	err = pages(f, func(f store.Filter) (string, error) {
		findings, next, err := from.Findings(ctx, f)
		if err != nil {
			return "", err
		}
		for _, one := range findings {
			if err := sink.finding(one); err != nil {
				return "", err
			}
		}
		return next, nil
	})
	if err != nil {
		return fmt.Errorf("writing findings: %w", err)
	}
	return sink.end()
}

// pages calls read for each page, from the first to the last.
func pages(f store.Filter, read func(store.Filter) (next string, err error)) error {
	f.Limit, f.After = pageSize, ""
	for {
		next, err := read(f)
		if err != nil {
			return err
		}
		if next == "" {
			return nil
		}
		if next == f.After {
			return fmt.Errorf("the page after %q is that page again", next)
		}
		f.After = next
	}
}

// FindingsOf reads all findings of one image, also of one that is gone.
func FindingsOf(ctx context.Context, from Lister, i *store.Image) ([]store.Finding, error) {
	if i.Verdict == "" {
		return nil, nil
	}
	var out []store.Finding
	f := store.Filter{Digest: i.Digest, Gone: !i.Gone.IsZero()}
	if !strings.ContainsAny(i.Repository, `*?[]{}\`) { // else it is no glob of itself
		f.Repository = i.Repository
	}
	err := pages(f, func(f store.Filter) (string, error) {
		page, next, err := from.Findings(ctx, f)
		for _, one := range page {
			if one.Repository == i.Repository {
				out = append(out, one)
			}
		}
		return next, err
	})
	return out, err
}

// Counts writes a table of counts, as JSON, CSV or HTML. What says of what:
// "vendor", "regime", "repository" or "team".
func Counts(w io.Writer, what string, counts []store.Count, format Format) error {
	switch format {
	case JSON:
		return writeJSON(w, struct {
			SchemaVersion string  `json:"schemaVersion"`
			Of            string  `json:"of"`
			Counts        []Count `json:"counts"`
		}{SchemaVersion, what, each(counts, CountOf)})
	case CSV:
		return csvCounts(w, what, counts)
	case HTML:
		return htmlCounts(w, what, counts)
	}
	return noFormat(format)
}

// Runs writes runs with their totals, as JSON or CSV.
func Runs(w io.Writer, runs []store.Run, format Format) error {
	switch format {
	case JSON:
		return writeJSON(w, struct {
			SchemaVersion string `json:"schemaVersion"`
			Runs          []Run  `json:"runs"`
		}{SchemaVersion, each(runs, RunOf)})
	case CSV:
		return csvRuns(w, runs)
	}
	return noFormat(format)
}

func noFormat(f Format) error { return fmt.Errorf("writing an export: no such format here: %q", f) }

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
