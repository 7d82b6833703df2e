package source

import (
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
	fi, err := os.Stat(path)
	if err != nil {
		return nil, noSuchFile(path, err)
	}
	if fi.IsDir() {
		return nil, problem("for a folder write dir:"+path, "%s is a folder", path)
	}
	if fi.Size() == 0 {
		return nil, problem("the tool that wrote it was interrupted, or had nothing to write", "%s is empty", path)
	}
	if err := checkEnd(path, fi.Size()); err != nil {
		return nil, err
	}
	l := &blobLayer{
		desc: sbom.Layer{MediaType: "application/x-tar", Size: fi.Size()},
		open: func(context.Context) (io.ReadCloser, error) { return os.Open(path) },
	}
	return []scanner.Source{&image{
		subject: sbom.Subject{Kind: sbom.RootFS, Name: path},
		layers:  []scanner.Layer{l},
	}}, nil
}

// checkEnd finds a plain tar that was cut off between two members, which no
// reader of tars complains of: its end-of-archive mark is missing. A compressed
// one says so itself when it is read.
func checkEnd(path string, size int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	comp, err := compressionOf(f)
	if err != nil || comp != "" {
		return err
	}
	var last [512]byte
	if _, err := f.ReadAt(last[:], max(0, size-512)); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if last != [512]byte{} {
		return truncated(path, errors.New("the end-of-archive mark is missing"))
	}
	return nil
}
