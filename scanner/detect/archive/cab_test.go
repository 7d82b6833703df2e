package archive

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/detecttest"
	"github.com/interdict/interdict/testdata/need"
)

// collect is a Visitor that reads every member.
type collect struct {
	files map[string]string
	gaps  []sbom.Gap
	left  int64 // bytes that may still come out
}

func (c *collect) Visit(_ context.Context, m scanner.Member) error {
	r := m.Reader
	if m.ReaderAt != nil {
		r = io.NewSectionReader(m.ReaderAt, 0, m.Size)
	}
	b, err := io.ReadAll(io.LimitReader(r, c.left))
	if c.left -= int64(len(b)) + 1; c.left <= 0 {
		return scanner.ErrLimit
	}
	if err != nil {
		c.gaps = append(c.gaps, sbom.Gap{Path: m.Name, Reason: sbom.Truncated, Detail: err.Error()})
	}
	if len(c.files) < 1000 {
		c.files[m.Name] = string(b)
	}
	return nil
}

func (c *collect) Charge(n int64) error {
	if c.left -= n; c.left <= 0 {
		return scanner.ErrLimit
	}
	return nil
}

func (c *collect) Gap(g sbom.Gap) { c.gaps = append(c.gaps, g) }

// expand reads all members of a container named name.
func expand(t testing.TB, name string, b []byte) *collect {
	t.Helper()
	c := &collect{files: map[string]string{}, left: 64 << 20}
	f := detecttest.File("/"+name, b)
	e := New()
	if e.Wants(f) {
		if err := e.Expand(context.Background(), f, c); err != nil && err != scanner.ErrLimit {
			t.Fatal(err)
		}
	}
	return c
}

// contents are files that need many blocks and many sorts of matches.
func contents() map[string]string {
	rnd := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 70_000)
	for i := range noise {
		noise[i] = byte(rnd.Uint32())
	}
	calls := bytes.Repeat([]byte("\x55\xe8\x10\x20\x00\x00\x90\xe8\x00\xf0\xff\xff"), 9000)
	text := bytes.Repeat([]byte("the quick brown fox jumps over the lazy dog; "), 3000)
	for i := 0; i < len(text); i += 97 {
		text[i] = byte('a' + rnd.IntN(26))
	}
	return map[string]string{"noise.bin": string(noise), "calls.exe": string(calls), "text.txt": string(text), "small": "x", "empty": ""}
}

func TestCab(t *testing.T) {
	want := contents()
	dir := t.TempDir()
	args := []string{"-c", "-n", "out.cab"}
	for name, text := range want {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, name)
	}
	for _, compress := range []string{"", "-z"} {
		a := args
		if compress != "" {
			a = append([]string{compress}, args...)
		}
		need.Tool(t, "gcab")
		cmd := exec.Command("gcab", a...)
		cmd.Dir = dir
		if msg, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("gcab: %v\n%s", err, msg)
		}
		b, err := os.ReadFile(filepath.Join(dir, "out.cab"))
		if err != nil {
			t.Fatal(err)
		}
		got := expand(t, "out.cab", b)
		if diff := cmp.Diff(want, got.files); diff != "" || len(got.gaps) > 0 {
			t.Errorf("gcab %s: gaps %v; files (-want +got):\n%.2000s", compress, got.gaps, diff)
		}
	}
}

