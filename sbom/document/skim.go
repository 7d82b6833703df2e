package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unsafe"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/cyclonedx"
)

// Skimmer reads documents for one judgement each, one after another, into
// memory that it uses again. Of what interdict wrote as CycloneDX JSON it reads
// what a denylist asks, many times as fast as Decode: see [cyclonedx.Skimmer].
// Any other document it reads as Decode does. The zero value is ready. It is
// not for use by many goroutines.
type Skimmer struct {
	text bytes.Buffer
	cdx  cyclonedx.Skimmer
}

// keptText is how much memory for texts is kept for the next document, in bytes.
const keptText = 64 << 20

// Skim reads one document and tells its format. The inventory, and a verdict
// made of it, are valid until Skim is called again.
func (k *Skimmer) Skim(r io.Reader) (*sbom.Inventory, Format, error) {
	if k.text.Cap() > keptText {
		k.text = bytes.Buffer{}
	}
	k.text.Reset()
	if _, err := k.text.ReadFrom(io.LimitReader(r, cyclonedx.MaxSize+1)); err != nil && !errors.Is(err, io.EOF) {
		return nil, "", fmt.Errorf("reading a bill of materials: %w", err)
	}
	text := k.text.Bytes()
	if len(text) <= cyclonedx.MaxSize && Detect(text[:min(len(text), peek)]) == CycloneDXJSON {
		inv, err := k.cdx.Skim(unsafe.String(unsafe.SliceData(text), len(text))) // nobody writes to it before the next call
		return inv, CycloneDXJSON, err
	}
	return Decode(io.MultiReader(bytes.NewReader(text), r))
}
