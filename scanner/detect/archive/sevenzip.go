package archive

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/bodgit/sevenzip"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// sevenZipMagic is the signature of 7zFormat.txt, "SignatureHeader".
const sevenZipMagic = "7z\xbc\xaf\x27\x1c"

func expandSevenZip(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	z, err := sevenzip.NewReader(f, f.Size)
	if isEncrypted7z(err) {
		v.Gap(sbom.Gap{Reason: sbom.Encrypted, Detail: "its list of files is encrypted"})
		return nil
	}
	if err != nil {
		return fail(ctx, v, err, f.Size > 32, "reading a 7z")
	}
	total := uint64(0)
	for _, m := range z.File {
		total += m.UncompressedSize
	}
	s := sevenZip{v: v, stored: total <= uint64(f.Size), locked: map[int]bool{}}
	hidden := 0
	for _, m := range z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !m.Mode().IsRegular() {
			continue
		}
		err := s.member(ctx, m)
		if isEncrypted7z(err) {
			hidden++
			err = visitName(ctx, v, m.Name)
		}
		if err != nil {
			return err
		}
	}
	if hidden > 0 {
		v.Gap(sbom.Gap{Reason: sbom.Encrypted, Detail: fmt.Sprintf("%d of %d files are encrypted", hidden, len(z.File))})
	}
	return nil
}

// sevenZip is an archive while it is read.
type sevenZip struct {
	v      scanner.Visitor
	stored bool         // nothing in it was compressed
	locked map[int]bool // whether a stream is encrypted, of those that were tried
}

// member passes on one member. Its whole size is charged, whether it is read or
// not: the next one of a solid stream is found by decompressing it.
func (s *sevenZip) member(ctx context.Context, zf *sevenzip.File) error {
	if err := charge(s.v, int64(min(zf.UncompressedSize, 1<<62))); err != nil {
		return err
	}
	if zf.UncompressedSize > 0 {
		locked, tried := s.locked[zf.Stream]
		if !tried {
			locked = s.tryStream(zf)
			s.locked[zf.Stream] = locked
		}
		if locked {
			return &sevenzip.ReadError{Encrypted: true}
		}
	}
	r, err := zf.Open()
	if isEncrypted7z(err) {
		return err
	}
	if err != nil {
		reason := sbom.Unsupported
		if errors.Is(err, scanner.ErrLimit) {
			reason = sbom.Limit
		}
		s.v.Gap(sbom.Gap{Path: zf.Name, Reason: reason, Detail: err.Error()})
		return visitName(ctx, s.v, zf.Name)
	}
	defer r.Close()
	return s.v.Visit(ctx, scanner.Member{
		Name: zf.Name, Size: int64(zf.UncompressedSize), Mode: zf.Mode().Perm(), Reader: r, Charged: true,
	})
}

// tryStream reports whether a stream is encrypted, by reading its first file:
// the library decrypts with an empty key. What comes out of that does not
// decompress, or where it was not compressed has another checksum.
func (s *sevenZip) tryStream(zf *sevenzip.File) bool {
	r, err := zf.Open()
	if err != nil {
		return isEncrypted7z(err)
	}
	defer r.Close()
	sum := crc32.NewIEEE()
	src := io.LimitReader(r, trySevenZip)
	if s.stored {
		src = r
	}
	_, err = io.Copy(sum, src)
	if err != nil {
		return isEncrypted7z(err)
	}
	return s.stored && zf.CRC32 != 0 && sum.Sum32() != zf.CRC32
}

// trySevenZip is how much of a stream is decompressed to see whether it can be.
const trySevenZip = 64 << 10

func isEncrypted7z(err error) bool {
	var re *sevenzip.ReadError
	return errors.As(err, &re) && re.Encrypted
}
