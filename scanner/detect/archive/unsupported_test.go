package archive

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/testdata/need"
	"github.com/klauspost/compress/zlib"
)

// TestUnsupported: what is known but not read is told of; what only looks a
// little like it is not.
func TestUnsupported(t *testing.T) {
	for name, script := range map[string]string{
		"ext2.img": `truncate -s 1M out; mke2fs -qF -t ext2 out`,
		"ext4.img": `truncate -s 8M out; mke2fs -qF -t ext4 out`,
		"disk.raw": `truncate -s 2M out; printf '\x80\x01\x01\x00\x83\x01\x01\x00\x01\x00\x00\x00\x00\x08\x00\x00' | dd of=out bs=1 seek=446 conv=notrunc status=none; printf '\x55\xaa' | dd of=out bs=1 seek=510 conv=notrunc status=none`,
		"a.Z":      `printf '\x1f\x9d\x90rest of it' > out`,
		"a.qcow2":  `printf 'QFI\xfb\x00\x00\x00\x03' > out; truncate -s 4K out`,
		"a.arj":    `arj a o.arj in/a >/dev/null; mv o.arj out`,
		"a.lzh":    `printf '\x1a\x00-lh5-\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x20\x01\x01a' > out`,
		"udf.iso":  `xorriso -as mkisofs -quiet -o out in; printf '\x00BEA01\x01' | dd of=out bs=1 seek=32768 conv=notrunc status=none; printf '\x00NSR02\x01' | dd of=out bs=1 seek=34816 conv=notrunc status=none`,
	} {
		t.Run(name, func(t *testing.T) {
			got := expand(t, name, pack(t, map[string]string{"a": "x"}, script))
			if len(got.gaps) != 1 || got.gaps[0].Reason != sbom.Unsupported {
				t.Errorf("gaps %v", got.gaps)
			}
		})
	}
	for name, text := range map[string]string{
		"zeros.bin": strings.Repeat("\x00", 1<<20), "boot.bin": strings.Repeat("\x00", 510) + "\x55\xaa" + strings.Repeat("x", 1<<17),
		"text.txt": "12-lh5-34 is a method of LHA, it says here", "magic.iso": strings.Repeat("\x00", 1<<17),
	} {
		if got := expand(t, name, []byte(text)); len(got.gaps)+len(got.files) > 0 {
			t.Errorf("%s: %v %v", name, got.gaps, got.files)
		}
	}
}

// TestXar compares with 7z, which reads xar too.
func TestXar(t *testing.T) {
	payload := pack(t, contents(), `cd in && find . | cpio -o -H odc --quiet > ../c; xz -c ../c > ../out`)
	pbzx := append([]byte("pbzx"), make([]byte, 8)...)
	pbzx = binary.BigEndian.AppendUint64(pbzx, 1<<24)
	pbzx = binary.BigEndian.AppendUint64(pbzx, uint64(len(payload)))
	pbzx = append(pbzx, payload...)
	var heap, toc bytes.Buffer
	for i, m := range []struct{ name, style, data string }{
		{"Distribution", "application/x-gzip", "<installer-gui-script/>"}, {"Payload", "application/octet-stream", string(pbzx)},
	} {
		stored := []byte(m.data)
		if m.style == "application/x-gzip" {
			var z bytes.Buffer
			w := zlib.NewWriter(&z)
			w.Write(stored)
			w.Close()
			stored = z.Bytes()
		}
		fmt.Fprintf(&toc, `<file id="%d"><data><length>%d</length><offset>%d</offset><size>%d</size><encoding style="%s"/></data><type>file</type><name>%s</name></file>`,
			i+1, len(stored), heap.Len(), len(m.data), m.style, m.name)
		heap.Write(stored)
	}
	text := `<?xml version="1.0" encoding="UTF-8"?><xar><toc><file id="9"><type>directory</type><name>acme.pkg</name>` + toc.String() + `</file></toc></xar>`
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	w.Write([]byte(text))
	w.Close()
	b := binary.BigEndian.AppendUint16([]byte("xar!"), xarHeader)
	b = binary.BigEndian.AppendUint16(b, 1)
	b = binary.BigEndian.AppendUint64(b, uint64(z.Len()))
	b = binary.BigEndian.AppendUint64(b, uint64(len(text)))
	b = binary.BigEndian.AppendUint32(b, 0)
	b = append(append(b, z.Bytes()...), heap.Bytes()...)

	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.xar"), b, 0o644); err != nil {
		t.Fatal(err)
	}
	need.Tool(t, "7z")
	cmd := exec.Command("7z", "x", "-bd", "a.xar")
	cmd.Dir = dir
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the test's xar is wrong: %v\n%s", err, msg)
	}
	got := expand(t, "acme.pkg", b)
	want := map[string]string{"/acme.pkg/Distribution": "<installer-gui-script/>", "/acme.pkg/Payload": string(pbzx)}
	if diff := cmp.Diff(want, got.files); diff != "" || len(got.gaps) > 0 {
		t.Errorf("gaps %v; (-want +got):\n%.2000s", got.gaps, diff)
	}
	inner := expand(t, "Payload", pbzx)
	if diff := cmp.Diff(contents(), inner.files); diff != "" || len(inner.gaps) > 0 {
		t.Errorf("payload: gaps %v; (-want +got):\n%.2000s", inner.gaps, diff)
	}
}
