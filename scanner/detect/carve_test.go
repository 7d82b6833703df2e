package detect

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/google/go-cmp/cmp"
	"github.com/interdict/interdict/sbom"
	"github.com/klauspost/compress/zstd"
)

func gzipOf(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func tarOf(t testing.TB, files ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for i := 0; i < len(files); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: files[i], Mode: 0o644, Size: int64(len(files[i+1])), Format: tar.FormatUSTAR}); err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(files[i+1]))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// elfOf is an ELF program whose one segment holds inside.
func elfOf(inside []byte) []byte {
	b := append(make([]byte, 120), inside...)
	copy(b, "\x7fELF\x02\x01\x01")
	put := binary.LittleEndian
	put.PutUint16(b[16:], 2)
	put.PutUint16(b[18:], 62)
	put.PutUint32(b[20:], 1)
	put.PutUint64(b[32:], 64)
	put.PutUint16(b[52:], 64)
	put.PutUint16(b[54:], 56)
	put.PutUint16(b[56:], 1)
	put.PutUint32(b[64:], 1)
	put.PutUint64(b[64+32:], uint64(len(b)))
	return b
}

// noise are bytes that do not compress.
func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8(sha256.Sum256([]byte("noise"))).Read(b)
	return b
}

// TestCarve: a container is found wherever it lies in another file.
func TestCarve(t *testing.T) {
	t.Parallel()
	tarball := tarOf(t, "opt/acme/package.json", marker, "opt/acme/noise", string(noise(9000)))
	packed := gzipOf(t, tarball)
	zipped := zipOf(t, "opt/acme/package.json", marker)
	frame := func(b []byte) []byte {
		w, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		return w.EncodeAll(b, nil)
	}
	skippable := func(b []byte) []byte {
		return append(binary.LittleEndian.AppendUint32([]byte("\x50\x2a\x4d\x18"), uint32(len(b))), b...)
	}
	gif, png := []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"), []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR")
	uu := func(b []byte) []byte {
		out := []byte("#!/bin/sh\nuudecode <<E\nbegin 644 a\n")
		for ; len(b) > 0; b = b[min(45, len(b)):] {
			line := b[:min(45, len(b))]
			out = append(out, byte(' '+len(line)))
			for ; len(line) > 0; line = line[min(3, len(line)):] {
				var g [3]byte
				copy(g[:], line)
				v := uint32(g[0])<<16 | uint32(g[1])<<8 | uint32(g[2])
				out = append(out, byte(' '+v>>18&63), byte(' '+v>>12&63), byte(' '+v>>6&63), byte(' '+v&63))
			}
			out = append(out, '\n')
		}
		return append(out, " \nend\nE\n"...)
	}
	wrapped := func(b []byte, width int) []byte {
		text := base64.StdEncoding.EncodeToString(b)
		var out []byte
		for ; len(text) > 0; text = text[min(width, len(text)):] {
			out = append(append(out, text[:min(width, len(text))]...), '\n')
		}
		return out
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for name, b := range map[string][]byte{
		"second-member.gz":  join(gzipOf(t, []byte("hi\n")), packed),
		"after-garbage.gz":  join(gzipOf(t, []byte("hi\n")), []byte(strings.Repeat("\x00garbage", 20)), packed),
		"after-the-end.tar": join(tarOf(t, "e", "x"), packed),
		"two.tar.gz":        gzipOf(t, join(tarOf(t, "e", "x"), tarball)),
		"picture.gif":       join(gif, zipped),
		"picture.png":       join(png, packed),
		"overlay":           join(elfOf(noise(300)), packed),
		"segment":           elfOf(join(noise(300), packed, noise(300))),
		"plain-tar":         elfOf(join(make([]byte, 300), tarball, make([]byte, 300))),
		"cut.sh":            join([]byte("#!/bin/sh\ntail -n +3 \"$0\" > x\n"), tarball),
		"base64.sh":         join([]byte("#!/bin/sh\nbase64 -d <<E > x\n"), wrapped(packed, 76), []byte("E\n")),
		"one-line.py":       join([]byte("data = '"), []byte(base64.StdEncoding.EncodeToString(packed)), []byte("'\n")),
		"url.js":            join([]byte("f(\""), []byte(base64.RawURLEncoding.EncodeToString(packed)), []byte("\");\n")),
		"mail.eml":          join([]byte("MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\n"), bytes.ReplaceAll(wrapped(packed, 76), []byte("\n"), []byte("\r\n"))),
		"uu.sh":             uu(packed),
		"zip-in-noise.dat":  join(noise(100_000), zipped, noise(100)),
		"xz-in-noise.dat":   join(noise(70_000), shell(t, `tar -C tree -cJf out opt/acme/package.json`), noise(70_000)),
		"a.tar.br": func() []byte {
			var out bytes.Buffer
			w := brotli.NewWriter(&out)
			w.Write(tarball)
			w.Close()
			return out.Bytes()
		}(),
		"long-row.db": shell(t, `python3 -c "
import sqlite3
c = sqlite3.connect('out')
c.execute('create table t (a, b, c)')
for i in range(50): c.execute('insert into t values (?, ?, ?)', (i, 'text' * i * 300, b'x' * i))
c.execute('insert into t values (1, ?, ?)', (open('a.gz', 'rb').read(), b'x'))
c.commit()"`, packed),
		"objects.pack":    shell(t, `git init -q r; cp a.gz r/a.bin; echo some text > r/b; cd r; git add .; git -c user.name=a -c user.email=a@b.c commit -qm x; echo HEAD | git pack-objects --revs -q --stdout > ../out`, packed),
		"two.bundle":      shell(t, `git init -q r; cp a.gz r/a.bin; cd r; git add .; git -c user.name=a -c user.email=a@b.c commit -qm x; git bundle create -q ../out HEAD`, packed),
		"skippable.zst":   join(frame([]byte("hi\n")), skippable(packed), frame([]byte("ho\n"))),
		"nodirectory.dat": join(noise(5000), zipped[:len(zipped)-60]),
		"program.dat":     join(noise(5000), elfOf(packed)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fs := runAll(t, "/srv/"+name, b, Limits{})
			found := 0
			for _, p := range fs.paths() {
				if strings.HasSuffix(p, "opt/acme/package.json") {
					found++
				}
			}
			if found != 1 {
				t.Errorf("the container in it was found %d times; %v, gaps %v", found, fs.paths(), fs.Gaps)
			}
			if name != "nodirectory.dat" && len(fs.Gaps) > 0 {
				t.Errorf("gaps %v", fs.Gaps)
			}
		})
	}
}

