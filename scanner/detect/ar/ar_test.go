package ar

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/detecttest"
)

var acme = &sbom.Watch{Symbols: []string{"ACME_Login"}, SymbolPrefixes: []string{"ACME_"}, Strings: []string{"Acme Ltd"}}

// visitor keeps the members that are passed to it.
type visitor struct {
	members map[string]string
	gaps    []sbom.Gap
}

func (v *visitor) Visit(_ context.Context, m scanner.Member) error {
	b, err := io.ReadAll(io.NewSectionReader(m.ReaderAt, 0, m.Size))
	if v.members == nil {
		v.members = map[string]string{}
	}
	v.members[m.Name] = string(b)
	return err
}

func (v *visitor) Gap(g sbom.Gap) { v.gaps = append(v.gaps, g) }

// look detects and expands.
func look(t testing.TB, b []byte) (c sbom.Component, gaps []sbom.Gap, members map[string]string) {
	t.Helper()
	f := detecttest.File("/usr/lib/libacme.a", b)
	d := New(acme)
	c, gaps = detecttest.Detect(t, d, f)
	var v visitor
	if err := d.(scanner.Expander).Expand(t.Context(), f, &v); err != nil {
		t.Fatal(err)
	}
	return c, append(gaps, v.gaps...), v.members
}

// build makes a folder with an object file, and archives as ar's flags say.
func build(t testing.TB, flags ...string) (dir string, archives map[string][]byte) {
	t.Helper()
	dir, archives = t.TempDir(), map[string][]byte{}
	detecttest.Write(t, dir, "a_rather_long_name_for_a_member.c", `int ACME_Login(void){return 1;} int ACME_Quit(void){return 2;} const char o[]="Acme Ltd";`)
	detecttest.Run(t, dir, "gcc", "-c", "a_rather_long_name_for_a_member.c")
	detecttest.Write(t, dir, "readme.txt", "odd")
	for _, f := range flags {
		detecttest.Run(t, dir, "ar", f, f+".a", "a_rather_long_name_for_a_member.o", "readme.txt")
		archives[f] = detecttest.Read(t, dir, f+".a")
	}
	return dir, archives
}

func TestArchives(t *testing.T) {
	dir, a := build(t, "rcs", "rcS", "rcsT")
	object := string(detecttest.Read(t, dir, "a_rather_long_name_for_a_member.o"))
	indexed := []string{"symbol: ACME_Login", "symbol_prefix: ACME_ x2"}
	found := "binary_string: Acme Ltd x1"
	whole := map[string]string{"readme.txt": "odd", "a_rather_long_name_for_a_member.o": object}
	for name, c := range map[string]struct {
		bytes   []byte
		facts   []string
		members map[string]string
	}{
		// What the index speaks for is not visited.
		"index":    {a["rcs"], append(indexed, found), map[string]string{"readme.txt": "odd"}},
		"no index": {a["rcS"], []string{found}, whole},
		"thin":     {a["rcsT"], indexed, nil},
		"BSD":      {bsd(object), append(indexed, found), map[string]string{"readme.txt": "odd"}},
		"fat":      {fatFile(a["rcs"]), append(indexed, found), map[string]string{"arm64/readme.txt": "odd"}},
		"Windows":  {systemV("\x64\x86", "__imp_ACME_Login", "_ACME_Quit@4"), indexed, nil},
	} {
		got, gaps, members := look(t, c.bytes)
		if d := cmp.Diff(c.facts, detecttest.Facts(got)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if d := cmp.Diff(c.members, members, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s: members: %s", name, d)
		}
		if len(gaps) > 0 || got.Type != sbom.Library || got.Name != "libacme.a" {
			t.Errorf("%s: %s %s %v", name, got.Type, got.Name, gaps)
		}
	}
}

func header(name string, size int) string {
	return fmt.Sprintf("%-16s%-12d%-6d%-6d%-8o%-10d`\n", name, 0, 0, 0, 0o644, size)
}

func padded(s string) string { return s + strings.Repeat("\n", len(s)&1) }

// systemV writes an archive with an index and one member.
func systemV(member string, symbols ...string) []byte {
	names := strings.Join(symbols, "\x00") + "\x00"
	index := binary.BigEndian.AppendUint32(nil, uint32(len(symbols)))
	at := len(magic) + headerSize + 4 + 4*len(symbols) + len(names)
	for range symbols {
		index = binary.BigEndian.AppendUint32(index, uint32(at+at&1))
	}
	first := string(index) + names
	return []byte(magic + header("/", len(first)) + padded(first) + header("a.obj/", len(member)) + padded(member))
}

// bsd writes an archive as Apple's ar does: long names begin the data.
func bsd(object string) []byte {
	names := "_ACME_Login\x00_ACME_Quit\x00\x00"
	name := "a_rather_long_name_for_a_member.o\x00\x00\x00"
	list := 4 + 2*8 + 4 + len(names)
	at := len(magic) + headerSize + 20 + list
	at += at & 1
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, []uint32{16, 0, uint32(at), 12, uint32(at), uint32(len(names))})
	index := "__.SYMDEF SORTED\x00\x00\x00\x00" + b.String() + names
	return []byte(magic + header("#1/20", len(index)) + padded(index) +
		header(fmt.Sprintf("#1/%d", len(name)), len(name)+len(object)) + padded(name+object) + header("readme.txt", 3) + "odd\n")
}

