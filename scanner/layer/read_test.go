package layer_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/layer"
	"github.com/interdict/interdict/testdata/need"
)

func sum(p []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(p)) }

// The compression is told by the bytes, whatever anybody says of it.
func TestReadCompressions(t *testing.T) {
	tarred := tarOf(t, "d /a\nf /a/b "+strings.Repeat("contents ", 100_000)+"\nl /c a/b\n")
	half := len(tarred) / 2
	skippable := append([]byte("\x53\x2a\x4d\x18\x03\x00\x00\x00"), "abc"...)
	for name, blob := range map[string][]byte{
		"plain":                    tarred,
		"gzip":                     gzipBytes(t, tarred),
		"gzip of two members":      append(gzipBytes(t, tarred[:half]), gzipBytes(t, tarred[half:])...),
		"gzip with an empty part":  append(gzipBytes(t, tarred), gzipBytes(t, nil)...),
		"gzip and zeros":           append(gzipBytes(t, tarred), make([]byte, 100_000)...),
		"xz":                       pipeThrough(t, tarred, "xz"),
		"xz of two streams":        append(pipeThrough(t, tarred[:half], "xz"), pipeThrough(t, tarred[half:], "xz", "--check=sha256")...),
		"bzip2":                    pipeThrough(t, tarred, "bzip2"),
		"zstd":                     zstdBytes(t, tarred),
		"zstd of two frames":       append(zstdBytes(t, tarred[:half]), zstdBytes(t, tarred[half:])...),
		"zstd, skippable at first": append(skippable, zstdBytes(t, tarred)...),
		"zstd, skippable at last":  append(zstdBytes(t, tarred), skippable...),
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, 0)
			var progress int64
			l := blobLayer{blob: blob, stated: sbom.Layer{DiffID: sum(tarred), MediaType: "application/vnd.oci.image.layer.v1.tar+gzip"}}
			ix, err := layer.Read(t.Context(), l, layer.Options{Store: s, Wants: all, Progress: func(n int64) { progress += n }})
			if err != nil {
				t.Fatal(err)
			}
			defer ix.Close()
			if ix.DiffID != sum(tarred) || ix.Digest != sum(blob) || ix.Size != int64(len(blob)) || ix.Bytes != int64(len(tarred)) {
				t.Errorf("got %s %s %d %d", ix.DiffID, ix.Digest, ix.Size, ix.Bytes)
			}
			if progress != ix.Size {
				t.Errorf("progress was %d of %d", progress, ix.Size)
			}
			if got := contents(ix, "/a/b"); got != strings.Repeat("contents ", 100_000) {
				t.Errorf("contents of %d bytes", len(got))
			}
		})
	}
}

// pipeThrough compresses with a program.
func pipeThrough(t *testing.T, p []byte, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(program, append(args, "-c")...)
	cmd.Stdin = bytes.NewReader(p)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("running %s: %v", program, err)
	}
	return out
}

