// Package getter stands in for github.com/hashicorp/go-getter in the lean build
// (testdata/lean/lean.mod). Syft's catalogers link it, with the clients of three
// clouds behind it, for a download of Snap images that interdict never asks for.
// It has the names that syft 1.54 needs to compile, and downloads nothing.
package getter

import (
	"errors"
	"io"
	"net/http"
)

// Client downloads nothing.
type Client struct {
	Src, Dst string
	Dir      bool
	Getters  map[string]Getter
	Options  []ClientOption
}

// Get returns an error.
func (c *Client) Get() error {
	return errors.New("downloading " + c.Src + ": this build has no go-getter")
}

// Getter is what the original's getters share.
type Getter interface{ getter() }

// HttpGetter is named as in the original.
type HttpGetter struct {
	Client *http.Client
	Header http.Header
}

type none struct{}

func (none) getter() {}

func (*HttpGetter) getter() {}

// The other getters that syft names.
type (
	FileGetter struct{ none }
	GCSGetter  struct{ none }
	GitGetter  struct{ none }
	HgGetter   struct{ none }
	S3Getter   struct{ none }
)

// Decompressor is empty: there are none.
type Decompressor any

// Decompressors is empty.
var Decompressors map[string]Decompressor

// LimitedDecompressors returns Decompressors.
func LimitedDecompressors(int, int64) map[string]Decompressor { return Decompressors }

// ClientOption changes nothing.
type ClientOption func(*Client) error

// WithDecompressors returns nil.
func WithDecompressors(map[string]Decompressor) ClientOption { return nil }

// ProgressTracker is the original's.
type ProgressTracker interface {
	TrackProgress(src string, currentSize, totalSize int64, stream io.ReadCloser) io.ReadCloser
}

// WithProgress returns nil.
func WithProgress(ProgressTracker) ClientOption { return nil }
