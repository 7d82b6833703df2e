package source

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
)

// Bounds on an archive's table of contents.
const (
	maxMembers    = 200_000
	maxSmall      = 4 << 20  // a member kept in memory: manifests and configurations
	maxSmallTotal = 32 << 20 // all of them
	maxGuess      = 1 << 30  // read of a file whose kind is still open
	maxStream     = 1 << 40  // members of an image, uncompressed
	maxLinks      = 16       // symbolic links followed
	maxAfterEnd   = 1 << 20  // read of what follows the end mark
)

// archive is a tar of an image's parts. A plain one is read at any offset; a
// compressed one, and a stream from an engine, is read from its start each
// time, and its small JSON members are kept from the first pass.
type archive struct {
	path   string // for messages
	kind   archiveKind
	start  func(context.Context) (io.ReadCloser, error) // the uncompressed tar
	random io.ReaderAt                                  // nil for a stream
	closer io.Closer
	damage error // the table of contents ends where the archive is cut off or damaged

	members map[string]member // the last of each name, which unpacking leaves
	firsts  map[string]member // the first of a name that comes more than once
	small   map[int][]byte    // by ordinal
	kept    int
}

type member struct {
	ordinal int // of its header, from 0
	offset  int64
	size    int64
	link    string // the name that a link leads to; empty for a file
	packed  bool   // its first bytes are those of a tar, or of a compressed stream
}

// openArchive reads a file's table of contents. With guess, it stops as soon as
// the file is known to be no image, and reports that in kind; without, it is an
// error only if the file is empty, truncated or no tar.
func openArchive(ctx context.Context, name string, guess bool) (*archive, error) {
	fi, err := statFile(name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	a := &archive{path: name, closer: f}
	a.start = func(context.Context) (io.ReadCloser, error) {
		// A position of its own: several layers may be read at once.
		return decompressed(io.NopCloser(io.NewSectionReader(f, 0, fi.Size())))
	}
	comp, err := compressionOf(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	if comp == "" {
		a.random = f
	}
	if err := a.scan(ctx, guess); err != nil {
		f.Close()
		return nil, err
	}
	return a, nil
}

// statFile looks at a file that is to be opened: one that has contents. Others
// are not even opened, since opening a FIFO waits for whoever writes to it.
func statFile(name string) (fs.FileInfo, error) {
	fi, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, noSuchFile(name, err)
	case fi.IsDir():
		return nil, problem("for a folder write dir:"+name+" or oci-dir:"+name, "%s is a folder", name)
	case !fi.Mode().IsRegular():
		return nil, problem("an archive is read more than once: write it to a file first", "%s is not a regular file", name)
	case fi.Size() == 0:
		return nil, problem("the tool that wrote it was interrupted, or had nothing to write", "%s is empty", name)
	}
	return fi, nil
}

func compressionOf(r io.ReaderAt) (string, error) {
	var head [6]byte
	n, err := r.ReadAt(head[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return compression(head[:n]), nil
}

// compression tells by magic: gzip (RFC 1952, 2.3.1), zstd (RFC 8878, 3.1.1),
// xz (xz-file-format.txt, 2.1.1.1) and bzip2, in which root filesystems are
// handed round.
func compression(head []byte) string {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return "gzip"
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return "zstd"
	case bytes.HasPrefix(head, []byte("\xfd7zXZ\x00")):
		return "xz"
	case bytes.HasPrefix(head, []byte("BZh")):
		return "bzip2"
	}
	return ""
}

// maxWindow is the largest window or dictionary that is given memory: twice
// that of "xz -9", and that of "zstd --long".
const maxWindow = 128 << 20

// decompressed reads through any compression, by magic.
func decompressed(rc io.ReadCloser) (io.ReadCloser, error) {
	br := bufio.NewReaderSize(rc, 256<<10)
	head, _ := br.Peek(6)
	switch compression(head) {
	case "gzip":
		z, err := gzip.NewReader(br)
		if err != nil {
			rc.Close()
			return nil, fmt.Errorf("reading gzip: %w", err)
		}
		return &joined{z, rc}, nil
	case "zstd":
		z, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			rc.Close()
			return nil, fmt.Errorf("reading zstd: %w", err)
		}
		return &joined{z, closeFunc(func() error { z.Close(); return rc.Close() })}, nil
	case "xz":
		z, err := xz.NewReader(br, maxWindow)
		if err != nil {
			rc.Close()
			return nil, fmt.Errorf("reading xz: %w", err)
		}
		return &joined{z, rc}, nil
	case "bzip2":
		return &joined{bzip2.NewReader(br), rc}, nil
	}
	return &joined{br, rc}, nil
}

type joined struct {
	io.Reader
	io.Closer
}

// resolve follows links to a member.
func (a *archive) resolve(name string) (member, string, error) {
	name = cleanName(name)
	for range maxLinks {
		m, ok := a.members[name]
		if !ok {
			return member{}, name, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
		}
		if m.link == "" {
			return m, name, nil
		}
		name = m.link
	}
	return member{}, name, fmt.Errorf("%s: too many links", name)
}

func (a *archive) has(name string) bool {
	_, _, err := a.resolve(name)
	return err == nil
}

// open implements members.
func (a *archive) open(ctx context.Context, name string) (io.ReadCloser, error) {
	m, name, err := a.resolve(name)
	if err != nil {
		return nil, err
	}
	if a.random != nil {
		return io.NopCloser(&exact{io.NewSectionReader(a.random, m.offset, m.size), m.size}), nil
	}
	if b, ok := a.small[m.ordinal]; ok {
		return io.NopCloser(bytes.NewReader(b)), nil
	}
	rc, err := a.start(ctx)
	if err != nil {
		return nil, err
	}
	tr := tar.NewReader(rc)
	for n := 0; ; n++ {
		hdr, err := tr.Next()
		if err == nil && n == m.ordinal && cleanName(hdr.Name) == name {
			return &joined{tr, rc}, nil
		}
		if err == nil && n < m.ordinal && ctx.Err() == nil {
			continue
		}
		rc.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, truncated(a.path, fmt.Errorf("%s is not where it was: %w", name, errors.Join(err, io.ErrUnexpectedEOF)))
	}
}

// Close implements io.Closer.
func (a *archive) Close() error { return a.closer.Close() }

// exact ends in io.ErrUnexpectedEOF where the file has become shorter.
type exact struct {
	io.Reader
	left int64
}

func (e *exact) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	e.left -= int64(n)
	if errors.Is(err, io.EOF) && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
