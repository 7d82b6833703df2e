package installer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/richardlehane/mscfb"
)

const (
	maxTable    = 64 << 20 // bytes of one table's stream
	maxServices = 1000
)

// msi reads the tables of an MSI: Property, File and ServiceInstall.
func (d *Detector) msi(ctx context.Context, f *scanner.File) (scanner.Result, error) {
	ss, class, err := streams(f)
	var res scanner.Result
	if err != nil && len(ss) == 0 {
		if ctx.Err() == nil {
			res.Gaps = []sbom.Gap{{Reason: reason(err), Detail: err.Error()}}
		}
		return res, ctx.Err()
	}
	db, err := openTables(ss)
	if err != nil {
		res.Gaps = []sbom.Gap{{Reason: sbom.Truncated, Detail: err.Error()}}
	}
	if db == nil {
		return res, nil // another compound file
	}
	props := db.properties()
	c := &sbom.Component{
		Type: sbom.Application, Name: props["ProductName"], Version: props["ProductVersion"],
		Supplier: props["Manufacturer"],
	}
	if c.Name == "" {
		c.Name = path.Base(f.Path)
	}
	note := func(k sbom.Kind, value, where string) {
		if value != "" {
			c.Evidence = append(c.Evidence, sbom.Evidence{Kind: k, Value: value, Where: where})
		}
	}
	note(sbom.MSIVendor, props["Manufacturer"], "Property Manufacturer")
	note(sbom.MSIProduct, props["ProductName"], "Property ProductName")
	note(sbom.MSICode, props["ProductCode"], "Property ProductCode")
	note(sbom.MSICode, props["UpgradeCode"], "Property UpgradeCode")
	if home := props["ARPURLINFOABOUT"]; home != "" {
		c.References = append(c.References, sbom.Reference{Type: "website", URL: home})
	}
	for _, m := range db.files() {
		if d.watch.Matches(sbom.Filename, m.name) {
			note(sbom.Filename, m.name, "File table")
		}
	}
	for _, name := range db.services() {
		note(sbom.ServiceName, name, "ServiceInstall table")
	}
	es, gaps := signers(ss, class)
	c.Evidence = append(c.Evidence, es...)
	res.Gaps = append(res.Gaps, gaps...)
	res.Component = c
	return res, nil
}

// reason tells a file that ends too early from one that is malformed: the
// library has one sort of error for all that lies beyond the end.
func reason(err error) sbom.Reason {
	var e mscfb.Error
	if errors.As(err, &e) && e.Typ() == mscfb.ErrRead {
		return sbom.Truncated
	}
	return sbom.Malformed
}

// tables is the database of an MSI. Its tables are streams that hold one column
// after another; strings are numbers of entries in a pool of their own.
type tables struct {
	streams map[string]*stream
	pool    []string
	ref     int // bytes of a string's number: 2 or 3
}

// openTables reads the pool; it returns nil without one.
func openTables(ss []stream) (*tables, error) {
	db := &tables{streams: map[string]*stream{}, ref: 2}
	for i := range ss {
		if len(ss[i].dirs) == 0 {
			db.streams[ss[i].name] = &ss[i]
		}
	}
	if db.streams["!_StringPool"] == nil {
		return nil, nil
	}
	pool, err := db.read("!_StringPool")
	if err != nil {
		return nil, err
	}
	data, err := db.read("!_StringData")
	if err != nil {
		return nil, err
	}
	return db, db.readPool(pool, data)
}

func (db *tables) read(name string) ([]byte, error) {
	s := db.streams[name]
	if s == nil {
		return nil, nil
	}
	if s.size > maxTable {
		return nil, fmt.Errorf("table %s has %d bytes: %w", name, s.size, scanner.ErrLimit)
	}
	b := make([]byte, s.size)
	if _, err := io.ReadFull(io.NewSectionReader(s, 0, s.size), b); err != nil {
		return nil, fmt.Errorf("reading table %s: %w", name, err)
	}
	return b, nil
}

