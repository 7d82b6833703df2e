package pe

import (
	"bytes"
	"os"
	"slices"
	"testing"
	"unicode/utf8"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/signtest"
)

// Whatever the bytes are: no panic, the same result twice, values that an
// inventory can hold, and never more evidence than the bounds allow.
func FuzzDetect(f *testing.F) {
	id := signtest.Root(f, "R").CA(f, "CA").Leaf(f, "Signer Ltd", "Signer")
	rc := camera[:bytes.Index([]byte(camera), []byte("2 24"))]
	for _, arch := range []string{"x86_64", "i686"} {
		file := signtest.DLL{Arch: arch, C: cameraC, Def: cameraDef, RC: rc, Args: []string{"-lws2_32"}}.Build(f, "a.dll")
		data, err := os.ReadFile(id.Sign(f, file, id.Above, "-n", "program"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("MZ"))
	d := New(&sbom.Watch{SymbolPrefixes: []string{"N"}, Strings: []string{"ACME"}})
	f.Fuzz(func(t *testing.T, data []byte) {
		var results []sbom.Component
		for range 2 {
			file := &scanner.File{Path: "/a.dll", Size: int64(len(data)), Head: data[:min(len(data), 4096)], ReaderAt: bytes.NewReader(data)}
			d.Wants(file)
			res, err := d.Detect(t.Context(), file)
			if err != nil {
				t.Fatal(err)
			}
			if res.Component == nil {
				return
			}
			results = append(results, *res.Component)
		}
		if !slices.Equal(results[0].Evidence, results[1].Evidence) || !slices.Equal(results[0].Properties, results[1].Properties) {
			t.Error("two looks at one file differ")
		}
		for _, e := range results[0].Evidence {
			if e.Value == "" || len(e.Value) > sbom.MaxValue || !utf8.ValidString(e.Value) || !utf8.ValidString(e.Where) {
				t.Errorf("%+v", e)
			}
		}
	})
}

func FuzzVersion(f *testing.F) {
	file, err := os.ReadFile(signtest.DLL{RC: camera[:bytes.Index([]byte(camera), []byte("2 24"))], NoDebug: true}.Build(f, "a.dll"))
	if err != nil {
		f.Fatal(err)
	}
	at := bytes.Index(file, []byte("V\x00S\x00_\x00V\x00"))
	f.Add(file[at-6 : at-6+int(le.Uint16(file[at-6:]))])
	f.Fuzz(func(t *testing.T, b []byte) {
		read := 0
		v, _ := parseVersion(b, &read)
		size := 0
		for _, table := range v.tables {
			for _, s := range table.strings {
				size += len(s.key) + len(s.value)
			}
		}
		if size > 3*len(b) { // UTF-16 becomes at most half as long again, and U+FFFD
			t.Errorf("%d bytes of strings in %d", size, len(b))
		}
	})
}

// The whole look at a signed library, by the size of the file.
func BenchmarkDetect(b *testing.B) {
	id := signtest.Root(b, "R").CA(b, "CA").Leaf(b, "Signer Ltd", "Signer")
	file := signtest.DLL{C: "__declspec(dllexport) char big[16 << 20] = {1};\n" + cameraC, Def: cameraDef, Args: []string{"-lws2_32"}}.Build(b, "a.dll")
	data, err := os.ReadFile(id.Sign(b, file, id.Above))
	if err != nil {
		b.Fatal(err)
	}
	d := New(&sbom.Watch{SymbolPrefixes: []string{"NET_DVR_"}, Strings: []string{"HANGZHOU HIKVISION DIGITAL TECHNOLOGY", "Kaspersky Lab"}})
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		f := &scanner.File{Path: "/a.dll", Size: int64(len(data)), Head: data[:4096], ReaderAt: bytes.NewReader(data)}
		if _, err := d.Detect(b.Context(), f); err != nil {
			b.Fatal(err)
		}
	}
}
