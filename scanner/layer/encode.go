package layer

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/interdict/interdict/scanner"
)

// An encoded index is, integers little-endian:
//
//	magic, version
//	the kept contents, one after another
//	the table: what Index and its entries say, see table
//	u64 offset of the table, u64 its length, its SHA-256, magic
//
// The contents come first, so that encoding streams; each has its SHA-256 in
// the table. Whoever changes the layout counts up the version: an index of
// another version is not read but made again.
const (
	encodedMagic   = "layerIDX"
	encodedVersion = 1
	headerSize     = len(encodedMagic) + 4
	footerSize     = 8 + 8 + sha256.Size + len(encodedMagic)
)

// Flags of an entry in the table.
const (
	hasDigest = 1 << iota
	hasContents
)

// Encode writes the index and the kept contents, for [Decode].
func (ix *Index) Encode(w io.Writer) error {
	out := &counted{w: bufio.NewWriterSize(w, 64<<10)}
	head := binary.LittleEndian.AppendUint32([]byte(encodedMagic), encodedVersion)
	if _, err := out.Write(head); err != nil {
		return err
	}
	offsets, err := ix.encodeContents(out)
	if err != nil {
		return err
	}
	table := ix.table(offsets)
	sum := sha256.Sum256(table)
	foot := binary.LittleEndian.AppendUint64(nil, uint64(out.n))
	foot = binary.LittleEndian.AppendUint64(foot, uint64(len(table)))
	foot = append(append(foot, sum[:]...), encodedMagic...)
	if _, err := out.Write(table); err != nil {
		return err
	}
	if _, err := out.Write(foot); err != nil {
		return err
	}
	return out.w.Flush()
}

// counted counts what is written.
type counted struct {
	w *bufio.Writer
	n int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// encodeContents writes contents once, however many hard links share them, and
// returns the offset of every entry's.
func (ix *Index) encodeContents(out *counted) ([]int64, error) {
	offsets := make([]int64, len(ix.Entries))
	shared := map[any]int64{}
	buf := make([]byte, 64<<10)
	for i := range ix.Entries {
		e := &ix.Entries[i]
		if !e.kept {
			continue
		}
		var key any = span{e.off, e.Size} // empty contents begin where others do
		if e.held != nil {
			key = e.held
		} else if ix.cache == nil {
			key = e.Path
		}
		off, ok := shared[key]
		if !ok {
			off = out.n
			shared[key] = off
			if err := ix.encodeOne(out, e, buf); err != nil {
				return nil, fmt.Errorf("encoding %s: %w", e.Path, err)
			}
		}
		offsets[i] = off
	}
	return offsets, nil
}

func (ix *Index) encodeOne(out *counted, e *Entry, buf []byte) error {
	c, err := ix.Open(e)
	if err != nil {
		return err
	}
	defer c.Close()
	n, err := io.CopyBuffer(out, io.NewSectionReader(c, 0, e.Size), buf)
	if err == nil && n != e.Size {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// table is the part of an encoded index that is read at once. Numbers are
// varints, strings have their length before them. A path is what it shares with
// the path before, and the rest.
func (ix *Index) table(offsets []int64) []byte {
	t := make([]byte, 0, 64+80*len(ix.Entries))
	t = appendString(t, ix.DiffID)
	t = appendString(t, ix.Digest)
	t = binary.AppendVarint(t, ix.Size)
	t = binary.AppendVarint(t, ix.Bytes)
	t = binary.AppendUvarint(t, uint64(len(ix.Gaps)))
	for _, g := range ix.Gaps {
		for _, s := range []string{g.Path, g.Layer, string(g.Reason), g.Detail, g.Detector} {
			t = appendString(t, s)
		}
	}
	t = binary.AppendUvarint(t, uint64(len(ix.Entries)))
	prev := ""
	for i := range ix.Entries {
		t = appendEntry(t, &ix.Entries[i], prev, offsets[i])
		prev = ix.Entries[i].Path
	}
	return t
}

func appendEntry(t []byte, e *Entry, prev string, off int64) []byte {
	shared := 0
	for shared < len(prev) && shared < len(e.Path) && prev[shared] == e.Path[shared] {
		shared++
	}
	var flags byte
	if e.Digest != [32]byte{} {
		flags |= hasDigest
	}
	if e.kept {
		flags |= hasContents
	}
	t = binary.AppendUvarint(t, uint64(shared))
	t = appendString(t, e.Path[shared:])
	t = append(t, byte(e.Type), byte(e.Format), flags)
	t = binary.AppendUvarint(t, uint64(e.Mode))
	t = binary.AppendVarint(t, e.Size)
	t = appendString(t, e.Link)
	t = binary.AppendVarint(t, int64(e.UID))
	t = binary.AppendVarint(t, int64(e.GID))
	t = binary.AppendVarint(t, e.ModTime.Unix())
	t = binary.AppendUvarint(t, uint64(e.ModTime.Nanosecond()))
	if flags&hasDigest != 0 {
		t = append(t, e.Digest[:]...)
	}
	if e.kept {
		t = binary.AppendUvarint(t, uint64(off))
	}
	return t
}

func appendString(t []byte, s string) []byte {
	return append(binary.AppendUvarint(t, uint64(len(s))), s...)
}

// lastType is the largest EntryType that version 1 knows.
const lastType = scanner.Other
