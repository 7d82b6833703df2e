// Package zipdir opens a zip whose directory is foreign: what is read of it is
// bounded.
package zipdir

import (
	"archive/zip"
	"errors"
	"io"

	"github.com/interdict/interdict/scanner"
)

// Max is how many bytes of a zip's central directory are read. With names of
// 30 bytes that is 400,000 members.
const Max = 32 << 20

// reader stops the reading of a directory that is too long.
type reader struct {
	r    io.ReaderAt
	left int64
	open bool // the directory is read
}

func (d *reader) ReadAt(p []byte, at int64) (int, error) {
	if !d.open {
		if d.left -= int64(len(p)); d.left < 0 {
			d.left = 0
			return 0, scanner.ErrLimit
		}
	}
	return d.r.ReadAt(p, at)
}

// Open reads the directory of a zip. It returns [scanner.ErrLimit] for one of
// more than [Max] bytes. The members' sizes and names are as stated there.
func Open(f *scanner.File) (*zip.Reader, error) {
	r := &reader{r: f, left: Max}
	z, err := zip.NewReader(r, f.Size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, err
	}
	r.open = true
	return z, nil
}
