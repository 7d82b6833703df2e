package archive

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode/utf16"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// ISO 9660 (ECMA-119) with Joliet names, which the Go libraries do not read,
// and with Rock Ridge names (IEEE P1282, "NM").

const (
	isoSector   = 2048
	isoFirst    = 16 // the first volume descriptor's sector
	isoMaxDir   = 16 << 20
	isoMaxDepth = 64
)

// isISO asks for the name where the bytes cannot tell: the first descriptor is
// 32 KiB into the file. A system area begins with a boot sector or nothing;
// nothing is also what a sparse file inside an archive begins with.
func isISO(f *scanner.File) bool {
	if f.Size < (isoFirst+1)*isoSector {
		return false
	}
	switch strings.ToLower(path.Ext(f.Path)) {
	case ".iso", ".img", ".udf", ".cdr":
		return true
	}
	if len(f.Head) < scanner.HeadSize || f.Size%isoSector != 0 {
		return false
	}
	return hasMagic(f.Head, 510, "\x55\xaa") || f.Depth == 0 && allZero(f.Head[:512])
}

// isoDir is one directory's extent.
type isoDir struct {
	at, size int64
	name     string
	depth    int
}

type isoImage struct {
	f      *scanner.File
	v      scanner.Visitor
	joliet bool
	seen   map[int64]bool // directories, by their offset
}

func expandISO(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	img := &isoImage{f: f, v: v, seen: map[int64]bool{}}
	root, ok, udf := img.volume()
	if !ok {
		if udf {
			v.Gap(sbom.Gap{Reason: sbom.Unsupported, Detail: "a UDF file system"})
			return nil
		}
		return expandUnsupported(ctx, f, v) // a disk of another sort, or none
	}
	for queue := []isoDir{root}; len(queue) > 0; queue = queue[1:] {
		if err := ctx.Err(); err != nil {
			return err
		}
		dirs, err := img.list(ctx, queue[0])
		if err != nil {
			return fail(ctx, v, err, true, "reading an ISO 9660 directory")
		}
		queue = append(queue, dirs...)
	}
	return nil
}

// volume reads the descriptors: of a primary and a Joliet volume with the same
// files, the one with the better names, which are Rock Ridge's or Joliet's.
func (img *isoImage) volume() (root isoDir, ok, udf bool) {
	var b [isoSector]byte
	rock := false
	for n := int64(isoFirst); n < isoFirst+64; n++ {
		if _, err := img.f.ReadAt(b[:], n*isoSector); err != nil {
			break
		}
		id := string(b[1:6])
		if id == "BEA01" || id == "NSR02" || id == "NSR03" {
			udf = true
			continue
		}
		if id != "CD001" || b[0] == 255 && !udf {
			if id == "TEA01" || b[0] == 255 {
				continue
			}
			break
		}
		rec := b[156 : 156+34]
		dir := isoDir{at: int64(binary.LittleEndian.Uint32(rec[2:])) * isoSector, size: int64(binary.LittleEndian.Uint32(rec[10:]))}
		escape := string(b[88:91])
		switch {
		case b[0] == 1 && !ok:
			root, ok, rock = dir, true, img.hasRockRidge(dir)
		case b[0] == 2 && !rock && (escape == "%/@" || escape == "%/C" || escape == "%/E"):
			root, ok, img.joliet = dir, true, true
		}
	}
	return root, ok, udf
}

// hasRockRidge looks for the mark of the System Use Sharing Protocol in the
// root's first record (SUSP 5.3, "SP").
func (img *isoImage) hasRockRidge(root isoDir) bool {
	var b [256]byte
	n, _ := img.f.ReadAt(b[:], root.at)
	size := int(b[0])
	return n >= 41 && size > 40 && string(b[34:36]) == "SP" || n >= 42 && size > 41 && string(b[35:37]) == "SP"
}

