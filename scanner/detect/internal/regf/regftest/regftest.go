// Package regftest builds registry hives for tests, with hivex.
package regftest

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/interdict/interdict/scanner/detect/internal/detecttest"
)

var le = binary.LittleEndian

// Empty is a hive with nothing but a root key: one bin with the key, its
// security descriptor and free space.
func Empty() []byte {
	const size = 4096
	b := make([]byte, 2*size)
	copy(b, "regf")
	le.PutUint32(b[4:], 1)
	le.PutUint32(b[8:], 1)
	le.PutUint32(b[20:], 1)
	le.PutUint32(b[24:], 3)
	le.PutUint32(b[32:], 1)
	le.PutUint32(b[36:], 0x20) // root
	le.PutUint32(b[40:], size)
	le.PutUint32(b[44:], 1)
	sum := uint32(0)
	for i := 0; i < 508; i += 4 {
		sum ^= le.Uint32(b[i:])
	}
	le.PutUint32(b[508:], sum)

	bin := b[size:]
	copy(bin, "hbin")
	le.PutUint32(bin[8:], size)
	cell := func(at, n int, used bool) []byte {
		if used {
			n = -n
		}
		le.PutUint32(bin[at:], uint32(int32(n)))
		return bin[at+4:]
	}
	const key, security, free = 0x20, 0x80, 0xe0
	k := cell(key, security-key, true)
	copy(k, "nk\x2c\x00")
	for _, at := range []int{16, 28, 32, 40, 48} {
		le.PutUint32(k[at:], 0xffffffff)
	}
	le.PutUint32(k[44:], security)
	le.PutUint16(k[72:], 4)
	copy(k[76:], "ROOT")
	s := cell(security, free-security, true)
	copy(s, "sk")
	le.PutUint32(s[4:], security)
	le.PutUint32(s[8:], security)
	le.PutUint32(s[12:], 1)
	le.PutUint32(s[16:], 20)
	copy(s[20:], "\x01\x00\x04\x80") // an empty descriptor
	cell(free, size-free, false)
	return b
}

// Build makes a hive by merging the text of a .reg file into an empty one. Its
// keys begin with prefix, which is not in the hive: `HKEY_LOCAL_MACHINE\SOFTWARE`.
func Build(t testing.TB, prefix, reg string) []byte {
	t.Helper()
	dir := t.TempDir()
	hive := filepath.Join(dir, "hive")
	if err := os.WriteFile(hive, Empty(), 0o644); err != nil {
		t.Fatal(err)
	}
	text := detecttest.Write(t, dir, "in.reg", "Windows Registry Editor Version 5.00\n\n"+withParents(prefix, reg))
	detecttest.Run(t, dir, "hivexregedit", "--merge", "--prefix", prefix, hive, text)
	return detecttest.Read(t, hive)
}

// withParents names every key above one that reg names, as hivex wants it.
func withParents(prefix, reg string) string {
	var b strings.Builder
	seen := map[string]bool{prefix: true}
	for line := range strings.Lines(reg) {
		if key := strings.Trim(line, "[]\n"); strings.HasPrefix(line, "[") {
			for i := len(prefix) + 1; i < len(key); i++ {
				if parent := key[:i]; key[i] == '\\' && !seen[parent] {
					seen[parent] = true
					b.WriteString("[" + parent + "]\n\n")
				}
			}
			seen[key] = true
		}
		b.WriteString(line)
	}
	return b.String()
}
