package pkcs7

import (
	"errors"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// maxDepth is how deep a BER element may be nested.
const maxDepth = 48

var errBER = errors.New("not BER")

// normalize rewrites the first element of b from BER to DER as far as a reader
// of DER needs it: indefinite and overlong lengths become definite and short,
// OCTET STRINGs in pieces become one. Apple's and older Java's signatures are
// BER (X.690 section 8). Elements that are DER come out as they went in.
func normalize(b []byte) ([]byte, error) {
	out, _, err := berElement(nil, b, 0)
	return out, err
}

// berElement appends the first element of b to out and returns what follows it.
func berElement(out, b []byte, depth int) (_, rest []byte, err error) {
	if depth > maxDepth {
		return nil, nil, errors.New("nested too deep")
	}
	tag, body, rest, indefinite, err := berHeader(b)
	if err != nil {
		return nil, nil, err
	}
	if tag[0]&0x20 == 0 { // primitive
		return appendElement(out, tag, body), rest, nil
	}
	var inner []byte
	inOctets := tag[0] == 0x24
	for len(body) > 0 {
		if indefinite && len(body) >= 2 && body[0] == 0 && body[1] == 0 {
			rest = body[2:]
			break
		}
		if inOctets && body[0] == 0x04 { // pieces of one string
			_, piece, after, _, err := berHeader(body)
			if err != nil {
				return nil, nil, err
			}
			inner, body = append(inner, piece...), after
			continue
		}
		if inner, body, err = berElement(inner, body, depth+1); err != nil {
			return nil, nil, err
		}
		if indefinite && len(body) == 0 {
			return nil, nil, errBER // no end
		}
	}
	if inOctets {
		tag = []byte{0x04}
	}
	return appendElement(out, tag, inner), rest, nil
}

// berHeader splits the first element of b. The body of an indefinite one is
// all that follows its header.
func berHeader(b []byte) (tag, body, rest []byte, indefinite bool, err error) {
	n := 1
	if len(b) > 0 && b[0]&0x1f == 0x1f {
		for ; n < len(b) && n < 5 && b[n]&0x80 != 0; n++ {
		}
		n++
	}
	if n+1 > len(b) {
		return nil, nil, nil, false, errBER
	}
	tag, b = b[:n], b[n:]
	first := b[0]
	b = b[1:]
	switch {
	case first == 0x80:
		if tag[0]&0x20 == 0 {
			return nil, nil, nil, false, errBER
		}
		return tag, b, nil, true, nil
	case first < 0x80:
		if int(first) > len(b) {
			return nil, nil, nil, false, errBER
		}
		return tag, b[:first], b[first:], false, nil
	}
	size, count := 0, int(first&0x7f)
	if count > 8 || count > len(b) {
		return nil, nil, nil, false, errBER
	}
	for _, c := range b[:count] {
		if size = size<<8 | int(c); size > MaxSize {
			return nil, nil, nil, false, errBER
		}
	}
	b = b[count:]
	if size > len(b) {
		return nil, nil, nil, false, errBER
	}
	return tag, b[:size], b[size:], false, nil
}

func appendElement(out, tag, body []byte) []byte {
	out = append(out, tag...)
	switch n := len(body); {
	case n < 0x80:
		out = append(out, byte(n))
	case n < 1<<8:
		out = append(out, 0x81, byte(n))
	case n < 1<<16:
		out = append(out, 0x82, byte(n>>8), byte(n))
	case n < 1<<24:
		out = append(out, 0x83, byte(n>>16), byte(n>>8), byte(n))
	default:
		out = append(out, 0x84, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append(out, body...)
}

// sequence reads a SEQUENCE off s and returns its contents.
func sequence(s *cryptobyte.String) (cryptobyte.String, bool) {
	var in cryptobyte.String
	ok := s.ReadASN1(&in, asn1.SEQUENCE)
	return in, ok
}

// context is the tag of a constructed [n].
func context(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }
