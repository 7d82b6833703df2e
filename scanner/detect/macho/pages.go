package macho

import (
	"bytes"
	"context"
	"crypto"
	_ "crypto/sha1"   // page digests of older signatures
	_ "crypto/sha256" // and of newer ones
	_ "crypto/sha512"
	"encoding/binary"
	"fmt"
)

// codeDirectory is the list of digests that a code signature signs.
type codeDirectory struct {
	raw        []byte // what the CMS message is of
	identifier string
	team       string
	flags      uint32
	limit      uint64 // how many bytes are covered, from the beginning of the slice
	page       uint64 // size of a page; 0 when all is one page
	hash       crypto.Hash
	hashes     []byte // digests of the pages, each size bytes
	size       int    // may be less than the digest's own
}

// readDirectory reads a CodeDirectory. Source: Apple, xnu
// osfmk/kern/cs_blobs.h, struct __CodeDirectory: version 0x20200 adds the team,
// 0x20300 the 64-bit limit.
func readDirectory(b []byte) (*codeDirectory, bool) {
	if len(b) < 44 {
		return nil, false
	}
	word := func(i int) uint32 { return binary.BigEndian.Uint32(b[i:]) }
	d := &codeDirectory{raw: b, flags: word(12), limit: uint64(word(32)), size: int(b[36])}
	version, hashes, pages := word(8), uint64(word(16)), uint64(word(28))
	d.identifier = textAt(b, word(20))
	if version >= 0x20200 && len(b) >= 52 {
		d.team = textAt(b, word(48))
	}
	if version >= 0x20300 && len(b) >= 64 {
		if limit := binary.BigEndian.Uint64(b[56:]); limit != 0 {
			d.limit = limit
		}
	}
	if shift := b[39]; shift > 0 && shift < 32 {
		d.page = 1 << shift
	}
	switch b[37] {
	case 1:
		d.hash = crypto.SHA1
	case 2, 3: // 3: cut to 20 bytes
		d.hash = crypto.SHA256
	case 4:
		d.hash = crypto.SHA384
	case 5:
		d.hash = crypto.SHA512
	}
	if n := pages * uint64(d.size); hashes <= uint64(len(b)) && n <= uint64(len(b))-hashes {
		d.hashes = b[hashes : hashes+n]
	}
	return d, true
}

func textAt(b []byte, off uint32) string {
	if off == 0 || uint64(off) >= uint64(len(b)) {
		return ""
	}
	s := b[off:]
	if i := bytes.IndexByte(s, 0); i >= 0 {
		s = s[:i]
	}
	return string(s[:min(len(s), 1024)])
}

// checkPages compares every page of the slice with its digest. It returns why
// the slice is not what was signed, or nothing when it is.
func (l *look) checkPages(ctx context.Context, d *codeDirectory) (reason string, err error) {
	if d.hash == 0 || d.size < 20 || d.size > d.hash.Size() {
		return "the digest algorithm of its pages is not known", nil
	}
	if d.limit != l.h.signature.off || d.limit > uint64(l.size) {
		return "the signature does not cover all of the file", nil
	}
	page := d.page
	if page == 0 {
		page = d.limit
	}
	if page == 0 || uint64(len(d.hashes)/d.size) != (d.limit+page-1)/page {
		return "the signature does not cover all of the file", nil
	}
	h := d.hash.New()
	buf := make([]byte, min(d.limit, 256<<10))
	sum := make([]byte, 0, d.hash.Size())
	for i, at := 0, uint64(0); at < d.limit; i++ {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		h.Reset()
		for end := min(at+page, d.limit); at < end; {
			p := buf[:min(uint64(len(buf)), end-at)]
			if err := readFull(l.r, p, int64(at)); err != nil {
				return "", fmt.Errorf("reading page %d: %w", i, err)
			}
			h.Write(p)
			at += uint64(len(p))
		}
		if sum = h.Sum(sum[:0]); !bytes.Equal(sum[:d.size], d.hashes[i*d.size:(i+1)*d.size]) {
			return fmt.Sprintf("page %d was changed after signing", i), nil
		}
	}
	return "", nil
}
