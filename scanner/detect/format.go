package detect

import (
	"bytes"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/layer"
)

// Format names the format that a file's first bytes promise: "pe", "elf",
// "macho", "script", "archive" or "data".
func Format(head []byte) sbom.FileFormat {
	if bytes.HasPrefix(head, []byte("Cr24")) { // Chrome extension
		return sbom.FormatArchive
	}
	return sbom.FileFormat(layer.FormatOf(head).String())
}
