package elf

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/detecttest"
)

// acme is what the tests watch for.
var acme = &sbom.Watch{
	Symbols:        []string{"ACME_Login"},
	SymbolPrefixes: []string{"ACME_"},
	Namespaces:     []string{"Acme"},
	Strings:        []string{"ACME DIGITAL TECHNOLOGY CO.,LTD"},
	Match: func(k sbom.Kind, v string) bool {
		return k == sbom.ELFNeeded && v == "libacme.so" || k == sbom.ELFComment && strings.Contains(v, "Acmecc")
	},
}

const sdk = `
int ACME_Login(void) { return 1; }
int ACME_Logout(void) { return 2; }
static int ACME_hidden(void) { return 3; }
int (*keep)(void) = ACME_hidden;
const char owner[] = "Copyright ACME DIGITAL TECHNOLOGY CO.,LTD";
`

// workshop is a folder with the files that the tests look at.
func workshop(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	detecttest.Write(t, dir, "sdk.c", sdk)
	detecttest.Write(t, dir, "sdk.cc", "namespace Acme { namespace Net { int open(int fd) { return fd + 1; } int close(int fd) { return fd; } } }")
	detecttest.Write(t, dir, "client.c", "int ACME_Login(void); int ACME_Logout(void); int main(void) { return ACME_Login() + ACME_Logout(); }")
	detecttest.Write(t, dir, "plain.c", "int plain(void) { return 0; }")
	for _, args := range []string{
		"gcc -shared -fPIC -s -Wl,-soname,libacme.so.2 -o libacme.so sdk.c",
		"gcc -shared -fPIC -o unstripped.so sdk.c",
		"gcc -static -nostartfiles -Wl,-e,ACME_Login -o static sdk.c",
		"gcc -shared -fPIC -s -o libns.so sdk.cc",
		"gcc -o client client.c -L. -l:libacme.so",
		"gcc -pie -o pie client.c -L. -l:libacme.so",
		"gcc -c -o sdk.o sdk.c",
		"gcc -c -o plain.o plain.c",
		"gcc -shared -fPIC -o plain.so plain.c",
	} {
		f := strings.Fields(args)
		detecttest.Run(t, dir, f[0], f[1:]...)
	}
	return dir
}

func TestDetect(t *testing.T) {
	dir := workshop(t)
	for _, c := range []struct {
		file string
		typ  sbom.ComponentType
		name string
		want []string
	}{
		{"libacme.so", sbom.Library, "libacme.so.2", []string{
			"elf_soname: libacme.so.2", "symbol: ACME_Login", "symbol_prefix: ACME_ x2", "binary_string: ACME DIGITAL TECHNOLOGY CO.,LTD x1"}},
		{"unstripped.so", sbom.Library, "unstripped.so", []string{
			"symbol: ACME_Login", "symbol_prefix: ACME_ x3", "binary_string: ACME DIGITAL TECHNOLOGY CO.,LTD x1"}},
		{"static", sbom.Application, "static", []string{
			"symbol: ACME_Login", "symbol_prefix: ACME_ x3", "binary_string: ACME DIGITAL TECHNOLOGY CO.,LTD x1"}},
		{"libns.so", sbom.Library, "libns.so", []string{"cxx_namespace: Acme x2"}},
		// Who only calls the SDK is told apart from the SDK.
		{"client", sbom.Application, "client", []string{"symbol_import: ACME_Login", "symbol_import: ACME_ x2"}},
		{"pie", sbom.Application, "pie", []string{"symbol_import: ACME_Login", "symbol_import: ACME_ x2"}},
		{"sdk.o", sbom.FileType, "sdk.o", []string{
			"symbol: ACME_Login", "symbol_prefix: ACME_ x3", "binary_string: ACME DIGITAL TECHNOLOGY CO.,LTD x1"}},
		{"plain.so", sbom.Library, "plain.so", nil},
		{"plain.o", "", "", nil},
	} {
		got, gaps := detecttest.Detect(t, New(acme), detecttest.Open(t, filepath.Join(dir, c.file)))
		facts := slices.DeleteFunc(detecttest.Facts(got), func(s string) bool { return strings.HasPrefix(s, "elf_build_id") })
		if d := cmp.Diff(c.want, facts, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s: %s", c.file, d)
		}
		if got.Type != c.typ || got.Name != c.name || len(gaps) > 0 {
			t.Errorf("%s: %s %s %v, want %s %s", c.file, got.Type, got.Name, gaps, c.typ, c.name)
		}
	}
	needed, _ := detecttest.Detect(t, New(&sbom.Watch{Match: func(k sbom.Kind, _ string) bool { return k == sbom.ELFNeeded }}),
		detecttest.Open(t, filepath.Join(dir, "client")))
	if got := detecttest.Values(needed, sbom.ELFNeeded); !slices.Contains(got, "libacme.so.2") {
		t.Errorf("needed: %v", got)
	}
}

func packageNote(text string) string {
	desc := text + strings.Repeat("\x00", 4-len(text)%4)
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, []uint32{4, uint32(len(desc)), packaging})
	return b.String() + "FDO\x00" + desc
}

func deflated(text string) string {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	z.Close()
	return b.String()
}

