package carve

import (
	"bytes"
	"encoding/base64"
	"io"
)

// sextets has the value of each character of base64 and of its variant for
// URLs, plus one (RFC 4648, 4 and 5).
var sextets = func() (t [256]byte) {
	for i, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" {
		t[c] = byte(i + 1)
	}
	t['+'], t['-'], t['/'], t['_'] = 63, 63, 64, 64
	return t
}()

// leastText is how many bytes must come out of text: shorter ones hold no
// container.
const leastText = 48

// base64Run knows a run of base64 by its beginning: nothing of the alphabet
// stands before it in its line.
func base64Run(r io.ReaderAt, at, limit int64) (File, bool) {
	if before := read(r, at-1, limit, 1); before != nil && sextets[before[0]] != 0 {
		return File{}, false
	}
	f := File{At: at, End: -1, Encoding: "base64"}
	head := make([]byte, 4096)
	n, _ := io.ReadFull(f.Reader(r, limit), head)
	if head = head[:n]; n < leastText {
		return File{}, false
	}
	if bytes.HasPrefix(head, []byte("\x1f\x8b")) {
		_, ok := decodes("gzip")(bytes.NewReader(head), 0, int64(n))
		return f, ok
	}
	return f, true
}

// uuRun knows uuencoded text by its first line (POSIX.1-2017, uuencode).
func uuRun(r io.ReaderAt, at, limit int64) (File, bool) {
	if before := read(r, at-1, limit, 1); before != nil && before[0] != '\n' {
		return File{}, false
	}
	b := make([]byte, min(512, limit-at))
	n, _ := r.ReadAt(b, at)
	line, rest, ok := bytes.Cut(b[:n], []byte("\n"))
	fields := bytes.SplitN(line, []byte(" "), 3)
	if !ok || len(fields) < 3 || len(bytes.Trim(fields[1], "01234567")) > 0 || len(fields[1]) < 3 || len(fields[1]) > 4 {
		return File{}, false
	}
	if rest, _, ok = bytes.Cut(rest, []byte("\n")); !ok || len(rest) != 61 || rest[0] != 'M' {
		return File{}, false // less than a full line holds no container
	}
	return File{At: at, End: -1, Encoding: "uu"}, true
}

// Reader reads what a File in text stands for. It reads no further than limit.
func (f File) Reader(r io.ReaderAt, limit int64) io.Reader {
	section := io.NewSectionReader(r, f.At, limit-f.At)
	if f.Encoding == "uu" {
		return &uuReader{r: section}
	}
	return ends{base64.NewDecoder(base64.RawStdEncoding, &sextetReader{r: section})}
}

// ends takes an error for the end: what follows is not of the text.
type ends struct{ r io.Reader }

func (e ends) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if err != nil {
		err = io.EOF
	}
	return n, err
}

// sextetReader passes on the characters of a run of base64, with those of the
// variant for URLs as the plain ones, and leaves out the ends of lines: as they
// are, and as strings of source code have them.
type sextetReader struct {
	r    io.Reader
	done bool
	esc  bool
}

func (s *sextetReader) Read(p []byte) (int, error) {
	for !s.done {
		n, err := s.r.Read(p)
		out := 0
		for _, c := range p[:n] {
			switch {
			case s.esc && (c == 'n' || c == 'r'):
				s.esc = false
				continue
			case s.esc && c != '\n' && c != '\r':
				s.done = true
			case c == '\\':
				s.esc = true
				continue
			case c == '\n' || c == '\r' || c == ' ' || c == '\t':
				s.esc = false
				continue
			case sextets[c] == 0:
				s.done = true
			}
			if s.done {
				break
			}
			switch c {
			case '-':
				c = '+'
			case '_':
				c = '/'
			}
			p[out] = c
			out++
		}
		if err != nil {
			s.done = true
		}
		if out > 0 {
			return out, nil
		}
		if err != nil && err != io.EOF {
			return 0, err
		}
	}
	return 0, io.EOF
}

// uuReader decodes uuencoded text: a line is its length and sets of four
// characters, from the line that begins it to one of no length.
type uuReader struct {
	r    io.Reader
	line []byte // what was read and not decoded
	out  []byte
	end  bool
	some bool // the first line was read
	buf  [4096]byte
}

func (u *uuReader) Read(p []byte) (int, error) {
	for len(u.out) == 0 {
		i := bytes.IndexByte(u.line, '\n')
		switch {
		case i >= 0:
			line := u.line[:i]
			u.line = u.line[i+1:]
			u.decode(bytes.TrimSuffix(line, []byte("\r")))
		case u.end || len(u.line) > 1024:
			return 0, io.EOF
		default:
			n, err := u.r.Read(u.buf[:])
			u.line = append(u.line, u.buf[:n]...)
			u.end = err != nil
		}
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

func (u *uuReader) decode(line []byte) {
	if !u.some {
		u.some = true
		return
	}
	size := 0
	if len(line) > 0 {
		size = int(line[0]-' ') & 63
	}
	if size == 0 || len(line) > 90 {
		u.end, u.line = true, nil
		return
	}
	var out []byte
	for line = line[1:]; len(line) >= 4 && len(out) < size; line = line[4:] {
		v := uint32(0)
		for _, c := range line[:4] {
			v = v<<6 | uint32(c-' ')&63
		}
		out = append(out, byte(v>>16), byte(v>>8), byte(v))
	}
	u.out = out[:min(size, len(out))]
}
