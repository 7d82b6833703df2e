package ar

import (
	"encoding/binary"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/interdict/interdict/scanner/detect/internal/watch"
)

// maxIndex bounds the symbol index in bytes.
const maxIndex = 128 << 20

// index is an archive's list of global symbols.
type index struct {
	names   string // NUL-terminated
	count   int
	members map[int64]bool // offsets of the headers of the members that define them
	limit   string
}

// readIndex reads the index, which is the first member if there is one. An
// index that makes no sense is as good as none: the members are looked into.
func readIndex(r *io.SectionReader) (*index, error) {
	w := walker{r: r}
	m, err := w.next()
	if err != nil || m == nil || !m.special() || m.name == "//" {
		return &index{}, err
	}
	if m.size > maxIndex {
		return &index{limit: fmt.Sprintf("a symbol index of more than %d bytes", maxIndex)}, nil
	}
	b := make([]byte, m.size)
	if err := readFull(r, b, m.data); err != nil {
		return nil, err
	}
	x := &index{members: map[int64]bool{}}
	switch {
	case m.name == "/":
		x.systemV(b, 4)
	case m.name == "/SYM64/":
		x.systemV(b, 8)
	case strings.HasPrefix(m.name, "__.SYMDEF_64"):
		x.bsd(b, 8)
	case strings.HasPrefix(m.name, "__.SYMDEF"):
		x.bsd(b, 4)
	}
	if x.count > watch.MaxNames {
		x.limit = fmt.Sprintf("more than %d symbols", watch.MaxNames)
	}
	return x, nil
}

// systemV: a count, that many member offsets, and the names in their order.
// All numbers are big-endian, also in Microsoft's libraries.
func (x *index) systemV(b []byte, word int) {
	if len(b) < word {
		return
	}
	n := number(binary.BigEndian, b, word)
	b = b[word:]
	if n == 0 || n > uint64(len(b)/word) {
		return
	}
	for i := range int(n) {
		x.members[int64(number(binary.BigEndian, b[i*word:], word))] = true
	}
	x.names, x.count = string(b[int(n)*word:]), int(n)
}

// bsd: the size of a list of pairs (name, member offset), the list, and the
// size of the names and the names. Numbers are in the target's byte order; the
// one that makes sense is taken.
func (x *index) bsd(b []byte, word int) {
	for _, o := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		if len(b) < 2*word {
			return
		}
		size := number(o, b, word)
		if size == 0 || size%uint64(2*word) != 0 || size > uint64(len(b)-2*word) {
			continue
		}
		list, rest := b[word:word+int(size)], b[word+int(size):]
		if n := number(o, rest, word); n > uint64(len(rest)-word) {
			continue
		}
		for i := word; i < len(list); i += 2 * word {
			x.members[int64(number(o, list[i:], word))] = true
		}
		x.names, x.count = string(rest[word:]), int(size)/(2*word)
		return
	}
}

func number(o binary.ByteOrder, b []byte, word int) uint64 {
	if word == 8 {
		return o.Uint64(b)
	}
	return uint64(o.Uint32(b))
}

// has reports whether the index speaks for the member at that offset.
func (x *index) has(header int64) bool { return x.count > 0 && x.members[header] }

// symbols walks the names. "__imp_" marks the pointer that a Windows import
// library defines beside a function.
func (x *index) symbols() iter.Seq[string] {
	return func(yield func(string) bool) {
		for s := range strings.SplitSeq(x.names, "\x00") {
			if s != "" && !yield(strings.TrimPrefix(s, "__imp_")) {
				return
			}
		}
	}
}
