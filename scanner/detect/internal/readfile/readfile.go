// Package readfile reads small files whole.
package readfile

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// Read returns the bytes of a file, at most limit of them. Of a longer file it
// returns the beginning and the gap that tells so.
func Read(f *scanner.File, limit int64) ([]byte, []sbom.Gap, error) {
	size := max(f.Size, 0)
	var gaps []sbom.Gap
	if size > limit {
		gaps = []sbom.Gap{{Reason: sbom.Limit, Detail: fmt.Sprintf("only the first %d of its %d bytes were read", limit, size)}}
		size = limit
	}
	b := make([]byte, size)
	if n, err := f.ReadAt(b, 0); n < len(b) {
		return nil, gaps, fmt.Errorf("reading it whole: %w", cmp.Or(err, io.ErrUnexpectedEOF))
	}
	return b, gaps, nil
}

// Inner is a file's path without the containers that it lies in: from
// "/a.deb!/etc/cron.d/x" it is "/etc/cron.d/x".
func Inner(p string) string { return p[strings.LastIndex(p, "!/")+1:] }
