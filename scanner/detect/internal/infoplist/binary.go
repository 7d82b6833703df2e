package infoplist

import (
	"encoding/binary"
	"unicode/utf16"
)

// document is a binary property list: objects, a table of their offsets, and a
// trailer of 32 bytes that tells the sizes of both kinds of number.
type document struct {
	b       []byte // without the trailer
	table   uint64
	objects uint64
	offset  int // bytes of an offset
	ref     int // bytes of a reference to an object
}

// fromBinary reads the strings of the top dictionary.
func fromBinary(b []byte) (map[string]string, error) {
	d, keys, values, err := openBinary(b)
	if err != nil {
		return nil, err
	}
	m := map[string]string{}
	for i, k := range keys {
		key, ok := d.str(k)
		if !ok {
			continue
		}
		if value, ok := d.str(values[i]); ok {
			m[key] = value
		}
	}
	return m, nil
}

// openBinary returns the references to keys and values of the top dictionary.
func openBinary(b []byte) (d *document, keys, values []uint64, err error) {
	const trailer = 32
	if len(b) < 8+trailer {
		return nil, nil, nil, ErrFormat
	}
	t := b[len(b)-trailer:]
	d = &document{b: b[:len(b)-trailer], offset: int(t[6]), ref: int(t[7]),
		objects: binary.BigEndian.Uint64(t[8:]), table: binary.BigEndian.Uint64(t[24:])}
	top := binary.BigEndian.Uint64(t[16:])
	if d.offset < 1 || d.offset > 8 || d.ref < 1 || d.ref > 8 {
		return nil, nil, nil, ErrFormat
	}
	kind, n, at, ok := d.object(top)
	if !ok || kind != 0xd || n > uint64(len(d.b)) { // 0xd: dictionary: n keys, then n values
		return nil, nil, nil, ErrFormat
	}
	for i := range min(n, maxKeys) {
		k, ok := d.number(at+i*uint64(d.ref), d.ref)
		if !ok {
			break
		}
		v, ok := d.number(at+(n+i)*uint64(d.ref), d.ref)
		if !ok {
			break
		}
		keys, values = append(keys, k), append(values, v)
	}
	return d, keys, values, nil
}

// number reads a big-endian number of 1 to 8 bytes.
func (d *document) number(at uint64, size int) (v uint64, ok bool) {
	if at > uint64(len(d.b)) || uint64(size) > uint64(len(d.b))-at {
		return 0, false
	}
	for _, c := range d.b[at : at+uint64(size)] {
		v = v<<8 | uint64(c)
	}
	return v, true
}

// object finds an object: its kind, how many it holds, and where they begin.
func (d *document) object(i uint64) (kind byte, n, at uint64, ok bool) {
	if i >= d.objects || i >= uint64(len(d.b)) {
		return 0, 0, 0, false
	}
	off, ok := d.number(d.table+i*uint64(d.offset), d.offset)
	if !ok || d.table > uint64(len(d.b)) || off >= uint64(len(d.b)) {
		return 0, 0, 0, false
	}
	tag := d.b[off]
	n, at = uint64(tag&0xf), off+1
	if n == 0xf { // the count is an integer object that follows
		size, ok := d.number(at, 1)
		if !ok || size>>4 != 1 || size&0xf > 3 {
			return 0, 0, 0, false
		}
		width := 1 << (size & 0xf)
		if n, ok = d.number(at+1, width); !ok {
			return 0, 0, 0, false
		}
		at += 1 + uint64(width)
	}
	return tag >> 4, n, at, true
}

// str reads a string object: kind 5 is ASCII, kind 6 is UTF-16BE.
func (d *document) str(i uint64) (string, bool) {
	kind, n, at, ok := d.object(i)
	if !ok || kind != 5 && kind != 6 || n > maxString {
		return "", false
	}
	if kind == 6 {
		n *= 2
	}
	if at > uint64(len(d.b)) || n > uint64(len(d.b))-at {
		return "", false
	}
	b := d.b[at : at+n]
	if kind == 5 {
		return string(b), true
	}
	units := make([]uint16, len(b)/2)
	for j := range units {
		units[j] = binary.BigEndian.Uint16(b[2*j:])
	}
	return string(utf16.Decode(units)), true
}
