package archive

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/carve"
)

// Bounds of what is read of a database.
const (
	maxSQLitePages = 1 << 22
	leastSQLite    = 64 // bytes of a value that may be a container
)

func isSQLite(f *scanner.File) bool {
	return hasMagic(f.Head, 0, "SQLite format 3\x00") && len(f.Head) >= 100
}

// expandSQLite passes on the values of rows that are too long for a page: the
// others are found as they lie there. It goes by the pages and not by the
// tables: rows that were deleted count as well (SQLite, "Database File Format",
// 1.6).
func expandSQLite(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	d := sqlite{f: f, page: int64(binary.BigEndian.Uint16(f.Head[16:]))}
	if d.page == 1 {
		d.page = 65536
	}
	d.usable = d.page - int64(f.Head[20])
	if d.page < 512 || d.page&(d.page-1) != 0 || d.usable < 480 {
		return nil // the file's bytes are searched as they are
	}
	buf := make([]byte, d.page)
	for n := int64(0); n < min(f.Size/d.page, maxSQLitePages); n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if got, _ := f.ReadAt(buf, n*d.page); int64(got) < d.page {
			break
		}
		if err := d.leaf(ctx, n, buf, v); err != nil {
			return err
		}
	}
	claim(v, 0, 100) // the rows that are not passed are searched as they lie
	return nil
}

// sqlite is a database while it is read.
type sqlite struct {
	f            *scanner.File
	page, usable int64
	followed     int64 // overflow pages: rows that share theirs are damaged
}

// leaf passes on the long rows of a leaf of a table.
func (d *sqlite) leaf(ctx context.Context, n int64, b []byte, v scanner.Visitor) error {
	h := b
	if n == 0 {
		h = b[100:]
	}
	if h[0] != 13 {
		return nil
	}
	cells := int(binary.BigEndian.Uint16(h[3:]))
	for i := range min(cells, (len(h)-8)/2) {
		at := int64(binary.BigEndian.Uint16(h[8+2*i:]))
		if at >= d.usable {
			continue
		}
		cell := b[at:d.usable]
		size, cell := varint(cell)
		_, cell = varint(cell) // the row's number
		local := d.local(size)
		if size <= int64(len(cell)) && local == size || local+4 > int64(len(cell)) {
			continue
		}
		row := d.row(cell[:local], binary.BigEndian.Uint32(cell[local:]), size)
		found, err := d.values(ctx, n, i, row, v)
		if err != nil {
			return err
		}
		if found {
			start := n*d.page + d.usable - int64(len(cell))
			claim(v, start, start+local)
			for _, at := range row.pages {
				claim(v, at-4, at-4+d.page)
			}
		}
	}
	return nil
}

// local is how much of a payload is in the leaf itself.
func (d *sqlite) local(size int64) int64 {
	most, least := d.usable-35, (d.usable-12)*32/255-23
	if size <= most {
		return size
	}
	if k := least + (size-least)%(d.usable-4); k <= most {
		return k
	}
	return least
}

// row is a payload: its beginning in the leaf, and the pages that it goes on in.
func (d *sqlite) row(local []byte, next uint32, size int64) *rowReader {
	r := &rowReader{d: d, local: append([]byte(nil), local...), size: size}
	for left := size - int64(len(local)); left > 0 && next > 0; left -= d.usable - 4 {
		at := (int64(next) - 1) * d.page
		var b [4]byte
		if d.followed++; d.followed > 2*d.f.Size/d.page {
			break
		}
		if got, _ := d.f.ReadAt(b[:], at); got < 4 {
			break
		}
		r.pages = append(r.pages, at+4)
		next = binary.BigEndian.Uint32(b[:])
	}
	r.size = min(size, int64(len(local))+int64(len(r.pages))*(d.usable-4))
	return r
}

// values passes on those long values of a row that begin as a container does.
func (d *sqlite) values(ctx context.Context, page int64, cell int, r *rowReader, v scanner.Visitor) (found bool, err error) {
	head := r.local
	n, types := varint(head)
	if n > int64(len(head)) || n < 1 {
		return false, nil
	}
	types = types[:max(0, n-int64(len(head)-len(types)))]
	at := n
	for column := 0; len(types) > 0; column++ {
		var kind int64
		kind, types = varint(types)
		size := int64(0)
		switch {
		case kind >= 12:
			size = (kind - 12) / 2
		case kind == 7 || kind == 6:
			size = 8
		case kind <= 4:
			size = kind
		case kind == 5:
			size = 6
		}
		if kind >= 12 && size >= leastSQLite && at+size <= r.size && r.begins(at, size) {
			found = true
			m := scanner.Member{Name: fmt.Sprintf("page-%d/row-%d/column-%d", page+1, cell+1, column+1), Size: size, ReaderAt: io.NewSectionReader(r, at, size)}
			if err := v.Visit(ctx, m); err != nil {
				return found, err
			}
		}
		at += size
	}
	return found, nil
}

func (r *rowReader) begins(at, size int64) bool {
	head := make([]byte, min(size, blockSize))
	n, _ := r.ReadAt(head, at)
	return carve.Begins(head[:n])
}

// varint reads a number of SQLite's: seven bits a byte, the most significant
// first, and eight in the ninth.
func varint(b []byte) (int64, []byte) {
	v := uint64(0)
	for i, c := range b[:min(len(b), 9)] {
		if i == 8 {
			return int64(v<<8|uint64(c)) & (1<<62 - 1), b[9:]
		}
		if v = v<<7 | uint64(c&0x7f); c < 0x80 {
			return int64(v), b[i+1:]
		}
	}
	return 0, nil
}

// rowReader reads a payload at any offset.
type rowReader struct {
	d     *sqlite
	local []byte
	pages []int64 // where the contents of the overflow pages begin
	size  int64
}

// ReadAt implements io.ReaderAt.
func (r *rowReader) ReadAt(p []byte, at int64) (int, error) {
	n := 0
	for n < len(p) {
		if at >= r.size || at < 0 {
			return n, io.EOF
		}
		if at < int64(len(r.local)) {
			k := copy(p[n:], r.local[at:])
			n, at = n+k, at+int64(k)
			continue
		}
		body := r.d.usable - 4
		i, off := (at-int64(len(r.local)))/body, (at-int64(len(r.local)))%body
		if i >= int64(len(r.pages)) {
			return n, io.EOF
		}
		k, err := r.d.f.ReadAt(p[n:n+int(min(int64(len(p)-n), body-off, r.size-at))], r.pages[i]+off)
		n, at = n+k, at+int64(k)
		if err != nil && k == 0 {
			return n, err
		}
	}
	return n, nil
}
