package elffile

import (
	"bytes"
	debugelf "debug/elf"
	"encoding/binary"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/scanner/detect/internal/detecttest"
)

func open(t testing.TB, b []byte) *File {
	t.Helper()
	f, err := Open(bytes.NewReader(b), int64(len(b)), b[:min(len(b), 4096)])
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// dynamicNames returns the defined and the undefined dynamic symbols.
func dynamicNames(t testing.TB, f *File) (d *Dynamic, defined, undefined []string) {
	t.Helper()
	d, err := f.Dynamic()
	if err != nil {
		t.Fatal(err)
	}
	return d, slices.Sorted(d.Symbols().Defined()), slices.Sorted(d.Symbols().Undefined())
}

// headless removes what tells where the sections are, as sstrip and packers do.
func headless(b []byte) []byte {
	b = bytes.Clone(b)
	clear(b[40:48])
	clear(b[58:64])
	return b
}

// The libraries of this machine are read as debug/elf reads them, and just the
// same when their section headers are gone.
func TestAgreesWithDebugELF(t *testing.T) {
	paths, err := filepath.Glob("/usr/lib/*/lib*.so.?")
	if err != nil || len(paths) < 5 {
		t.Fatalf("this test reads the machine's libraries, found %d: %v", len(paths), err)
	}
	for _, p := range paths[:min(len(paths), 150)] {
		want, err := debugelf.Open(p)
		if err != nil || want.Class != debugelf.ELFCLASS64 {
			continue // a linker script, or a foreign library
		}
		defer want.Close()
		symbols, _ := want.DynamicSymbols()
		var defined, undefined []string
		for _, s := range symbols {
			if k := debugelf.ST_TYPE(s.Info); s.Name == "" || k == debugelf.STT_SECTION || k == debugelf.STT_FILE {
				continue
			}
			if s.Section == debugelf.SHN_UNDEF {
				undefined = append(undefined, s.Name)
			} else {
				defined = append(defined, s.Name)
			}
		}
		slices.Sort(defined)
		slices.Sort(undefined)
		needed, _ := want.ImportedLibraries()
		soname, _ := want.DynString(debugelf.DT_SONAME)
		for name, b := range map[string][]byte{"whole": detecttest.Read(t, p), "headless": headless(detecttest.Read(t, p))} {
			f := open(t, b)
			d, gotDefined, gotUndefined := dynamicNames(t, f)
			if !slices.Equal(gotDefined, defined) {
				t.Errorf("%s, %s: %d defined symbols, want %d", p, name, len(gotDefined), len(defined))
			}
			// Without sections, imports of a library that exports nothing are not counted by its hash table.
			if len(defined) > 0 && !slices.Equal(gotUndefined, undefined) {
				t.Errorf("%s, %s: %d undefined symbols, want %d", p, name, len(gotUndefined), len(undefined))
			}
			if !slices.Equal(d.Needed, needed) || len(soname) > 0 && d.Soname != soname[0] {
				t.Errorf("%s, %s: SONAME %q NEEDED %q, want %q %q", p, name, d.Soname, d.Needed, soname, needed)
			}
			if f.Truncated != "" || f.Limits != "" {
				t.Errorf("%s, %s: %s%s", p, name, f.Truncated, f.Limits)
			}
		}
	}
}

// 32 bits, and the other byte order.
func TestForeignMachines(t *testing.T) {
	dir := t.TempDir()
	detecttest.Write(t, dir, "go.mod", "module example.com/vendor/tool\n\ngo 1.26\n")
	detecttest.Write(t, dir, "main.go", "package main\n\nfunc NET_DVR_Init() { println() }\n\nvar f = NET_DVR_Init\n\nfunc main() { f() }\n")
	for arch, want := range map[string]debugelf.Machine{
		"mips": debugelf.EM_MIPS, "s390x": debugelf.EM_S390,
	} {
		env := []string{"GOOS=linux", "GOARCH=" + arch, "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false"}
		detecttest.RunEnv(t, dir, env, "go", "build", "-o", arch, ".")
		f := open(t, detecttest.Read(t, dir, arch))
		s, err := f.StaticSymbols()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(slices.Collect(s.Defined()), "main.NET_DVR_Init") || f.Machine != want {
			t.Errorf("%s: machine %v, %d symbols, and not the one that is in it", arch, f.Machine, s.Count())
		}
		if f.Section(".go.buildinfo") == nil || f.Truncated != "" {
			t.Errorf("%s: %d sections %s", arch, len(f.Sections), f.Truncated)
		}
	}
}

func TestBadHeaders(t *testing.T) {
	good := detecttest.Read(t, "/proc/self/exe")
	if f := open(t, good); f.Truncated != "" {
		t.Errorf("a whole file: %s", f.Truncated)
	}
	if f := open(t, good[:len(good)/2]); f.Truncated == "" {
		t.Error("half a file is not truncated")
	}
	for name, b := range map[string][]byte{
		"short": good[:20], "class": slices.Concat(good[:4], []byte{9}, good[5:]), "order": slices.Concat(good[:5], []byte{9}, good[6:]),
	} {
		if _, err := Open(bytes.NewReader(b), int64(len(b)), nil); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// More sections than fit the header are counted in the null section.
	many := bytes.Clone(good)
	off := binary.LittleEndian.Uint64(many[40:])
	binary.LittleEndian.PutUint64(many[off+32:], 1<<40)
	binary.LittleEndian.PutUint16(many[60:], 0)
	if f := open(t, many); f.Limits == "" {
		t.Error("2^40 sections are within the limits")
	}
}

func TestParseModinfo(t *testing.T) {
	got := ParseModinfo([]byte("license=GPL\x00\x00author=A\x00author=B = C\x00alias=pci:1\x00junk\x00intree=Y"))
	want := map[string][]string{"license": {"GPL"}, "author": {"A", "B = C"}, "intree": {"Y"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// Foreign bytes are read without a panic, and what is read is in the file.
func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	src := detecttest.Write(f, dir, "a.c", "int NET_DVR_Init(void){return 1;} int puts(const char*); int x(void){return puts(\"a\");}")
	detecttest.Run(f, dir, "gcc", "-shared", "-fPIC", "-nostdlib", "-Wl,-soname,liba.so.1", "-o", "liba.so", src)
	detecttest.Run(f, dir, "gcc", "-c", "-o", "a.o", src)
	lib := detecttest.Read(f, dir, "liba.so")
	f.Add(lib)
	f.Add(headless(lib))
	f.Add(detecttest.Read(f, dir, "a.o"))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Open(bytes.NewReader(b), int64(len(b)), b[:min(len(b), 4096)])
		if err != nil {
			return
		}
		d, err := file.Dynamic()
		if err != nil {
			t.Fatal(err)
		}
		s, err := file.StaticSymbols()
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range []*Symbols{d.Symbols(), s} {
			for name := range table.All() {
				if !bytes.Contains(b, []byte(name)) {
					t.Fatalf("symbol %q is not in the file", name)
				}
			}
			if table.Err() != nil {
				t.Fatal(table.Err())
			}
		}
		if _, err := file.Notes(); err != nil {
			t.Fatal(err)
		}
	})
}
