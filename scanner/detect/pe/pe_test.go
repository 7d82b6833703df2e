package pe

import (
	"bytes"
	debugpe "debug/pe"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/signtest"
)

func open1(t testing.TB, data []byte, name string, w *sbom.Watch) scanner.Result {
	t.Helper()
	f := &scanner.File{Path: "/opt/" + name, Size: int64(len(data)), Head: data[:min(len(data), scanner.HeadSize)], ReaderAt: bytes.NewReader(data)}
	d := New(w)
	if !d.Wants(f) {
		t.Fatalf("%s is not wanted", name)
	}
	res, err := d.Detect(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func detectFile(t testing.TB, file string, w *sbom.Watch) scanner.Result {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return open1(t, data, filepath.Base(file), w)
}

// facts are the evidence as "kind=value", sorted, of the kinds asked for or all.
func facts(res scanner.Result, kinds ...sbom.Kind) []string {
	var fs []string
	if res.Component == nil {
		return nil
	}
	for _, e := range res.Component.Evidence {
		if len(kinds) == 0 || slices.Contains(kinds, e.Kind) {
			fs = append(fs, fmt.Sprintf("%s=%s", e.Kind, e.Value))
		}
	}
	slices.Sort(fs)
	return fs
}

const camera = `
#include <windows.h>
1 VERSIONINFO
FILEVERSION 6,1,9,4
PRODUCTVERSION 6,1,0,0
FILETYPE VFT_DLL
BEGIN
  BLOCK "StringFileInfo"
  BEGIN
    BLOCK "080404B0"
    BEGIN
      VALUE "CompanyName", "海思半导体有限公司"
      VALUE "ProductName", "网络库"
    END
    BLOCK "040904B0"
    BEGIN
      VALUE "CompanyName", "Acme Cameras Co., Ltd."
      VALUE "ProductName", "Acme Camera SDK"
      VALUE "LegalCopyright", "© Acme"
      VALUE "LegalTrademarks", "Acme™"
      VALUE "OriginalFilename", "acme.dll"
      VALUE "InternalName", "acmesdk"
      VALUE "FileDescription", "Camera access"
      VALUE "FileVersion", "6, 1, 9, 4"
      VALUE "ProductVersion", "6.1"
    END
  END
  BLOCK "VarFileInfo"
  BEGIN
    VALUE "Translation", 0x804, 1200, 0x409, 1200
  END
END
2 24 "MANIFEST"
`

const manifestXML = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<assembly xmlns="urn:schemas-microsoft-com:asm.v1" manifestVersion="1.0">
  <assemblyIdentity version="1.0.0.0" name="Acme.Camera" type="win32"/>
  <dependency><dependentAssembly>
    <assemblyIdentity name="Microsoft.Windows.Common-Controls" version="6.0.0.0"/>
  </dependentAssembly></dependency>
</assembly>`

const cameraC = `
#include <winsock2.h>
int NET_DVR_Init(void) { return WSAGetLastError(); }
int NET_DVR_Login(void) { return 2; }
int CLIENT_Cleanup(void) { return 3; }
int other(void) { return 4; }
const char *legal(void) { return "HANGZHOU ACME DIGITAL"; }
const unsigned short *wide(void) { return L"ACME WIDE LABEL"; }
`

const cameraDef = `LIBRARY "HCNetSDK.dll"
EXPORTS
  NET_DVR_Init
  NET_DVR_Login
  CLIENT_Cleanup
  other
  legal
  wide
`

// A library with everything that is read, for both word sizes.
func TestLibrary(t *testing.T) {
	w := &sbom.Watch{
		Symbols: []string{"CLIENT_Cleanup", "WSAGetLastError"}, SymbolPrefixes: []string{"NET_DVR_"},
		Strings: []string{"HANGZHOU ACME DIGITAL", "ACME WIDE LABEL", "NOT THERE AT ALL"},
		Match:   func(k sbom.Kind, v string) bool { return k == sbom.PEImport && v == "WS2_32.dll" },
	}
	for _, arch := range []string{"x86_64", "i686"} {
		t.Run(arch, func(t *testing.T) {
			manifest := signtest.Write(t, t.TempDir(), "m.xml", manifestXML)
			rc := strings.ReplaceAll(camera, "MANIFEST", filepath.ToSlash(manifest))
			file := signtest.DLL{Arch: arch, C: cameraC, Def: cameraDef, RC: rc, Args: []string{"-lws2_32"}}.Build(t, "renamed.bin")
			res := detectFile(t, file, w)
			want := []string{
				"binary_string=ACME WIDE LABEL", "binary_string=HANGZHOU ACME DIGITAL",
				"pe_assembly=Acme.Camera",
				"pe_company_name=Acme Cameras Co., Ltd.", "pe_company_name=海思半导体有限公司",
				"pe_export_name=HCNetSDK.dll", "pe_file_description=Camera access",
				"pe_import=WS2_32.dll", "pe_internal_name=acmesdk",
				"pe_legal_copyright=© Acme", "pe_legal_trademarks=Acme™", "pe_original_filename=acme.dll",
				"pe_pdb_path=renamed.pdb", "pe_product_name=Acme Camera SDK", "pe_product_name=网络库",
				"symbol=CLIENT_Cleanup", "symbol_import=WSAGetLastError", "symbol_prefix=NET_DVR_",
			}
			if d := cmp.Diff(want, facts(res)); d != "" {
				t.Error(d)
			}
			c := res.Component
			got := []string{string(c.Type), c.Name, c.Version, c.Publisher, c.Copyright, c.Description}
			if d := cmp.Diff([]string{"library", "Acme Camera SDK", "6.1.9.4", "Acme Cameras Co., Ltd.", "© Acme", "Camera access"}, got); d != "" {
				t.Error(d)
			}
			for _, e := range c.Evidence {
				if e.Kind == sbom.PECompanyName && !strings.HasPrefix(e.Where, "VersionInfo 0") || e.Kind == sbom.SymbolFamily && e.Count != 2 {
					t.Errorf("%+v", e)
				}
			}
			if len(res.Gaps) > 0 {
				t.Error(res.Gaps)
			}
		})
	}
}

// A library that is loaded when it is first called is imported all the same.
func TestDelayImport(t *testing.T) {
	for _, arch := range []string{"x86_64", "i686"} {
		dir := t.TempDir()
		def := signtest.Write(t, dir, "sdk.def", "LIBRARY dhnetsdk.dll\nEXPORTS\n CLIENT_LoginEx2\n")
		lib := filepath.Join(dir, "libsdk.a")
		signtest.Run(t, arch+"-w64-mingw32-dlltool", "-d", def, "-y", lib)
		file := signtest.DLL{Arch: arch, C: "int CLIENT_LoginEx2(void);\n__declspec(dllexport) int f(void) { return CLIENT_LoginEx2(); }\n",
			Args: []string{lib}, NoDebug: true}.Build(t, "host.dll")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		im, err := open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		// GNU ld 2.40 does not enter the descriptor (attributes 1, name, ...) in the data directory.
		rva := func(off int) uint32 {
			i := slices.IndexFunc(im.sections, func(s section) bool { return off >= int(s.offset) && off < int(s.offset+s.size) })
			return uint32(off) - im.sections[i].offset + im.sections[i].rva
		}
		head := le.AppendUint32(le.AppendUint32(nil, 1), rva(bytes.Index(data, []byte("dhnetsdk.dll"))))
		le.PutUint32(data[im.dirEntries+8*dirDelayImport:], rva(bytes.Index(data, head)))
		res := open1(t, data, "host.dll", &sbom.Watch{SymbolPrefixes: []string{"CLIENT_"}})
		want := []string{"pe_import=dhnetsdk.dll", "symbol_import=CLIENT_"}
		if d := cmp.Diff(want, facts(res, sbom.PEImport, sbom.SymbolImport, sbom.SymbolFamily)); d != "" {
			t.Errorf("%s: %s", arch, d)
		}
	}
}

// What is imported is what debug/pe reads, for programs that Go's linker made.
func TestGoPrograms(t *testing.T) {
	src := signtest.Write(t, t.TempDir(), "main.go", "package main\n\nfunc main() { println(42) }\n")
	for _, arch := range []string{"386", "amd64", "arm64"} {
		out := filepath.Join(t.TempDir(), "go.exe")
		cmd := exec.Command("go", "build", "-o", out, src)
		cmd.Env = append(os.Environ(), "GOOS=windows", "GOARCH="+arch, "CGO_ENABLED=0")
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		im, err := open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		l := &look{detector: New(nil).(*detector), im: im, noted: map[sbom.Evidence]bool{}}
		functions := map[string]bool{}
		l.importTable(functions)
		f, err := debugpe.NewFile(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		symbols, err := f.ImportedSymbols()
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{}
		for _, s := range symbols {
			fn, _, _ := strings.Cut(s, ":")
			want[fn] = true
		}
		if d := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(functions))); d != "" || len(want) == 0 {
			t.Errorf("%s: %s", arch, d)
		}
		res := open1(t, data, "go.exe", &sbom.Watch{Symbols: []string{"main.main"}})
		if c := res.Component; c.Type != sbom.Application || !slices.Contains(facts(res), "symbol=main.main") ||
			!slices.Contains(c.Properties, sbom.Property{Name: "interdict:pe:machine", Value: arch}) {
			t.Errorf("%s: %+v %v", arch, c, facts(res))
		}
	}
}

// Subsystem and flags tell drivers, firmware, libraries and programs apart.
func TestComponentType(t *testing.T) {
	data, err := os.ReadFile(signtest.DLL{NoDebug: true}.Build(t, "x.dll"))
	if err != nil {
		t.Fatal(err)
	}
	im, err := open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name      string
		subsystem byte
		dll       bool
		want      sbom.ComponentType
	}{
		{"a.cpl", 2, true, sbom.Library},
		{"a.scr", 2, false, sbom.Application},
		{"klif.SYS", 1, false, sbom.DeviceDriver},
		{"smss.exe", 1, false, sbom.Application},
		{"shimx64.efi", 10, false, sbom.Firmware},
		{"rom.bin", 13, true, sbom.Firmware},
	} {
		b := bytes.Clone(data)
		b[im.optional+68] = tt.subsystem
		b[im.header+23] &^= 0x20
		if tt.dll {
			b[im.header+23] |= 0x20
		}
		if got := open1(t, b, tt.name, nil).Component.Type; got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// An old debug entry, and paths from an RSDS whose pointer is gone.
func TestDebugPaths(t *testing.T) {
	data, err := os.ReadFile(signtest.DLL{}.Build(t, "sdk.dll"))
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, []byte("RSDS"))
	copy(data[at:], "NB10\x00\x00\x00\x00\x01\x02\x03\x04\x01\x00\x00\x00E:\\x.pdb\x00")
	if d := cmp.Diff([]string{`pe_pdb_path=E:\x.pdb`}, facts(open1(t, data, "sdk.dll", nil), sbom.PEPDBPath)); d != "" {
		t.Error(d)
	}
}

// What is damaged is said, and the rest is read. What is no PE is no gap.
func TestMalformed(t *testing.T) {
	whole, err := os.ReadFile(signtest.DLL{C: cameraC, Def: cameraDef, RC: strings.Replace(camera, "2 24 \"MANIFEST\"\n", "", 1), Args: []string{"-lws2_32"}, NoDebug: true}.Build(t, "a.dll"))
	if err != nil {
		t.Fatal(err)
	}
	im, err := open(bytes.NewReader(whole), int64(len(whole)))
	if err != nil {
		t.Fatal(err)
	}
	security := im.dirEntries + 8*dirSecurity
	for _, tt := range []struct {
		name   string
		damage func([]byte) []byte
		detail string
		keeps  string
	}{
		{"cut in the last section", func(b []byte) []byte { return b[:len(b)-1024] }, "a section ends after the file", "pe_export_name=HCNetSDK.dll"},
		{"certificates after the end", func(b []byte) []byte {
			le.PutUint32(b[security:], uint32(len(b)-16))
			le.PutUint32(b[security+4:], 4096)
			return b
		}, "ends after the file", "pe_company_name=Acme Cameras Co., Ltd."},
		{"exports nowhere", func(b []byte) []byte {
			le.PutUint32(b[im.dirEntries:], 0x7ffffff0)
			return b
		}, "the export directory is not in the file", "pe_company_name=Acme Cameras Co., Ltd."},
		{"strange optional header", func(b []byte) []byte {
			b[im.optional] = 0x77
			return b
		}, "an optional header of type 0x277", ""},
	} {
		res := open1(t, tt.damage(bytes.Clone(whole)), "a.dll", nil)
		if len(res.Gaps) == 0 || res.Gaps[0].Reason != sbom.Malformed || !strings.Contains(res.Gaps[0].Detail, tt.detail) {
			t.Errorf("%s: gaps %+v", tt.name, res.Gaps)
		}
		if tt.keeps != "" && !slices.Contains(facts(res), tt.keeps) {
			t.Errorf("%s: %s is lost: %v", tt.name, tt.keeps, facts(res))
		}
	}
	dos := append([]byte("MZ"), make([]byte, 4094)...)
	f := &scanner.File{Path: "/a.com", Size: int64(len(dos)), Head: dos, ReaderAt: bytes.NewReader(dos)}
	if New(nil).Wants(f) {
		t.Error("a DOS program is wanted")
	}
	if res, err := New(nil).Detect(t.Context(), f); err != nil || res.Component != nil || res.Gaps != nil {
		t.Errorf("a DOS program: %+v, %v", res, err)
	}
}
