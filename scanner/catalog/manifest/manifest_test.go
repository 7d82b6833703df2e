package manifest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// show writes packages as people read them.
func show(res Result) string {
	var b strings.Builder
	for _, p := range res.Packages {
		b.WriteString(p.Type + " ")
		if p.Namespace != "" {
			b.WriteString(p.Namespace + "/")
		}
		b.WriteString(p.Name + " " + p.Version)
		for _, k := range []string{"build", "channel", "platform", "subdir"} {
			if v := p.Qualifiers[k]; v != "" {
				b.WriteString(" " + k + "=" + v)
			}
		}
		b.WriteByte('\n')
	}
	if res.Unread > 0 {
		fmt.Fprintf(&b, "%d unread, first %s\n", res.Unread, res.First)
	}
	return b.String()
}

// TestRead reads each file of testdata: a txtar with pairs of a file and, under
// its name and ".want", what is in it.
func TestRead(t *testing.T) {
	tests, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(tests) == 0 {
		t.Fatalf("no tests: %v", err)
	}
	covered := map[*Format]bool{}
	for _, name := range tests {
		a, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(a.Files); i += 2 {
			in, want := a.Files[i], a.Files[i+1]
			t.Run(in.Name, func(t *testing.T) {
				f := Find("/" + in.Name)
				if f == nil || want.Name != in.Name+".want" {
					t.Fatalf("%s has format %v, and %s follows", in.Name, f, want.Name)
				}
				covered[f] = true
				if d := cmp.Diff(string(want.Data), strings.ReplaceAll(show(f.Read(f.Normalize(in.Data))), " \n", "\n")); d != "" {
					t.Errorf("(-want +got):\n%s", d)
				}
			})
		}
	}
	for _, f := range Formats() {
		if !covered[f] && f.Reads() {
			t.Errorf("no test of %s", f.Name)
		}
	}
}

// TestText: a text is read the same in every encoding and with every end of
// line, and bytes that are fine are not copied.
func TestText(t *testing.T) {
	plain := "KlAkOAPI==1.0\nböse\n"
	var little, big bytes.Buffer
	for _, u := range utf16.Encode([]rune(plain)) {
		binary.Write(&little, binary.LittleEndian, u)
		binary.Write(&big, binary.BigEndian, u)
	}
	for name, b := range map[string][]byte{
		"plain": []byte(plain), "mark": []byte("\xef\xbb\xbf" + plain), "CRLF": []byte(strings.ReplaceAll(plain, "\n", "\r\n")),
		"UTF-16LE": append([]byte("\xff\xfe"), little.Bytes()...), "UTF-16BE": append([]byte("\xfe\xff"), big.Bytes()...),
		"UTF-16LE without mark": little.Bytes(), "UTF-16BE without mark": big.Bytes(),
	} {
		if got := Text(b); string(got) != plain {
			t.Errorf("%s: got %q", name, got)
		}
		if Odd(b) != (name != "plain") {
			t.Errorf("%s: Odd is %v", name, Odd(b))
		}
	}
	b := []byte(plain)
	if got := Text(b); &got[0] != &b[0] {
		t.Error("a plain text was copied")
	}
}

func TestNormalize(t *testing.T) {
	f := Find("/var/lib/dpkg/status")
	got := string(f.Normalize([]byte("package : a\r\nstatus: install ok installed\r\nVERSION: 1\r\nPackage-Type: deb\r\n version: x\r\n")))
	want := "Package: a\nStatus: install ok installed\nVersion: 1\nPackage-Type: deb\n version: x\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFind(t *testing.T) {
	for p, want := range map[string]string{
		"/app/package.json": "package.json", "/a/dev-requirements-2.txt": "requirements.txt", "/a/x.csproj": "*.csproj",
		"/var/lib/dpkg/status": "dpkg status", "/var/lib/dpkg/status.d/a": "dpkg status.d", "/var/lib/dpkg/status.d/a.md5sums": "",
		"/x/status": "", "/x/installed/vcpkg/status": "installed/vcpkg/status", "/a/node_modules/.package-lock.json": "node_modules/.package-lock.json",
		"/a/.package-lock.json": "", "/opt/conda/conda-meta/a-1-0.json": "conda-meta/*.json", "/opt/conda/conda-meta/history": "",
		"/l/a-1.dist-info/METADATA": "METADATA, PKG-INFO", "/l/METADATA": "", "/l/a.egg-info/PKG-INFO": "METADATA, PKG-INFO",
		"/s/snapp/x1/meta/snap.yaml": "snap/*/*/meta/snap.yaml", "/a/app.deps.json": "*.deps.json", "/v/composer/installed.json": "composer/installed.json",
	} {
		got := ""
		if f := Find(p); f != nil {
			got = f.Name
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", p, got, want)
		}
	}
}

// FuzzRead: no reader fails, and what it names was in the file.
func FuzzRead(f *testing.F) {
	all := Formats()
	tests, _ := filepath.Glob("testdata/*.txtar")
	for _, name := range tests {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range txtar.Parse(b).Files {
			if i := slices.Index(all, Find("/"+file.Name)); i >= 0 {
				f.Add(uint8(i), file.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, n uint8, b []byte) {
		format := all[int(n)%len(all)]
		text := format.Normalize(b)
		for _, p := range format.Read(text).Packages {
			if p.Name == "" || len(p.Name) > maxName || strings.ContainsAny(p.Version, "${}\n") {
				t.Errorf("%s: a package %+v", format.Name, p)
			}
		}
	})
}