// TestCabLZX compares with cabextract, whose decoder was written by others.
func TestCabLZX(t *testing.T) {
	want := contents()["text.txt"] + contents()["calls.exe"] + contents()["noise.bin"]
	for _, mode := range []struct {
		name  string
		kinds []int
		e8    uint32
	}{
		{"verbatim", []int{1}, 0}, {"aligned", []int{2}, 0}, {"uncompressed", []int{3}, 0},
		{"mixed", []int{1, 3, 2, 1, 1, 3, 3, 2}, 0}, {"calls", []int{1, 2}, 12_000_000},
	} {
		t.Run(mode.name, func(t *testing.T) {
			cab := lzxCabinet("f.bin", []byte(want), mode.kinds, mode.e8)
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "a.cab"), cab, 0o644); err != nil {
				t.Fatal(err)
			}
			need.Tool(t, "cabextract")
			msg, err := exec.Command("cabextract", "-q", "-d", dir, filepath.Join(dir, "a.cab")).CombinedOutput()
			if err != nil {
				t.Fatalf("cabextract: %v\n%s", err, msg)
			}
			theirs, err := os.ReadFile(filepath.Join(dir, "f.bin"))
			if err != nil {
				t.Fatal(err)
			}
			if mode.e8 == 0 && string(theirs) != want {
				t.Error("the test's encoder is wrong: cabextract reads something else")
			}
			got := expand(t, "a.cab", cab)
			if got.files["f.bin"] != string(theirs) || len(got.gaps) > 0 {
				t.Errorf("read %d bytes that differ from cabextract's %d; gaps %v", len(got.files["f.bin"]), len(theirs), got.gaps)
			}
		})
	}
}

// lzxCabinet makes a cabinet of one file, in blocks of the given types.
func lzxCabinet(name string, data []byte, kinds []int, e8 uint32) []byte {
	const bits = 16
	var blocks [][]byte
	e := &lzxEncoder{data: data, kinds: kinds, r: [3]int{1, 1, 1}}
	for at := 0; at < len(data); at += lzxFrame {
		blocks = append(blocks, e.frame(at, min(at+lzxFrame, len(data)), e8))
	}
	var body bytes.Buffer
	for i, b := range blocks {
		body.Write(make([]byte, 4)) // no checksum
		binary.Write(&body, binary.LittleEndian, uint16(len(b)))
		binary.Write(&body, binary.LittleEndian, uint16(min(lzxFrame, len(data)-i*lzxFrame)))
		body.Write(b)
	}
	dataAt := 36 + 8 + 16 + len(name) + 1
	var out bytes.Buffer
	out.WriteString(cabMagic)
	for _, v := range []any{
		uint32(dataAt + body.Len()), uint32(0), uint32(36 + 8), uint32(0), uint8(3), uint8(1),
		uint16(1), uint16(1), uint16(0), uint16(0), uint16(0), // folders, files, flags, set, number
		uint32(dataAt), uint16(len(blocks)), uint16(cabLZX | bits<<8), // the folder
		uint32(len(data)), uint32(0), uint16(0), uint16(0x5000), uint16(0), uint16(0x20), // the file
	} {
		binary.Write(&out, binary.LittleEndian, v)
	}
	out.WriteString(name + "\x00")
	out.Write(body.Bytes())
	return out.Bytes()
}

// lzxEncoder writes frames of one block each. All codes of a tree have the
// same length, so that no optimum need be sought.
type lzxEncoder struct {
	data  []byte
	kinds []int
	n     int
	r     [3]int
	w     lzxWriter
	begun bool
	had   bool // the trees' lengths are already those we use
}

func (e *lzxEncoder) frame(from, to int, e8 uint32) []byte {
	e.w = lzxWriter{}
	if !e.begun {
		e.begun = true
		if e8 != 0 {
			e.w.put(1, 1)
			e.w.put(e8>>16, 16)
			e.w.put(e8&0xffff, 16)
		} else {
			e.w.put(0, 1)
		}
	}
	kind := e.kinds[e.n%len(e.kinds)]
	e.n++
	e.w.put(uint32(kind), 3)
	for _, shift := range []int{16, 8, 0} {
		e.w.put(uint32(to-from)>>shift&0xff, 8)
	}
	if kind == 3 {
		e.w.alignRaw()
		for _, r := range e.r {
			e.w.b = binary.LittleEndian.AppendUint32(e.w.b, uint32(r))
		}
		e.w.b = append(e.w.b, e.data[from:to]...)
		if (to-from)%2 == 1 {
			e.w.b = append(e.w.b, 0)
		}
		return e.w.b
	}
	if kind == 2 {
		for range 8 {
			e.w.put(3, 3)
		}
	}
	e.trees()
	e.matches(from, to, kind)
	e.w.align()
	return e.w.b
}

