package pe

import (
	"bytes"
	"math/bits"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// Metadata tables of ECMA-335 (6th edition) II.22 that are read.
const (
	tableTypeRef   = 0x01
	tableMemberRef = 0x0a
	tableCustom    = 0x0c
	tableAssembly  = 0x20
)

const (
	maxStreams   = 16
	maxMetaRows  = 1 << 20
	maxAttrValue = 4096
)

// codedIndexes are ECMA-335 II.24.2.6: a few bits that choose one of some
// tables. 0xff stands for a choice that is not used.
var codedIndexes = map[string]struct {
	bits   int
	tables []byte
}{
	"TypeDefOrRef":    {2, []byte{0x02, 0x01, 0x1b}},
	"Constant":        {2, []byte{0x04, 0x08, 0x17}},
	"Custom":          {5, []byte{0x06, 0x04, 0x01, 0x02, 0x08, 0x09, 0x0a, 0x00, 0x0e, 0x17, 0x14, 0x11, 0x1a, 0x1b, 0x20, 0x23, 0x26, 0x27, 0x28, 0x2a, 0x2c, 0x2b}},
	"Marshal":         {1, []byte{0x04, 0x08}},
	"Security":        {2, []byte{0x02, 0x06, 0x20}},
	"MemberParent":    {3, []byte{0x02, 0x01, 0x1a, 0x06, 0x1b}},
	"Semantics":       {1, []byte{0x14, 0x17}},
	"MethodDefOrRef":  {1, []byte{0x06, 0x0a}},
	"MemberForwarded": {1, []byte{0x04, 0x06}},
	"CustomType":      {3, []byte{0xff, 0xff, 0x06, 0x0a, 0xff}},
	"Scope":           {2, []byte{0x00, 0x1a, 0x23, 0x01}},
}

// rowColumns are the columns of tables 0x00 to 0x20 (II.22): bytes, a heap
// (string, guid, blob), a table as "#04", or a coded index.
var rowColumns = [...]string{
	"2 string guid guid guid", "Scope string string", "4 string string TypeDefOrRef #04 #06", "#04", "2 string blob",
	"#06", "4 2 2 string blob #08", "#08", "2 2 string", "#02 TypeDefOrRef",
	"MemberParent string blob", "2 Constant blob", "Custom CustomType blob", "Marshal blob", "2 Security blob",
	"2 4 #02", "4 #04", "blob", "#02 #14", "#14",
	"2 string TypeDefOrRef", "#02 #17", "#17", "2 string blob", "2 #06 Semantics",
	"#02 MethodDefOrRef MethodDefOrRef", "string", "blob", "2 MemberForwarded string #1a", "4 #04",
	"4 4", "4", "4 2 2 2 2 4 blob string string",
}

// metadata is the CLR metadata of a .NET assembly.
type metadata struct {
	im      *image
	strings directory // heaps
	blobs   directory
	heaps   byte // which heaps have wide indexes
	rows    [64]uint32
	at      [len(rowColumns)]uint32 // address of each table
	widths  [len(rowColumns)][]int
}

// assembly reads the name of a .NET assembly, and the attributes that say who
// made it. The compiler copies them into the version resource: they remain
// when that is removed.
func (l *look) assembly() error {
	b := l.im.rva(l.im.dirs[dirCLR].rva, 16)
	if l.im.dirs[dirCLR].rva == 0 || len(b) < 16 {
		return l.im.err
	}
	m := &metadata{im: l.im}
	if !m.open(le.Uint32(b[8:])) {
		l.gap(sbom.Malformed, "the .NET metadata is not readable")
		return l.im.err
	}
	if row := m.row(tableAssembly, 1); row != nil {
		l.assemblyName = m.text(row[7])
		l.note(sbom.PEAssembly, l.assemblyName, ".NET assembly")
	}
	for n := uint32(1); n <= m.rows[tableCustom]; n++ {
		// II.24.2.6: 14 is the assembly, 3 a MemberRef, 1 a TypeRef.
		row := m.row(tableCustom, n)
		if row == nil || row[0] != 1<<5|14 || row[1]&7 != 3 {
			continue
		}
		ctor := m.row(tableMemberRef, row[1]>>3)
		if ctor == nil || ctor[0]&7 != 1 {
			continue
		}
		if typ := m.row(tableTypeRef, ctor[0]>>3); typ != nil {
			attr := m.text(typ[1])
			if kind, ok := assemblyAttributes[attr]; ok {
				l.note(kind, m.attribute(row[2]), ".NET "+attr)
			}
		}
	}
	return l.im.err
}

var assemblyAttributes = map[string]sbom.Kind{
	"AssemblyCompanyAttribute":   sbom.PECompanyName,
	"AssemblyProductAttribute":   sbom.PEProductName,
	"AssemblyCopyrightAttribute": sbom.PELegalCopyright,
	"AssemblyTrademarkAttribute": sbom.PELegalTrademarks,
	"AssemblyTitleAttribute":     sbom.PEFileDescription,
}

// open reads the metadata root and the stream headers (II.24.2.1, .2).
func (m *metadata) open(root uint32) bool {
	b := bytes.Clone(m.im.rva(root, 1024))
	if len(b) < 20 || string(b[:4]) != "BSJB" {
		return false
	}
	skip := uint64(le.Uint32(b[12:])) + 16
	if skip+4 > uint64(len(b)) {
		return false
	}
	n := min(int(le.Uint16(b[skip+2:])), maxStreams)
	b = b[skip+4:]
	var tables uint32
	for ; n > 0 && len(b) > 8; n-- {
		name, _, ok := bytes.Cut(b[8:], []byte{0})
		if !ok {
			return false
		}
		d := directory{root + le.Uint32(b), le.Uint32(b[4:])}
		switch string(name) {
		case "#~", "#-":
			tables = d.rva
		case "#Strings":
			m.strings = d
		case "#Blob":
			m.blobs = d
		}
		b = b[min(8+align4(len(name)+1), len(b)):]
	}
	return tables != 0 && m.layOut(tables)
}

// layOut reads the header of the tables (II.24.2.6) and computes where each is.
func (m *metadata) layOut(at uint32) bool {
	b := m.im.rva(at, 24+64*4+4)
	if len(b) < 24 {
		return false
	}
	m.heaps = b[6]
	valid := le.Uint64(b[8:])
	head := 24 + 4*bits.OnesCount64(valid)
	if len(b) < head {
		return false
	}
	for i, p := 0, 24; i < 64; i++ {
		if valid>>i&1 == 1 {
			m.rows[i] = le.Uint32(b[p:])
			p += 4
		}
	}
	if m.heaps&0x40 != 0 {
		head += 4
	}
	end := uint64(at) + uint64(head)
	for t := range rowColumns {
		m.at[t] = uint32(end)
		size := 0
		for _, c := range strings.Fields(rowColumns[t]) {
			w := m.width(c)
			m.widths[t] = append(m.widths[t], w)
			size += w
		}
		if m.rows[t] > maxMetaRows {
			return false
		}
		end += uint64(m.rows[t]) * uint64(size)
	}
	return end < 1<<32
}

// width is how many bytes a column has.
func (m *metadata) width(column string) int {
	wide := false
	switch column {
	case "2":
		return 2
	case "4":
		return 4
	case "string":
		wide = m.heaps&1 != 0
	case "guid":
		wide = m.heaps&2 != 0
	case "blob":
		wide = m.heaps&4 != 0
	default:
		if column[0] == '#' {
			t := (column[1]-'0')<<4 | hexDigit(column[2])
			wide = m.rows[t] >= 1<<16
			break
		}
		coded := codedIndexes[column]
		for _, t := range coded.tables {
			if t != 0xff && m.rows[t] >= 1<<(16-coded.bits) {
				wide = true
			}
		}
	}
	if wide {
		return 4
	}
	return 2
}

func hexDigit(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

// row reads the columns of a row, which count from 1, or returns nil.
func (m *metadata) row(table int, n uint32) []uint32 {
	if n == 0 || n > m.rows[table] {
		return nil
	}
	size := 0
	for _, w := range m.widths[table] {
		size += w
	}
	b := m.im.rva(m.at[table]+(n-1)*uint32(size), size)
	if len(b) < size {
		return nil
	}
	row := make([]uint32, 0, 9)
	for _, w := range m.widths[table] {
		if w == 4 {
			row = append(row, le.Uint32(b))
		} else {
			row = append(row, uint32(le.Uint16(b)))
		}
		b = b[w:]
	}
	return row
}

// text reads the string heap.
func (m *metadata) text(at uint32) string {
	if at >= m.strings.size {
		return ""
	}
	return m.im.cstring(m.strings.rva + at)
}

// attribute reads a custom attribute whose first argument is a string
// (II.23.3): prolog 0x0001, length, UTF-8.
func (m *metadata) attribute(at uint32) string {
	if at >= m.blobs.size {
		return ""
	}
	b := m.im.rva(m.blobs.rva+at, maxAttrValue)
	if _, b = compressed(b); len(b) < 3 || b[0] != 1 || b[1] != 0 || b[2] == 0xff {
		return ""
	}
	n, b := compressed(b[2:])
	if n > len(b) {
		return ""
	}
	return string(b[:n])
}

// compressed reads a length of one, two or four bytes (II.23.2).
func compressed(b []byte) (int, []byte) {
	switch {
	case len(b) >= 1 && b[0]&0x80 == 0:
		return int(b[0]), b[1:]
	case len(b) >= 2 && b[0]&0xc0 == 0x80:
		return int(b[0]&0x3f)<<8 | int(b[1]), b[2:]
	case len(b) >= 4:
		return int(b[0]&0x1f)<<24 | int(b[1])<<16 | int(b[2])<<8 | int(b[3]), b[4:]
	}
	return 0, nil
}