func TestReadRefusesOtherCompressions(t *testing.T) {
	for name, magic := range map[string]string{"lz4": "\x04\x22\x4d\x18", "7z": "7z\xbc\xaf\x27\x1c", "zip": "PK\x03\x04"} {
		err := damageOf(t, blobLayer{blob: []byte(magic + "...")}, layer.Options{Store: newStore(t, 0)})
		if !errors.Is(err, layer.ErrUnsupported) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// damageOf reads a layer and returns what is wrong with it: as Damage, or as
// the gap of a tar that came whole.
func damageOf(t *testing.T, l scanner.Layer, opt layer.Options) error {
	t.Helper()
	ix, err := layer.Read(t.Context(), l, opt)
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	if ix.Damage != nil && (ix.DiffID != "" || ix.Digest != "" || ix.Size != 0) {
		t.Errorf("a damaged layer has digests: %s %s %d", ix.DiffID, ix.Digest, ix.Size)
	}
	for _, g := range ix.Gaps {
		if ix.Damage == nil {
			return errors.New(g.Detail)
		}
	}
	return ix.Damage
}

// However a layer is damaged, what came before the damage is read, and the
// damage is told, if there is enough of it to know the compression; digests tell
// what no other check finds.
func TestReadDamage(t *testing.T) {
	tarred := tarOf(t, "f /a "+strings.Repeat("some contents ", 2_000)+"\nf /b "+strings.Repeat("x", 5_000)+"\n")
	stated := sbom.Layer{DiffID: sum(tarred)}
	blobs := map[string][]byte{"plain": tarred, "gzip": gzipBytes(t, tarred), "zstd": zstdBytes(t, tarred)}
	for name, blob := range blobs {
		s := newStore(t, 0)
		for cut := range len(blob) {
			if cut > 300 && cut%97 != 0 {
				continue
			}
			ix, err := layer.Read(t.Context(), blobLayer{blob: blob[:cut], stated: stated}, layer.Options{Store: s, Wants: all})
			if err != nil {
				t.Fatalf("%s, cut at %d: %v", name, cut, err)
			}
			if ix.DiffID == stated.DiffID || name != "plain" && cut > 4 && (ix.Damage == nil || !strings.Contains(ix.Damage.Error(), stated.DiffID)) {
				t.Fatalf("%s, cut at %d: %s, damage %v", name, cut, ix.DiffID, ix.Damage)
			}
			if name == "plain" {
				checkCut(t, ix, cut)
			}
			ix.Close()
			flipped := bytes.Clone(blob)
			flipped[cut] ^= 0x10
			ix, err = layer.Read(t.Context(), blobLayer{blob: flipped, stated: stated}, layer.Options{Store: s, Wants: all})
			if err != nil {
				t.Fatalf("%s, changed at %d: %v", name, cut, err)
			}
			// Bits of a compressed stream's header may change without changing
			// what is in it; then its digest tells.
			if ix.DiffID == stated.DiffID && (name == "plain" || ix.Digest == sum(blob)) {
				t.Fatalf("%s, changed at %d: nothing tells", name, cut)
			}
			ix.Close()
		}
	}
	err := damageOf(t, blobLayer{blob: append(gzipBytes(t, tarred), "junk"...)}, layer.Options{Store: newStore(t, 0)})
	if !errors.Is(err, layer.ErrCorrupt) || !strings.Contains(err.Error(), "at byte") {
		t.Errorf("junk after gzip: %v", err)
	}
	err = damageOf(t, blobLayer{blob: tarred[:2048], stated: sbom.Layer{}}, layer.Options{Store: newStore(t, 0)})
	if err == nil || !strings.Contains(err.Error(), "at byte 2048") {
		t.Errorf("cut tar: %v", err)
	}
}

// checkCut checks what was read of a tar that was cut off: /a, which begins at
// 512 and has 28,000 bytes, as far as it goes.
func checkCut(t *testing.T, ix *layer.Index, cut int) {
	t.Helper()
	if cut < 512 {
		return
	}
	whole := strings.Repeat("some contents ", 2_000)
	if got, want := contents(ix, "/a"), whole[:min(len(whole), cut-512)]; got != want {
		t.Fatalf("cut at %d, /a has %d bytes (%.40q), not %d", cut, len(got), got, len(want))
	}
}

// The source verifies the stored digest: its error must not get lost, even when
// it comes behind the last byte that matters.
func TestReadHeedsTheLastError(t *testing.T) {
	tarred := tarOf(t, "f /a contents\n")
	wrong := errors.New("another digest")
	for name, blob := range map[string][]byte{"plain": tarred, "gzip": gzipBytes(t, tarred), "zstd": zstdBytes(t, tarred)} {
		l := readerLayer{func() io.Reader { return io.MultiReader(bytes.NewReader(blob), failing{wrong}) }}
		ix, err := layer.Read(t.Context(), l, layer.Options{Store: newStore(t, 0), Wants: all})
		if err != nil {
			t.Fatal(err)
		}
		if !errors.Is(ix.Damage, wrong) || contents(ix, "/a") != "contents" {
			t.Errorf("%s: %v, /a has %q", name, ix.Damage, contents(ix, "/a"))
		}
		ix.Close()
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// readerLayer is a layer of any reader.
type readerLayer struct{ open func() io.Reader }

func (l readerLayer) Describe() sbom.Layer { return sbom.Layer{} }

func (l readerLayer) Open(context.Context) (io.ReadCloser, error) { return io.NopCloser(l.open()), nil }

func TestReadGaps(t *testing.T) {
	tarred := tarOf(t, "f /a contents\nf /big "+strings.Repeat("x", 2000)+"\n")
	noEnd := tarred[:len(tarred)-1024]
	trailing := append(bytes.Clone(tarred), "more"...)
	var long bytes.Buffer
	w := tar.NewWriter(&long)
	writeEntry(t, w, &tar.Header{Typeflag: tar.TypeReg, Name: strings.Repeat("dir/", 2000) + "x"}, "")
	w.Close()
	for name, c := range map[string]struct {
		blob   []byte
		stated sbom.Layer
		want   string
	}{
		"whole":                 {blob: tarred},
		"no end mark":           {blob: noEnd, want: "truncated "},
		"no end mark, verified": {blob: noEnd, stated: sbom.Layer{DiffID: sum(noEnd)}},
		"bytes behind the end":  {blob: trailing, want: "unsupported "},
		"a name beyond PATH_MAX": {blob: long.Bytes(), want: "limit " +
			("/" + strings.Repeat("dir/", 2000))[:4096]},
		"a file beyond the bound": {blob: tarOf(t, "f /big "+strings.Repeat("x", 5000)), want: "limit /big"},
	} {
		t.Run(name, func(t *testing.T) {
			ix, err := layer.Read(t.Context(), blobLayer{blob: c.blob, stated: c.stated}, layer.Options{Store: newStore(t, 0), Wants: all, MaxFile: 4000})
			if err != nil {
				t.Fatal(err)
			}
			defer ix.Close()
			var got string
			for _, g := range ix.Gaps {
				if g.Layer != ix.DiffID {
					t.Errorf("gap of layer %q", g.Layer)
				}
				got += string(g.Reason) + " " + g.Path
			}
			if ix.DiffID != sum(c.blob) || got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestReadNames(t *testing.T) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, name := range []string{"./dot", "/abs", "../../up", "a/../b", "a//c/", "bad\xff\xfeutf8", "back\\slash", "", "./", strings.Repeat("n", 300), "nöt-ascii"} {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: 1, Format: tar.FormatGNU}
		if strings.HasSuffix(name, "/") {
			h.Typeflag, h.Size = tar.TypeDir, 0
		}
		writeEntry(t, w, h, "x")
	}
	w.Close()
	ix := readAll(t, newStore(t, 0), buf.Bytes())
	var got []string
	for _, e := range ix.Entries {
		got = append(got, e.Path)
	}
	want := []string{"/", "/a/c", "/abs", "/b", "/back\\slash", "/bad\xff\xfeutf8", "/dot", "/" + strings.Repeat("n", 300), "/nöt-ascii", "/up"}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

// The last of equal names wins; a hard link keeps what its name stood for.
func TestReadDuplicatesAndHardLinks(t *testing.T) {
	ix := readAll(t, newStore(t, 0), tarOf(t, `f /a first
h /link /a
h /link2 /link
f /a second
h /late /a
h /self /self
h /none /nothing
h /todir /dir
d /dir
c /dev/null
`))
	for p, want := range map[string]string{
		"/a": "second", "/link": "first", "/link2": "first", "/late": "second",
		"/self": layer.ErrNotKept.Error(), "/none": layer.ErrNotKept.Error(), "/todir": layer.ErrNotKept.Error(),
		"/dev/null": layer.ErrNotKept.Error(), "/dir": layer.ErrNotKept.Error(),
	} {
		if got := contents(ix, p); got != want {
			t.Errorf("%s has %q, want %q", p, got, want)
		}
	}
	if e, _ := ix.Lookup("/link2"); e.Digest != sha256.Sum256([]byte("first")) || e.Size != 5 {
		t.Errorf("link2 is %+v", e)
	}
}

// Every file is seen once with its head, and all that was visited is as it was
// written; whoever wants nothing still gets digests.
func TestReadVisits(t *testing.T) {
	files := map[string]string{}
	var lines strings.Builder
	for i := range 500 {
		body := strings.Repeat(fmt.Sprintf("%d,", i), i*i%7000)
		files[fmt.Sprintf("/f%d", i)] = body
		fmt.Fprintf(&lines, "f /f%d %s\n", i, body)
	}
	tarred := tarOf(t, lines.String())
	for _, budget := range []int64{0, 1 << 20, 1 << 10} { // in memory, some, none
		for _, jobs := range []int{1, 4} {
			var mu sync.Mutex
			got := map[string]string{}
			ix, err := layer.Read(t.Context(), blobLayer{blob: gzipBytes(t, tarred)}, layer.Options{
				Store: newStore(t, budget), Jobs: jobs, Digests: true,
				Wants: func(f *scanner.File) bool {
					if !strings.HasPrefix(files[f.Path], string(f.Head)) || f.ReaderAt != nil {
						t.Errorf("%s has another head", f.Path)
					}
					return f.Size%2 == 0
				},
				Visit: func(_ context.Context, f *scanner.File) (bool, error) {
					p, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size))
					if want := min(f.Size, scanner.HeadSize); int64(len(f.Head)) != want || !bytes.HasPrefix(p, f.Head) {
						t.Errorf("%s has another head when visited", f.Path)
					}
					mu.Lock()
					got[f.Path] = string(p)
					mu.Unlock()
					return f.Size%3 == 0, err
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			for p, body := range files {
				e, ok := ix.Lookup(p)
				wanted := len(body)%2 == 0
				if !ok || e.Digest != sha256.Sum256([]byte(body)) || e.Kept() != (wanted && len(body)%3 == 0) {
					t.Fatalf("%s: %+v", p, e)
				}
				if _, visited := got[p]; visited != wanted || wanted && got[p] != body {
					t.Fatalf("%s: visited %v", p, visited)
				}
				if e.Kept() && contents(ix, p) != body {
					t.Fatalf("%s has other contents", p)
				}
			}
			ix.Close()
		}
	}
}

func TestReadBounds(t *testing.T) {
	tarred := tarOf(t, "f /a x\nf /b/c/d/e y\nf /c "+strings.Repeat("z", 100_000)+"\n")
	for name, opt := range map[string]layer.Options{
		"bytes":        {MaxBytes: 50_000},
		"names":        {MaxEntries: 2},
		"with folders": {MaxEntries: 5},
	} {
		opt.Store = newStore(t, 0)
		if err := damageOf(t, blobLayer{blob: zstdBytes(t, tarred)}, opt); err == nil || !strings.Contains(err.Error(), layer.ErrTooLarge.Error()) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A bomb: gigabytes of zeros in kilobytes of Zstandard.
	zeros := zstdBytes(t, make([]byte, 64<<20))
	bomb := bytes.Repeat(zeros, 20)
	l := readerLayer{func() io.Reader {
		var h bytes.Buffer
		w := tar.NewWriter(&h)
		w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "bomb", Size: 1 << 40, Format: tar.FormatGNU})
		return io.MultiReader(bytes.NewReader(zstdBytes(t, h.Bytes())), bytes.NewReader(bomb))
	}}
	if err := damageOf(t, l, layer.Options{Store: newStore(t, 0)}); !errors.Is(err, layer.ErrTooLarge) {
		t.Errorf("bomb: %v", err)
	}
}

// What GNU tar writes: sparse files in its own and in the PAX formats, long
// names, links.
func TestReadGNUTar(t *testing.T) {
	dir := t.TempDir()
	sparse, err := os.Create(filepath.Join(dir, "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	for _, off := range []int64{0, 3 << 20, 8 << 20} {
		if _, err := sparse.WriteAt([]byte("island"), off); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(sparse.Truncate(9<<20), sparse.Close()); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("long-name/", 30)
	if err := errors.Join(
		os.MkdirAll(filepath.Join(dir, long), 0o755),
		os.WriteFile(filepath.Join(dir, long, "file"), []byte("deep"), 0o4755),
		os.Chmod(filepath.Join(dir, long, "file"), 0o755|os.ModeSetuid),
		os.Symlink("sparse", filepath.Join(dir, "link")),
		os.Link(filepath.Join(dir, "sparse"), filepath.Join(dir, "twin")),
	); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(dir, "sparse"))
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range [][]string{
		{"--format=pax", "--sparse"}, {"--format=gnu", "--sparse"},
		{"--format=pax", "--sparse", "--sparse-version=0.0"}, {"--format=pax", "--sparse", "--sparse-version=0.1"},
		{"--format=pax"}, {"--format=gnu"},
	} {
		t.Run(strings.Join(format, " "), func(t *testing.T) {
			need.Tool(t, "tar")
			out, err := exec.Command("tar", append(format, "-C", dir, "-cf", "-", ".")...).Output()
			if err != nil {
				t.Fatalf("running GNU tar: %v", err)
			}
			if slices.Contains(format, "--sparse") && len(out) > 1<<20 {
				t.Fatalf("the tar of %d bytes is not sparse", len(out))
			}
			checkGNUTar(t, out, long, want)
		})
	}
}

func checkGNUTar(t *testing.T, tarred []byte, long string, want []byte) {
	ix := readAll(t, newStore(t, 0), tarred)
	for _, p := range []string{"/sparse", "/twin"} {
		if got := contents(ix, p); got != string(want) {
			t.Errorf("%s has %d bytes, or others", p, len(got))
		}
	}
	if got := contents(ix, "/"+long+"file"); got != "deep" {
		t.Errorf("the long name has %q", got)
	}
	e, _ := ix.Lookup("/" + long + "file")
	if e.Mode != 0o755|os.ModeSetuid {
		t.Errorf("its mode is %v", e.Mode)
	}
	digests, err := layer.Read(t.Context(), blobLayer{blob: tarred}, layer.Options{Store: newStore(t, 0), Digests: true})
	if err != nil {
		t.Fatal(err)
	}
	if e, _ := digests.Lookup("/twin"); e.Digest != sha256.Sum256(want) {
		t.Error("another digest without contents")
	}
}

// Contents of a whiteout are in no filesystem, but they ship.
func TestReadVisitsWhiteoutsThatHaveContents(t *testing.T) {
	var got []string
	_, err := layer.Read(t.Context(), blobLayer{blob: tarOf(t, "f /a/.wh.b hidden\nf /a/.wh.c\n")}, layer.Options{
		Store: newStore(t, 0), Jobs: 1, Wants: all,
		Visit: func(_ context.Context, f *scanner.File) (bool, error) {
			got = append(got, f.Path+" "+string(f.Head))
			return false, nil
		},
	})
	if err != nil || !slices.Equal(got, []string{"/a/.wh.b hidden"}) {
		t.Errorf("visited %q: %v", got, err)
	}
}
