package installer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zlib"
)

// A .NET application of a single file carries its assemblies after the program.
// Their directory is found by a marker in the program's data, before which the
// directory's offset is written (dotnet/runtime, docs/design, "bundler.md").
const (
	bundleMarker   = "\x8b\x12\x02\xb9\x6a\x61\x20\x38\x72\x7b\x93\x02\x14\xd7\xa0\x32\x13\xf5\xb9\xe6\xef\xae\x33\x18\xee\x3b\x2d\xce\x24\xb3\x6a\xae"
	maxBundleFiles = 100_000
	maxBundleName  = 4096
)

var errBundle = errors.New("reading a .NET bundle: a field is out of bounds")

func expandBundle(ctx context.Context, f *scanner.File, at int64, v scanner.Visitor) error {
	if at >= f.Size {
		return nil // a program that can carry some, and does not
	}
	r := bufio.NewReader(io.NewSectionReader(f, at, f.Size-at))
	if err := bundleFiles(ctx, f, r, v); err != nil {
		if ctx.Err() != nil || errors.Is(err, scanner.ErrLimit) {
			return err
		}
		var stop visitError
		if errors.As(err, &stop) {
			return stop.err
		}
		v.Gap(sbom.Gap{Reason: sbom.Truncated, Detail: fmt.Sprintf("reading a .NET bundle: %v", err)})
	}
	return nil
}

// bundleFiles reads the directory. Version 2 has the places of two files more
// in its head, and 6 knows compressed files.
func bundleFiles(ctx context.Context, f *scanner.File, r *bufio.Reader, v scanner.Visitor) error {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	major, count := binary.LittleEndian.Uint32(head[:]), binary.LittleEndian.Uint32(head[8:])
	if major == 0 || major > 1000 || count > maxBundleFiles {
		return errBundle
	}
	if _, err := bundleString(r); err != nil { // the bundle's identifier
		return err
	}
	if major >= 2 {
		if _, err := r.Discard(40); err != nil {
			return err
		}
	}
	size := 17
	if major >= 6 {
		size = 25
	}
	for range count {
		var e [25]byte
		if _, err := io.ReadFull(r, e[:size]); err != nil {
			return err
		}
		name, err := bundleString(r)
		if err != nil {
			return err
		}
		m := bundleMember{name: name, at: int64(binary.LittleEndian.Uint64(e[:])), size: int64(binary.LittleEndian.Uint64(e[8:]))}
		if major >= 6 {
			m.packed = int64(binary.LittleEndian.Uint64(e[16:]))
		}
		if err := m.visit(ctx, f, v); err != nil {
			return err
		}
	}
	return nil
}

type bundleMember struct {
	name             string
	at, size, packed int64
}

func (m bundleMember) visit(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	stored := m.size
	if m.packed > 0 {
		stored = m.packed
	}
	if m.at < 0 || stored < 0 || m.at > f.Size || stored > f.Size-m.at {
		return errBundle
	}
	raw := io.NewSectionReader(f, m.at, stored)
	member := scanner.Member{Name: m.name, Size: m.size, ReaderAt: raw}
	if m.packed > 0 {
		member = scanner.Member{Name: m.name, Size: -1, Reader: flate.NewReader(raw)}
	}
	if err := v.Visit(ctx, member); err != nil {
		return visitError{err}
	}
	return nil
}

// bundleString reads a string with its length in groups of seven bits before it.
func bundleString(r *bufio.Reader) (string, error) {
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return "", err
	}
	if n > maxBundleName {
		return "", errBundle
	}
	b := make([]byte, n)
	_, err = io.ReadFull(r, b)
	return string(b), err
}

// PyInstaller appends an archive whose description, the "cookie", is its end
// (PyInstaller, PyInstaller/archive/writers.py, "CArchiveWriter").
const (
	pyCookie   = "MEI\x0c\x0b\x0a\x0b\x0e"
	pyOldSize  = 24 // the cookie without the name of Python's library
	pyNewSize  = 88
	maxPyTOC   = 16 << 20
	pyTOCEntry = 18
)

func expandPyInstaller(ctx context.Context, f *scanner.File, at int64, v scanner.Visitor) error {
	var c [pyOldSize]byte
	if _, err := f.ReadAt(c[:], at); err != nil {
		return nil // only the program's own constant
	}
	size, tocAt, tocSize := int64(binary.BigEndian.Uint32(c[8:])), int64(binary.BigEndian.Uint32(c[12:])), int64(binary.BigEndian.Uint32(c[16:]))
	if tocSize > maxPyTOC || tocAt+tocSize > size {
		return nil
	}
	for _, cookie := range []int64{pyNewSize, pyOldSize} {
		start := at + cookie - size
		if start < 0 || start > at {
			continue
		}
		toc := make([]byte, tocSize)
		if _, err := f.ReadAt(toc, start+tocAt); err != nil {
			continue
		}
		if entries, ok := pyEntries(toc, size); ok {
			return pyVisit(ctx, f, start, entries, v)
		}
	}
	v.Gap(sbom.Gap{Reason: sbom.Truncated, Detail: "the archive of PyInstaller has no readable directory"})
	return nil
}

type pyEntry struct {
	name     string
	at, size int64
	packed   bool
}

// pyEntries reads the directory; it is false where it cannot be one.
func pyEntries(toc []byte, size int64) ([]pyEntry, bool) {
	var entries []pyEntry
	for len(toc) > 0 {
		if len(toc) < pyTOCEntry {
			return nil, false
		}
		n := binary.BigEndian.Uint32(toc)
		if n < pyTOCEntry || uint64(n) > uint64(len(toc)) {
			return nil, false
		}
		e := pyEntry{
			at: int64(binary.BigEndian.Uint32(toc[4:])), size: int64(binary.BigEndian.Uint32(toc[8:])), packed: toc[16] == 1,
		}
		if e.at+e.size > size {
			return nil, false
		}
		name, _, _ := bytes.Cut(toc[pyTOCEntry:n], []byte{0})
		e.name = string(name)
		entries = append(entries, e)
		toc = toc[n:]
	}
	return entries, true
}

func pyVisit(ctx context.Context, f *scanner.File, start int64, entries []pyEntry, v scanner.Visitor) error {
	for _, e := range entries {
		raw := io.NewSectionReader(f, start+e.at, e.size)
		m := scanner.Member{Name: e.name, Size: e.size, ReaderAt: raw}
		if e.packed {
			z, err := zlib.NewReader(raw)
			if err != nil {
				v.Gap(sbom.Gap{Path: e.name, Reason: sbom.Truncated, Detail: err.Error()})
				continue
			}
			m = scanner.Member{Name: e.name, Size: -1, Reader: z}
		}
		if err := v.Visit(ctx, m); err != nil {
			return err
		}
	}
	return nil
}
