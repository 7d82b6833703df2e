package regf_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/scanner/detect/internal/regf"
	"github.com/interdict/interdict/scanner/detect/internal/regf/regftest"
)

const prefix = `HKEY_LOCAL_MACHINE\SOFTWARE`

var le = binary.LittleEndian

func open(t testing.TB, b []byte) *regf.Hive {
	t.Helper()
	h, err := regf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// dump writes a tree of keys and values.
func dump(k regf.Key, at string, depth int, budget *int, b *strings.Builder) {
	if *budget--; *budget < 0 || depth > 512 {
		return
	}
	for v := range k.Values {
		if *budget--; *budget < 0 {
			return
		}
		n, _ := v.Number()
		fmt.Fprintf(b, "%s %q %d %q %d %d\n", at, v.Name, v.Type, v.Text(), n, len(v.Bytes()))
	}
	for s := range k.Subkeys {
		if *budget < 0 {
			return
		}
		fmt.Fprintf(b, "%s\\%s\n", at, s.Name)
		dump(s, at+`\`+s.Name, depth+1, budget, b)
	}
}

func TestRead(t *testing.T) {
	big := strings.TrimSuffix(strings.Repeat("41,42,43,", 15_000), ",")
	b := regftest.Build(t, prefix, `[`+prefix+`\Acme\Guard]
"Name"="Acme Guard 3"
@="own"
"Flags"=dword:0000002a
"Blob"=hex:`+big+`
"Small"=hex:01,02
"Many"=hex(7):61,00,00,00,62,00,00,00,00,00
"Expand"=hex(2):25,00,61,00,00,00

[`+prefix+`\Acme\Other]

[`+prefix+`\Zeta]
`)
	h := open(t, b)
	var text strings.Builder
	budget := 1000
	dump(h.Root(), "", 0, &budget, &text)
	want := `\Acme
\Acme\Guard
\Acme\Guard "" 1 "own" 0 8
\Acme\Guard "Blob" 3 "" 0 45000
\Acme\Guard "Expand" 2 "%a" 0 6
\Acme\Guard "Flags" 4 "" 42 4
\Acme\Guard "Many" 7 "a" 0 10
\Acme\Guard "Name" 1 "Acme Guard 3" 0 26
\Acme\Guard "Small" 3 "" 0 2
\Acme\Other
\Zeta
`
	if d := cmp.Diff(sorted(want), sorted(text.String())); d != "" || h.Damaged() > 0 || h.Truncated() || h.Dirty() {
		t.Errorf("%d damaged, truncated %v, dirty %v\n%s", h.Damaged(), h.Truncated(), h.Dirty(), d)
	}
	if k := h.Root().Sub("ACME", "guard"); k.Text("NAME") != "Acme Guard 3" {
		t.Errorf("Sub: %+v", k)
	}
	if k := h.Root().Sub("Acme", "None", "x"); k.Exists() || k.Text("x") != "" {
		t.Errorf("a key that is not there: %+v", k)
	}
}

func sorted(s string) string {
	lines := strings.Split(s, "\n")
	var names, values []string
	for _, l := range lines {
		if strings.Contains(l, `"`) {
			values = append(values, l)
		} else {
			names = append(names, l)
		}
	}
	for i := range values {
		for j := i; j > 0 && values[j] < values[j-1]; j-- {
			values[j], values[j-1] = values[j-1], values[j]
		}
	}
	return strings.Join(append(names, values...), "\n")
}

// extend adds a bin with one cell to a hive and returns the cell's offset.
func extend(b, cell []byte) ([]byte, uint32) {
	at := uint32(len(b) - 4096)
	bin := make([]byte, 4096)
	copy(bin, "hbin")
	le.PutUint32(bin[4:], at)
	le.PutUint32(bin[8:], 4096)
	n := 4096 - 32
	le.PutUint32(bin[32:], uint32(-int32(n)))
	copy(bin[36:], cell)
	b = append(b, bin...)
	le.PutUint32(b[40:], uint32(len(b)-4096))
	return b, at + 32
}

// Lists in the forms that hivex does not write: li, and ri over it; segments
// of big values.
func TestLists(t *testing.T) {
	b := regftest.Build(t, prefix, "["+prefix+"\\A]\n\n["+prefix+"\\B]\n")
	root := b[4096+int(le.Uint32(b[36:]))+4:]
	lh := b[4096+int(le.Uint32(root[28:]))+4:]
	leaf := append([]byte("li\x02\x00"), lh[4:8]...)
	leaf = append(leaf, lh[12:16]...)
	b, li := extend(b, leaf)
	b, ri := extend(b, le.AppendUint32(append([]byte("ri\x02\x00"), le.AppendUint32(nil, li)...), li))
	root = b[4096+int(le.Uint32(b[36:]))+4:]
	for list, want := range map[uint32]string{li: "A B", ri: "A B A B"} {
		le.PutUint32(root[28:], list)
		le.PutUint32(root[20:], 4)
		h := open(t, b)
		var names []string
		for k := range h.Root().Subkeys {
			names = append(names, k.Name)
		}
		if got := strings.Join(names, " "); got != want || h.Damaged() > 0 {
			t.Errorf("%q, want %q; %d damaged", got, want, h.Damaged())
		}
	}
}

// A key that a layer deletes is not there.
func TestTombstone(t *testing.T) {
	b := regftest.Build(t, prefix, "["+prefix+"\\Acme]\n")
	at := bytes.Index(b, []byte("Acme")) - 76
	b[at+13] |= 1
	if !open(t, b).Root().Sub("Acme").Exists() {
		t.Error("a hive of old has no layers")
	}
	le.PutUint32(b[24:], 6)
	if open(t, b).Root().Sub("Acme").Exists() {
		t.Error("a tombstone is a key")
	}
}

func TestOpen(t *testing.T) {
	b := regftest.Empty()
	for name, tt := range map[string]struct {
		change func([]byte) []byte
		want   error
	}{
		"text":  {func([]byte) []byte { return bytes.Repeat([]byte("regf"), 2000) }, regf.ErrFormat},
		"short": {func(b []byte) []byte { return b[:4000] }, regf.ErrFormat},
		"log":   {func(b []byte) []byte { b[28] = 6; return b }, regf.ErrLog},
	} {
		c := tt.change(bytes.Clone(b))
		if _, err := regf.Open(bytes.NewReader(c), int64(len(c))); err != tt.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	h := open(t, b[:4096+200])
	if !h.Truncated() {
		t.Error("it is cut, and nobody says so")
	}
}

// FuzzHive: whatever the bytes are, reading ends, and no value is longer than
// its bound.
func FuzzHive(f *testing.F) {
	f.Add(regftest.Empty())
	b := regftest.Build(f, prefix, "["+prefix+"\\A\\B]\n\"x\"=\"y\"\n\n["+prefix+"\\B]\n@=dword:00000001\n")
	f.Add(b[:8192])
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := regf.Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		budget := 2000
		var text strings.Builder
		dump(h.Root(), "", 0, &budget, &text)
	})
}
