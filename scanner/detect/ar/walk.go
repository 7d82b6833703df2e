package ar

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// headerSize is the size of a member's header: name 16, mtime 12, uid 6,
// gid 6, mode 8, size 10, and "`\n".
const headerSize = 60

// maxLongNames bounds the table of long names in bytes, maxMembers how many
// members are gone through.
const (
	maxLongNames = 32 << 20
	maxMembers   = 1 << 20
)

// member is one member of an archive.
type member struct {
	name   string
	header int64 // where its header is, which is how an index names it
	data   int64
	size   int64
	first  [8]byte
}

// special reports a member that belongs to the archive itself.
func (m *member) special() bool {
	return m.name == "/" || m.name == "//" || m.name == "/SYM64/" || strings.HasPrefix(m.name, "/<") ||
		strings.HasPrefix(m.name, "__.SYMDEF")
}

// walker goes from member to member.
type walker struct {
	r      *io.SectionReader
	at     int64
	count  int
	long   []byte // GNU's and Microsoft's table of long names
	broken string // why the walk ended before the archive did
}

// next returns the next member, or nil at the end.
func (w *walker) next() (*member, error) {
	if w.at == 0 {
		w.at = int64(len(magic))
	}
	if w.broken != "" || w.at >= w.r.Size() {
		return nil, nil
	}
	if w.count >= maxMembers {
		w.broken = fmt.Sprintf("more than %d members", maxMembers)
		return nil, nil
	}
	var b [headerSize + 32]byte
	n := int(min(int64(len(b)), w.r.Size()-w.at))
	if err := readFull(w.r, b[:n], w.at); err != nil {
		return nil, err
	}
	if n < headerSize || string(b[58:60]) != "`\n" {
		w.broken = fmt.Sprintf("there is no member header at offset %d", w.at)
		return nil, nil
	}
	size, err := strconv.ParseInt(strings.TrimSpace(string(b[48:58])), 10, 64)
	if err != nil || size < 0 {
		w.broken = fmt.Sprintf("the member at offset %d has no size", w.at)
		return nil, nil
	}
	m := &member{name: strings.TrimRight(string(b[:16]), " "), header: w.at, data: w.at + headerSize, size: size}
	if m.size > w.r.Size()-m.data {
		w.broken = fmt.Sprintf("the member at offset %d ends after the archive", w.at)
		m.size = w.r.Size() - m.data
	}
	w.at = m.data + m.size + m.size&1
	w.count++
	if err := w.nameOf(m, b[headerSize:n]); err != nil {
		return nil, err
	}
	return m, nil
}

// nameOf finds a member's long name, and its first bytes, of which some follow
// the header.
func (w *walker) nameOf(m *member, follow []byte) error {
	switch {
	case strings.HasPrefix(m.name, "#1/"): // BSD: the name begins the data
		n, err := strconv.ParseInt(m.name[3:], 10, 16)
		if err != nil || n < 0 || n > m.size {
			return nil
		}
		name := make([]byte, n)
		if err := readFull(w.r, name, m.data); err != nil {
			return err
		}
		m.name = strings.TrimRight(string(name), "\x00")
		m.data, m.size = m.data+n, m.size-n
		follow = follow[min(int(n), len(follow)):]
	case m.name == "//":
		w.long = make([]byte, min(m.size, maxLongNames))
		return readFull(w.r, w.long, m.data)
	case len(m.name) > 1 && m.name[0] == '/' && m.name[1] >= '0' && m.name[1] <= '9':
		if at, err := strconv.ParseUint(m.name[1:], 10, 32); err == nil && at < uint64(len(w.long)) {
			m.name = string(w.long[at:min(at+4096, uint64(len(w.long)))])
			if i := strings.IndexAny(m.name, "\n\x00"); i >= 0 {
				m.name = m.name[:i]
			}
			m.name = strings.TrimSuffix(m.name, "/")
		}
	case !m.special():
		m.name = strings.TrimSuffix(m.name, "/")
	}
	if n := min(int64(len(m.first)), m.size); int64(copy(m.first[:n], follow)) < n {
		return readFull(w.r, m.first[:n], m.data)
	}
	return nil
}

func readFull(r io.ReaderAt, b []byte, off int64) error {
	if n, err := r.ReadAt(b, off); n < len(b) {
		if err == nil || errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return fmt.Errorf("reading an archive: %w", err)
	}
	return nil
}
