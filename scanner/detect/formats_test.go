package detect

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/detecttest"
)

// memory is a Holder for tests.
type memory struct{ *bytes.Reader }

func (memory) Hold(r io.Reader, _, _ int64) (Held, error) {
	b, err := io.ReadAll(r)
	return memory{bytes.NewReader(b)}, err
}
func (memory) Release() {}

// open makes a File of the bytes that lie at a path.
func open(name string, b []byte) *scanner.File {
	return &scanner.File{
		Path: name, Layer: "sha256:layer", Size: int64(len(b)), Mode: 0o644,
		Head: b[:min(len(b), scanner.HeadSize)], ReaderAt: bytes.NewReader(b),
	}
}

func runAll(t testing.TB, name string, b []byte, lim Limits) Findings {
	t.Helper()
	fs, err := All(nil).Run(context.Background(), open(name, b), memory{}, lim)
	if err != nil {
		t.Fatal(err)
	}
	return fs
}

// paths are where components were found, without the outer path, sorted.
func (fs Findings) paths() []string {
	var ps []string
	for _, c := range fs.Components {
		for _, o := range c.Occurrences {
			if _, in, ok := strings.Cut(o.Path, "!/"); ok {
				ps = append(ps, in)
			}
		}
	}
	slices.Sort(ps)
	return slices.Compact(ps)
}

func (fs Findings) reasons() []sbom.Reason {
	var rs []sbom.Reason
	for _, g := range fs.Gaps {
		rs = append(rs, g.Reason)
	}
	slices.Sort(rs)
	return slices.Compact(rs)
}

// shell runs a script in a fresh folder that holds the marker tree, and "a.gz"
// when its bytes are given, and returns the file that it leaves as "out".
func shell(t testing.TB, script string, packed ...[]byte) []byte {
	t.Helper()
	dir := t.TempDir()
	markerTree(t, dir)
	for _, b := range packed {
		detecttest.Write(t, dir, "a.gz", string(b))
	}
	detecttest.Script(t, dir, script, "SOURCE_DATE_EPOCH=1700000000")
	return detecttest.Read(t, dir, "out")
}

