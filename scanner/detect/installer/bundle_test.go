package installer

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zlib"

	"github.com/interdict/interdict/scanner/detect/internal/detecttest"
)

// The marker is the digest that the specification names.
func TestBundleMarker(t *testing.T) {
	if sum := sha256.Sum256([]byte(".net core bundle\n")); string(sum[:]) != bundleMarker {
		t.Errorf("%x", sum)
	}
}

// bundled appends files to a program as .NET does.
func bundled(major uint32) []byte {
	program := tinyPE()
	copy(program[600:], "........"+bundleMarker)
	var dir bytes.Buffer
	binary.Write(&dir, binary.LittleEndian, []uint32{major, 0, 2})
	dir.WriteString("\x04abcd")
	if major >= 2 {
		dir.Write(make([]byte, 40))
	}
	out := append([]byte{}, program...)
	for _, m := range []struct {
		name, text string
		packed     bool
	}{{"Acme.dll", "MZ acme", false}, {"lib/Guard.dll", strings.Repeat("guard ", 100), major >= 6}} {
		stored := []byte(m.text)
		if m.packed {
			var z bytes.Buffer
			w, _ := flate.NewWriter(&z, 9)
			w.Write(stored)
			w.Close()
			stored = z.Bytes()
		}
		fields := []int64{int64(len(out)), int64(len(m.text))}
		if major >= 6 {
			packed := int64(0)
			if m.packed {
				packed = int64(len(stored))
			}
			fields = append(fields, packed)
		}
		binary.Write(&dir, binary.LittleEndian, fields)
		dir.WriteByte(1)
		dir.WriteByte(byte(len(m.name)))
		dir.WriteString(m.name)
		out = append(out, stored...)
	}
	binary.LittleEndian.PutUint64(out[600:], uint64(len(out)))
	return append(out, dir.Bytes()...)
}

func TestBundle(t *testing.T) {
	want := map[string]string{"Acme.dll": "MZ acme", "lib/Guard.dll": strings.Repeat("guard ", 100)}
	for _, major := range []uint32{1, 2, 6} {
		b := bundled(major)
		got := expand(t, detecttest.File("/app.exe", b), 1<<20)
		if diff := cmp.Diff(want, got.files); diff != "" || len(got.gaps) > 0 {
			t.Errorf("version %d: gaps %v (-want +got):\n%s", major, got.gaps, diff)
		}
		cut := expand(t, detecttest.File("/app.exe", b[:len(b)-5]), 1<<20)
		if len(cut.gaps) != 1 {
			t.Errorf("version %d, cut: %v", major, cut.gaps)
		}
	}
	if empty := expand(t, detecttest.File("/app.exe", append(tinyPE(), bundleMarker...)), 1<<20); len(empty.gaps)+len(empty.files) > 0 {
		t.Errorf("a program without bundle: %v", empty)
	}
}

func TestPyInstaller(t *testing.T) {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	w.Write([]byte(strings.Repeat("acme ", 50)))
	w.Close()
	body := append([]byte("plain"), z.Bytes()...)
	var toc []byte
	for _, e := range []struct {
		at, size, full int
		packed         byte
		name           string
	}{{0, 5, 5, 0, "plain.txt\x00\x00"}, {5, z.Len(), 250, 1, "libacme.so\x00"}} {
		toc = binary.BigEndian.AppendUint32(toc, uint32(pyTOCEntry+len(e.name)))
		for _, n := range []int{e.at, e.size, e.full} {
			toc = binary.BigEndian.AppendUint32(toc, uint32(n))
		}
		toc = append(append(toc, e.packed, 'b'), e.name...)
	}
	want := map[string]string{"plain.txt": "plain", "libacme.so": strings.Repeat("acme ", 50)}
	for _, cookie := range []int{pyOldSize, pyNewSize} {
		b := append(append(tinyPE(), body...), toc...)
		b = append(b, pyCookie...)
		for _, n := range []int{len(body) + len(toc) + cookie, len(body), len(toc), 311} {
			b = binary.BigEndian.AppendUint32(b, uint32(n))
		}
		b = append(b, make([]byte, cookie-pyOldSize)...)
		got := expand(t, detecttest.File("/app.exe", b), 1<<20)
		if diff := cmp.Diff(want, got.files); diff != "" || len(got.gaps) > 0 {
			t.Errorf("cookie of %d: gaps %v (-want +got):\n%s", cookie, got.gaps, diff)
		}
	}
}
