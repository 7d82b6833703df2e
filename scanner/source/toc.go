package source

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"strings"
)

// scan reads the table of contents.
func (a *archive) scan(ctx context.Context, guess bool) error {
	var r io.Reader
	if a.random != nil {
		r = io.NewSectionReader(a.random, 0, 1<<62)
	} else {
		rc, err := a.start(ctx)
		if err != nil {
			if guess && ctx.Err() == nil {
				a.kind = kindOther
				return nil
			}
			return err
		}
		defer rc.Close()
		r = rc
	}
	end := &endMark{Reader: r}
	if s, ok := r.(io.Seeker); ok {
		r = struct {
			io.Reader
			io.Seeker
		}{end, s}
	} else {
		r = end
	}
	c := classifier{guess: guess}
	err := a.readMembers(ctx, r, &c)
	a.kind = c.kind(a)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil && c.seen == 0 && end.blank() && (!guess || calledTar(a.path)):
		return problem("the tool that wrote it had nothing to write", "%s is an empty archive", a.path)
	case guess && (a.kind == kindOther || a.kind == kindRootFS):
		return nil // whoever reads it says what is wrong with it
	case c.seen == 0 && (errors.Is(err, tar.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) && a.random != nil):
		return problem("an image archive is a tar, plain or compressed with gzip, zstd, xz or bzip2", "%s is not a tar archive", a.path)
	case err != nil:
		return a.damaged(err)
	case !end.seen() && !c.stopped:
		return a.damaged(errors.New("the end-of-archive mark is missing"))
	}
	return nil
}

// damaged keeps what is wrong with an archive of an image, or its parts: what
// was read before the damage is opened. It is an error for any other.
func (a *archive) damaged(err error) error {
	err = truncated(a.path, err)
	if a.kind == kindOther {
		return err
	}
	a.damage = err
	return nil
}

// calledTar reports that a file is meant as a tar: zeros alone may be anything.
func calledTar(path string) bool {
	name := strings.ToLower(filepath.Base(path))
	return strings.HasSuffix(name, ".tgz") || strings.HasSuffix(name, ".tar") || strings.Contains(name, ".tar.")
}

func truncated(path string, err error) error {
	return problem("it is truncated or damaged: copy or save it again", "reading the archive %s: %w", path, err)
}

func (a *archive) readMembers(ctx context.Context, r io.Reader, c *classifier) error {
	a.members, a.firsts, a.small = map[string]member{}, map[string]member{}, map[int][]byte{}
	tr := tar.NewReader(r)
	for n := 0; ; n++ {
		hdr, err := tr.Next()
		if errors.Is(err, io.EOF) {
			// What follows the mark belongs to the compressed stream: its checksum.
			_, err = io.CopyN(io.Discard, r, maxAfterEnd)
			if errors.Is(err, io.EOF) || a.random != nil {
				err = nil
			}
			return err
		}
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		name := cleanName(hdr.Name)
		if c.see(name, hdr.Size); c.stopped {
			return nil
		}
		if n >= maxMembers || c.bytes > maxStream {
			return fmt.Errorf("more than %d members or %d bytes", maxMembers, int64(maxStream))
		}
		m := member{ordinal: n, size: hdr.Size}
		switch hdr.Typeflag {
		case tar.TypeReg:
			if s, ok := r.(io.Seeker); ok {
				if m.offset, err = s.Seek(0, io.SeekCurrent); err != nil {
					return err
				}
			}
			if m.packed, err = a.look(n, hdr.Size, tr); err != nil {
				a.add(name, m)
				return err
			}
		case tar.TypeSymlink:
			m.link = cleanName(path.Join(path.Dir(name), hdr.Linkname))
		case tar.TypeLink:
			m.link = cleanName(hdr.Linkname)
		default:
			continue
		}
		a.add(name, m)
	}
}

// add notes a member. A name that comes again stands for the last and, for
// readers that stop at it, for the first.
func (a *archive) add(name string, m member) {
	if was, ok := a.members[name]; ok {
		if _, ok := a.firsts[name]; !ok {
			a.firsts[name] = was
		}
	}
	a.members[name] = m
}

// first is the archive as it is for a reader that takes the first member of a
// name. It is nil if no name comes twice.
func (a *archive) first() *archive {
	if len(a.firsts) == 0 {
		return nil
	}
	f := *a
	f.members = maps.Clone(a.members)
	maps.Copy(f.members, a.firsts)
	return &f
}

func cleanName(s string) string { return strings.TrimPrefix(path.Clean("/"+s), "/") }

// look looks at the first bytes of a member, and keeps a small JSON member of a
// stream.
func (a *archive) look(ordinal int, size int64, r io.Reader) (packed bool, err error) {
	var head [ustarMagic + 5]byte
	n, err := io.ReadFull(r, head[:])
	if err != nil && !errors.Is(err, io.EOF) && (!errors.Is(err, io.ErrUnexpectedEOF) || int64(n) < size) {
		return false, err
	}
	packed = compression(head[:n]) != "" || n == len(head) && string(head[ustarMagic:]) == "ustar"
	if a.random != nil || size > maxSmall || a.kept+int(size) > maxSmallTotal {
		return packed, nil
	}
	if t := bytes.TrimLeft(head[:n], " \t\r\n"); len(t) == 0 || t[0] != '{' && t[0] != '[' {
		return packed, nil
	}
	b, err := io.ReadAll(io.MultiReader(bytes.NewReader(head[:n]), r))
	if err != nil {
		return packed, err
	}
	a.small[ordinal] = b
	a.kept += len(b)
	return packed, nil
}

// ustarMagic is where a tar's header has "ustar" (POSIX.1-2017, pax, "ustar
// Interchange Format").
const ustarMagic = 257

// endMark watches for the zero blocks that end a tar (POSIX.1-2017, pax, "ustar
// Interchange Format").
type endMark struct {
	io.Reader
	read  int
	zeros int // at the end of what was read
}

func (e *endMark) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	e.read += n
	i := n
	for i > 0 && p[i-1] == 0 {
		i--
	}
	if i > 0 {
		e.zeros = 0
	}
	e.zeros += n - i
	return n, err
}

func (e *endMark) seen() bool { return e.zeros >= 512 }

// blank reports that all was read and is nothing but zeros.
func (e *endMark) blank() bool { return e.read == e.zeros && e.read <= maxAfterEnd }
