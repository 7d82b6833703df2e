package elf

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"github.com/interdict/interdict/sbom"
)

// upxTail is how much of the end of a file may hold UPX's loader, which names
// its version.
const upxTail = 64 << 10

// packer says that a program is packed: its symbols and strings can then not
// be read. UPX writes its magic into l_info, right after the program headers.
// Source: UPX, src/stub/src/include/linux.h and src/p_unix.h.
func (l *look) packer(context.Context) error {
	at := int(l.HeaderSize) + 4
	if l.HeaderSize == 0 || at+4 > len(l.file.Head) || !bytes.Equal(l.file.Head[at:at+4], []byte("UPX!")) {
		return nil
	}
	tail := make([]byte, min(upxTail, l.file.Size))
	if _, err := l.file.ReadAt(tail, l.file.Size-int64(len(tail))); err != nil && err != io.EOF {
		return fmt.Errorf("reading the end of the file: %w", err)
	}
	value := "UPX"
	for _, b := range [][]byte{tail, l.file.Head} {
		if v := upxVersion(b); v != "" {
			value += " " + v
			break
		}
	}
	l.note(sbom.Packer, value, fmt.Sprintf("offset 0x%x", at))
	l.gap(sbom.Unsupported, "packed with "+value)
	return nil
}

// upxVersion reads "4.02" from "$Id: UPX 4.02 Copyright (C) ...".
func upxVersion(b []byte) string {
	const id = "$Id: UPX "
	i := bytes.Index(b, []byte(id))
	if i < 0 {
		return ""
	}
	v := b[i+len(id):]
	n := 0
	for n < len(v) && n < 16 && (v[n] == '.' || v[n] >= '0' && v[n] <= '9') {
		n++
	}
	return string(v[:n])
}
