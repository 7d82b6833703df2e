package macho

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/interdict/interdict/scanner/detect/internal/detecttest"
)

var le, be = binary.LittleEndian, binary.BigEndian

// image is a Mach-O file to be written: one segment that holds everything.
type image struct {
	filetype  uint32
	install   string
	dylibs    []string
	defined   []string
	undefined []string
	exported  []string // in the export trie only
	plist     string
	encrypted bool
}

func words(vs ...uint32) []byte {
	var b []byte
	for _, v := range vs {
		b = le.AppendUint32(b, v)
	}
	return b
}

func dylibCommand(cmd uint32, path string) []byte {
	path += strings.Repeat("\x00", 8-len(path)%8)
	return append(words(cmd, uint32(24+len(path)), 24, 2, 3<<16|1<<8, 1<<16), path...)
}

// write lays the image out: header, commands, then data from offset 4096 on.
func (im image) write() []byte {
	const base = 4096
	data := bytes.NewBuffer(nil)
	put := func(b []byte) (off, size uint32) {
		off = uint32(base + data.Len())
		data.Write(b)
		return off, uint32(len(b))
	}
	plistOff, plistSize := put([]byte(im.plist))
	strtab, nlist := []byte{0}, []byte(nil)
	for i, names := range [][]string{im.defined, im.undefined} {
		kind := byte(0x0f) // N_SECT, external
		if i == 1 {
			kind = 0x01 // N_UNDF, external
		}
		for _, n := range names {
			nlist = append(append(nlist, words(uint32(len(strtab)))...), kind, 0, 0, 0)
			nlist = append(nlist, make([]byte, 8)...)
			strtab = append(append(strtab, n...), 0)
		}
	}
	symOff, _ := put(nlist)
	strOff, strSize := put(strtab)
	trieOff, trieSize := put(trie(im.exported))

	segment := append(words(lcSegment64, 72+80), "__TEXT\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
	segment = append(segment, make([]byte, 48)...)
	le.PutUint64(segment[48:], uint64(base+data.Len()))
	le.PutUint32(segment[64:], 1)
	section := make([]byte, 80)
	copy(section, "__info_plist")
	copy(section[16:], "__TEXT")
	le.PutUint64(section[40:], uint64(plistSize))
	le.PutUint32(section[48:], plistOff)
	if im.plist == "" {
		copy(section, "__none\x00\x00\x00\x00\x00\x00")
	}
	commands := [][]byte{append(segment, section...),
		words(lcSymtab, 24, symOff, uint32(len(nlist)/16), strOff, strSize),
		words(lcDyldExportTrie, 16, trieOff, trieSize),
		append(words(lcUUID, 24), "0123456789abcdef"...)}
	if im.install != "" {
		commands = append(commands, dylibCommand(lcIDDylib, im.install))
	}
	for _, d := range im.dylibs {
		commands = append(commands, dylibCommand(lcLoadDylib, d))
	}
	if im.encrypted {
		commands = append(commands, words(lcEncryption64, 24, base, 16, 1, 0))
	}
	all := slices.Concat(commands...)
	out := slices.Concat(words(0xfeedfacf, 0x0100000c, 0, im.filetype, uint32(len(commands)), uint32(len(all)), 0, 0), all)
	return slices.Concat(out, make([]byte, base-len(out)), data.Bytes())
}

// trie writes an export trie in which every name is one edge of the root.
func trie(names []string) []byte {
	if len(names) == 0 {
		return nil
	}
	size := 2
	for _, n := range names {
		size += len(n) + 1 + 2
	}
	root, leaves := []byte{0, byte(len(names))}, []byte(nil)
	for _, n := range names {
		at := size + len(leaves)
		root = append(append(root, n...), 0, byte(at)|0x80, byte(at>>7))
		leaves = append(leaves, 2, 0, 0, 0) // flags, address; no edges
	}
	return append(root, leaves...)
}

// fatOf writes a fat file of slices for the CPU types.
func fatOf(cpus []uint32, slice ...[]byte) []byte {
	head := be.AppendUint32(be.AppendUint32(nil, 0xcafebabe), uint32(len(slice)))
	body := []byte(nil)
	for i, s := range slice {
		for _, v := range []uint32{cpus[i], 0, uint32(4096 + len(body)), uint32(len(s)), 12} {
			head = be.AppendUint32(head, v)
		}
		body = append(body, s...)
		body = append(body, make([]byte, (4096-len(body)%4096)%4096)...)
	}
	return slices.Concat(head, make([]byte, 4096-len(head)), body)
}

// authority makes the chain of certificates that signs in these tests.
func authority(t testing.TB, leaf string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	detecttest.Write(t, dir, "ca.ext", "basicConstraints=critical,CA:TRUE\n")
	detecttest.Write(t, dir, "leaf.ext", "extendedKeyUsage=codeSigning\n")
	detecttest.Run(t, dir, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/O=Test/CN=Test Root")
	detecttest.Run(t, dir, "openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", leaf)
	detecttest.Run(t, dir, "openssl", "x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
		"-extfile", "leaf.ext", "-out", "leaf.pem")
	return dir
}

// sign puts a signature by dir's leaf in the place of the one that Go's linker
// made, as codesign would: the load commands are changed first, since the first
// page holds them.
func sign(t testing.TB, dir, identifier, team string, thin []byte) []byte {
	t.Helper()
	h, _, err := readHeaders(bytes.NewReader(thin), int64(len(thin)))
	if err != nil || h.signature.size == 0 {
		t.Fatalf("a file without the linker's signature: %v", err)
	}
	const room = 64 << 10
	limit := h.signature.off
	out := append(bytes.Clone(thin[:limit]), make([]byte, room)...)
	at := bytes.Index(out, words(lcCodeSignature, 16, uint32(limit)))
	le.PutUint32(out[at+12:], room)

	const page = 4096
	pages := (int(limit) + page - 1) / page
	d := make([]byte, 64)
	texts := identifier + "\x00" + team + "\x00"
	for i, v := range []uint32{magicCodeDirectory, 0, 0x20300, 0, uint32(64 + len(texts)), 64, 0, uint32(pages), uint32(limit)} {
		be.PutUint32(d[4*i:], v)
	}
	copy(d[36:], []byte{32, 2, 0, 12})
	be.PutUint32(d[48:], uint32(64+len(identifier)+1))
	d = append(d, texts...)
	for p := out[:limit]; len(p) > 0; p = p[min(page, len(p)):] {
		sum := sha256.Sum256(p[:min(page, len(p))])
		d = append(d, sum[:]...)
	}
	be.PutUint32(d[4:], uint32(len(d)))
	detecttest.Write(t, dir, "cd", string(d))
	detecttest.Run(t, dir, "openssl", "cms", "-sign", "-binary", "-in", "cd", "-signer", "leaf.pem", "-inkey", "leaf.key",
		"-certfile", "ca.pem", "-outform", "DER", "-out", "cms")
	cms := detecttest.Read(t, dir, "cms")

	super := []byte(nil)
	for _, v := range []uint32{magicSuperBlob, uint32(28 + len(d) + 8 + len(cms)), 2, slotCodeDirectory, 28, slotCMS, uint32(28 + len(d))} {
		super = be.AppendUint32(super, v)
	}
	super = append(super, d...)
	super = be.AppendUint32(be.AppendUint32(super, magicCMS), uint32(8+len(cms)))
	super = append(super, cms...)
	if len(super) > room {
		t.Fatalf("the signature needs %d bytes", len(super))
	}
	copy(out[limit:], super)
	return out
}
