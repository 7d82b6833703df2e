package archive

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// asar makes an archive of a header and data.
func asar(header, data string) []byte {
	n := uint32(len(header))
	pad := (4 - n%4) % 4
	b := []byte("\x04\x00\x00\x00")
	for _, v := range []uint32{n + pad + 8, n + pad + 4, n} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return append(append(append(b, header...), make([]byte, pad)...), data...)
}

func TestAsar(t *testing.T) {
	header := `{"files":{"main.js":{"size":4,"offset":"0"},"node_modules":{"files":{"@acme":{"files":{"package.json":{"size":3,"offset":"4","integrity":{"hash":"x"}}}}}},"a.node":{"size":9,"unpacked":true},"l":{"link":"main.js"}}}`
	got := expand(t, "app.asar", asar(header, "mainabc"))
	want := map[string]string{"/main.js": "main", "/node_modules/@acme/package.json": "abc"}
	if diff := cmp.Diff(want, got.files); diff != "" || len(got.gaps) > 0 {
		t.Errorf("gaps %v (-want +got):\n%s", got.gaps, diff)
	}
	if cut := expand(t, "app.asar", asar(header, "main")); len(cut.gaps) != 1 {
		t.Errorf("cut: %v", cut.gaps)
	}
}
