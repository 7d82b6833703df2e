package sbom

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
)

// ReadDocument reads all of a document of at most limit bytes; for a larger one
// it returns an error. Where r tells its size, as files and buffers do, the
// bytes are read to where they stay.
func ReadDocument(r io.Reader, limit int64) ([]byte, error) {
	var b bytes.Buffer
	if size := sizeOf(r); size > 0 && size <= limit {
		b.Grow(int(size) + bytes.MinRead)
	}
	if _, err := b.ReadFrom(io.LimitReader(r, limit+1)); err != nil {
		return nil, err
	}
	if int64(b.Len()) > limit {
		return nil, fmt.Errorf("the document is larger than %d bytes", limit)
	}
	return b.Bytes(), nil
}

// sizeOf returns how much there is to read where that is known, else 0.
func sizeOf(r io.Reader) int64 {
	switch r := r.(type) {
	case interface{ Len() int }: // bytes.Reader, bytes.Buffer, strings.Reader
		return int64(r.Len())
	case interface{ Stat() (fs.FileInfo, error) }:
		if info, err := r.Stat(); err == nil && info.Mode().IsRegular() {
			return info.Size()
		}
	}
	return 0
}
