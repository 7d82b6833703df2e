package scantest

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is what goes wrong with one answer of a registry.
type Fault int

// The faults.
const (
	NoFault     Fault = iota
	TooMany           // 429, with Retry-After: 1
	ServerError       // 500
	Denied            // 403
	Gone              // 404
	Truncated         // half of the body, then the connection breaks
	Corrupt           // all bytes but one as they are
	Slow              // the head at once, then a byte every 100 ms
)

// Faulty lets things go wrong in front of a registry. Choose is asked for each
// request that reads a manifest, a blob or a list; n counts the requests for
// this path, from 1. It may be called from many goroutines.
func Faulty(registry http.Handler, choose func(r *http.Request, n int) Fault) http.Handler {
	var mu sync.Mutex
	asked := map[string]int{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fault := NoFault
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			mu.Lock()
			asked[r.URL.Path]++
			n := asked[r.URL.Path]
			mu.Unlock()
			fault = choose(r, n)
		}
		if code := fault.status(); code != 0 {
			if fault == TooMany {
				w.Header().Set("Retry-After", "1")
			}
			http.Error(w, `{"errors":[{"code":"UNKNOWN","message":"made to fail"}]}`, code)
			return
		}
		if fault == NoFault {
			registry.ServeHTTP(w, r)
			return
		}
		damaged(w, r, registry, fault)
	})
}

func (f Fault) status() int {
	return map[Fault]int{TooMany: http.StatusTooManyRequests, ServerError: http.StatusInternalServerError,
		Denied: http.StatusForbidden, Gone: http.StatusNotFound}[f]
}

// damaged gives the registry's answer, but not as it was.
func damaged(w http.ResponseWriter, r *http.Request, registry http.Handler, fault Fault) {
	rec := httptest.NewRecorder()
	registry.ServeHTTP(rec, r)
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	body := bytes.Clone(rec.Body.Bytes())
	if r.Method == http.MethodGet {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(rec.Code)
	switch fault {
	case Truncated:
		_, _ = w.Write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	case Corrupt:
		if len(body) > 0 {
			body[len(body)/2] ^= 0xff
		}
		_, _ = w.Write(body)
	case Slow:
		drip(w, r, body)
	}
}

func drip(w http.ResponseWriter, r *http.Request, body []byte) {
	for i := range body {
		if _, err := w.Write(body[i : i+1]); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// IsBlob reports whether a request reads a blob, and which: its digest.
func IsBlob(r *http.Request) (digest string, ok bool) {
	_, digest, ok = strings.Cut(r.URL.Path, "/blobs/")
	return digest, ok && strings.HasPrefix(digest, "sha256:")
}
