//go:build unix

package layer

import (
	"runtime"
	"syscall"
)

// newArena returns n bytes that the garbage collector does not count, so that
// it does not wait for the heap to double over them. Pages cost nothing until
// they are written. They are given back when nothing refers to the arena.
func newArena(n int64) *arena {
	mem, err := syscall.Mmap(-1, 0, int(n), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return &arena{mem: make([]byte, n)}
	}
	a := &arena{mem: mem}
	runtime.AddCleanup(a, func(mem []byte) { _ = syscall.Munmap(mem) }, mem)
	return a
}
