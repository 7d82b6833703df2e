package installer

import (
	"bytes"
	"cmp"
	"crypto"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/authenticode"
)

// The streams of a signed MSI. The second holds a digest of the directory, and
// is signed too.
const (
	msiSignature   = "[5]DigitalSignature"
	msiSignatureEx = "[5]MsiDigitalSignatureEx"
	maxSignature   = 16 << 20
)

// signers reads the Authenticode signature of an MSI.
func signers(ss []stream, class string) ([]sbom.Evidence, []sbom.Gap) {
	i := slices.IndexFunc(ss, func(s stream) bool { return s.name == msiSignature && len(s.dirs) == 0 })
	if i < 0 {
		return nil, nil
	}
	if ss[i].size > maxSignature {
		return nil, []sbom.Gap{{Reason: sbom.Limit, Detail: fmt.Sprintf("a signature of %d bytes", ss[i].size)}}
	}
	msg := make([]byte, ss[i].size)
	if _, err := io.ReadFull(io.NewSectionReader(&ss[i], 0, ss[i].size), msg); err != nil {
		return nil, []sbom.Gap{{Reason: sbom.Truncated, Detail: "reading the signature: " + err.Error()}}
	}
	return authenticode.Evidence(msg, "DigitalSignature stream", func(h crypto.Hash) ([]byte, error) { return msiDigest(ss, class, h) })
}

// msiDigest is the digest that an MSI's signature is of: all streams but the
// signature, by their names as they are stored, and then the class of the root.
// The stream with the digest of the directory comes first.
func msiDigest(ss []stream, class string, h crypto.Hash) ([]byte, error) {
	var signed []*stream
	var front *stream
	for i := range ss {
		switch s := &ss[i]; {
		case len(s.dirs) > 0:
			return nil, errors.New("an MSI with storages in it")
		case s.name == msiSignatureEx:
			front = s
		case s.name != msiSignature:
			signed = append(signed, s)
		}
	}
	slices.SortFunc(signed, func(a, b *stream) int {
		x, y := rawName(a), rawName(b)
		n := min(len(x), len(y))
		return cmp.Or(bytes.Compare(x[:n], y[:n]), cmp.Compare(len(x), len(y)))
	})
	if front != nil {
		signed = slices.Insert(signed, 0, front)
	}
	w := h.New()
	for _, s := range signed {
		if _, err := io.Copy(w, io.NewSectionReader(s, 0, s.size)); err != nil {
			return nil, err
		}
	}
	id, err := guid(class)
	if err != nil {
		return nil, err
	}
	w.Write(id)
	return w.Sum(nil), nil
}

// rawName is a stream's name as it is stored, in UTF-16LE.
func rawName(s *stream) []byte {
	u := utf16.Encode([]rune(s.entry.Name))
	if s.entry.Initial < 0x20 {
		u = append([]uint16{s.entry.Initial}, u...)
	}
	b := make([]byte, 0, 2*len(u)+2)
	for _, c := range append(u, 0) {
		b = append(b, byte(c), byte(c>>8))
	}
	return b
}

// guid is the binary form of a GUID in text: the first three parts are
// little-endian.
func guid(s string) ([]byte, error) {
	b, err := hex.DecodeString(strings.NewReplacer("{", "", "}", "", "-", "").Replace(s))
	if err != nil || len(b) != 16 {
		return nil, fmt.Errorf("the class %q is no GUID", s)
	}
	slices.Reverse(b[:4])
	slices.Reverse(b[4:6])
	slices.Reverse(b[6:8])
	return b, nil
}
