package macho

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/detecttest"
	"github.com/interdict/interdict/testdata/need"
)

var acme = &sbom.Watch{
	Symbols: []string{"ACME_Login"}, SymbolPrefixes: []string{"ACME_"}, Namespaces: []string{"Acme"}, Strings: []string{"Acme Ltd"},
	Match: func(k sbom.Kind, v string) bool { return k == sbom.MachODylib && strings.HasPrefix(v, "libacme") },
}

var sdk = image{
	filetype: 6, install: "@rpath/libacme.2.dylib",
	defined: []string{"_ACME_Login", "_ACME_Logout", "__ZN4Acme4openEi"}, undefined: []string{"_ACME_Core"}, exported: []string{"_ACME_Extra", "_other"},
}

func TestLibrary(t *testing.T) {
	c, gaps := detecttest.Detect(t, New(acme), detecttest.File("/x/any.dylib", sdk.write()))
	want := []string{"macho_install_name: @rpath/libacme.2.dylib", "cxx_namespace: Acme x1", "symbol: ACME_Login",
		"symbol_prefix: ACME_ x2", "symbol_import: ACME_ x1"}
	if d := cmp.Diff(want, detecttest.Facts(c)); d != "" {
		t.Error(d)
	}
	if c.Type != sbom.Library || c.Name != "libacme.2.dylib" || c.Version != "3.1.0" || len(gaps) > 0 {
		t.Errorf("%s %s %s %v", c.Type, c.Name, c.Version, gaps)
	}
	// The export trie tells what a stripped symbol table does not.
	stripped := sdk
	stripped.defined = nil
	c, _ = detecttest.Detect(t, New(acme), detecttest.File("/x/any.dylib", stripped.write()))
	if got := detecttest.Values(c, sbom.SymbolFamily); !slices.Equal(got, []string{"ACME_"}) {
		t.Errorf("export trie: %v", detecttest.Facts(c))
	}
}

func TestProgram(t *testing.T) {
	b := image{
		filetype: typeExecute, dylibs: []string{"@rpath/libacme.2.dylib", "/usr/lib/libSystem.B.dylib"}, undefined: []string{"_ACME_Login"},
		plist: `<plist version="1.0"><dict><key>CFBundleIdentifier</key><string>com.acme.tool</string><key>CFBundleName</key><string>Tool</string>` +
			`<key>NSHumanReadableCopyright</key><string>Acme Ltd</string></dict></plist>`,
		encrypted: true,
	}.write()
	want := []string{"macho_dylib: @rpath/libacme.2.dylib", "macos_bundle_id: com.acme.tool", "macos_bundle_name: Tool",
		"macos_bundle_copyright: Acme Ltd", "symbol_import: ACME_Login", "symbol_import: ACME_ x1", "binary_string: Acme Ltd x1"}
	c, gaps := detecttest.Detect(t, New(acme), detecttest.File("/x/tool", b))
	if d := cmp.Diff(want, detecttest.Facts(c)); d != "" {
		t.Error(d)
	}
	if c.Type != sbom.Application || c.Name != "Tool" {
		t.Errorf("%s %s", c.Type, c.Name)
	}
	if len(gaps) != 1 || gaps[0].Reason != sbom.Encrypted {
		t.Errorf("gaps: %v", gaps)
	}
}

// What two architectures have in common is said once.
func TestFat(t *testing.T) {
	other := sdk
	other.defined = append(slices.Clone(sdk.defined), "_ACME_Only_here")
	b := fatOf([]uint32{0x01000007, 0x0100000c}, sdk.write(), other.write())
	c, gaps := detecttest.Detect(t, New(acme), detecttest.File("/x/libacme.dylib", b))
	var where []string
	for _, e := range c.Evidence {
		if e.Kind == sbom.SymbolFamily {
			where = append(where, e.Where)
		}
	}
	if d := cmp.Diff([]string{"x86_64: symbol table", "arm64: symbol table"}, where); d != "" || len(gaps) > 0 {
		t.Errorf("%v %s", gaps, d)
	}
	if got := detecttest.Values(c, sbom.MachOInstallName); len(got) != 1 {
		t.Errorf("install names: %v", got)
	}
	if _, gaps := detecttest.Detect(t, New(acme), detecttest.File("/x/cut", b[:len(b)-5000])); len(gaps) == 0 || gaps[0].Reason != sbom.Truncated {
		t.Errorf("a cut file: %v", gaps)
	}
}

