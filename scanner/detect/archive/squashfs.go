package archive

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/sylabs/squashfs"
)

func expandSquashfs(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	return squashfsAt(ctx, f, 0, v)
}

// squashfsAt expands the squashfs that begins at an offset.
func squashfsAt(ctx context.Context, f *scanner.File, at int64, v scanner.Visitor) error {
	image := io.NewSectionReader(f, at, f.Size-at)
	var super [96]byte
	if _, err := image.ReadAt(super[:], 0); err != nil {
		return fail(ctx, v, unexpected(err), true, "reading a squashfs")
	}
	// The length of the file system: "bytes_used" of the superblock.
	if used := binary.LittleEndian.Uint64(super[40:]); used > uint64(image.Size()) {
		v.Gap(sbom.Gap{Reason: sbom.Truncated, Detail: fmt.Sprintf("it has %d of %d bytes", image.Size(), used)})
		return nil
	}
	// The library does not know LZO (3), and reads LZ4 (5) as frames, not blocks.
	if kind := binary.LittleEndian.Uint16(super[20:]); kind == 3 || kind == 5 {
		v.Gap(sbom.Gap{Reason: sbom.Unsupported, Detail: fmt.Sprintf("a squashfs of compression %d", kind)})
		return nil
	}
	r, err := squashfs.NewReader(image)
	if err != nil {
		return fail(ctx, v, err, false, "reading a squashfs")
	}
	var stop error
	err = fs.WalkDir(r, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			v.Gap(sbom.Gap{Path: name, Reason: sbom.Truncated, Detail: err.Error()})
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if stop = ctx.Err(); stop != nil {
			return stop
		}
		if !d.Type().IsRegular() {
			return nil
		}
		stop = squashfsMember(ctx, r, name, v)
		return stop
	})
	if stop != nil {
		return stop
	}
	if err != nil {
		return fail(ctx, v, err, true, "reading a squashfs")
	}
	return nil
}

func squashfsMember(ctx context.Context, fsys fs.FS, name string, v scanner.Visitor) error {
	r, err := fsys.Open(name)
	if err != nil {
		v.Gap(sbom.Gap{Path: name, Reason: sbom.Truncated, Detail: err.Error()})
		return nil
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		v.Gap(sbom.Gap{Path: name, Reason: sbom.Truncated, Detail: err.Error()})
		return nil
	}
	return v.Visit(ctx, scanner.Member{Name: name, Size: info.Size(), Mode: info.Mode().Perm(), Reader: r})
}

// isAppImage knows an AppImage of type 2 by its mark in the ELF header
// (AppImageSpec, "Type 2 image format"). One of type 1 is an ISO image as well.
func isAppImage(f *scanner.File) bool {
	return hasMagic(f.Head, 0, "\x7fELF") && (hasMagic(f.Head, 8, "AI\x02") || hasMagic(f.Head, 8, "AI\x01"))
}

func expandAppImage(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	if f.Head[10] == 1 {
		return expandISO(ctx, f, v)
	}
	at := elfEnd(f.Head)
	var m [4]byte
	if _, err := f.ReadAt(m[:], at); err != nil || string(m[:]) != "hsqs" {
		v.Gap(sbom.Gap{Reason: sbom.Unsupported, Detail: "an AppImage without a squashfs where its ELF ends"})
		return nil
	}
	return squashfsAt(ctx, f, at, v)
}

// elfEnd is where an ELF ends that has its section headers last.
func elfEnd(h []byte) int64 {
	if len(h) < 64 {
		return 0
	}
	var order binary.ByteOrder = binary.LittleEndian
	if h[5] == 2 {
		order = binary.BigEndian
	}
	if h[4] == 1 {
		return int64(order.Uint32(h[32:])) + int64(order.Uint16(h[46:]))*int64(order.Uint16(h[48:]))
	}
	return int64(order.Uint64(h[40:])) + int64(order.Uint16(h[58:]))*int64(order.Uint16(h[60:]))
}

// isDiskImage knows Apple's disk images by name: what tells them is at the end.
func isDiskImage(f *scanner.File) bool {
	return strings.HasSuffix(strings.ToLower(f.Path), ".dmg") && f.Size > 512
}

// expandDiskImage only says so: no library reads HFS+ or APFS.
func expandDiskImage(_ context.Context, f *scanner.File, v scanner.Visitor) error {
	var m [4]byte
	if _, err := f.ReadAt(m[:], f.Size-512); err == nil && string(m[:]) == "koly" {
		v.Gap(sbom.Gap{Reason: sbom.Unsupported, Detail: "an Apple disk image"})
	}
	return nil
}
