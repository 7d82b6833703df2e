package pe

import (
	"context"
	"crypto"
	_ "crypto/sha1" // links the algorithms of catalogs
	_ "crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/authenticode"
)

const (
	maxCertTable   = 16 << 20
	maxCertEntries = 64
	pkcsSignedData = 2 // WIN_CERT_TYPE_PKCS_SIGNED_DATA
	hashBuffer     = 256 << 10
)

// signatures reads the attribute certificate table ("PE Format", The Attribute
// Certificate Table), which is at an offset in the file and not at an address.
func (l *look) signatures(ctx context.Context) error {
	dir := l.im.dirs[dirSecurity]
	if dir.size == 0 || dir.rva == 0 {
		return l.unsignedDigests(ctx)
	}
	off, size := int64(dir.rva), int64(dir.size)
	if off+size > l.im.size {
		l.gap(sbom.Malformed, fmt.Sprintf("the certificate table at 0x%x ends after the file", off))
		size = max(l.im.size-off, 0)
	}
	if size > maxCertTable {
		l.gap(sbom.Limit, fmt.Sprintf("a certificate table of %d bytes: only the first %d were read", size, maxCertTable))
		size = maxCertTable
	}
	table := make([]byte, size)
	n, err := l.im.r.ReadAt(table, off)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the certificate table: %w", err)
	}
	table = table[:n]
	digests := l.digester(ctx)
	for i := 1; len(table) >= 8; i++ {
		length, typ := int64(le.Uint32(table)), le.Uint16(table[6:])
		if length < 8 {
			break
		}
		entry := table[8:min(length, int64(len(table)))]
		table = table[min((length+7)&^7, int64(len(table))):]
		if i > maxCertEntries {
			l.gap(sbom.Limit, fmt.Sprintf("more than %d entries in the certificate table", maxCertEntries))
			break
		}
		if typ != pkcsSignedData {
			continue
		}
		es, gaps := authenticode.Evidence(entry, fmt.Sprintf("certificate %d", i), digests)
		l.c.Evidence = append(l.c.Evidence, es...)
		l.gaps = append(l.gaps, gaps...)
	}
	return ctx.Err()
}

// digester computes Authenticode digests of the file, each once.
func (l *look) digester(ctx context.Context) authenticode.Digester {
	known := map[crypto.Hash][]byte{}
	return func(h crypto.Hash) ([]byte, error) {
		if d, ok := known[h]; ok {
			return d, nil
		}
		w := h.New()
		if err := l.hash(ctx, w); err != nil {
			return nil, err
		}
		known[h] = w.Sum(nil)
		return known[h], nil
	}
}

// unsignedDigests notes the digests by which a catalog would name the file.
func (l *look) unsignedDigests(ctx context.Context) error {
	sha1, sha256 := crypto.SHA1.New(), crypto.SHA256.New()
	if err := l.hash(ctx, both{sha1, sha256}); err != nil {
		return err
	}
	l.property("interdict:authenticode:sha1", hex.EncodeToString(sha1.Sum(nil)))
	l.property("interdict:authenticode:sha256", hex.EncodeToString(sha256.Sum(nil)))
	return nil
}

type both [2]hash.Hash

func (b both) Write(p []byte) (int, error) {
	b[0].Write(p)
	b[1].Write(p)
	return len(p), nil
}

// hash writes to w what Authenticode digests: the file without its checksum,
// the directory entry of the certificate table and that table ("Windows
// Authenticode Portable Executable Signature Format", Calculating the PE Image
// Hash), and padded to eight bytes, as a signer would pad it.
func (l *look) hash(ctx context.Context, w io.Writer) error {
	im := l.im
	checksum := im.optional + 64
	entry := im.dirEntries + 8*dirSecurity
	table, after := im.size, im.size
	if d := im.dirs[dirSecurity]; d.size > 0 && int64(d.rva) >= entry+8 && int64(d.rva) < im.size {
		table = int64(d.rva)
		after = min(table+int64(d.size), im.size)
	}
	buf := make([]byte, hashBuffer)
	for _, part := range [][2]int64{{0, checksum}, {checksum + 4, entry}, {entry + 8, table}, {after, im.size}} {
		for off := part[0]; off < part[1]; {
			if err := ctx.Err(); err != nil {
				return err
			}
			n, err := im.r.ReadAt(buf[:min(hashBuffer, part[1]-off)], off)
			if err != nil && !errors.Is(err, io.EOF) {
				return fmt.Errorf("hashing at 0x%x: %w", off, err)
			}
			if n == 0 {
				return fmt.Errorf("hashing at 0x%x: %w", off, io.ErrUnexpectedEOF)
			}
			w.Write(buf[:n])
			off += int64(n)
		}
	}
	if pad := im.size % 8; pad != 0 && table == im.size {
		w.Write(make([]byte, 8-pad))
	}
	return nil
}
