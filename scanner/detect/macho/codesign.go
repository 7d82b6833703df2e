package macho

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/pkcs7"
)

// maxSignature bounds the code signature in bytes: it has a digest of 32 bytes
// for each page of 4096.
const maxSignature = 64 << 20

// Magics and slots of the blobs of a code signature, all of them big-endian.
// Source: Apple, xnu osfmk/kern/cs_blobs.h.
const (
	magicSuperBlob     = 0xfade0cc0
	magicCodeDirectory = 0xfade0c02
	magicCMS           = 0xfade0b01

	slotCodeDirectory = 0
	slotCMS           = 0x10000

	flagAdhoc        = 0x2
	flagLinkerSigned = 0x20000
)

// appleRoots are the SHA-256 fingerprints of the root certificates that Apple
// signs developers' certificates under.
// Source: https://www.apple.com/certificateauthority/
var appleRoots = map[string]bool{
	"b0b1730ecbc7ff4505142c49f1295e6eda6bcaed7e2c68c5be91b5a11001f024": true, // Apple Root CA
}

// codeSignature notes who signed the slice. The signature is verified when the
// CMS signature is one of the code directory and the certificates inside chain
// up, and when every page of the slice has the digest that the code directory
// gives. All else is a claim.
func (l *look) codeSignature(ctx context.Context) error {
	s := l.h.signature
	if s.size == 0 {
		l.property("signature", "none")
		return nil
	}
	if s.size > maxSignature {
		l.gap(sbom.Limit, "a code signature of %d bytes", s.size)
		return nil
	}
	b, err := l.data(s, maxSignature)
	if err != nil {
		return err
	}
	directory, cms := blobs(b)
	d, ok := readDirectory(directory)
	if !ok {
		l.property("signature", "unreadable")
		return nil
	}
	// A linker makes the identifier up from the name of the output.
	if strings.Contains(d.identifier, ".") && d.flags&flagLinkerSigned == 0 {
		l.note(sbom.BundleID, d.identifier, "code signature, identifier")
	}
	if len(cms) == 0 {
		state := "without a signer"
		if d.flags&flagAdhoc != 0 {
			state = "ad-hoc"
		}
		if d.flags&flagLinkerSigned != 0 {
			state += ", by the linker"
		}
		l.property("signature", state)
		l.note(sbom.AppleTeamClaimed, d.team, "code signature, "+state)
		return nil
	}
	return l.cms(ctx, d, cms)
}

// cms checks and notes the signers.
func (l *look) cms(ctx context.Context, d *codeDirectory, cms []byte) error {
	sd, err := pkcs7.Parse(cms)
	if err != nil || len(sd.Signers) == 0 {
		l.property("signature", "unreadable")
		l.note(sbom.AppleTeamClaimed, d.team, "code signature, unreadable")
		return nil
	}
	for _, s := range sd.Signers {
		check := sd.Check(s, pkcs7.Bytes(d.raw))
		reason := check.Reason
		if reason == "" && d.team != "" && check.Leaf.Subject.OU != "" && check.Leaf.Subject.OU != d.team {
			reason = "the certificate is of another team"
		}
		if reason == "" {
			if reason, err = l.checkPages(ctx, d); err != nil {
				return err
			}
		}
		l.signer(d, check, reason)
	}
	return nil
}

// signer notes one signer; reason says why it is only claimed.
func (l *look) signer(d *codeDirectory, check pkcs7.Check, reason string) {
	team, cn, o := sbom.AppleTeamID, sbom.CodesignCN, sbom.CodesignO
	where := "code signature, " + check.Where()
	state := "verified"
	if reason != "" {
		team, cn, o = sbom.AppleTeamClaimed, sbom.CodesignCNClaimed, sbom.CodesignOClaimed
		where, state = "code signature, "+reason, "claimed: "+reason
	} else if appleSigned(check) {
		where += " (Apple's)"
	}
	l.property("signature", state)
	id := d.team
	if check.Leaf != nil {
		id = cmp.Or(id, check.Leaf.Subject.OU)
		l.note(cn, check.Leaf.Subject.CN, where)
		l.note(o, check.Leaf.Subject.O, where+", organisation")
	}
	l.note(team, id, where)
}

func appleSigned(c pkcs7.Check) bool {
	sum := sha256.Sum256(c.Chain[len(c.Chain)-1].Raw)
	return appleRoots[hex.EncodeToString(sum[:])]
}

// blobs finds the code directory that is signed, and the CMS message.
func blobs(b []byte) (directory, cms []byte) {
	const maxBlobs = 64
	if len(b) < 12 || binary.BigEndian.Uint32(b) != magicSuperBlob {
		return nil, nil
	}
	n := min(binary.BigEndian.Uint32(b[8:]), maxBlobs)
	for i := 12; n > 0 && i+8 <= len(b); i, n = i+8, n-1 {
		slot, off := binary.BigEndian.Uint32(b[i:]), uint64(binary.BigEndian.Uint32(b[i+4:]))
		if off+8 > uint64(len(b)) {
			continue
		}
		magic, size := binary.BigEndian.Uint32(b[off:]), uint64(binary.BigEndian.Uint32(b[off+4:]))
		if size < 8 || size > uint64(len(b))-off {
			continue
		}
		switch {
		case slot == slotCodeDirectory && magic == magicCodeDirectory && directory == nil:
			directory = b[off : off+size]
		case slot == slotCMS && magic == magicCMS && cms == nil:
			cms = b[off+8 : off+size]
		}
	}
	return directory, cms
}
