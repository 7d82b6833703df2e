package cyclonedx

import "github.com/interdict/interdict/sbom"

// Skims reports whether a document is read in the fast way.
func (k *Skimmer) Skims(text string) bool { return k.skim(text) }

// Recalled is how many components were not read again.
func (k *Skimmer) Recalled() int { return k.memory.recalled }

// Remembered is how many components are known, and how many bytes they are
// taken to be.
func (k *Skimmer) Remembered() (components, bytes int) {
	for _, texts := range k.memory.byRef {
		components += len(texts)
	}
	return components, k.memory.size
}

// Key is what an Encoder knows a component by.
func Key(c *sbom.Component) []byte { return (&builder{inv: &sbom.Inventory{}}).appendKey(nil, c) }

// Size is how much an Encoder remembers, in bytes.
func (e *Encoder) Size() int { return e.size }