func TestSections(t *testing.T) {
	dir := workshop(t)
	detecttest.Run(t, dir, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-outform", "DER",
		"-out", "cert.der", "-subj", "/O=Acme Boot LLC/CN=Acme Secure Boot CA")
	cert := string(detecttest.Read(t, dir, "cert.der"))
	table := make([]byte, 16)
	binary.LittleEndian.PutUint32(table, uint32(len(cert)))
	binary.LittleEndian.PutUint32(table[8:], 16)
	note := `{"type":"deb","os":"debian","name":"acme-sdk","version":"1.2-3"}`
	c := detectWith(t, dir, map[string]string{
		".note.package": packageNote(note),
		".vendor_cert":  string(table) + cert,
		".comment":      "GCC: (Debian) 12\x00Acmecc 1.0\x00",
		".modinfo":      "author=Acme\x00license=GPL\x00",
	})
	want := []string{"elf_note_package: " + note, "elf_comment: Acmecc 1.0",
		"elf_vendor_cert: CN=Acme Secure Boot CA,O=Acme Boot LLC", "modinfo_author: Acme"}
	if d := cmp.Diff(want, detecttest.Facts(c)[1:]); d != "" { // the first is the build-id
		t.Error(d)
	}
	if c.Version != "1.2-3" || c.Name != "plain.so" {
		t.Errorf("%s %s", c.Name, c.Version)
	}
	c = detectWith(t, dir, map[string]string{
		".dep-v0": deflated(`{"packages":[{"name":"dep","version":"0.1.0"},{"name":"acmed","version":"2.0.1+a","root":true}]}`),
	})
	if c.Name != "acmed" || c.Version != "2.0.1+a" || c.PURL != "pkg:cargo/acmed@2.0.1%2Ba" || c.Language != "rust" {
		t.Errorf("Rust: %s %s %s", c.Name, c.Version, c.PURL)
	}
}

// detectWith looks at plain.so with sections put in.
func detectWith(t *testing.T, dir string, sections map[string]string) sbom.Component {
	t.Helper()
	args := []string{"--remove-section=.comment"}
	for name, contents := range sections {
		args = append(args, "--add-section", name+"="+detecttest.Write(t, dir, "section"+name, contents))
	}
	detecttest.Run(t, dir, "objcopy", append(args, "plain.so", "with.so")...)
	c, gaps := detecttest.Detect(t, New(acme), detecttest.File("/lib/plain.so", detecttest.Read(t, dir, "with.so")))
	if len(gaps) > 0 {
		t.Errorf("gaps: %v", gaps)
	}
	return c
}

func TestGoProgram(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c, _ := detecttest.Detect(t, New(nil), detecttest.Open(t, self))
	if c.Name != "github.com/interdict/interdict" || c.PURL != "pkg:golang/github.com/interdict/interdict" || c.Type != sbom.Application {
		t.Errorf("%s %s %s", c.Type, c.Name, c.PURL)
	}
	if got := detecttest.Values(c, sbom.GoModule); !slices.Equal(got, []string{"github.com/interdict/interdict"}) {
		t.Errorf("module: %v", got)
	}
}

// UPX leaves two segments, no sections, and its magic after the headers.
func TestPacked(t *testing.T) {
	b := make([]byte, 8192)
	copy(b, "\x7fELF\x02\x01\x01")
	le := binary.LittleEndian
	le.PutUint16(b[16:], 2)
	le.PutUint64(b[32:], 64)
	le.PutUint16(b[54:], 56)
	le.PutUint16(b[56:], 1)
	le.PutUint32(b[64:], 1)
	le.PutUint64(b[96:], uint64(len(b)))
	copy(b[124:], "UPX!")
	copy(b[6000:], "$Info: This file is packed with the UPX executable packer $\n\x00$Id: UPX 4.02 Copyright (C) $\n")
	c, gaps := detecttest.Detect(t, New(nil), detecttest.File("/bin/tool", b))
	if d := cmp.Diff([]string{"packer: UPX 4.02"}, detecttest.Facts(c)); d != "" {
		t.Error(d)
	}
	if len(gaps) != 1 || gaps[0].Reason != sbom.Unsupported {
		t.Errorf("gaps: %v", gaps)
	}
}

func TestGaps(t *testing.T) {
	b := detecttest.Read(t, workshop(t), "libacme.so")
	for name, c := range map[string]struct {
		bytes []byte
		want  sbom.Reason
	}{
		"cut":       {b[:len(b)-100], sbom.Truncated},
		"malformed": {slices.Concat([]byte("\x7fELF\x07"), b[5:]), sbom.Malformed},
		"short":     {[]byte("\x7fELF"), sbom.Malformed},
	} {
		_, gaps := detecttest.Detect(t, New(acme), detecttest.File("/lib/x.so", c.bytes))
		if len(gaps) != 1 || gaps[0].Reason != c.want {
			t.Errorf("%s: %v, want one that is %s", name, gaps, c.want)
		}
	}
}

// Whatever the bytes are, they are no error.
func FuzzDetect(f *testing.F) {
	dir := workshop(f)
	for _, name := range []string{"libacme.so", "client", "sdk.o"} {
		f.Add(detecttest.Read(f, dir, name))
	}
	d := New(acme)
	f.Fuzz(func(t *testing.T, b []byte) {
		file := detecttest.File("/lib/x.so", b)
		if !d.Wants(file) {
			return
		}
		if _, err := d.Detect(context.Background(), file); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkDetect(b *testing.B) {
	const libc = "/usr/lib/x86_64-linux-gnu/libc.so.6"
	symbols := &sbom.Watch{Symbols: acme.Symbols, SymbolPrefixes: acme.SymbolPrefixes, Namespaces: acme.Namespaces}
	for name, w := range map[string]*sbom.Watch{"headers": nil, "symbols": symbols, "strings": acme} {
		b.Run(name, func(b *testing.B) {
			f := detecttest.Open(b, libc)
			d := New(w)
			b.SetBytes(f.Size)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Detect(b.Context(), f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
