package openpgp

import (
	"os"
	"strings"
	"testing"
)

// FuzzRead: whatever the bytes are, there is an end to it, and no more user IDs
// than bytes.
func FuzzRead(f *testing.F) {
	f.Add([]byte(begin + "\n\nmDMEZQ==\n" + end))
	f.Add([]byte("\x98\x33\x04\x00\x00\x00\x00\x16\x09\x2b\x06\x01\xb4\x04Acme"))
	f.Add([]byte("\x00\x00\x00\x20\x01\x01\x00\x00KBXf" + strings.Repeat("\x00", 20) + "\x00\x00\x00\x14\x02\x01\x00\x00\x00\x00\x00\x10\x00\x00\x00\x04\xb4\x02ab"))
	if b, err := os.ReadFile("/usr/share/keyrings/debian-archive-keyring.gpg"); err == nil {
		f.Add(b[:min(len(b), 4096)])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		IsKeyring(b[:min(len(b), 4096)])
		ids, err := Read(b)
		if len(ids) > len(b) {
			t.Fatalf("%d user IDs in %d bytes, %v", len(ids), len(b), err)
		}
	})
}
