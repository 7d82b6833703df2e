package android

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf16"
)

// Android's binary XML: chunks with a header of type, header size and size
// (AOSP frameworks/base, libs/androidfw/include/androidfw/ResourceTypes.h).
const (
	chunkXML     = 0x0003
	chunkStrings = 0x0001
	chunkIDs     = 0x0180 // resource numbers of the attributes' names
	chunkStart   = 0x0102 // a start element

	stringsUTF8   = 1 << 8
	noString      = 0xffffffff
	typeString    = 0x03
	attrVersion   = 0x0101021c // android:versionName
	maxAXMLString = 64 << 10   // bytes of one string
	maxAXMLCount  = 1 << 20    // strings
)

var errAXML = errors.New("reading the binary manifest: it is cut off or malformed")

// axml is the part of a document that has been read.
type axml struct {
	pool  []byte // the string pool's chunk
	count uint32
	flags uint32
	start uint32 // of the strings, in pool
	ids   []byte
}

// binaryManifest reads the first element, which is the manifest's.
func binaryManifest(b []byte) (manifest, error) {
	if len(b) < 8 || binary.LittleEndian.Uint16(b) != chunkXML {
		return manifest{}, errors.New("reading the binary manifest: it is no Android XML")
	}
	var doc axml
	for at := int(binary.LittleEndian.Uint16(b[2:])); at+8 <= len(b); {
		kind := binary.LittleEndian.Uint16(b[at:])
		size := int64(binary.LittleEndian.Uint32(b[at+4:]))
		if size < 8 || size > int64(len(b)-at) {
			return manifest{}, errAXML
		}
		chunk := b[at : at+int(size)]
		at += int(size)
		switch kind {
		case chunkStrings:
			if err := doc.strings(chunk); err != nil {
				return manifest{}, err
			}
		case chunkIDs:
			doc.ids = chunk[8:]
		case chunkStart:
			return doc.element(chunk)
		}
	}
	return manifest{}, errAXML
}

// strings takes over the string pool.
func (d *axml) strings(chunk []byte) error {
	if len(chunk) < 28 {
		return errAXML
	}
	d.pool = chunk
	d.count = binary.LittleEndian.Uint32(chunk[8:])
	d.flags = binary.LittleEndian.Uint32(chunk[16:])
	d.start = binary.LittleEndian.Uint32(chunk[20:])
	if d.count > maxAXMLCount || 28+4*int64(d.count) > int64(len(chunk)) || int64(d.start) > int64(len(chunk)) {
		return errAXML
	}
	return nil
}

// str is the string with an index, or empty.
func (d *axml) str(i uint32) string {
	if i >= d.count {
		return ""
	}
	at := int64(d.start) + int64(binary.LittleEndian.Uint32(d.pool[28+4*i:]))
	if at >= int64(len(d.pool)) {
		return ""
	}
	b := d.pool[at:]
	if d.flags&stringsUTF8 != 0 {
		_, b = length8(b) // in UTF-16 units
		n, rest := length8(b)
		return string(rest[:min(n, len(rest), maxAXMLString)])
	}
	if len(b) < 2 {
		return ""
	}
	n := int(binary.LittleEndian.Uint16(b))
	b = b[2:]
	if n&0x8000 != 0 && len(b) >= 2 {
		n = (n&0x7fff)<<16 | int(binary.LittleEndian.Uint16(b))
		b = b[2:]
	}
	u := make([]uint16, min(n, len(b)/2, maxAXMLString))
	for i := range u {
		u[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(u))
}

// length8 reads a length of one byte or two.
func length8(b []byte) (int, []byte) {
	if len(b) == 0 {
		return 0, nil
	}
	n := int(b[0])
	if n&0x80 == 0 || len(b) < 2 {
		return n & 0x7f, b[1:]
	}
	return (n&0x7f)<<8 | int(b[1]), b[2:]
}

// element reads a start element: its header of 16 bytes is followed by a
// ResXMLTree_attrExt and the attributes.
func (d *axml) element(chunk []byte) (manifest, error) {
	if len(chunk) < 36 {
		return manifest{}, errAXML
	}
	if name := d.str(binary.LittleEndian.Uint32(chunk[20:])); name != "manifest" {
		return manifest{}, fmt.Errorf("reading the binary manifest: its first element is %q", name)
	}
	start := 16 + int(binary.LittleEndian.Uint16(chunk[24:]))
	size := int(binary.LittleEndian.Uint16(chunk[26:]))
	count := int(binary.LittleEndian.Uint16(chunk[28:]))
	if size < 20 {
		return manifest{}, errAXML
	}
	var m manifest
	for i := range count {
		at := start + i*size
		if at+20 > len(chunk) {
			return m, errAXML
		}
		a := chunk[at : at+20]
		name, value := binary.LittleEndian.Uint32(a[4:]), d.value(a)
		switch {
		case d.id(name) == attrVersion, d.id(name) == 0 && d.str(name) == "versionName":
			m.version = value
		case d.str(name) == "package":
			m.pkg = value
		}
	}
	return m, nil
}

// value is an attribute's string: as written, or by its typed value.
func (d *axml) value(a []byte) string {
	if raw := binary.LittleEndian.Uint32(a[8:]); raw != noString {
		return d.str(raw)
	}
	if a[15] == typeString {
		return d.str(binary.LittleEndian.Uint32(a[16:]))
	}
	return ""
}

// id is the resource number of an attribute's name, or 0.
func (d *axml) id(name uint32) uint32 {
	if 4*int64(name)+4 > int64(len(d.ids)) {
		return 0
	}
	return binary.LittleEndian.Uint32(d.ids[4*name:])
}
