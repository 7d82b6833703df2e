package kmod

import (
	"context"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/detecttest"
)

const module = `
#define INFO(n, s) static const char i##n[] __attribute__((section(".modinfo"), used, aligned(1))) = s
INFO(1, "name=acme_hook"); INFO(2, "author=Acme Ltd"); INFO(3, "license=GPL v2");
INFO(4, "description=Hooks things"); INFO(5, "version=3.1"); INFO(6, "vermagic=6.1.0 SMP");
INFO(7, "alias=pci:v1");
#ifdef INTREE
INFO(8, "intree=Y");
#endif
extern int ACME_core(void);
int ACME_init(void) { return ACME_core(); }
int ACME_exit(void) { return 0; }
`

var acme = &sbom.Watch{SymbolPrefixes: []string{"ACME_"}}

func build(t testing.TB, flags ...string) (dir string, ko []byte) {
	t.Helper()
	dir = t.TempDir()
	detecttest.Write(t, dir, "m.c", module)
	detecttest.Run(t, dir, "gcc", append(flags, "-c", "-o", "m.ko", "m.c")...)
	return dir, detecttest.Read(t, dir, "m.ko")
}

// sign appends a signature as scripts/sign-file does: no attributes and no
// certificate.
func sign(t testing.TB, dir string, ko []byte) []byte {
	t.Helper()
	detecttest.Write(t, dir, "unsigned", string(ko))
	detecttest.Run(t, dir, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem",
		"-subj", "/O=Acme Ltd/CN=Acme module signing key")
	detecttest.Run(t, dir, "openssl", "cms", "-sign", "-binary", "-noattr", "-nocerts", "-in", "unsigned", "-signer", "cert.pem",
		"-inkey", "key.pem", "-outform", "DER", "-out", "sig")
	return appended(ko, detecttest.Read(t, dir, "sig"), idPKCS7, 0)
}

func appended(ko, sig []byte, id, signer byte) []byte {
	s := make([]byte, structSize)
	s[2], s[3] = id, signer
	binary.BigEndian.PutUint32(s[8:], uint32(len(sig)-int(signer)))
	return slices.Concat(ko, sig, s, []byte(magic))
}

func TestDetect(t *testing.T) {
	dir, ko := build(t)
	c, gaps := detecttest.Detect(t, New(acme), detecttest.File("/lib/modules/x/acme-hook.ko", sign(t, dir, ko)))
	want := []string{"symbol_prefix: ACME_ x2", "symbol_import: ACME_ x1", "kernel_module: acme_hook", "modinfo_author: Acme Ltd",
		"modinfo_license: GPL v2", "kmod_signer: Acme module signing key", "kmod_signer: Acme Ltd"}
	// The family is what the module defines; that it imports one as well is said apart.
	if d := cmp.Diff(want, detecttest.Facts(c)); d != "" {
		t.Error(d)
	}
	if c.Type != sbom.DeviceDriver || c.Name != "acme_hook" || c.Version != "3.1" || c.Description != "Hooks things" || len(gaps) > 0 {
		t.Errorf("%+v %v", c, gaps)
	}
	for _, e := range c.Evidence {
		if e.Kind == sbom.KmodSigner && !strings.Contains(e.Where, "not verified") {
			t.Errorf("a signer without a certificate: %s", e.Where)
		}
	}
}

// A module of the kernel's own tree says so.
func TestInTree(t *testing.T) {
	for _, c := range []struct{ flags, want []string }{{nil, nil}, {[]string{"-DINTREE"}, []string{"Y"}}} {
		_, ko := build(t, c.flags...)
		found, _ := detecttest.Detect(t, New(nil), detecttest.File("/m.ko", ko))
		if d := cmp.Diff(c.want, detecttest.Values(found, sbom.ModinfoInTree)); d != "" || len(detecttest.Values(found, sbom.ModinfoAuthor)) == 0 {
			t.Errorf("built with %v: %s", c.flags, d)
		}
	}
}

func TestOldSignature(t *testing.T) {
	_, ko := build(t)
	const signer = "Acme: Magrathea key"
	b := appended(ko, []byte(signer+"signature bytes"), idX509, byte(len(signer)))
	c, _ := detecttest.Detect(t, New(nil), detecttest.File("/m.ko", b))
	if d := cmp.Diff([]string{signer}, detecttest.Values(c, sbom.KmodSigner)); d != "" {
		t.Error(d)
	}
}

// Object files that are no modules are left to scanner/detect/elf.
func TestObjectFile(t *testing.T) {
	dir := t.TempDir()
	detecttest.Run(t, dir, "gcc", "-c", "-o", "a.o", detecttest.Write(t, dir, "a.c", "int a;"))
	c, gaps := detecttest.Detect(t, New(acme), detecttest.File("/a.o", detecttest.Read(t, dir, "a.o")))
	if c.Type != "" || len(gaps) > 0 {
		t.Errorf("%+v %v", c, gaps)
	}
}

// Whatever the bytes are, they are no error.
func FuzzDetect(f *testing.F) {
	dir, ko := build(f)
	f.Add(sign(f, dir, ko))
	f.Add(appended(ko, []byte("Acme"), idX509, 4))
	d := New(acme)
	f.Fuzz(func(t *testing.T, b []byte) {
		if file := detecttest.File("/m.ko", b); d.Wants(file) {
			if _, err := d.Detect(context.Background(), file); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func BenchmarkDetect(b *testing.B) {
	dir, ko := build(b)
	f := detecttest.File("/m.ko", sign(b, dir, ko))
	d := New(acme)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Detect(b.Context(), f); err != nil {
			b.Fatal(err)
		}
	}
}
