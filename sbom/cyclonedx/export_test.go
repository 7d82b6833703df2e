package cyclonedx

import "github.com/interdict/interdict/sbom"

// Key is what an Encoder knows a component by.
func Key(c *sbom.Component) []byte { return (&builder{inv: &sbom.Inventory{}}).appendKey(nil, c) }

// Size is how much an Encoder remembers, in bytes.
func (e *Encoder) Size() int { return e.size }
