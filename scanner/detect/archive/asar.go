package archive

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// asar is the archive of Electron's applications: the length of a header, the
// header, which is JSON, and the files' data (github.com/electron/asar,
// "Format").
const (
	maxAsar   = 64 << 20 // bytes of the header
	asarDepth = 100
)

// isAsar knows the two lengths that the file begins with, which are those of
// nested "pickles", and the begin of the JSON.
func isAsar(f *scanner.File) bool {
	return hasMagic(f.Head, 0, "\x04\x00\x00\x00") && hasMagic(f.Head, 16, `{"files":`)
}

// asarEntry is a file or a folder of the header.
type asarEntry struct {
	Files    map[string]asarEntry `json:"files"`
	Offset   string               `json:"offset"`
	Size     int64                `json:"size"`
	Unpacked bool                 `json:"unpacked"` // lies beside the archive
	Link     string               `json:"link"`
}

func expandAsar(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	start := 8 + int64(binary.LittleEndian.Uint32(f.Head[4:]))
	size := int64(binary.LittleEndian.Uint32(f.Head[12:]))
	if start > f.Size || size > f.Size-16 {
		return fail(ctx, v, io.ErrUnexpectedEOF, true, "reading an asar")
	}
	if size > maxAsar {
		v.Gap(sbom.Gap{Reason: sbom.Limit, Detail: fmt.Sprintf("a header of %d bytes", size)})
		return nil
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 16); err != nil && err != io.EOF {
		return fail(ctx, v, err, true, "reading an asar")
	}
	var root asarEntry
	if err := json.Unmarshal(b, &root); err != nil {
		return fail(ctx, v, err, true, "reading an asar")
	}
	return asarDir(ctx, f, start, root, "", v)
}

func asarDir(ctx context.Context, f *scanner.File, start int64, dir asarEntry, name string, v scanner.Visitor) error {
	if strings.Count(name, "/") > asarDepth {
		v.Gap(sbom.Gap{Path: name, Reason: sbom.Limit, Detail: "folders are nested too deep"})
		return nil
	}
	names := make([]string, 0, len(dir.Files))
	for n := range dir.Files {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		e, full := dir.Files[n], name+"/"+n
		var err error
		switch {
		case e.Files != nil:
			err = asarDir(ctx, f, start, e, full, v)
		case !e.Unpacked && e.Link == "":
			err = asarFile(ctx, f, start, e, full, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func asarFile(ctx context.Context, f *scanner.File, start int64, e asarEntry, name string, v scanner.Visitor) error {
	offset, err := strconv.ParseInt(e.Offset, 10, 62)
	if err == nil && (offset < 0 || e.Size < 0 || offset > f.Size-start || e.Size > f.Size-start-offset) {
		err = errors.New("it lies beyond the end of the asar")
	}
	if err != nil {
		v.Gap(sbom.Gap{Path: name, Reason: sbom.Truncated, Detail: err.Error()})
		return visitName(ctx, v, name)
	}
	return v.Visit(ctx, scanner.Member{Name: name, Size: e.Size, ReaderAt: io.NewSectionReader(f, start+offset, e.Size)})
}