// TestCarveIsQuiet: constants of programs and ordinary files hold nothing, and
// nothing is said of them.
func TestCarveIsQuiet(t *testing.T) {
	t.Parallel()
	magics := "\x1f\x8b\x08\x00PK\x03\x04PK\x05\x06\xfd7zXZ\x00\x00\x28\xb5\x2f\xfd7z\xbc\xaf\x27\x1cRar!\x1a\x07\x01\x00MSCF\x00\x00\x00\x00" +
		"!<arch>\ndebian-binary hsqs070701ustar\x00\xed\xab\xee\xdb\x7fELFPE\x00\x00CD001\x01\x00\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1PACK\x00\x00\x00\x02BZh91AY&SY"
	text := "H4sI UEsDB N3q8rycc f0VMRg begin 644 a\nbegin 7 or so\n" + strings.Repeat("All rights reserved.\n", 500)
	for name, b := range map[string][]byte{
		"constants":   elfOf([]byte(strings.Repeat(magics+"\x00\x01\x02", 50))),
		"noise.dat":   noise(4 << 20),
		"text.sh":     []byte("#!/bin/sh\n" + text),
		"text.txt":    []byte(text),
		"picture.png": append([]byte("\x89PNG\r\n\x1a\n"), noise(20_000)...),
		"a.tar":       append(tarOf(t, "e", "x"), make([]byte, 9000)...),
		"a.zip":       zipOf(t, "a.txt", text, "b", "x"+magics),
		"padded.gz":   append(gzipOf(t, []byte("hi\n")), make([]byte, 512)...),
		"empty.dat":   make([]byte, 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fs := runAll(t, "/srv/"+name, b, Limits{})
			if len(fs.Gaps) > 0 || len(fs.paths()) > 0 {
				t.Errorf("found %v, gaps %v", fs.paths(), fs.Gaps)
			}
		})
	}
}

// TestRecognized: what is known and not read is said to be.
func TestRecognized(t *testing.T) {
	t.Parallel()
	at := func(size, offset int, magic string) []byte {
		b := make([]byte, size)
		copy(b[offset:], magic)
		return b
	}
	fat := at(1<<17, 0, "\xeb\x3c\x90MSDOS5.0\x00\x02\x01\x01\x00\x02\x10\x00\x00\x01\xf8\x01\x00")
	copy(fat[54:], "FAT12   ")
	copy(fat[510:], "\x55\xaa")
	split := zipOf(t, "a.txt", strings.Repeat("some text ", 500))
	binary.LittleEndian.PutUint16(split[len(split)-18:], 1)
	for name, b := range map[string][]byte{
		"a btrfs":                       at(1<<17, 0x10040, "_BHRfS_M"),
		"an Apple disk image":           at(1<<17, 1<<17-512, "koly"),
		"a Virtual PC disk image":       at(1<<17, 1<<17-512, "conectix"),
		"a FAT volume":                  fat,
		"an NTFS":                       append(at(510, 3, "NTFS    "), append([]byte("\x55\xaa"), make([]byte, 1<<17)...)...),
		"an XFS":                        at(1<<17, 0, "XFSB\x00\x00\x10\x00"),
		"one of several parts of a zip": split[len(split)/4:],
	} {
		t.Run(name, func(t *testing.T) {
			fs := runAll(t, "/srv/disk.img", b, Limits{})
			var got []string
			for _, g := range fs.Gaps {
				if g.Reason == sbom.Unsupported {
					got = append(got, g.Detail)
				}
			}
			if diff := cmp.Diff([]string{name}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
