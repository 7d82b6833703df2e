package detect

import (
	"bytes"

	"github.com/interdict/interdict/scanner/layer"
)

// Format names the format that a file's first bytes promise: "pe", "elf",
// "macho", "script", "archive" or "data". It is the Where of filename and path
// evidence: the same name says less on a text than on a program.
func Format(head []byte) string {
	if bytes.HasPrefix(head, []byte("Cr24")) { // Chrome extension
		return layer.Archive.String()
	}
	return layer.FormatOf(head).String()
}