// readPool reads the pool: a code page, then for each string its length and how
// often it is used. A length of 0 that is used says that the length, of four
// bytes, follows.
func (db *tables) readPool(pool, data []byte) error {
	if len(pool) < 4 {
		return nil
	}
	if pool[3]&0x80 != 0 {
		db.ref = 3
	}
	db.pool = append(db.pool, "")
	for pool = pool[4:]; len(pool) >= 4; pool = pool[4:] {
		n, used := uint32(binary.LittleEndian.Uint16(pool)), binary.LittleEndian.Uint16(pool[2:])
		if n == 0 && used != 0 && len(pool) >= 8 {
			n = uint32(binary.LittleEndian.Uint16(pool[4:])) | uint32(binary.LittleEndian.Uint16(pool[6:]))<<16
			pool = pool[4:]
		}
		if uint64(n) > uint64(len(data)) {
			return fmt.Errorf("reading the string pool: %w", io.ErrUnexpectedEOF)
		}
		db.pool = append(db.pool, string(data[:n]))
		data = data[n:]
	}
	return nil
}

// column returns the strings of the column that begins after before bytes of
// each row of a table whose rows have size bytes.
func (db *tables) column(b []byte, size, before int) []string {
	rows := len(b) / size
	b = b[rows*before:]
	out := make([]string, rows)
	for i := range out {
		n := int(b[i*db.ref]) | int(b[i*db.ref+1])<<8
		if db.ref == 3 {
			n |= int(b[i*db.ref+2]) << 16
		}
		if n < len(db.pool) {
			out[i] = db.pool[n]
		}
	}
	return out
}

// properties reads the Property table: Property and Value.
func (db *tables) properties() map[string]string {
	props := map[string]string{}
	b, err := db.read("!Property")
	if err != nil || len(b)%(2*db.ref) != 0 {
		return props
	}
	values := db.column(b, 2*db.ref, db.ref)
	for i, name := range db.column(b, 2*db.ref, 0) {
		props[name] = values[i]
	}
	return props
}

// installed is a row of the File table.
type installed struct{ key, name string }

// files reads the long names of the File table: File, Component_, FileName,
// FileSize (4), Version, Language, Attributes (2), Sequence (2, or 4 in newer
// packages).
func (db *tables) files() []installed {
	b, err := db.read("!File")
	if err != nil {
		return nil
	}
	for _, size := range []int{5*db.ref + 8, 5*db.ref + 10} {
		if len(b)%size != 0 || !plausible(db.column(b, size, 2*db.ref)) {
			continue
		}
		keys := db.column(b, size, 0)
		rows := make([]installed, len(keys))
		for i, n := range db.column(b, size, 2*db.ref) {
			if _, long, ok := strings.Cut(n, "|"); ok {
				n = long
			}
			rows[i] = installed{keys[i], n}
		}
		return rows
	}
	return nil
}

// fileKeys maps the keys of the File table to names: an MSI's cabinet has its
// files by key.
func fileKeys(ss []stream) map[string]string {
	db, _ := openTables(ss)
	if db == nil {
		return nil
	}
	names := map[string]string{}
	for _, m := range db.files() {
		names[m.key] = m.name
	}
	return names
}

// plausible reports whether the strings can be names of files.
func plausible(names []string) bool {
	for _, n := range names {
		if n == "" || strings.ContainsAny(n, "/\\") {
			return false
		}
	}
	return true
}

// services reads the names of ServiceInstall: ServiceInstall, Name,
// DisplayName, three numbers of 4, and seven more strings.
func (db *tables) services() []string {
	b, err := db.read("!ServiceInstall")
	size := 10*db.ref + 12
	if err != nil || len(b)%size != 0 {
		return nil
	}
	names := db.column(b, size, db.ref)
	return names[:min(len(names), maxServices)]
}
