package dashboard

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/interdict/interdict/scanner/audit/store"
)

// problem answers with an error: as a page for people, else as problem details
// (RFC 9457). The hint says what to do; it may be empty.
func (d *dashboard) problem(w http.ResponseWriter, r *http.Request, status int, title, hint string) {
	w.Header().Set("Cache-Control", "no-store")
	if !machine(r) && strings.Contains(r.Header.Get("Accept"), "text/html") {
		d.pages.problem(d, w, r, status, title, hint)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	encode(w, struct {
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail,omitempty"`
	}{title, status, hint})
}

// machine tells addresses that programs read.
func machine(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, "/webhooks/")
}

// fail answers an error of the store. What it says stays in the log.
func (d *dashboard) fail(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, store.ErrNotFound):
		d.problem(w, r, http.StatusNotFound, "There is no such thing here.", "It may be the digest or name of something that no audit has seen.")
	case errors.Is(err, store.ErrCursor):
		d.problem(w, r, http.StatusBadRequest, "The filter cannot be read.", "after is the cursor of the page before, as it was given.")
	case errors.Is(err, errFilter):
		d.problem(w, r, http.StatusBadRequest, "The filter cannot be read.", err.Error())
	case errors.Is(err, context.Canceled):
		// The client is gone.
	default:
		d.log.ErrorContext(r.Context(), "answering "+r.URL.Path, "error", err)
		d.problem(w, r, http.StatusInternalServerError, "The store could not answer.", "The server's log says why.")
	}
}

// json answers v.
func (d *dashboard) json(w http.ResponseWriter, r *http.Request, status int, v any) {
	var buf bytes.Buffer
	encode(&buf, v)
	if status == http.StatusOK {
		d.body200(w, r, "application/json", buf.Bytes())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(buf.Bytes())
}

func encode(w interface{ Write([]byte) (int, error) }, v any) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.Encode(v)
}

// body200 answers a document with its entity tag. Everything may change with
// the next result of a run, so that a cache must ask each time; what has not
// changed is not sent again (RFC 9110, section 13.1.2).
func (d *dashboard) body200(w http.ResponseWriter, r *http.Request, mediaType string, body []byte) {
	sum := sha256.Sum256(body)
	tag := `W/"` + hex.EncodeToString(sum[:12]) + `"`
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "no-cache")
	for _, old := range strings.Split(r.Header.Get("If-None-Match"), ",") {
		if strings.TrimSpace(old) == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	h.Set("Content-Type", mediaType)
	w.Write(body)
}

// each maps a slice; the result is never nil, so that JSON has a list.
func each[A, B any](in []A, fn func(A) B) []B {
	out := make([]B, len(in))
	for i, a := range in {
		out[i] = fn(a)
	}
	return out
}

func list(in []string) []string { return append([]string{}, in...) }
