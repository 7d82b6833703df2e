package layer

import (
	"crypto/sha256"
	"encoding/binary"
)

// Seal makes an encoded index of a table, for tests of what a table may say.
func Seal(table []byte) []byte {
	b := binary.LittleEndian.AppendUint32([]byte(encodedMagic), encodedVersion)
	off := len(b)
	b = append(b, table...)
	b = binary.LittleEndian.AppendUint64(b, uint64(off))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(table)))
	sum := sha256.Sum256(table)
	return append(append(b, sum[:]...), encodedMagic...)
}

// Table is the table of an encoded index.
func Table(encoded []byte) []byte {
	foot := encoded[len(encoded)-footerSize:]
	return encoded[binary.LittleEndian.Uint64(foot) : len(encoded)-footerSize]
}
