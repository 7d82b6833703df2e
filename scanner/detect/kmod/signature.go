package kmod

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/pkcs7"
)

// The trailer of a signed module: signature data, struct module_signature, and
// this text at the very end.
// Source: Linux, include/linux/module_signature.h and scripts/sign-file.c.
const (
	magic      = "~Module signature appended~\n"
	structSize = 12
	idX509     = 1 // before Linux 4.3: the signer's name lies before the signature
	idPKCS7    = 2
)

// signers returns who is named in the signature that is appended to a module,
// or nil. A module's signature carries no certificate: whoever it names, it is
// a claim, which only the kernel's own keys can check. Where says so.
func signers(f *scanner.File) ([]sbom.Evidence, error) {
	const tail = structSize + int64(len(magic))
	if f.Size < tail {
		return nil, nil
	}
	b := make([]byte, tail)
	if err := readAt(f, b, f.Size-tail); err != nil {
		return nil, err
	}
	if string(b[structSize:]) != magic {
		return nil, nil
	}
	length := int64(binary.BigEndian.Uint32(b[8:]))
	names := int64(b[3]) + int64(b[4]) // of the signer and of its key
	if b[2] == idPKCS7 {
		names = 0
	}
	if length > pkcs7.MaxSize || length+names > f.Size-tail {
		return nil, nil
	}
	data := make([]byte, length+names)
	if err := readAt(f, data, f.Size-tail-int64(len(data))); err != nil {
		return nil, err
	}
	switch b[2] {
	case idPKCS7:
		return cmsSigners(f, data, f.Size-tail-length), nil
	case idX509:
		return []sbom.Evidence{{Kind: sbom.KmodSigner, Value: string(data[:b[3]]), Where: "appended signature, not verified"}}, nil
	}
	return nil, nil
}

// cmsSigners names the signers of the first size bytes of f.
func cmsSigners(f *scanner.File, data []byte, size int64) []sbom.Evidence {
	sd, err := pkcs7.Parse(data)
	if err != nil {
		return nil
	}
	var es []sbom.Evidence
	for _, s := range sd.Signers {
		signer, where := s.Issuer, "appended PKCS#7, no certificate inside: not verified"
		check := sd.Check(s, pkcs7.Section(f, size))
		if check.Leaf != nil {
			signer, where = check.Leaf.Subject, "appended PKCS#7, "+check.Where()
		}
		for _, n := range []string{signer.CN, signer.O} {
			e := sbom.Evidence{Kind: sbom.KmodSigner, Value: n, Where: where}
			if n != "" && !slices.Contains(es, e) {
				es = append(es, e)
			}
		}
		if len(es) == 0 && len(s.KeyID) > 0 {
			es = append(es, sbom.Evidence{Kind: sbom.KmodSigner, Value: fmt.Sprintf("%x", s.KeyID), Where: where})
		}
	}
	return es
}

func readAt(r io.ReaderAt, b []byte, off int64) error {
	if n, err := r.ReadAt(b, off); n < len(b) {
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("reading the appended signature: %w", err)
	}
	return nil
}