func TestWants(t *testing.T) {
	for _, head := range []string{"\xca\xfe\xba\xbe\x00\x00\x00\x34", "\xca\xfe\xba\xbe\x00\x03\x00\x2d", "\xfe\xed", ""} {
		if New(nil).Wants(detecttest.File("/A.class", []byte(head))) {
			t.Errorf("%q is wanted", head)
		}
	}
}

func property(c sbom.Component, name string) string {
	for _, p := range c.Properties {
		if p.Name == "interdict:macho:"+name {
			return p.Value
		}
	}
	return ""
}

// build compiles a Go program for macOS; its linker signs ad hoc for arm64.
func build(t testing.TB) []byte {
	t.Helper()
	dir := t.TempDir()
	detecttest.Write(t, dir, "go.mod", "module example.com/acme/tool\n\ngo 1.26\n")
	detecttest.Write(t, dir, "main.go", "package main\n\nfunc main() { println(\"Acme Ltd\") }\n")
	detecttest.RunEnv(t, dir, []string{"GOOS=darwin", "GOARCH=arm64", "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false"}, "go", "build", "-o", "tool", ".")
	return detecttest.Read(t, dir, "tool")
}

func TestSignatures(t *testing.T) {
	const subject = "/O=Acme Ltd/OU=ACME123456/CN=Developer ID Application: Acme Ltd (ACME123456)"
	tool := build(t)
	dir := authority(t, subject)
	signed := sign(t, dir, "com.acme.tool", "ACME123456", tool)
	tampered := bytes.Clone(signed)
	i := bytes.Index(tampered, []byte("Acme Ltd"))
	tampered[i] = 'a'
	stolen := sign(t, dir, "com.acme.tool", "OTHER12345", tool)
	detecttest.Run(t, dir, "openssl", "req", "-x509", "-key", "leaf.key", "-out", "leaf.pem", "-subj", subject)
	selfSigned := sign(t, dir, "com.acme.tool", "ACME123456", tool)

	verified := []string{"apple_team_id: ACME123456", "codesign_cn: Developer ID Application: Acme Ltd (ACME123456)", "codesign_o: Acme Ltd"}
	claimed := []string{"apple_team_id_claimed: ACME123456", "codesign_cn_claimed: Developer ID Application: Acme Ltd (ACME123456)",
		"codesign_o_claimed: Acme Ltd"}
	other := append([]string{"apple_team_id_claimed: OTHER12345"}, claimed[1:]...)
	for name, c := range map[string]struct {
		bytes []byte
		state string
		want  []string
	}{
		"linker":      {tool, "ad-hoc, by the linker", nil},
		"signed":      {signed, "verified", verified},
		"fat":         {fatOf([]uint32{0x0100000c}, signed), "arm64: verified", verified},
		"tampered":    {tampered, "claimed: page", claimed},
		"other team":  {stolen, "claimed: the certificate is of another team", other},
		"self-signed": {selfSigned, "claimed: self-signed", claimed},
	} {
		got, gaps := detecttest.Detect(t, New(nil), detecttest.File("/x/tool", c.bytes))
		facts := slices.DeleteFunc(detecttest.Facts(got), func(s string) bool { return !strings.HasPrefix(s, "apple") && !strings.HasPrefix(s, "codesign") })
		slices.Sort(facts)
		if d := cmp.Diff(c.want, facts); d != "" && len(c.want)+len(facts) > 0 {
			t.Errorf("%s: %s", name, d)
		}
		if state := property(got, "signature"); !strings.HasPrefix(state, c.state) || len(gaps) > 0 {
			t.Errorf("%s: %q %v, want %q", name, state, gaps, c.state)
		}
		if got.PURL != "pkg:golang/example.com/acme/tool" {
			t.Errorf("%s: %s", name, got.PURL)
		}
	}
	// Nothing may be hidden behind the signed part.
	cut := bytes.Clone(signed)
	h, _, _ := readHeaders(bytes.NewReader(signed), int64(len(signed)))
	d := h.signature.off + 28
	be.PutUint32(cut[d+32:], be.Uint32(cut[d+32:])-4096)
	if got, _ := detecttest.Detect(t, New(nil), detecttest.File("/x/tool", cut)); len(detecttest.Values(got, sbom.AppleTeamID)) > 0 {
		t.Error("a signature that covers less than the file verifies")
	}
}

