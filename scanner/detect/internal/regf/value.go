package regf

import "strings"

// Value is a value of a key.
type Value struct {
	h    *Hive
	Name string // empty for the key's own value
	Type uint32
	size uint32
	data uint32 // where, or the data itself
}

// The types of value that hold text (winnt.h).
const (
	String       = 1 // REG_SZ
	ExpandString = 2 // REG_EXPAND_SZ
	Number       = 4 // REG_DWORD
	Strings      = 7 // REG_MULTI_SZ
)

// maxValues bounds the values of one key.
const maxValues = 1 << 16

// Values calls yield for each value, until it returns false.
func (k Key) Values(yield func(Value) bool) {
	if k.h == nil || k.values == 0 {
		return
	}
	n := int(min(k.values, maxValues))
	list := k.h.cell(k.valueSet, 4, 4*n)
	for i := 0; i+4 <= len(list) && i < 4*n; i += 4 {
		if v, ok := k.h.value(le.Uint32(list[i:])); ok && !yield(v) {
			return
		}
	}
}

// The fields of a value ("vk").
const (
	valueHead   = 20
	valueASCII  = 1
	inPlace     = 1 << 31
	maxValueTag = 1024 // bytes of a name that are read
)

func (h *Hive) value(at uint32) (Value, bool) {
	b := h.cell(at, valueHead, valueHead+maxValueTag)
	if b == nil {
		return Value{}, false
	}
	n := int(le.Uint16(b[2:]))
	if string(b[:2]) != "vk" || n > len(b)-valueHead {
		h.damaged++
		return Value{}, false
	}
	return Value{
		h: h, Name: text(b[valueHead:valueHead+n], le.Uint16(b[16:])&valueASCII != 0),
		size: le.Uint32(b[4:]), data: le.Uint32(b[8:]), Type: le.Uint32(b[12:]),
	}, true
}

// Value returns the value of that name, without regard to case.
func (k Key) Value(name string) (Value, bool) {
	for v := range k.Values {
		if strings.EqualFold(v.Name, name) {
			return v, true
		}
	}
	return Value{}, false
}

// Text returns the text of the value of that name; empty when there is none.
// Of a list of strings it is the first.
func (k Key) Text(name string) string {
	v, ok := k.Value(name)
	if !ok {
		return ""
	}
	return v.Text()
}

// Text returns the value as text, up to the first NUL; empty when it is none.
func (v Value) Text() string {
	if v.Type != String && v.Type != ExpandString && v.Type != Strings {
		return ""
	}
	s, _, _ := strings.Cut(utf16le(v.Bytes()), "\x00")
	return s
}

// Number returns a number of 32 bits.
func (v Value) Number() (uint32, bool) {
	b := v.Bytes()
	if v.Type != Number || len(b) < 4 {
		return 0, false
	}
	return le.Uint32(b), true
}

// Bytes returns the data, at most 1 MiB of it.
func (v Value) Bytes() []byte {
	if v.h == nil {
		return nil
	}
	if v.size&inPlace != 0 {
		n := min(v.size&^inPlace, 4)
		return le.AppendUint32(nil, v.data)[:n]
	}
	if v.size == 0 {
		return nil
	}
	n := int(min(v.size, maxData))
	b := v.h.cell(v.data, 1, n)
	if v.size > segment && len(b) >= 8 && string(b[:2]) == "db" {
		return v.h.big(b, n)
	}
	return b[:min(len(b), n)]
}

// big joins the segments of a value that is too long for one cell.
func (h *Hive) big(db []byte, n int) []byte {
	count := int(le.Uint16(db[2:]))
	list := h.cell(le.Uint32(db[4:]), 4, 4*count)
	var b []byte
	for i := 0; i+4 <= len(list) && i < 4*count && len(b) < n; i += 4 {
		s := h.cell(le.Uint32(list[i:]), 1, min(segment, n-len(b)))
		if s == nil {
			return b
		}
		b = append(b, s...)
	}
	return b
}
