package sbom

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
)

// Mark stands for a text in the memory of one process: 128 bits, made with a
// key that nobody knows. Two texts of up to n bytes that differ have one mark
// with a probability of (n+32)/2^132 at most, be it by accident or by the
// intention of one who sees no marks: GHASH (NIST SP 800-38D, section 6.4) is a
// universal hash. So marks do not leave the process.
type Mark [2]uint64

// MarkRoom is how much capacity behind a text [Marker.Mark] can use, in bytes.
const MarkRoom = 16

// Marker makes marks. Those of two markers have nothing to do with each other.
// It may be used by many goroutines. The zero value is not ready.
type Marker struct {
	gcm   cipher.AEAD
	nonce []byte // the same for all: marks are no signatures
}

// NewMarker returns a Marker with a new key.
func NewMarker() Marker {
	key := make([]byte, 16)
	_, _ = rand.Read(key) // it never fails
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key is of the right length
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // only a block of another size is refused
	}
	return Marker{gcm, make([]byte, gcm.NonceSize())}
}

// Mark returns the mark of a text. It writes behind the text, where there is
// [MarkRoom], so as not to allocate.
func (m Marker) Mark(text []byte) Mark {
	tag := m.gcm.Seal(text, m.nonce, nil, text)[len(text):]
	return Mark{binary.LittleEndian.Uint64(tag), binary.LittleEndian.Uint64(tag[8:])}
}

// AppendTexts appends each text and its length: what is appended for two lists
// of as many texts is equal if they are.
func AppendTexts(b []byte, texts ...string) []byte {
	for _, s := range texts {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return b
}
