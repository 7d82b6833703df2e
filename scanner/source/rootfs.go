package source

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"os"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// rootfs opens a filesystem tarball as one layer. Its digests are found by
// whoever reads it: reading it twice to know them here would double the cost.
func (o *opener) rootfs(_ context.Context, path string) ([]scanner.Source, error) {
	fi, err := statFile(path)
	if err != nil {
		return nil, err
	}
	comp, err := checkEnd(path, fi.Size())
	if err != nil {
		return nil, err
	}
	l := &blobLayer{
		desc: sbom.Layer{MediaType: "application/x-tar", Size: fi.Size()},
		open: func(context.Context) (io.ReadCloser, error) { return os.Open(path) },
	}
	if comp == "xz" || comp == "bzip2" { // no layer of an image is
		l.desc.Size = 0
		l.open = func(context.Context) (io.ReadCloser, error) {
			f, err := os.Open(path)
			if err != nil {
				return nil, err
			}
			return decompressed(f)
		}
	}
	return []scanner.Source{&image{
		subject: sbom.Subject{Kind: sbom.RootFS, Name: path},
		layers:  []scanner.Layer{l},
	}}, nil
}

// checkEnd finds a plain tar that was cut off between two members, which no
// reader of tars complains of: its end-of-archive mark is missing. A compressed
// one says so itself when it is read; checkEnd returns the compression.
func checkEnd(path string, size int64) (comp string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	comp, err = compressionOf(f)
	if err != nil || comp != "" {
		return comp, err
	}
	if _, err := tar.NewReader(io.NewSectionReader(f, 0, size)).Next(); errors.Is(err, tar.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "", problem("a filesystem tarball is what docker export writes, plain or compressed; for any other file write file:"+path, "%s is not a tar archive", path)
	}
	var last [512]byte
	if _, err := f.ReadAt(last[:], max(0, size-512)); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if last != [512]byte{} {
		return "", truncated(path, errors.New("the end-of-archive mark is missing"))
	}
	return "", nil
}
