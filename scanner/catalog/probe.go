package catalog

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/anchore/syft/syft/file"
)

// request is what one cataloger asks of a tree before it has found anything:
// the patterns of the files that it starts from.
type request struct {
	Kinds Kind     `json:"kinds"` // of target that it is for
	Globs []string `json:"globs,omitempty"`
	Paths []string `json:"paths,omitempty"`
	MIMEs []string `json:"mimes,omitempty"`
}

// The requests of all catalogers, written by probe in a test: running it here
// would cost every start of the program half a second.
//
//go:embed requests.json
var requestsJSON []byte

var requests = sync.OnceValues(func() (map[string]request, error) {
	var all map[string]request
	if err := json.Unmarshal(requestsJSON, &all); err != nil {
		return nil, fmt.Errorf("reading the catalogers' requests: %w", err)
	}
	return all, nil
})

// requestsOf returns the requests of the catalogers for a kind of target. The
// embedded file is ours, and read by a test: it is well-formed.
func requestsOf(k Kind) map[string]request {
	all, err := requests()
	if err != nil {
		panic(err)
	}
	some := map[string]request{}
	for name, a := range all {
		if a.Kinds&k != 0 {
			some[name] = a
		}
	}
	return some
}

// probe runs all catalogers over a tree with nothing in it, and returns what
// each of them asked for.
func probe(ctx context.Context) (map[string]request, error) {
	all := map[string]request{}
	err := inSyft(ctx, 1, func(ctx context.Context) error {
		for _, c := range catalogers(configuration()) {
			r := &recorder{}
			if _, _, err := c.Catalog(ctx, r); err != nil {
				return fmt.Errorf("probing %s: %w", c.Name(), err)
			}
			all[c.Name()] = r.request(c.kinds)
		}
		return nil
	})
	return all, err
}

// recorder is an empty tree that remembers every question.
type recorder struct {
	mu   sync.Mutex
	seen request
}

func (r *recorder) request(k Kind) request {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, l := range []*[]string{&r.seen.Globs, &r.seen.Paths, &r.seen.MIMEs} {
		slices.Sort(*l)
		*l = slices.Compact(*l)
	}
	r.seen.Kinds = k
	return r.seen
}

func (r *recorder) note(to *[]string, s []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*to = append(*to, s...)
}

func (r *recorder) FilesByGlob(g ...string) ([]file.Location, error) {
	r.note(&r.seen.Globs, g)
	return nil, nil
}

func (r *recorder) FilesByPath(p ...string) ([]file.Location, error) {
	r.note(&r.seen.Paths, p)
	return nil, nil
}

func (r *recorder) FilesByMIMEType(m ...string) ([]file.Location, error) {
	r.note(&r.seen.MIMEs, m)
	return nil, nil
}

func (r *recorder) HasPath(string) bool { return false }

func (r *recorder) RelativeFileByPath(file.Location, string) *file.Location { return nil }

func (r *recorder) AllLocations(context.Context) <-chan file.Location {
	c := make(chan file.Location)
	close(c)
	return c
}

func (r *recorder) FileContentsByLocation(file.Location) (io.ReadCloser, error) {
	return nil, errors.New("an empty tree has no contents")
}

func (r *recorder) FileMetadataByLocation(file.Location) (file.Metadata, error) {
	return file.Metadata{}, errors.New("an empty tree has no metadata")
}
