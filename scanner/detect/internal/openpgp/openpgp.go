// Package openpgp reads whose public keys a keyring holds: binary (RFC 9580),
// armored, or a GnuPG keybox. It verifies no signature: anybody can write any
// user ID into a key.
package openpgp

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/interdict/interdict/sbom"
)

// Bounds of one keyring. A key of a person with many signatures has some
// hundreds of kilobytes.
const (
	maxPackets = 1 << 20
	maxUserIDs = 1 << 16
	maxBlocks  = 1024
	maxBlock   = 4 << 20 // bytes of one armored block
)

// UserID is one user ID of a key.
type UserID struct {
	KeyID string // of the primary key, 16 upper-case hexadecimal digits; empty when it cannot be read
	Name  string // as written: "Acme Packages <packages@acme.example>"
}

// Evidence is the user ID as evidence; its Value is empty when it has no name.
func (u UserID) Evidence() sbom.Evidence {
	where := "a key that cannot be read"
	if u.KeyID != "" {
		where = "key " + u.KeyID
	}
	return sbom.Evidence{Kind: sbom.PGPUserID, Value: sbom.CleanValue(u.Name), Where: where}
}

const (
	begin      = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
	end        = "-----END PGP PUBLIC KEY BLOCK-----"
	keyboxMark = "KBXf" // at offset 8 of the first blob (GnuPG, kbx/keybox-blob.c)
)

// IsKeyring reports whether head begins a keyring of public keys: armored,
// after at most some lines of comment; binary; or a keybox.
func IsKeyring(head []byte) bool {
	return bytes.Contains(head, []byte(begin)) || isKeybox(head) || isBinary(head)
}

func isKeybox(head []byte) bool {
	return len(head) >= 32 && string(head[8:12]) == keyboxMark
}

// isBinary reports whether the first packet is a public key of a known version
// (RFC 9580 sections 4.2 and 5.5.2): tag 6, in the old form with a length of
// one, two or four bytes, or in the new form.
func isBinary(head []byte) bool {
	if len(head) < 12 {
		return false
	}
	at := 0
	switch head[0] {
	case 0x98:
		at = 2
	case 0x99:
		at = 3
	case 0x9a:
		at = 5
	case 0xc6:
		switch {
		case head[1] < 192:
			at = 2
		case head[1] < 224:
			at = 3
		case head[1] == 255:
			at = 6
		}
	}
	return at > 0 && head[at] >= 2 && head[at] <= 6
}

// Read returns the user IDs of all keys, in their order. What comes before an
// error stands.
func Read(b []byte) ([]UserID, error) {
	r := &reader{}
	read := r.armored
	switch {
	case isKeybox(b):
		read = r.keybox
	case isBinary(b):
		read = r.packets
	}
	err := read(b)
	return r.ids, err
}

type reader struct {
	ids   []UserID
	key   string
	count int
}

// armored reads all blocks of a text (RFC 9580 section 6).
func (r *reader) armored(b []byte) error {
	for range maxBlocks {
		at := bytes.Index(b, []byte(begin))
		if at < 0 {
			return nil
		}
		block := b[at:]
		b = nil
		if i := bytes.Index(block, []byte(end)); i >= 0 {
			block, b = block[:i+len(end)], block[i+len(end):]
		}
		if err := r.block(block); err != nil {
			return fmt.Errorf("reading an armored key: %w", err)
		}
	}
	return fmt.Errorf("more than %d armored blocks", maxBlocks)
}

func (r *reader) block(text []byte) error {
	if len(text) > maxBlock {
		return fmt.Errorf("a block of more than %d bytes", maxBlock)
	}
	block, err := armor.Decode(bytes.NewReader(text))
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(block.Body)
	return cmp.Or(r.packets(raw), err)
}

// packets reads a sequence of keys: a primary key and the user IDs after it.
func (r *reader) packets(b []byte) error {
	or := packet.NewOpaqueReader(bytes.NewReader(b))
	for {
		p, err := or.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading a keyring: %w", err)
		}
		if r.count++; r.count > maxPackets || len(r.ids) >= maxUserIDs {
			return fmt.Errorf("more than %d packets or %d user IDs", maxPackets, maxUserIDs)
		}
		switch p.Tag {
		case 6: // public key
			r.key = keyID(p)
		case 13: // user ID
			r.ids = append(r.ids, UserID{KeyID: r.key, Name: string(p.Contents)})
		}
	}
}

func keyID(p *packet.OpaquePacket) (id string) {
	defer func() {
		if recover() != nil { // a key of an algorithm that the library trusts too much
			id = ""
		}
	}()
	parsed, err := p.Parse()
	if err != nil {
		return ""
	}
	if k, ok := parsed.(*packet.PublicKey); ok {
		return fmt.Sprintf("%016X", k.KeyId)
	}
	return ""
}

// keybox reads the key blocks of a keybox: blobs that begin with their length
// and type; one of type 2 has the offset and length of an OpenPGP key.
func (r *reader) keybox(b []byte) error {
	for len(b) >= 16 {
		size := binary.BigEndian.Uint32(b)
		if size < 16 || uint64(size) > uint64(len(b)) {
			return fmt.Errorf("reading a keybox: a blob of %d bytes where %d are left", size, len(b))
		}
		blob := b[:size]
		b = b[size:]
		if blob[4] != 2 {
			continue
		}
		at, n := uint64(binary.BigEndian.Uint32(blob[8:])), uint64(binary.BigEndian.Uint32(blob[12:]))
		if at+n > uint64(size) {
			return fmt.Errorf("reading a keybox: a key lies outside its blob")
		}
		if err := r.packets(blob[at : at+n]); err != nil {
			return err
		}
	}
	return nil
}