// markerTree writes files that detectors recognise wherever they are: a
// program and two manifests, and some that nobody wants.
func markerTree(t testing.TB, dir string) {
	t.Helper()
	for name, text := range map[string]string{
		"tree/opt/acme/package.json":     `{"name":"@acme/marker","version":"1.2.3","author":"Acme Ltd","homepage":"https://acme.example/x"}`,
		"tree/opt/acme/lib/package.json": `{"name":"inner","version":"1.0.0"}`,
		"stub.exe":                       string(stubPE()),
		"tree/etc/acme.conf":             "nothing to see\n",
		"tree/opt/acme/empty":            "",
		"tree/opt/acme/zeros":            strings.Repeat("\x00", 100_000),
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("package.json", filepath.Join(dir, "tree/opt/acme/link.json")); err != nil {
		t.Fatal(err)
	}
}

var markers = []string{"opt/acme/lib/package.json", "opt/acme/package.json"}

func TestFormats(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, script string }{
		{"a.zip", `cd tree && zip -qry ../out.zip . && mv ../out.zip ../out`},
		{"stored.zip", `cd tree && zip -qry0 ../out.zip . && mv ../out.zip ../out`},
		{"streamed.zip", `cd tree && rm opt/acme/link.json && zip -qry - . | cat > ../out`},
		{"bzip2.zip", `cd tree && zip -qryZ bzip2 ../out.zip . && mv ../out.zip ../out`},
		{"lzma.zip", `cd tree && 7z a -bd -tzip -mm=LZMA ../out.zip . && mv ../out.zip ../out`},
		{"prefixed.pyz", `cd tree && zip -qry ../o.zip . && (echo '#!/usr/bin/env python3'; cat ../o.zip) > ../out`},
		{"noname", `cd tree && zip -qry ../o.zip . && mv ../o.zip ../out`},
		{"a.tar", `tar -C tree -cf out .`},
		{"pax.tar", `tar -C tree --format=pax -cf out .`},
		{"v7.tar", `tar -C tree --format=v7 -cf out .`},
		{"sparse.tar", `tar -C tree --format=pax --sparse -cf out .`},
		{"a.tar.gz", `tar -C tree -czf out .`},
		{"a.tar.bz2", `tar -C tree -cjf out .`},
		{"a.tar.xz", `tar -C tree -cJf out .`},
		{"a.tar.zst", `tar -C tree -c . | zstd -q -o out`},
		{"a.tar.lz4", `tar -C tree -c . | lz4 -q - out`},
		{"a.tar.lzma", `tar -C tree --lzma -cf out .`},
		{"parts.tar.gz", `tar -C tree -cf t . ; (head -c 2000 t | gzip; tail -c +2001 t | gzip) > out`},
		{"newc.cpio", `cd tree && find . | cpio -o -H newc --quiet > ../out`},
		{"crc.cpio", `cd tree && find . | cpio -o -H crc --quiet > ../out`},
		{"odc.cpio", `cd tree && find . | cpio -o -H odc --quiet > ../out`},
		{"initrd.img", `cd tree && (echo etc/acme.conf | cpio -o -H newc --quiet; head -c 1000 /dev/zero; find opt | cpio -o -H newc --quiet | zstd -q) > ../out`},
		{"a.7z", `cd tree && 7z a -bd ../out.7z . && mv ../out.7z ../out`},
		{"ppmd.7z", `cd tree && 7z a -bd -m0=PPMd ../out.7z . && mv ../out.7z ../out`},
		{"bcj.7z", `cd tree && 7z a -bd -m0=BCJ -m1=Deflate -ms=off ../out.7z . && mv ../out.7z ../out`},
		{"plain.iso", `xorriso -as mkisofs -quiet -o out -iso-level 4 tree`},
		{"joliet.iso", `genisoimage -quiet -J -o out tree`},
		{"rock.iso", `genisoimage -quiet -R -o out tree`},
		{"hybrid.bin", `genisoimage -quiet -J -R -o out tree`},
		{"gzip.squashfs", `mksquashfs tree out -quiet -no-progress`},
		{"xz.squashfs", `mksquashfs tree out -quiet -no-progress -comp xz`},
		{"zstd.snap", `mksquashfs tree out -quiet -no-progress -comp zstd`},
		{"lz4.squashfs", `mksquashfs tree out -quiet -no-progress -comp lz4`},
		{"lzma.squashfs", `mksquashfs tree out -quiet -no-progress -comp lzma`},
		{"nofrag.squashfs", `mksquashfs tree out -quiet -no-progress -no-fragments`},
		{"plain.squashfs", `mksquashfs tree out -quiet -no-progress -noI -noD -noF -b 4096`},
		{"a.deb", `mkdir tree/DEBIAN; printf 'Package: acme\nVersion: 1.0\nArchitecture: all\nMaintainer: Acme Ltd <a@acme.example>\nDescription: x\n' > tree/DEBIAN/control; dpkg-deb --root-owner-group -b tree out.deb; mv out.deb out`},
		{"gz.deb", `mkdir tree/DEBIAN; printf 'Package: acme\nVersion: 1.0\nArchitecture: all\nMaintainer: Acme Ltd <a@acme.example>\nDescription: x\n' > tree/DEBIAN/control; dpkg-deb -Zgzip --root-owner-group -b tree out.deb; mv out.deb out`},
		{"a.rpm", rpmScript("w9.gzdio")},
		{"zstd.rpm", rpmScript("w19.zstdio")},
		{"xz.rpm", rpmScript("w6.xzdio")},
		{"a.msi", wixScript},
		{"zip-appended.exe", `cd tree && zip -qry ../o.zip . && cat ../stub.exe ../o.zip > ../out`},
		{"zip-adjusted.exe", `cd tree && zip -qry ../o.zip . && cat ../stub.exe ../o.zip > ../out.zip && zip -qA ../out.zip && mv ../out.zip ../out`},
		{"7z-sfx.exe", `cd tree && 7z a -bd ../o.7z . && cat ../stub.exe ../o.7z > ../out`},
		{"7z-sfx.elf", `cd tree && 7z a -bd -sfx7zCon.sfx ../out . && mv ../out* ../out2 && mv ../out2 ../out`},
		{"cab.exe", `cd tree && gcab -cz ../o.cab opt/acme/package.json opt/acme/lib/package.json && cat ../stub.exe ../o.cab > ../out`},
		{"zip.elf", `cd tree && zip -qry ../o.zip . && cat /bin/true ../o.zip > ../out`},
		{"app.AppImage", `mksquashfs tree fs -quiet -no-progress; cp /bin/true out; printf 'AI\x02' | dd of=out bs=1 seek=8 conv=notrunc status=none; cat fs >> out`},
		{"makeself.run", `makeself --quiet tree out acme true`},
		{"makeself-xz.run", `makeself --quiet --xz tree out acme true`},
		{"nsis-zlib.exe", nsisScript("zlib")},
		{"nsis-zlib-solid.exe", nsisScript("/SOLID zlib")},
		{"nsis-lzma.exe", nsisScript("lzma")},
		{"nsis-lzma-solid.exe", nsisScript("/SOLID lzma")},
		{"nsis-ansi.exe", strings.Replace(nsisScript("/SOLID lzma"), "Name acme", "Unicode false\nName acme", 1)},
		{"a.apk", `printf 'pkgname = acme\npkgver = 1.0-r0\narch = x86_64\nmaintainer = Acme Ltd <a@acme.example>\n' > .PKGINFO; (tar -c .PKGINFO | head -c 1024 | gzip; tar -C tree -c . | gzip) > out`},
		{"a.pkg.tar.zst", `printf 'pkgname = acme\npkgbase = acme\npkgver = 1.0-1\npackager = Acme Ltd <a@acme.example>\n' > tree/.PKGINFO; tar -C tree -c .PKGINFO opt etc | zstd -q > out`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fs := runAll(t, "/srv/"+tt.name, shell(t, tt.script), Limits{})
			want := markers
			if strings.HasSuffix(tt.name, ".msi") {
				want = []string{"package.json"} // where it goes is not looked at
			}
			if diff := cmp.Diff(want, onlyJSON(fs.paths())); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
			if len(fs.Gaps) > 0 {
				t.Errorf("gaps: %v", fs.Gaps)
			}
		})
	}
}

