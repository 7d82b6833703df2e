package sbom

import (
	"encoding/binary"
	"hash/maphash"
)

// Mark stands for a text in the memory of one process: 128 bits, made with
// seeds that nobody knows. Two texts do not have one mark by accident, nor by
// anyone's intention.
type Mark [2]uint64

// Marker makes marks. Those of two markers have nothing to do with each other.
// It may be used by many goroutines.
type Marker struct{ seeds [2]maphash.Seed }

// NewMarker returns a Marker with new seeds.
func NewMarker() Marker { return Marker{[2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}} }

// Mark returns the mark of a text.
func (m Marker) Mark(text []byte) Mark {
	return Mark{maphash.Bytes(m.seeds[0], text), maphash.Bytes(m.seeds[1], text)}
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