// fatFile wraps an archive as the one slice of a fat file.
func fatFile(slice []byte) []byte {
	var b bytes.Buffer
	_ = binary.Write(&b, binary.BigEndian, []uint32{0xcafebabe, 1, 0x0100000c, 0, 64, uint32(len(slice)), 2})
	return slices.Concat(b.Bytes(), make([]byte, 64-b.Len()), slice)
}

func TestGaps(t *testing.T) {
	_, a := build(t, "rcs")
	for name, c := range map[string]struct {
		bytes []byte
		want  sbom.Reason
	}{
		"cut member": {a["rcs"][:len(a["rcs"])-2], sbom.Truncated},
		"cut header": {slices.Concat(a["rcs"], []byte("junk")), sbom.Truncated},
		"junk":       {[]byte(magic + strings.Repeat("junk", 40)), sbom.Malformed},
	} {
		if _, gaps, _ := look(t, c.bytes); len(gaps) != 1 || gaps[0].Reason != c.want {
			t.Errorf("%s: %v, want one that is %s", name, gaps, c.want)
		}
	}
}

func TestWants(t *testing.T) {
	for _, head := range []string{magic + "debian-binary   ", "\xca\xfe\xba\xbe\x00\x00\x00\x34", "!<arch>", ""} {
		if New(nil).Wants(detecttest.File("/x", []byte(head))) {
			t.Errorf("%q is wanted", head)
		}
	}
}

// Whatever the bytes are, they are no error, and members are parts of the file.
func FuzzExpand(f *testing.F) {
	f.Add(systemV("\x64\x86", "__imp_ACME_Login", "_ACME_Quit@4"))
	f.Add(bsd("\x7fELF object"))
	f.Add(fatFile(bsd("x")))
	f.Add([]byte(magic + header("//", 8) + "long.c/\n" + header("/0", 2) + "ab"))
	d := New(acme)
	f.Fuzz(func(t *testing.T, b []byte) {
		file := detecttest.File("/x.a", b)
		if !d.Wants(file) {
			return
		}
		if _, err := d.Detect(t.Context(), file); err != nil {
			t.Fatal(err)
		}
		var v visitor
		if err := d.(scanner.Expander).Expand(t.Context(), file, &v); err != nil {
			t.Fatal(err)
		}
		for _, m := range v.members {
			if !bytes.Contains(b, []byte(m)) {
				t.Fatalf("member %q is not in the file", m)
			}
		}
	})
}

func BenchmarkDetect(b *testing.B) {
	var symbols []string
	for i := range 10000 {
		symbols = append(symbols, fmt.Sprintf("some_function_%d", i))
	}
	a := systemV(strings.Repeat("\x64\x86", 1<<20), symbols...)
	f := detecttest.File("/x.a", a)
	d := New(acme)
	b.SetBytes(f.Size)
	for b.Loop() {
		if _, err := d.Detect(b.Context(), f); err != nil {
			b.Fatal(err)
		}
	}
}
