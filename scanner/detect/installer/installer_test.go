package installer

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/detecttest"
)

// collect is a Visitor that reads every member, up to a bound.
type collect struct {
	files map[string]string
	names map[string]string
	gaps  []sbom.Gap
	left  int64
}

func (c *collect) Visit(_ context.Context, m scanner.Member) error {
	r := m.Reader
	if m.ReaderAt != nil {
		r = io.NewSectionReader(m.ReaderAt, 0, m.Size)
	}
	b, err := io.ReadAll(io.LimitReader(r, c.left))
	if err != nil {
		c.gaps = append(c.gaps, sbom.Gap{Path: m.Name, Reason: sbom.Truncated, Detail: err.Error()})
	}
	if c.left -= int64(len(b)) + 1; c.left <= 0 {
		return scanner.ErrLimit
	}
	c.files[m.Name] = string(b)
	if m.Names != nil {
		c.names = m.Names
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

func expand(t testing.TB, f *scanner.File, bound int64) *collect {
	c := &collect{files: map[string]string{}, left: bound}
	if err := New(nil).Expand(context.Background(), f, c); err != nil && err != scanner.ErrLimit {
		t.Fatal(err)
	}
	return c
}

const msiScript = `
echo one > one.txt; echo two > acmedrv.sys
cat > a.wxs <<'E'
<?xml version="1.0" encoding="utf-8"?>
<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
<Product Name="Acme Guard" Id="12345678-1234-1234-1234-123456789012" UpgradeCode="12345678-1234-1234-1234-123456789013" Language="1033" Codepage="1252" Version="3.2.1" Manufacturer="Acme Ltd">
<Package Id="*" Keywords="x" Description="x" Manufacturer="Acme Ltd" InstallerVersion="100" Languages="1033" Compressed="yes" SummaryCodepage="1252"/>
<Media Id="1" Cabinet="a.cab" EmbedCab="yes"/>
<Property Id="ARPURLINFOABOUT" Value="https://acme.example/"/>
<Directory Id="TARGETDIR" Name="SourceDir"><Directory Id="acme" Name="acme">
<Component Id="c1" Guid="12345678-1234-1234-1234-123456789014"><File Id="key1" Name="one.txt" Source="one.txt"/></Component>
<Component Id="c2" Guid="12345678-1234-1234-1234-123456789015"><File Id="key2" Name="acmedrv.sys" Source="acmedrv.sys"/>
<ServiceInstall Id="svc" Name="AcmeSvc" DisplayName="Acme Service" Type="ownProcess" Start="auto" ErrorControl="normal"/></Component>
</Directory></Directory>
<Feature Id="f" Level="1"><ComponentRef Id="c1"/><ComponentRef Id="c2"/></Feature>
</Product></Wix>
E
wixl -o out a.wxs`

func TestMSI(t *testing.T) {
	f := detecttest.File("/srv/a.msi", detecttest.Build(t, msiScript))
	w := &sbom.Watch{Match: func(k sbom.Kind, v string) bool { return k == sbom.Filename && v == "acmedrv.sys" }}
	res, err := New(w).Detect(context.Background(), f)
	if err != nil || res.Component == nil || len(res.Gaps) > 0 {
		t.Fatalf("%+v, %v", res, err)
	}
	c := res.Component
	got := []string{fmt.Sprintf("%s %s %s by %s", c.Type, c.Name, c.Version, c.Supplier)}
	for _, e := range c.Evidence {
		got = append(got, fmt.Sprintf("%s=%s (%s)", e.Kind, e.Value, e.Where))
	}
	slices.Sort(got[1:])
	want := []string{
		"application Acme Guard 3.2.1 by Acme Ltd",
		"filename=acmedrv.sys (File table)",
		"msi_manufacturer=Acme Ltd (Property Manufacturer)",
		"msi_product_name=Acme Guard (Property ProductName)",
		"product_code={12345678-1234-1234-1234-123456789012} (Property ProductCode)",
		"product_code={12345678-1234-1234-1234-123456789013} (Property UpgradeCode)",
		"windows_service=AcmeSvc (ServiceInstall table)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	found := expand(t, f, 1<<30)
	if diff := cmp.Diff(map[string]string{"key1": "one.txt", "key2": "acmedrv.sys"}, found.names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func nsisScript(compressor string) string {
	return `
for i in $(seq 60000); do echo acme; done > text.txt
for i in 1 2 3; do head -c 200000 /dev/urandom > noise$i.bin; (cat noise$i.bin; cat text.txt) > mixed$i.bin; done
cat > a.nsi <<'E'
SetCompressor ` + compressor + `
Name acme
OutFile out
InstallDir $PROGRAMFILES\acme
Section
SetOutPath $INSTDIR
File noise1.bin
File mixed1.bin
File mixed2.bin
File "/oname=sub\acmedrv.sys" mixed3.bin
File text.txt
SectionEnd
E
makensis -V1 a.nsi
(cat out; printf 'TAR!'; tar -c noise1.bin mixed*.bin text.txt) > both; mv both out`
}

// TestNSIS compares the bytes of files that compress and of files that do not.
func TestNSIS(t *testing.T) {
	for _, compressor := range []string{"zlib", "/SOLID zlib", "lzma", "/SOLID lzma"} {
		t.Run(compressor, func(t *testing.T) {
			both := detecttest.Build(t, nsisScript(compressor))
			i := bytes.LastIndex(both, []byte("TAR!noise1.bin"))
			found := expand(t, detecttest.File("/srv/setup.exe", both[:i]), 1<<30)
			if len(found.gaps) > 0 {
				t.Errorf("gaps %v", found.gaps)
			}
			originals := untar(t, both[i+4:])
			for name, from := range map[string]string{
				"noise1.bin": "noise1.bin", "mixed1.bin": "mixed1.bin", "mixed2.bin": "mixed2.bin", `sub\acmedrv.sys`: "mixed3.bin", "text.txt": "text.txt",
			} {
				if found.files[name] != originals[from] {
					t.Errorf("%s: %d bytes that differ from the %d that went in", name, len(found.files[name]), len(originals[from]))
				}
			}
		})
	}
}

func untar(t *testing.T, b []byte) map[string]string {
	files := map[string]string{}
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[h.Name] = string(text)
	}
}

// FuzzInstaller: whatever the bytes are, nothing panics, and the bound on what
// comes out is kept.
func FuzzInstaller(f *testing.F) {
	f.Add(detecttest.Build(f, msiScript))
	small := func(compressor string) string {
		return "echo acme > a.txt; printf 'SetCompressor " + compressor + "\\nName a\\nOutFile out\\nSection\\nSetOutPath $TEMP\\nFile a.txt\\nSectionEnd\\n' > a.nsi; makensis -V1 a.nsi"
	}
	for _, c := range []string{"zlib", "/SOLID lzma"} {
		b := detecttest.Build(f, small(c))
		// The stub is not what is tested: only its headers are kept.
		i := bytes.Index(b, []byte("\xef\xbe\xad\xdeNullsoftInst"))
		f.Add(append(tinyPE(), b[i-4:]...))
	}
	f.Add(append([]byte("#!/bin/sh\n"), bytes.Repeat([]byte("# a long script\n"), 300)...))
	d := New(nil)
	f.Fuzz(func(t *testing.T, b []byte) {
		file := detecttest.File("/x", b)
		if !d.Wants(file) {
			return
		}
		if _, err := d.Detect(t.Context(), file); err != nil {
			t.Error(err)
		}
		expand(t, file, 4<<20)
	})
}

// tinyPE is the least that is a PE: headers and one section.
func tinyPE() []byte {
	b := make([]byte, 1024)
	copy(b, "MZ")
	b[0x3c] = 0x40
	copy(b[0x40:], "PE\x00\x00\x4c\x01\x01\x00")
	binary.LittleEndian.PutUint16(b[0x40+20:], 224)
	binary.LittleEndian.PutUint16(b[0x40+24:], 0x10b)
	section := b[0x40+24+224:]
	binary.LittleEndian.PutUint32(section[16:], 512)
	binary.LittleEndian.PutUint32(section[20:], 512)
	return b
}

// TestMSISigner: the signer of an MSI that osslsigncode signed is verified, and
// only claimed once a byte of a stream has changed.
func TestMSISigner(t *testing.T) {
	for _, option := range []string{"", "-add-msi-dse"} {
		b := detecttest.Build(t, msiScript+`
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 3000 -subj '/O=Test Authority/CN=Root' 2>/dev/null
openssl req -newkey rsa:2048 -nodes -keyout k.pem -out k.csr -subj '/O=Acme Ltd/CN=Acme Signing' 2>/dev/null
openssl x509 -req -in k.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3000 -out k.crt 2>/dev/null
cat k.crt ca.pem > chain.pem
osslsigncode sign -certs chain.pem -key k.pem -h sha256 `+option+` -in out -out signed >/dev/null; mv signed out`)
		for _, kind := range []sbom.Kind{sbom.SignerO, sbom.SignerOClaimed} {
			if kind == sbom.SignerOClaimed {
				i := bytes.Index(b, []byte("Acme Guard"))
				copy(b[i:], "Acme Fake!")
			}
			res, err := New(nil).Detect(context.Background(), detecttest.File("/srv/a.msi", b))
			if err != nil || res.Component == nil {
				t.Fatal(res, err)
			}
			if !slices.ContainsFunc(res.Component.Evidence, func(e sbom.Evidence) bool { return e.Kind == kind && e.Value == "Acme Ltd" }) {
				t.Errorf("%q: no %s in %v", option, kind, res.Component.Evidence)
			}
		}
	}
}
