package layer

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// Decode reads an index of size bytes that [Index.Encode] wrote. Contents stay
// in r and are read from it when they are asked for: r must be open until the
// Index is closed, which closes r if it is an [io.Closer]. Anything but an
// undamaged index of this version is [ErrCorrupt]. The Store lends its buffers.
func Decode(r io.ReaderAt, size int64, s *Spool) (*Index, error) {
	table, at, err := readTable(r, size)
	if err != nil {
		return nil, fmt.Errorf("decoding an index: %w", err)
	}
	d := &decoder{rest: table, contents: at}
	ix := d.index()
	if d.bad || len(d.rest) > 0 {
		return nil, fmt.Errorf("decoding an index: %w: its table makes no sense", ErrCorrupt)
	}
	ix.cache, ix.store = r, s
	return ix, nil
}

// readTable reads the table, and tells where it is.
func readTable(r io.ReaderAt, size int64) (table []byte, at int64, err error) {
	if size < int64(headerSize+footerSize) {
		return nil, 0, fmt.Errorf("%w: it has %d bytes", ErrCorrupt, size)
	}
	head, foot := make([]byte, headerSize), make([]byte, footerSize)
	if err := readFull(r, head, 0); err != nil {
		return nil, 0, err
	}
	if err := readFull(r, foot, size-int64(footerSize)); err != nil {
		return nil, 0, err
	}
	if string(head[:len(encodedMagic)]) != encodedMagic || string(foot[footerSize-len(encodedMagic):]) != encodedMagic {
		return nil, 0, fmt.Errorf("%w: no magic", ErrCorrupt)
	}
	if v := binary.LittleEndian.Uint32(head[len(encodedMagic):]); v != encodedVersion {
		return nil, 0, fmt.Errorf("%w: version %d and not %d", ErrCorrupt, v, encodedVersion)
	}
	off, n := binary.LittleEndian.Uint64(foot), binary.LittleEndian.Uint64(foot[8:])
	body := uint64(size - int64(footerSize))
	if off < uint64(headerSize) || off > body || n != body-off {
		return nil, 0, fmt.Errorf("%w: its table is not inside", ErrCorrupt)
	}
	table = make([]byte, n)
	if err := readFull(r, table, int64(off)); err != nil {
		return nil, 0, err
	}
	if sum := sha256.Sum256(table); string(sum[:]) != string(foot[16:16+sha256.Size]) {
		return nil, 0, fmt.Errorf("%w: its table has another digest", ErrCorrupt)
	}
	return table, int64(off), nil
}

func readFull(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == io.EOF {
		return fmt.Errorf("%w: %w", ErrCorrupt, io.ErrUnexpectedEOF)
	}
	return err
}

// decoder reads a table. Once something is wrong all it reads is zero.
type decoder struct {
	rest     []byte
	contents int64 // where the contents end
	names    int64 // bytes of paths so far
	bad      bool
}

func (d *decoder) fail() {
	d.bad = true
	d.rest = nil
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.rest)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.rest)) {
		d.fail()
		return nil
	}
	p := d.rest[:n]
	d.rest = d.rest[n:]
	return p
}

func (d *decoder) string() string { return string(d.bytes(d.uvarint())) }

// count reads how many things follow, of at least least bytes each.
func (d *decoder) count(least int) int {
	n := d.uvarint()
	if n > uint64(len(d.rest)/least) {
		d.fail()
		return 0
	}
	return int(n)
}

// The fewest bytes of a gap and of an entry.
const (
	leastGap   = 5
	leastEntry = 12
)

func (d *decoder) index() *Index {
	ix := &Index{DiffID: d.string(), Digest: d.string(), Size: d.varint(), Bytes: d.varint()}
	if n := d.count(leastGap); n > 0 {
		ix.Gaps = make([]sbom.Gap, 0, n)
		for range n {
			ix.Gaps = append(ix.Gaps, sbom.Gap{
				Path: d.string(), Layer: d.string(), Reason: sbom.Reason(d.string()),
				Detail: d.string(), Detector: d.string(),
			})
		}
	}
	n := d.count(leastEntry)
	ix.Entries = make([]Entry, n)
	prev := ""
	for i := range ix.Entries {
		if d.bad {
			return ix
		}
		d.entry(&ix.Entries[i], prev)
		prev = ix.Entries[i].Path
	}
	return ix
}

func (d *decoder) entry(e *Entry, prev string) {
	shared := d.uvarint()
	rest := d.bytes(d.uvarint())
	if shared > uint64(len(prev)) {
		d.fail()
		return
	}
	e.Path = prev[:shared] + string(rest)
	if d.names += int64(len(e.Path)); e.Path <= prev || e.Path[0] != '/' || d.names > maxNames {
		d.fail()
		return
	}
	kinds := d.bytes(3)
	if d.bad {
		return
	}
	e.Type, e.Format = scanner.EntryType(kinds[0]), Format(kinds[1])
	flags := kinds[2]
	e.Mode = fs.FileMode(d.uvarint())
	e.Size = d.varint()
	e.Link = d.string()
	e.UID, e.GID = int(d.varint()), int(d.varint())
	sec, nsec := d.varint(), d.uvarint()
	if e.Type > lastType || e.Format > Archive || flags > hasDigest|hasContents || e.Size < 0 || nsec >= 1e9 {
		d.fail()
		return
	}
	e.ModTime = time.Unix(sec, int64(nsec)).UTC()
	if flags&hasDigest != 0 {
		copy(e.Digest[:], d.bytes(sha256.Size))
	}
	if flags&hasContents != 0 {
		e.kept = true
		off := d.uvarint()
		if off < uint64(headerSize) || off > uint64(d.contents) || e.Size > d.contents-int64(off) {
			d.fail()
			return
		}
		e.off = int64(off)
	}
}
