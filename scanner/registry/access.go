package registry

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
)

// Transport returns the client's way to registries, with its limits, retries
// and user agent and without a login. Blobs are streamed, whatever their size.
func (c *Client) Transport() http.RoundTripper { return streamer{c.trip} }

// Keychain returns the client's credentials.
func (c *Client) Keychain() authn.Keychain { return c.keys }

// streamer marks requests for blobs, so that their answers have no bound.
type streamer struct{ inner http.RoundTripper }

func (s streamer) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodGet && strings.Contains(req.URL.Path, "/blobs/") {
		req = req.WithContext(context.WithValue(req.Context(), blobKey{}, true))
	}
	return s.inner.RoundTrip(req)
}
