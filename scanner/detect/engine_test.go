package detect

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/archive"
	"github.com/interdict/interdict/scanner/layer"
)

const marker = `{"name":"@acme/marker","version":"1.2.3"}`

// zipOf makes a zip of names and contents.
func zipOf(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := w.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, files[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestNesting(t *testing.T) {
	b := []byte(marker)
	name := "package.json"
	for i := range 20 {
		b = zipOf(t, name, string(b))
		name = fmt.Sprintf("%d.zip", i)
		fs := runAll(t, "/a.zip", b, Limits{Depth: 8})
		found := len(fs.paths()) == 1
		if want := i < 8; found != want {
			t.Errorf("%d deep: found %v", i+1, fs.paths())
		}
		if want := i >= 8; want != slices.Contains(fs.reasons(), sbom.Limit) {
			t.Errorf("%d deep: gaps %v", i+1, fs.Gaps)
		}
	}
}

// A container that contains itself in any number is bounded by depth and count.
func TestFanOut(t *testing.T) {
	b := zipOf(t, "package.json", marker)
	for range 6 {
		var files []string
		for i := range 16 {
			files = append(files, fmt.Sprintf("%d.zip", i), string(b))
		}
		b = zipOf(t, files...)
	}
	fs := runAll(t, "/a.zip", b, Limits{Files: 5000})
	if fs.Seen != 5000 || !slices.Equal(fs.reasons(), []sbom.Reason{sbom.Limit}) {
		t.Errorf("saw %d files; gaps %v", fs.Seen, fs.Gaps)
	}
}

func TestBomb(t *testing.T) {
	for name, script := range map[string]string{
		"a.zip":      `head -c 300M /dev/zero > z; printf 'PK' | dd of=z conv=notrunc status=none; printf '\x03\x04' | dd of=z bs=1 seek=2 conv=notrunc status=none; zip -q9 out.zip z; mv out.zip out`,
		"a.tar.gz":   `truncate -s 400M z; tar -c z | gzip -9 > out`,
		"a.tar.zst":  `truncate -s 400M z; tar -c z | zstd -q -1 -o out`,
		"a.cpio.bz2": `truncate -s 200M z; echo z | cpio -o -H newc --quiet | bzip2 > out`,
		"a.7z":       `truncate -s 300M z; 7z a -bd -mx=1 out.7z z; mv out.7z out`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := shell(t, script)
			counted := &counter{}
			fs, err := All(nil).Run(context.Background(), open("/"+name, b), counted, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(fs.reasons(), []sbom.Reason{sbom.Limit}) {
				t.Errorf("gaps: %v", fs.Gaps)
			}
			if bound := int64(300*len(b) + 2*RatioFloor); counted.n > bound {
				t.Errorf("%d bytes were held, of a file of %d", counted.n, len(b))
			}
		})
	}
}

// counter is a Holder that keeps nothing.
type counter struct{ n int64 }

func (c *counter) Hold(r io.Reader, _, _ int64) (Held, error) {
	n, err := io.Copy(io.Discard, r)
	c.n += n
	return memory{bytes.NewReader(nil)}, err
}

func TestEncrypted(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"a.zip":     `cd tree && zip -qrP secret ../out.zip . && mv ../out.zip ../out`,
		"aes.zip":   `cd tree && 7z a -bd -tzip -psecret -mem=AES256 ../out.zip . && mv ../out.zip ../out`,
		"a.7z":      `cd tree && 7z a -bd -psecret ../out.7z . && mv ../out.7z ../out`,
		"stored.7z": `cd tree && 7z a -bd -mx=0 -psecret ../out.7z . && mv ../out.7z ../out`,
		"hidden.7z": `cd tree && 7z a -bd -psecret -mhe=on ../out.7z . && mv ../out.7z ../out`,
	} {
		t.Run(name, func(t *testing.T) {
			fs := runAll(t, "/"+name, shell(t, script), Limits{})
			if !slices.Contains(fs.reasons(), sbom.Encrypted) {
				t.Errorf("gaps: %v", fs.Gaps)
			}
			for _, g := range fs.Gaps {
				if g.Reason != sbom.Encrypted {
					t.Errorf("another gap: %v", g)
				}
			}
		})
	}
}

// The names in an encrypted archive are read.
func TestEncryptedNames(t *testing.T) {
	w := &sbom.Watch{Match: func(k sbom.Kind, v string) bool { return k == sbom.Filename && v == "acme.conf" }}
	b := shell(t, `cd tree && zip -qrP secret ../out.zip . && mv ../out.zip ../out`)
	fs, err := All(w).Run(context.Background(), open("/a.zip", b), memory{}, Limits{})
	if err != nil || !slices.Contains(fs.paths(), "etc/acme.conf") {
		t.Errorf("found %v, %v", fs.paths(), err)
	}
}

