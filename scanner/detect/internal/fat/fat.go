// Package fat reads the header of fat files, which hold one Mach-O file or one
// static archive for each architecture.
// Source: Apple, mach-o/fat.h.
package fat

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	magic32 = 0xcafebabe
	magic64 = 0xcafebabf
	// A Java class has the same first magic and then its version, whose major
	// part is 45 or more (JVM specification, 4.1); no fat file has as many
	// architectures.
	maxSlices = 44
)

// Slice is one architecture's part of a fat file.
type Slice struct {
	CPU, Sub  uint32
	Off, Size int64
}

// IsFat reports whether head begins as a fat file and not as a Java class.
func IsFat(head []byte) bool {
	if len(head) < 8 {
		return false
	}
	m, n := binary.BigEndian.Uint32(head), binary.BigEndian.Uint32(head[4:])
	return (m == magic32 || m == magic64) && n > 0 && n <= maxSlices
}

// Slices reads the header of a file of size bytes. A slice that the file does
// not hold whole is cut to what is there, and truncated says so.
func Slices(r io.ReaderAt, size int64) (slices []Slice, truncated string, err error) {
	head := make([]byte, 8+32*maxSlices)
	n, err := r.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, "", fmt.Errorf("reading the fat header: %w", err)
	}
	if head = head[:n]; !IsFat(head) {
		return nil, "", nil
	}
	entry := 20
	if binary.BigEndian.Uint32(head) == magic64 {
		entry = 32
	}
	count := binary.BigEndian.Uint32(head[4:])
	for b := head[8:]; count > 0 && len(b) >= entry; b, count = b[entry:], count-1 {
		s := Slice{CPU: binary.BigEndian.Uint32(b), Sub: binary.BigEndian.Uint32(b[4:]) & 0xffffff}
		if entry == 20 {
			s.Off, s.Size = int64(binary.BigEndian.Uint32(b[8:])), int64(binary.BigEndian.Uint32(b[12:]))
		} else {
			s.Off, s.Size = int64(binary.BigEndian.Uint64(b[8:])), int64(binary.BigEndian.Uint64(b[16:]))
		}
		if s.Off < 0 || s.Size < 0 || s.Off > size || s.Size > size-s.Off {
			truncated = fmt.Sprintf("the slice for %s ends after the file's %d bytes", s.Arch(), size)
			if s.Off < 0 || s.Off >= size {
				continue
			}
			s.Size = size - s.Off
		}
		slices = append(slices, s)
	}
	if count > 0 {
		truncated = "the fat header is cut"
	}
	return slices, truncated, nil
}

// Arch is the architecture as Apple's tools name it.
func (s Slice) Arch() string { return Arch(s.CPU, s.Sub) }

// Arch names a CPU type and subtype. Source: Apple, mach/machine.h.
func Arch(cpu, sub uint32) string {
	switch cpu {
	case 7:
		return "i386"
	case 0x01000007:
		if sub&0xff == 8 {
			return "x86_64h"
		}
		return "x86_64"
	case 12:
		switch sub & 0xff {
		case 6:
			return "armv6"
		case 9:
			return "armv7"
		case 11:
			return "armv7s"
		}
		return "arm"
	case 0x0100000c:
		if sub&0xff == 2 {
			return "arm64e"
		}
		return "arm64"
	case 0x0200000c:
		return "arm64_32"
	case 18:
		return "ppc"
	case 0x01000012:
		return "ppc64"
	}
	return fmt.Sprintf("cpu%#x", cpu)
}
