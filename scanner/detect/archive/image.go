package archive

import (
	"context"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/internal/format"
)

// isAppImage knows an AppImage of type 2 by its mark in the ELF header
// (AppImageSpec, "Type 2 image format"). One of type 1 is an ISO image as well.
func isAppImage(f *scanner.File) bool {
	return hasMagic(f.Head, 0, "\x7fELF") && (hasMagic(f.Head, 8, "AI\x02") || hasMagic(f.Head, 8, "AI\x01"))
}

func expandAppImage(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	if f.Head[10] == 1 {
		return expandISO(ctx, f, v)
	}
	at := format.ELFEnd(f, f.Head, f.Size)
	var m [4]byte
	if _, err := f.ReadAt(m[:], at); err != nil || string(m[:]) != "hsqs" {
		v.Gap(sbom.Gap{Reason: sbom.Unsupported, Detail: "an AppImage without a squashfs where its ELF ends"})
		return nil
	}
	return squashfsAt(ctx, f, at, v)
}