// trees writes the main tree, 512 codes of 9 bits: it has 256+8*32 symbols; and
// the length tree, whose first 7 of 249 codes have 7 bits and the others 8.
func (e *lzxEncoder) trees() {
	for _, part := range []struct {
		n    int
		bits func(i int) int
	}{{256, nine}, {256, nine}, {249, sevenOrEight}} {
		// The pre-tree: symbol 0 keeps a length, 17-n sets n where 0 was.
		lens := map[int]uint32{0: 1, 17 - part.bits(0): 2, 17 - part.bits(0) + 1: 2}
		if part.bits(0) == 7 {
			lens = map[int]uint32{0: 1, 17 - 8: 2, 17 - 7: 2}
		}
		for s := range lzxPreSyms {
			e.w.put(lens[s], 4)
		}
		for i := range part.n {
			switch {
			case e.had:
				e.w.put(0, 1)
			case part.bits(i) == 7:
				e.w.put(3, 2)
			default:
				e.w.put(2, 2)
			}
		}
	}
	e.had = true
}

func nine(int) int { return 9 }

func sevenOrEight(i int) int {
	if i < 7 {
		return 7
	}
	return 8
}

func (e *lzxEncoder) matches(from, to, kind int) {
	for at := from; at < to; {
		length, offset := e.find(at, to)
		if length < 3 {
			e.w.put(uint32(e.data[at]), 9)
			at++
			continue
		}
		slot, extra, low := e.slot(offset)
		header := min(length-lzxMinMatch, 7)
		e.w.put(uint32(256+slot*8+header), 9)
		if header == 7 {
			if n := length - lzxMinMatch - 7; n < 7 {
				e.w.put(uint32(n), 7)
			} else {
				e.w.put(uint32(n+7), 8)
			}
		}
		if kind == 2 && extra >= 3 {
			e.w.put(low>>3, extra-3)
			e.w.put(low&7, 3)
		} else {
			e.w.put(low, extra)
		}
		at += length
	}
}

// slot chooses how to write an offset, and keeps the recent ones.
func (e *lzxEncoder) slot(offset int) (slot int, extra uint, low uint32) {
	for i, r := range e.r {
		if r == offset {
			e.r[0], e.r[i] = e.r[i], e.r[0]
			return i, 0, 0
		}
	}
	e.r = [3]int{offset, e.r[0], e.r[1]}
	for slot = 3; ; slot++ {
		base, extra := lzxPosition(slot)
		if n := uint32(offset+2) - base; n < 1<<extra {
			return slot, extra, n
		}
	}
}

// find looks for a match at a few distances.
func (e *lzxEncoder) find(at, to int) (length, offset int) {
	for _, d := range []int{1, 2, 3, 12, 45, 97, 135, 1000, 9 * 45, 40_000, 65_000} {
		if d > at || d >= 1<<16-257 {
			continue
		}
		n := 0
		for at+n < to && n < 257 && e.data[at+n] == e.data[at+n-d] {
			n++
		}
		if n > length {
			length, offset = n, d
		}
	}
	return length, offset
}

// lzxWriter writes bits as lzxBits reads them.
type lzxWriter struct {
	b   []byte
	acc uint32
	n   uint
}

func (w *lzxWriter) put(v uint32, n uint) {
	for i := int(n) - 1; i >= 0; i-- {
		w.acc = w.acc<<1 | v>>i&1
		if w.n++; w.n == 16 {
			w.b = binary.LittleEndian.AppendUint16(w.b, uint16(w.acc))
			w.acc, w.n = 0, 0
		}
	}
}

func (w *lzxWriter) align() {
	for w.n != 0 {
		w.put(0, 1)
	}
}

func (w *lzxWriter) alignRaw() {
	w.put(0, 1)
	w.align()
}
