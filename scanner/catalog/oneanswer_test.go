package catalog

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/interdict/interdict/scanner/scantest"
)

// program is a Windows program with one section, of size bytes in all.
func program(size int) []byte {
	b := make([]byte, size)
	copy(b, "MZ")
	b[0x3c] = 0x40
	copy(b[0x40:], "PE\x00\x00\x64\x86\x01\x00")
	le := binary.LittleEndian
	le.PutUint16(b[0x54:], 0xf0)  // size of the optional header
	le.PutUint16(b[0x56:], 0x22)  // executable, large addresses
	le.PutUint16(b[0x58:], 0x20b) // PE32+
	le.PutUint32(b[0xc4:], 16)    // number of directories
	copy(b[0x148:], ".text")
	le.PutUint32(b[0x150:], 0x200) // virtual size
	le.PutUint32(b[0x154:], 0x1000)
	le.PutUint32(b[0x158:], 0x200)
	le.PutUint32(b[0x15c:], 0x200)
	return b
}

// TestOneAnswer: a program of any size gives the same, however often and by
// however many it is read.
func TestOneAnswer(t *testing.T) {
	var files []scantest.File
	for i, size := range []int{1024, 65_536, 65_537, 100_000, 300_000} {
		files = append(files, scantest.File{Path: fmt.Sprintf("/srv/%d/a.exe", i), Body: program(size), Mode: 0o755})
	}
	im := built(t, scantest.Image{Layers: []scantest.Layer{{Files: files}}})
	layers := indexes(t, im)
	for run := range 10 {
		c, err := Components(t.Context(), layers, Options{Jobs: 1 + run%2*7})
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range c.Gaps {
			t.Errorf("run %d: %+v", run, g)
		}
	}
}