// Published programs whose signers are known. They are fetched once.
func TestPublished(t *testing.T) {
	for _, c := range []struct{ pack, file, team, cn string }{
		{"@sentry/cli-darwin@2.58.2", "package/bin/sentry-cli", "97JCY7859U", "Developer ID Application: GetSentry LLC (97JCY7859U)"},
		{"@expo/ngrok-bin-darwin-arm64@2.3.41", "package/ngrok", "TEX8MHRDQ9", "Developer ID Application: ngrok LLC (TEX8MHRDQ9)"},
	} {
		got, gaps := detecttest.Detect(t, New(nil), detecttest.Open(t, filepath.Join(fetch(t, c.pack), c.file)))
		if team := detecttest.Values(got, sbom.AppleTeamID); !slices.Equal(team, []string{c.team}) || len(gaps) > 0 {
			t.Errorf("%s: team %v, want %s %v", c.pack, team, c.team, gaps)
		}
		if cn := detecttest.Values(got, sbom.CodesignCN); !slices.Equal(cn, []string{c.cn}) {
			t.Errorf("%s: signer %v, want %s", c.pack, cn, c.cn)
		}
		for _, e := range got.Evidence {
			if e.Kind == sbom.AppleTeamID && !strings.Contains(e.Where, "top: Apple Root CA") {
				t.Errorf("%s: %s", c.pack, e.Where)
			}
		}
	}
}

// fetch unpacks an npm package into the cache of this user, once.
func fetch(t *testing.T, pack string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "interdict-test", "npm", strings.ReplaceAll(pack, "/", "_"))
	if _, err := os.Stat(filepath.Join(dir, "package")); err == nil {
		return dir
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	need.Network(t, "npm")
	cmd := exec.Command("npm", "pack", "--silent", pack)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("npm pack %s: %v", pack, err)
	}
	detecttest.Run(t, dir, "tar", "xzf", strings.TrimSpace(string(out)))
	return dir
}

// Whatever the bytes are, they are no error.
func FuzzDetect(f *testing.F) {
	f.Add(sdk.write())
	f.Add(fatOf([]uint32{7}, sdk.write()))
	f.Add(image{filetype: 2, plist: "<plist><dict/></plist>", encrypted: true}.write())
	d := New(acme)
	f.Fuzz(func(t *testing.T, b []byte) {
		if file := detecttest.File("/x", b); d.Wants(file) {
			if _, err := d.Detect(context.Background(), file); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A trie ends, whatever its edges, and its names are made of its bytes.
func FuzzExports(f *testing.F) {
	f.Add(trie([]string{"_ACME_Login", "_b"}))
	f.Add([]byte{0, 1, 'a', 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		for name := range exports(b) {
			if len(name) > maxName {
				t.Fatalf("a name of %d bytes", len(name))
			}
		}
	})
}

func FuzzSignature(f *testing.F) {
	f.Add([]byte("\xfa\xde\x0c\xc0\x00\x00\x00\x14\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x14"))
	f.Fuzz(func(t *testing.T, b []byte) {
		directory, _ := blobs(b)
		if d, ok := readDirectory(directory); ok && d.size > 0 && len(d.hashes)%d.size != 0 {
			t.Fatal("the digests are cut")
		}
	})
}

func BenchmarkDetect(b *testing.B) {
	tool := build(b)
	signed := sign(b, authority(b, "/O=Acme/CN=Acme"), "com.acme.tool", "", tool)
	for name, contents := range map[string][]byte{"ad-hoc": tool, "verify": signed} {
		b.Run(name, func(b *testing.B) {
			f, d := detecttest.File("/x", contents), New(acme)
			b.SetBytes(f.Size)
			for b.Loop() {
				if _, err := d.Detect(b.Context(), f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
