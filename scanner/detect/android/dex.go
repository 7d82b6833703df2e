package android

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/namespace"
)

const (
	maxDEX     = 256 << 20 // bytes of one file
	maxClasses = 1 << 20
	dexHeader  = 0x70
)

// isDEX knows "dex\n035\0" and its later versions (Dalvik executable format,
// "DEX_FILE_MAGIC").
func isDEX(head []byte) bool {
	return len(head) >= dexHeader && bytes.HasPrefix(head, []byte("dex\n0")) && head[7] == 0
}

// dex counts the namespaces of the classes that a DEX file defines.
func (d *Detector) dex(ctx context.Context, f *scanner.File) (scanner.Result, error) {
	var res scanner.Result
	var classes namespace.Counter
	n, err := dexClasses(ctx, f, &classes)
	if ctx.Err() != nil {
		return res, ctx.Err()
	}
	if err != nil {
		reason := sbom.Truncated
		if errors.Is(err, scanner.ErrLimit) {
			reason = sbom.Limit
		}
		res.Gaps = append(res.Gaps, sbom.Gap{Reason: reason, Detail: "reading classes: " + err.Error()})
	}
	if classes.Full() {
		res.Gaps = append(res.Gaps, sbom.Gap{Reason: sbom.Limit, Detail: "more namespaces than are counted"})
	}
	if n > 0 {
		res.Component = &sbom.Component{
			Type: sbom.Library, Name: path.Base(f.Path), Language: "java",
			Evidence: classes.Evidence(d.watch, fmt.Sprintf("%d classes defined", n)),
		}
	}
	return res, nil
}

// dexClasses reads class_defs, and for each the type and the string of its
// descriptor: "Lcom/acme/app/Main;".
func dexClasses(ctx context.Context, f *scanner.File, to *namespace.Counter) (int, error) {
	u32 := func(at int) int64 { return int64(binary.LittleEndian.Uint32(f.Head[at:])) }
	if f.Size > maxDEX {
		return 0, fmt.Errorf("%d bytes: %w", f.Size, scanner.ErrLimit)
	}
	stringIDs, err := table(f, u32(60), u32(56), 4)
	if err != nil {
		return 0, err
	}
	typeIDs, err := table(f, u32(68), u32(64), 4)
	if err != nil {
		return 0, err
	}
	count := u32(96)
	if count > maxClasses {
		return 0, fmt.Errorf("%d classes: %w", count, scanner.ErrLimit)
	}
	defs := bufio.NewReader(io.NewSectionReader(f, u32(100), count*32))
	var def [32]byte
	for n := range int(count) {
		if n%1000 == 0 && ctx.Err() != nil {
			return n, ctx.Err()
		}
		if _, err := io.ReadFull(defs, def[:]); err != nil {
			return n, io.ErrUnexpectedEOF
		}
		typ := int64(binary.LittleEndian.Uint32(def[:]))
		if typ*4+4 > int64(len(typeIDs)) {
			continue
		}
		str := int64(binary.LittleEndian.Uint32(typeIDs[typ*4:]))
		if str*4+4 > int64(len(stringIDs)) {
			continue
		}
		if class := descriptor(f, int64(binary.LittleEndian.Uint32(stringIDs[str*4:]))); class != "" {
			to.Add(class)
		}
	}
	return int(count), nil
}

// table reads a table of count entries.
func table(f *scanner.File, at, count, size int64) ([]byte, error) {
	if at+count*size > f.Size {
		return nil, io.ErrUnexpectedEOF
	}
	b := make([]byte, count*size)
	_, err := io.ReadFull(io.NewSectionReader(f, at, count*size), b)
	return b, err
}

// descriptor reads the class of a string_data_item: its length in ULEB128, then
// MUTF-8 up to a NUL. Names of classes are cut at 250 bytes.
func descriptor(f *scanner.File, at int64) string {
	var buf [256]byte
	n, _ := f.ReadAt(buf[:], at)
	b := buf[:n]
	for len(b) > 0 && b[0]&0x80 != 0 {
		b = b[1:]
	}
	if len(b) < 2 || b[1] != 'L' {
		return ""
	}
	b = b[2:]
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(bytes.TrimSuffix(b, []byte(";")))
}