func onlyJSON(ps []string) []string {
	return slices.DeleteFunc(ps, func(p string) bool { return !strings.HasSuffix(p, ".json") })
}

func rpmScript(payload string) string {
	return `cat > a.spec <<'E'
Name: acme
Version: 1.0
Release: 1
Summary: x
License: MIT
Vendor: Acme Ltd
URL: https://acme.example/
BuildArch: noarch
%description
x
%install
cp -a %{src}/. %{buildroot}
%files
/opt
/etc
E
rpmbuild -bb --quiet --define "_topdir $PWD/rpm" --define "src $PWD/tree" --define "_binary_payload ` + payload + `" a.spec
mv rpm/RPMS/noarch/*.rpm out`
}

// wixScript makes an MSI with an embedded cabinet.
const wixScript = `cat > a.wxs <<'E'
<?xml version="1.0"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
<Product Name="Acme Guard" Id="12345678-1234-1234-1234-123456789012" UpgradeCode="12345678-1234-1234-1234-123456789013" Language="1033" Codepage="1252" Version="3.2.1" Manufacturer="Acme Ltd">
<Package Id="*" Keywords="x" Description="x" Manufacturer="Acme Ltd" InstallerVersion="100" Languages="1033" Compressed="yes" SummaryCodepage="1252"/>
<Media Id="1" Cabinet="a.cab" EmbedCab="yes"/>
<Directory Id="TARGETDIR" Name="SourceDir"><Directory Id="opt" Name="opt"><Directory Id="acme" Name="acme">
<Component Id="c1" Guid="12345678-1234-1234-1234-123456789014"><File Id="key1" Name="package.json" Source="tree/opt/acme/package.json"/></Component>
<Component Id="c2" Guid="12345678-1234-1234-1234-123456789015"><File Id="acmedrv.sys" Name="acmedrv.sys" Source="tree/etc/acme.conf"/></Component>
</Directory></Directory></Directory>
<Feature Id="f" Level="1"><ComponentRef Id="c1"/><ComponentRef Id="c2"/></Feature>
</Product></Wix>
E
wixl -o out a.wxs`

// nsisScript makes an NSIS installer; one of its files does not compress.
func nsisScript(compressor string) string {
	return `head -c 300000 /dev/urandom > tree/noise.bin; cat > a.nsi <<'E'
SetCompressor ` + compressor + `
Name acme
OutFile out
InstallDir $TEMP\acme
Section
SetOutPath $INSTDIR
File tree/noise.bin
File /oname=opt\acme\package.json tree/opt/acme/package.json
File tree/etc/acme.conf
File /oname=opt\acme\lib\package.json tree/opt/acme/lib/package.json
SectionEnd
E
makensis -V1 a.nsi`
}

// stubPE is the least that is a PE: headers and one empty section.
func stubPE() []byte {
	b := make([]byte, 1024)
	copy(b, "MZ")
	b[0x3c] = 0x40
	copy(b[0x40:], "PE\x00\x00\x4c\x01\x01\x00")
	b[0x40+20] = 224              // size of the optional header
	copy(b[0x40+24:], "\x0b\x01") // PE32
	copy(b[0x40+24+92:], "\x10")  // directories
	section := b[0x40+24+224:]
	copy(section, ".text")
	copy(section[16:], "\x00\x02\x00\x00\x00\x02\x00\x00") // 512 bytes at 512
	return b
}

func TestSingleFiles(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"package.json.gz":  `gzip -c tree/opt/acme/package.json > out`,
		"package.json.bz2": `bzip2 -c tree/opt/acme/package.json > out`,
		"package.json.xz":  `xz -c tree/opt/acme/package.json > out`,
		"package.json.zst": `zstd -qc tree/opt/acme/package.json > out`,
		"package.json.lz4": `lz4 -qc tree/opt/acme/package.json > out`,
	} {
		t.Run(name, func(t *testing.T) {
			fs := runAll(t, "/srv/"+name, shell(t, script), Limits{})
			if diff := cmp.Diff([]string{"package.json"}, fs.paths()); diff != "" || len(fs.Gaps) > 0 {
				t.Errorf("found (-want +got):\n%s, gaps %v", diff, fs.Gaps)
			}
		})
	}
}
