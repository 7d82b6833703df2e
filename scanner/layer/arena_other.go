//go:build !unix

package layer

// newArena returns n bytes.
func newArena(n int64) *arena { return &arena{mem: make([]byte, n)} }
