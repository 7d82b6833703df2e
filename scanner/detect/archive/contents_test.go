package archive

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/detecttest"
)

// pack runs a script in a folder that has the test's contents in "in", and
// returns the file "out" that it leaves.
func pack(t testing.TB, files map[string]string, script string) []byte {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, "in", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	detecttest.Script(t, dir, script)
	return detecttest.Read(t, dir, "out")
}

// TestContents compares every byte of every file with what went in.
func TestContents(t *testing.T) {
	want := contents()
	want["sub/holes"] = "x" + strings.Repeat("\x00", 1<<20) + "y"
	want["sub/deep/er/exact"] = strings.Repeat("0123456789abcdef", 8192)
	for name, script := range map[string]string{
		"gzip.squashfs":   `mksquashfs in out -quiet -no-progress`,
		"zstd.squashfs":   `mksquashfs in out -quiet -no-progress -comp zstd -b 1M`,
		"xz.squashfs":     `mksquashfs in out -quiet -no-progress -comp xz -Xbcj x86`,
		"lz4.squashfs":    `mksquashfs in out -quiet -no-progress -comp lz4 -b 8K`,
		"lzma.squashfs":   `mksquashfs in out -quiet -no-progress -comp lzma`,
		"plain.squashfs":  `mksquashfs in out -quiet -no-progress -noI -noD -noF -b 4096`,
		"nofrag.squashfs": `mksquashfs in out -quiet -no-progress -no-fragments`,
		"rock.iso":        `genisoimage -quiet -R -o out in`,
		"joliet.iso":      `genisoimage -quiet -J -o out in`,
		"level4.iso":      `xorriso -as mkisofs -quiet -o out -iso-level 4 -R in`,
		"a.zip":           `cd in && zip -qr ../o . && mv ../o.zip ../out`,
		"bzip2.zip":       `cd in && zip -qrZ bzip2 ../o . && mv ../o.zip ../out`,
		"a.7z":            `cd in && 7z a -bd ../o.7z . && mv ../o.7z ../out`,
		"a.tar":           `tar -C in --sparse -cf out .`,
		"a.tar.zst":       `tar -C in -c . | zstd -q -o out`,
		"a.cpio":          `cd in && find . | cpio -o -H newc --quiet > ../out`,
		"bin.cpio":        `cd in && find . | cpio -o -H bin --quiet > ../out`,
		"d64.zip":         `cd in && 7z a -bd -tzip -mm=Deflate64 ../o.zip . && mv ../o.zip ../out`,
		"ppmd.7z":         `cd in && 7z a -bd -m0=PPMd ../o.7z . && mv ../o.7z ../out`,
		"odc.cpio.lzma":   `cd in && find . | cpio -o -H odc --quiet | xz --format=lzma > ../out`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := expand(t, name, pack(t, want, script))
			clean := map[string]string{}
			for name, text := range got.files {
				clean[strings.TrimPrefix(filepath.Clean("/"+name), "/")] = text
			}
			if diff := cmp.Diff(want, clean); diff != "" || len(got.gaps) > 0 {
				t.Errorf("gaps %v; (-want +got):\n%.3000s", got.gaps, diff)
			}
		})
	}
}