// Every container that is cut off in the middle says so, and none panics.
func TestTruncated(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"a.zip": `cd tree && zip -qr ../out.zip . && mv ../out.zip ../out`, "a.tar": `tar -C tree -cf out .`,
		"a.tar.gz": `tar -C tree -czf out .`, "a.tar.xz": `tar -C tree -cJf out .`, "a.tar.zst": `tar -C tree -c . | zstd -q -o out`,
		"a.7z": `cd tree && 7z a -bd ../out.7z . && mv ../out.7z ../out`, "a.cpio": `cd tree && find . | cpio -o -H newc --quiet > ../out`,
		"a.iso": `genisoimage -quiet -J -R -o out tree`, "a.squashfs": `mksquashfs tree out -quiet -no-progress`,
		"a.rpm": rpmScript("w9.gzdio"), "a.msi": wixScript, "nsis.exe": nsisScript("/SOLID lzma"),
		"a.cab": `cd tree && gcab -cz ../out opt/acme/package.json opt/noise`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := shell(t, "head -c 900K /dev/urandom > tree/opt/noise; "+script)
			fs := runAll(t, "/srv/"+name, b[:len(b)*2/3], Limits{})
			if (sbom.Coverage{Gaps: fs.Gaps}).Complete() {
				t.Errorf("%d of %d bytes, and no gap of weight: %v", len(b)*2/3, len(b), fs.Gaps)
			}
		})
	}
}

// fake is a unit that does what a test wants.
type fake struct {
	name   string
	wants  func(*scanner.File) bool
	detect func(*scanner.File) (scanner.Result, error)
}

func (f fake) Name() string                  { return f.name }
func (fake) Version() int                    { return 7 }
func (f fake) Wants(file *scanner.File) bool { return f.wants(file) }
func (f fake) Detect(_ context.Context, file *scanner.File) (scanner.Result, error) {
	return f.detect(file)
}

func named(base string) func(*scanner.File) bool {
	return func(f *scanner.File) bool { return path.Base(f.Path) == base }
}

