package archive

import (
	"context"
	"github.com/interdict/interdict/scanner"
)

func isCab(f *scanner.File) bool                                              { return hasMagic(f.Head, 0, "MSCF\x00\x00\x00\x00") }
func expandCab(ctx context.Context, f *scanner.File, v scanner.Visitor) error { return nil }