// seeds are small containers of every format that is parsed here.
func seeds(t testing.TB) map[string][]byte {
	files := map[string]string{"a.txt": "some text, some text", "d/b.bin": "\x00\x01\x02\x03", "empty": ""}
	s := map[string][]byte{
		"lzx.cab": lzxCabinet("f.bin", []byte(strings.Repeat("lzx lzx ", 50)), []int{1, 2, 3}, 1000),
	}
	for name, script := range map[string]string{
		"a.cab":      `cd in && gcab -cz ../out a.txt d/b.bin`,
		"a.squashfs": `mksquashfs in out -quiet -no-progress -comp lz4`,
		"a.iso":      `genisoimage -quiet -J -R -o out in`,
		"bin.cpio":   `cd in && find . | cpio -o -H bin --quiet > ../out`,
		"a.asar":     `printf '\004\000\000\000\064\000\000\000\060\000\000\000\055\000\000\000{"files":{"a":{"size":2,"offset":"0"}}}      hi' > out`,
		"a.ex_":      `mscompress in/a.txt >/dev/null; mv in/a.txt_ out`,
		"a.pbzx":     `xz -c in/a.txt > x; n=$(stat -c %s x); (printf 'pbzx\0\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0'; printf "\\x$(printf %02x $n)"; cat x) > out`,
		"a.db":       `python3 -c "import sqlite3; c = sqlite3.connect('out'); c.execute('create table t (a)'); c.execute('insert into t values (?)', (b'PK\x03\x04' + b'x' * 9000,)); c.commit()"`,
		"a.pack":     `git init -q r; printf 'PK\003\004' > r/a; cd r; git add .; git -c user.name=a -c user.email=a@b.c commit -qm x; echo HEAD | git pack-objects --revs -q --stdout > ../out`,
		"a.cpio":     `cd in && find . | cpio -o -H newc --quiet > ../out`,
		"odc.cpio":   `cd in && find . | cpio -o -H odc --quiet > ../out`,
		"a.zip":      `cd in && zip -qr ../o . && mv ../o.zip ../out`,
		"a.tar":      `tar -C in -cf out .`,
		"a.7z":       `cd in && 7z a -bd ../o.7z . && mv ../o.7z ../out`,
	} {
		s[name] = pack(t, files, script)
	}
	return s
}

// FuzzExpand: whatever the bytes are, the Expander does not panic, keeps to the
// bounds that the Visitor sets, and finds the same again.
func FuzzExpand(f *testing.F) {
	for name, b := range seeds(f) {
		f.Add(name, b)
		f.Add(name, b[:len(b)/2])
	}
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		if len(b) > 1<<20 {
			t.Skip("too long")
		}
		if strings.HasSuffix(name, ".7z") || hasMagic(b, 0, sevenZipMagic) || hasMagic(b, 0, "Rar!") {
			t.Skip("read by a library")
		}
		first := expandBounded(t, name, b)
		again := expandBounded(t, name, b)
		if !reflect.DeepEqual(first.files, again.files) || !reflect.DeepEqual(first.gaps, again.gaps) {
			t.Errorf("two readings differ")
		}
	})
}

func expandBounded(t testing.TB, name string, b []byte) *collect {
	c := &collect{files: map[string]string{}, left: 8 << 20}
	f := detecttest.File("/"+name, b)
	e := New()
	if !e.Wants(f) {
		return c
	}
	if err := e.Expand(t.Context(), f, c); err != nil && err != scanner.ErrLimit {
		t.Fatal(err)
	}
	return c
}

// FuzzLZX: decoding ends, and never writes more than it was asked for.
func FuzzLZX(f *testing.F) {
	e := &lzxEncoder{data: []byte(strings.Repeat("lzx lzx ", 50)), kinds: []int{1}, r: [3]int{1, 1, 1}}
	f.Add(uint8(16), 400, e.frame(0, 400, 0))
	f.Fuzz(func(t *testing.T, bits uint8, size int, b []byte) {
		d, err := newLZX(uint(bits))
		if err != nil || size < 0 || size > maxCabBlock {
			return
		}
		for range 3 {
			out, err := d.frame(b, size)
			if err == nil && len(out) != size {
				t.Errorf("%d bytes, not %d", len(out), size)
			}
			if err != nil {
				return
			}
		}
	})
}

// TestSZDD reads what mscompress made.
func TestSZDD(t *testing.T) {
	for name, want := range contents() {
		if len(want) < 16 { // mscompress damages them
			continue
		}
		b := pack(t, map[string]string{"setup.exe": want}, `mscompress in/setup.exe > /dev/null; mv in/setup.exe_ out`)
		got := expand(t, "setup.ex_", b)
		if got.files["setup.ex_"] != want || len(got.gaps) > 0 {
			t.Errorf("%s: %d bytes, not %d; gaps %v", name, len(got.files["setup.ex_"]), len(want), got.gaps)
		}
	}
}
