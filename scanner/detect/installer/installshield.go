package installer

import (
	"bytes"
	"context"
	"io"
	"strconv"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// InstallShield's setup programs are followed by their files. Those of older
// releases are as they are, each after its name, its path, its version and its
// size, all of which end in a NUL. Those of newer ones are obfuscated.
const (
	shieldMark   = "InstallShield\x00"
	shieldStream = "ISSetupStream\x00"
	maxShield    = 10_000 // files
	maxShieldRow = 1024   // bytes of the four fields
)

// expandShield passes on the files that begin at an offset. It is false where
// there is none.
func expandShield(ctx context.Context, f *scanner.File, at, end int64, v scanner.Visitor) (bool, error) {
	found := false
	for range maxShield {
		name, start, size := shieldFile(f, at, end)
		if name == "" {
			break
		}
		found = true
		m := scanner.Member{Name: name, Size: size, ReaderAt: io.NewSectionReader(f, start, size)}
		if err := v.Visit(ctx, m); err != nil {
			return true, err
		}
		at = start + size
	}
	return found, nil
}

// shieldFile reads the fields before a file.
func shieldFile(f *scanner.File, at, end int64) (name string, start, size int64) {
	b := make([]byte, min(maxShieldRow, max(end-at, 0)))
	if n, _ := f.ReadAt(b, at); n < len(b) {
		return "", 0, 0
	}
	rest := b
	var fields [4]string
	for i := range fields {
		field, after, ok := bytes.Cut(rest, []byte{0})
		if !ok {
			return "", 0, 0
		}
		fields[i], rest = string(field), after
	}
	size, err := strconv.ParseInt(fields[3], 10, 62)
	start = at + int64(len(b)-len(rest))
	if err != nil || fields[0] == "" || size < 0 || size > end-start {
		return "", 0, 0
	}
	return fields[1], start, size
}

// shieldGap tells of files that cannot be read.
func shieldGap(v scanner.Visitor) {
	v.Gap(sbom.Gap{Reason: sbom.Unsupported, Detail: "the files of an InstallShield installer"})
}
