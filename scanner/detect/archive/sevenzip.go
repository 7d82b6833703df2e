package archive

import (
	"context"
	"errors"
	"fmt"

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
	hidden := 0
	for _, m := range z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !m.Mode().IsRegular() {
			continue
		}
		err := sevenZipMember(ctx, m, v)
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

// sevenZipMember passes on one member. Its whole size is charged, whether it
// is read or not: the next one of a solid stream is found by decompressing it.
func sevenZipMember(ctx context.Context, zf *sevenzip.File, v scanner.Visitor) error {
	if err := charge(v, int64(min(zf.UncompressedSize, 1<<62))); err != nil {
		return err
	}
	r, err := zf.Open()
	if isEncrypted7z(err) {
		return err
	}
	if err != nil {
		reason := sbom.Truncated
		if zf.UncompressedSize > 0 && !errors.As(err, new(*sevenzip.ReadError)) {
			reason = sbom.Unsupported
		}
		v.Gap(sbom.Gap{Path: zf.Name, Reason: reason, Detail: err.Error()})
		return visitName(ctx, v, zf.Name)
	}
	defer r.Close()
	return v.Visit(ctx, scanner.Member{
		Name: zf.Name, Size: int64(zf.UncompressedSize), Mode: zf.Mode().Perm(), Reader: r, Charged: true,
	})
}

func isEncrypted7z(err error) bool {
	var re *sevenzip.ReadError
	return errors.As(err, &re) && re.Encrypted
}