// list passes on the files of one directory and returns its directories.
func (img *isoImage) list(ctx context.Context, d isoDir) ([]isoDir, error) {
	if img.seen[d.at] {
		return nil, nil
	}
	img.seen[d.at] = true
	if d.size > isoMaxDir || d.depth > isoMaxDepth {
		img.v.Gap(sbom.Gap{Path: d.name, Reason: sbom.Limit, Detail: fmt.Sprintf("a directory of %d bytes, %d deep", d.size, d.depth)})
		return nil, nil
	}
	b := make([]byte, min(d.size, max(img.f.Size-d.at, 0)))
	if _, err := io.ReadFull(io.NewSectionReader(img.f, d.at, int64(len(b))), b); err != nil {
		return nil, unexpected(err)
	}
	if int64(len(b)) < d.size {
		return nil, io.ErrUnexpectedEOF
	}
	var dirs []isoDir
	extents := map[string][]io.ReaderAt{}
	for at := 0; at < len(b); {
		size := int(b[at])
		if size == 0 { // records do not cross sectors
			at = (at/isoSector + 1) * isoSector
			continue
		}
		if size < 34 || at+size > len(b) {
			return dirs, fmt.Errorf("a record of %d bytes", size)
		}
		rec := b[at : at+size]
		at += size
		sub, err := img.record(ctx, d, rec, extents)
		if err != nil {
			return nil, err
		}
		if sub != nil {
			dirs = append(dirs, *sub)
		}
	}
	return dirs, nil
}

// record reads one directory record: ECMA-119, 9.1. A file may have several
// extents, each with a record; all but the last have the multi-extent flag.
func (img *isoImage) record(ctx context.Context, d isoDir, rec []byte, extents map[string][]io.ReaderAt) (*isoDir, error) {
	idLen := int(rec[32])
	if 33+idLen > len(rec) {
		return nil, fmt.Errorf("a name of %d bytes", idLen)
	}
	id := rec[33 : 33+idLen]
	if idLen == 1 && id[0] <= 1 { // itself and its parent
		return nil, nil
	}
	name := img.name(id, rec)
	full := d.name + "/" + name
	at := int64(binary.LittleEndian.Uint32(rec[2:])) * isoSector
	size := int64(binary.LittleEndian.Uint32(rec[10:]))
	if rec[25]&2 != 0 {
		return &isoDir{at: at, size: size, name: full, depth: d.depth + 1}, nil
	}
	if at+size > img.f.Size {
		img.v.Gap(sbom.Gap{Path: full, Reason: sbom.Truncated, Detail: "it lies beyond the end of the image"})
		return nil, nil
	}
	part := io.NewSectionReader(img.f, at, size)
	if rec[25]&0x80 != 0 || len(extents[full]) > 0 {
		extents[full] = append(extents[full], part)
		if rec[25]&0x80 != 0 {
			return nil, nil
		}
		var all []io.Reader
		for _, p := range extents[full] {
			all = append(all, p.(*io.SectionReader))
		}
		return nil, img.v.Visit(ctx, scanner.Member{Name: full, Size: -1, Reader: io.MultiReader(all...), Charged: true})
	}
	return nil, img.v.Visit(ctx, scanner.Member{Name: full, Size: size, Mode: fs.FileMode(0o444), ReaderAt: part})
}

// name is a record's name: Joliet's in UTF-16, Rock Ridge's, or the plain one
// without its version number.
func (img *isoImage) name(id, rec []byte) string {
	if img.joliet {
		u := make([]uint16, len(id)/2)
		for i := range u {
			u[i] = binary.BigEndian.Uint16(id[2*i:])
		}
		return plainName(string(utf16.Decode(u)))
	}
	use := rec[33+len(id):]
	if len(id)%2 == 0 && len(use) > 0 {
		use = use[1:]
	}
	var rock strings.Builder
	for len(use) >= 4 && int(use[2]) >= 4 && int(use[2]) <= len(use) {
		if string(use[:2]) == "NM" && use[2] > 5 {
			rock.Write(use[5:use[2]])
		}
		use = use[use[2]:]
	}
	if rock.Len() > 0 {
		return rock.String()
	}
	return plainName(string(id))
}

func plainName(s string) string {
	s, _, _ = strings.Cut(s, ";")
	return strings.TrimSuffix(s, ".")
}
