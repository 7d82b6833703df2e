package archive

import (
	"context"
	"encoding/binary"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
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
