package archive

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/compress"
	"github.com/nwaples/rardecode/v2"
)

func expandRar(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	r, err := rardecode.NewReader(section(f), rardecode.MaxDictionarySize(rarWindow(f.Size)))
	if err != nil {
		return failRar(ctx, v, err, false)
	}
	hidden, some := 0, false
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := r.Next()
		if err != nil {
			if hidden > 0 {
				v.Gap(sbom.Gap{Reason: sbom.Encrypted, Detail: fmt.Sprintf("%d files are encrypted", hidden)})
			}
			return failRar(ctx, v, err, some)
		}
		if h.IsDir {
			continue
		}
		some = true
		if err := charge(v, max(h.UnPackedSize, 0)); err != nil {
			return err
		}
		m := scanner.Member{Name: h.Name, Size: h.UnPackedSize, Mode: h.Mode().Perm(), Reader: r, Charged: true}
		if h.UnKnownSize {
			m.Size, m.Charged = -1, false
		}
		if h.Encrypted {
			hidden++
			err = visitName(ctx, v, h.Name)
		} else {
			err = v.Visit(ctx, m)
		}
		if err != nil {
			return err
		}
	}
}

// rarWindow is the largest dictionary that a rar of so many bytes may ask for: as
// much as may come out of it.
func rarWindow(size int64) int64 {
	const ratio, least = 250, 4 << 20
	return min(compress.MaxWindow, max(least, size*ratio))
}

// failRar ends the expansion of a rar on err.
func failRar(ctx context.Context, v scanner.Visitor, err error, some bool) error {
	switch {
	case err == io.EOF:
		return nil
	case errors.Is(err, rardecode.ErrArchiveEncrypted), errors.Is(err, rardecode.ErrArchivedFileEncrypted):
		v.Gap(sbom.Gap{Reason: sbom.Encrypted, Detail: err.Error()})
		return nil
	case errors.Is(err, rardecode.ErrMultiVolume):
		v.Gap(sbom.Gap{Reason: sbom.Unsupported, Detail: "it goes on in another file"})
		return nil
	case errors.Is(err, rardecode.ErrDictionaryTooLarge):
		v.Gap(sbom.Gap{Reason: sbom.Limit, Detail: err.Error()})
		return nil
	case errors.Is(err, rardecode.ErrUnknownDecoder), errors.Is(err, rardecode.ErrUnsupportedDecoder),
		errors.Is(err, rardecode.ErrUnknownVersion), errors.Is(err, rardecode.ErrMultipleDecoders):
		v.Gap(sbom.Gap{Reason: sbom.Unsupported, Detail: err.Error()})
		return nil
	}
	return fail(ctx, v, err, some, "reading a rar")
}
