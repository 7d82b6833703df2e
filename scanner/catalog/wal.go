package catalog

import (
	"encoding/binary"
	"errors"
	"io"
	"strings"

	"github.com/anchore/syft/syft/file"

	"github.com/interdict/interdict/scanner/layer"
)

// walSuffix is what SQLite adds to a database's name for its write-ahead log.
// The log is a part of the database: its newest rows may be nowhere else
// (https://sqlite.org/walformat.html).
const walSuffix = "-wal"

// Numbers of the format of a write-ahead log, section 4 of that document.
const (
	walMagic      = 0x377f0682 // its lowest bit tells the byte order of checksums
	walHeader     = 32
	walFrame      = 24
	walVersion    = 3007000
	maxPageSize   = 65536
	versionsAt    = 18 // in the database's header: 2 where there is a log, 1 otherwise
	minSQLiteSize = 100
)

// withLog returns a database of SQLite with what its write-ahead log holds; ok
// is false when there is no log.
func (v *view) withLog(l file.Location) (b []byte, ok bool, err error) {
	if !strings.HasSuffix(l.RealPath, ".sqlite") {
		return nil, false, nil
	}
	wal, found := v.tree.Lookup(l.RealPath + walSuffix)
	if !found || !isFile(wal) || wal.Entry.Size <= walHeader {
		return nil, false, nil
	}
	n, found := v.tree.Lookup(l.RealPath)
	if !found || !isFile(n) {
		return nil, false, nil
	}
	db, err := v.readDatabaseFile(n)
	if err != nil {
		return nil, true, err
	}
	journal, err := v.readDatabaseFile(wal)
	if err != nil {
		return nil, true, err
	}
	return applyLog(db, journal), true, nil
}

// readDatabaseFile reads a file that is no longer than a package database may be.
func (v *view) readDatabaseFile(n layer.Node) ([]byte, error) {
	if n.Entry.Size > maxDatabase {
		return nil, errors.New("package database is too large")
	}
	b, err := readNode(v.tree, n, maxDatabase)
	if errors.Is(err, layer.ErrNotKept) {
		v.miss(n.Layer, n.Entry.Path)
	}
	return b, err
}

// applyLog returns the database as a reader sees it: with all pages of the
// committed transactions of the log. Frames behind one whose checksum or salt is
// wrong are left over from before, and do not count.
func applyLog(db, wal []byte) []byte {
	be := binary.BigEndian
	if len(wal) < walHeader || be.Uint32(wal)&^1 != walMagic || be.Uint32(wal[4:]) != walVersion {
		return db
	}
	var order binary.ByteOrder = binary.LittleEndian
	if be.Uint32(wal)&1 == 1 {
		order = binary.BigEndian
	}
	size := int(be.Uint32(wal[8:]))
	s0, s1 := walChecksum(order, wal[:24], 0, 0)
	if size < 512 || size > maxPageSize || size&(size-1) != 0 || s0 != be.Uint32(wal[24:]) || s1 != be.Uint32(wal[28:]) {
		return db
	}
	salts := string(wal[16:24])
	pages, pending, last := map[uint32][]byte{}, map[uint32][]byte{}, uint32(0)
	for rest := wal[walHeader:]; len(rest) >= walFrame+size; rest = rest[walFrame+size:] {
		frame, page := rest[:walFrame], rest[walFrame:walFrame+size]
		s0, s1 = walChecksum(order, frame[:8], s0, s1)
		s0, s1 = walChecksum(order, page, s0, s1)
		if string(frame[8:16]) != salts || s0 != be.Uint32(frame[16:]) || s1 != be.Uint32(frame[20:]) {
			break
		}
		pending[be.Uint32(frame)] = page
		if n := be.Uint32(frame[4:]); n != 0 { // a commit, with the database's length in pages
			for k, p := range pending {
				pages[k] = p
			}
			clear(pending)
			last = n
		}
	}
	if last == 0 || int64(last)*int64(size) > maxDatabase {
		return db
	}
	out := make([]byte, int(last)*size)
	copy(out, db)
	for n, p := range pages {
		if n > 0 && n <= last {
			copy(out[int(n-1)*size:], p)
		}
	}
	if len(out) >= minSQLiteSize {
		out[versionsAt], out[versionsAt+1] = 1, 1 // it needs no log any more
	}
	return out
}

// walChecksum goes on with a checksum; b is a multiple of 8 bytes long.
func walChecksum(order binary.ByteOrder, b []byte, s0, s1 uint32) (uint32, uint32) {
	for ; len(b) >= 8; b = b[8:] {
		s0 += order.Uint32(b) + s1
		s1 += order.Uint32(b[4:]) + s0
	}
	return s0, s1
}

// openWithLog is view.open, of a database with its log.
func (v *view) openWithLog(l file.Location) (io.ReadCloser, error) {
	if b, ok, err := v.withLog(l); err != nil {
		return nil, err
	} else if ok {
		return openBytes(b), nil
	}
	return v.open(l)
}
