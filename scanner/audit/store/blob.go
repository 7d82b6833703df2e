package store

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

const (
	// partSize is how much of a blob one row has, in bytes.
	partSize = 1 << 20
	// blobUse is how exact the time of a blob's last use is: a blob that is
	// read often must not be written often.
	blobUse = time.Minute
	// blobStale is after how long a blob that is not whole yet is taken for
	// one whose writer has died.
	blobStale = 6 * time.Hour
)

// CRC-32C, as in iSCSI (RFC 3720, 12.1).
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ReadBlob copies the blob of that name to w, and reports whether there is one.
// Each part is checked before it is written to w. After an error w may have
// got the beginning of it; a damaged blob ([ErrCorrupt]) is forgotten, so that
// it can be made anew.
func (s *Store) ReadBlob(ctx context.Context, name string, w io.Writer) (bool, error) {
	var id, size, parts, used int64
	err := s.read(ctx, "reading blob "+name, func(t tx) error {
		return t.row(ctx, "SELECT id, size, parts, used FROM audit_blob WHERE name = ? AND whole = 1", []any{name}, &id, &size, &parts, &used)
	})
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	c := &blobReader{w: w}
	t := tx{s.reader, s.dialect}
	err = t.rows(ctx, "SELECT n, crc, data FROM audit_blob_part WHERE blob_id = ? ORDER BY n", []any{id}, c.part)
	if err == nil && (c.size != size || c.parts != parts) {
		err = c.gone(ctx, t, id)
	}
	if errors.Is(err, ErrCorrupt) {
		err = errors.Join(err, s.dropBlob(ctx, id))
	}
	if errors.Is(err, errReplaced) {
		return false, nil
	}
	if err != nil {
		return false, s.explain("reading blob "+name, err)
	}
	if now := s.now(); now.Sub(fromMicros(used)) > blobUse {
		err = s.write(ctx, "using blob "+name, func(t tx) error {
			return t.exec(ctx, "UPDATE audit_blob SET used = ? WHERE id = ?", micros(now), id)
		})
	}
	return true, err
}

// blobReader copies parts.
type blobReader struct {
	w           io.Writer
	size, parts int64
}

func (c *blobReader) part(scan func(...any) error) error {
	var n, crc int64
	var data []byte
	if err := scan(&n, &crc, &data); err != nil {
		return err
	}
	if n != c.parts || int64(crc32.Checksum(data, castagnoli)) != crc {
		return fmt.Errorf("part %d: %w", c.parts, ErrCorrupt)
	}
	c.parts++
	c.size += int64(len(data))
	_, err := c.w.Write(data)
	return err
}

var errReplaced = errors.New("replaced while it was read")

// gone says why parts are missing: because the blob was pruned or replaced
// before the first of them was read, or because the store is damaged.
func (c *blobReader) gone(ctx context.Context, t tx, id int64) error {
	var there bool
	if err := t.row(ctx, "SELECT EXISTS (SELECT 1 FROM audit_blob WHERE id = ?)", []any{id}, &there); err != nil {
		return err
	}
	if !there && c.parts == 0 {
		return errReplaced
	}
	return ErrCorrupt
}

func (s *Store) dropBlob(ctx context.Context, id int64) error {
	return s.write(ctx, "dropping a blob", func(t tx) error {
		return t.exec(ctx, "DELETE FROM audit_blob WHERE id = ?", id)
	})
}

// WriteBlob keeps what r gives under that name, whole or not at all: nobody
// reads it before r has ended. It replaces a blob of the same name.
func (s *Store) WriteBlob(ctx context.Context, name string, r io.Reader) (err error) {
	var id int64
	err = s.write(ctx, "writing blob "+name, func(t tx) error {
		return t.row(ctx, "INSERT INTO audit_blob (name, whole, size, parts, used) VALUES (?, 0, 0, 0, ?) RETURNING id",
			[]any{name, micros(s.now())}, &id)
	})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil { // also when ctx has ended
			late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			_ = s.dropBlob(late, id) // else PruneBlobs does
		}
	}()
	size, parts, err := s.writeParts(ctx, name, id, r)
	if err != nil {
		return err
	}
	return s.write(ctx, "writing blob "+name, func(t tx) error {
		if s.dialect == PostgreSQL { // two that write the same at once: one after the other
			if err := t.exec(ctx, "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", name); err != nil {
				return err
			}
		}
		if err := t.exec(ctx, "DELETE FROM audit_blob WHERE name = ? AND whole = 1 AND id <> ?", name, id); err != nil {
			return err
		}
		return t.exec(ctx, "UPDATE audit_blob SET whole = 1, size = ?, parts = ?, used = ? WHERE id = ?", size, parts, micros(s.now()), id)
	})
}

// writeParts writes each part in a transaction of its own, so that others can
// write between them.
func (s *Store) writeParts(ctx context.Context, name string, id int64, r io.Reader) (size, parts int64, err error) {
	buf := make([]byte, partSize)
	for {
		n, err := fill(r, buf)
		if n > 0 {
			row := []any{id, parts, int64(crc32.Checksum(buf[:n], castagnoli)), buf[:n]}
			werr := s.write(ctx, "writing blob "+name, func(t tx) error {
				return t.insert(ctx, "audit_blob_part (blob_id, n, crc, data)", 4, [][]any{row},
					"ON CONFLICT (blob_id, n) DO UPDATE SET crc = excluded.crc, data = excluded.data")
			})
			if werr != nil {
				return size, parts, werr
			}
			size, parts = size+int64(n), parts+1
		}
		switch {
		case err == io.EOF:
			return size, parts, nil
		case err != nil:
			return size, parts, fmt.Errorf("writing blob %s: %w", name, err)
		}
	}
}

// fill reads until buf is full or r ends. It is not io.ReadFull, which gives
// the same error for a short rest and for a reader that was cut off.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var m int
		m, err = r.Read(buf[n:])
		n += m
	}
	return n, err
}

// PruneBlobs forgets blobs until those left have no more than max bytes, the
// least recently used first, and the remains of writers that died.
func (s *Store) PruneBlobs(ctx context.Context, max int64) error {
	var drop []int64
	err := s.read(ctx, "pruning blobs", func(t tx) error {
		drop = nil
		var total int64
		err := t.rows(ctx, "SELECT id, size FROM audit_blob WHERE whole = 1 ORDER BY used DESC, id DESC", nil, func(scan func(...any) error) error {
			var id, size int64
			if err := scan(&id, &size); err != nil {
				return err
			}
			if total += size; total > max {
				drop = append(drop, id)
			}
			return nil
		})
		if err != nil {
			return err
		}
		dead, err := readIDs(ctx, t, "SELECT id FROM audit_blob WHERE whole = 0 AND used < ?", []any{micros(s.now().Add(-blobStale))})
		drop = append(drop, dead...)
		return err
	})
	if err != nil {
		return err
	}
	for _, id := range drop {
		if err := s.dropBlob(ctx, id); err != nil {
			return err
		}
	}
	if len(drop) == 0 || s.dialect != SQLite {
		return nil
	}
	return s.shrink(ctx)
}

// shrink gives free pages of the file back.
func (s *Store) shrink(ctx context.Context) error {
	return s.try(ctx, "shrinking the store", true, func() error {
		t := tx{s.writer, s.dialect}
		return t.rows(ctx, "PRAGMA incremental_vacuum", nil, func(func(...any) error) error { return nil })
	})
}