func TestFailuresAreGaps(t *testing.T) {
	set := New(nil, archive.New(),
		fake{"panics", named("a"), func(*scanner.File) (scanner.Result, error) { panic("index out of range") }},
		fake{"fails", named("b"), func(*scanner.File) (scanner.Result, error) { return scanner.Result{}, errors.New("no luck") }},
	)
	fs, err := set.Run(context.Background(), open("/x.zip", zipOf(t, "a", "1", "b", "2", "c", "3")), memory{}, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := []sbom.Gap{
		{Path: "/x.zip!/a", Layer: "sha256:layer", Reason: sbom.Failed, Detail: "it failed on these bytes: index out of range", Detector: "panics@7"},
		{Path: "/x.zip!/b", Layer: "sha256:layer", Reason: sbom.Failed, Detail: "no luck", Detector: "fails@7"},
	}
	if diff := cmp.Diff(want, fs.Gaps); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	if fs.Seen != 3 || fs.Examined != 2 {
		t.Errorf("seen %d, examined %d", fs.Seen, fs.Examined)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	set := New(nil, archive.New(), fake{"cancels", named("a"), func(*scanner.File) (scanner.Result, error) {
		cancel()
		return scanner.Result{}, nil
	}})
	fs, err := set.Run(ctx, open("/x.zip", zipOf(t, "a", "1", "b", "2")), memory{}, Limits{})
	if !errors.Is(err, context.Canceled) || fs.Seen != 1 {
		t.Errorf("%v after %d files", err, fs.Seen)
	}
}

// broken is a Holder that fails by itself: no fault of the file's.
type broken struct{}

func (broken) Hold(io.Reader, int64, int64) (Held, error) { return nil, errors.New("disk full") }

func TestHolderFails(t *testing.T) {
	_, err := All(nil).Run(context.Background(), open("/x.zip", zipOf(t, "package.json", marker)), broken{}, Limits{})
	if err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("got %v", err)
	}
}

func TestMergeAndHosts(t *testing.T) {
	app := fake{"app", named("host.zip"), func(*scanner.File) (scanner.Result, error) {
		return scanner.Result{
			Component: &sbom.Component{Type: sbom.FileType, Name: "host.zip", Evidence: []sbom.Evidence{{Kind: sbom.PECompanyName, Value: "Acme"}}},
			Inside:    []sbom.Component{{Type: sbom.Library, Name: "engine"}},
		}, nil
	}}
	more := fake{"more", named("host.zip"), func(*scanner.File) (scanner.Result, error) {
		return scanner.Result{Component: &sbom.Component{Type: sbom.Application, Name: "Host", Version: "2", Supplier: "Acme"}}, nil
	}}
	set := New(&sbom.Watch{Match: func(k sbom.Kind, v string) bool { return k == sbom.Path && v == "/bin/x" }}, app, more, archive.New())
	fs, err := set.Run(context.Background(), open("/opt/host.zip", zipOf(t, "bin/x", "#!/bin/sh\n")), memory{}, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, c := range fs.Components {
		host := ""
		if h := fs.Parents[i]; h >= 0 {
			host = fs.Components[h].Name
		}
		got = append(got, fmt.Sprintf("%s %s %s in %q by %s", c.Type, c.Name, c.Occurrences[0].Path, host, c.FoundBy))
		for _, e := range c.Evidence {
			got = append(got, fmt.Sprintf("  %s=%s %s %s %s", e.Kind, e.Value, e.Path, e.Where+string(e.Format), e.Detector))
		}
	}
	want := []string{
		`application Host /opt/host.zip in "" by more@7`,
		`  pe_company_name=Acme /opt/host.zip  app@7`,
		`library engine /opt/host.zip in "Host" by app@7`,
		`file x /opt/host.zip!/bin/x in "Host" by `,
		`  path=/bin/x /opt/host.zip!/bin/x script `,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i := range fs.Components {
		fs.Components[i].Ref = fs.Components[i].Name
	}
	fs.Contain()
	if diff := cmp.Diff([]string{"engine", "x"}, fs.Components[0].Contains); diff != "" {
		t.Error(diff)
	}
}

func TestInnerPaths(t *testing.T) {
	for name, want := range map[string]string{
		"a/b": "/o!/a/b", "/a": "/o!/a", "./a//b": "/o!/a/b", "../../etc/passwd": "/o!/etc/passwd",
		`c:\x\y.dll`: "/o!/c:/x/y.dll", "a!/b": "/o!/a!_/b", "\xff\x00x": "/o!/\uFFFDx", "": "/o!/", "..": "/o!/",
		strings.Repeat("n", 9999): "/o!/" + strings.Repeat("n", maxName),
	} {
		if got := inner("/o", name); got != want {
			t.Errorf("%.20q: %.40q, want %.40q", name, got, want)
		}
	}
}

// store is the Holder of a layer.
type store struct{ *layer.Spool }

func (s store) Hold(r io.Reader, size, limit int64) (Held, error) {
	held, err := s.Spool.Hold(r, size, limit)
	if err != nil {
		return nil, err
	}
	return held, nil
}

func TestInStore(t *testing.T) {
	s := layer.NewStore(0, t.TempDir())
	defer s.Close()
	fs, err := All(nil).Run(context.Background(), open("/x.zip", zipOf(t, "y.zip", string(zipOf(t, "package.json", marker)))), store{s}, Limits{})
	if err != nil || len(fs.paths()) != 1 {
		t.Errorf("found %v, %v", fs.paths(), err)
	}
}

func TestNamesAreSorted(t *testing.T) {
	names := All(nil).Names()
	if !slices.IsSorted(names) || !slices.Contains(names, "archive@1") {
		t.Error(names)
	}
}

// BenchmarkUnwanted is the cost of a file that no detector wants, which is most
// files of an image.
func BenchmarkUnwanted(b *testing.B) {
	set := All(nil)
	f := open("/usr/share/doc/acme/copyright", []byte(strings.Repeat("All rights reserved. ", 500)))
	f.ReaderAt = nil
	for b.Loop() {
		if set.Wants(f) {
			b.Fatal("it is wanted")
		}
	}
}

// BenchmarkZip is the cost of a member of a zip that no detector wants.
func BenchmarkZip(b *testing.B) {
	var files []string
	for i := range 1000 {
		files = append(files, fmt.Sprintf("d%d/f%d.txt", i%10, i), strings.Repeat("All rights reserved. ", 500))
	}
	z := zipOf(b, files...)
	set := All(nil)
	b.ReportAllocs()
	for b.Loop() {
		fs, err := set.Run(context.Background(), open("/a.zip", z), memory{}, Limits{})
		if err != nil || fs.Seen != 1000 {
			b.Fatal(fs.Seen, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/member")
}
