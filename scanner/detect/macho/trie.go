package macho

import (
	"bytes"
	"encoding/binary"
	"iter"

	"github.com/interdict/interdict/scanner/detect/internal/watch"
)

// Bounds of the export trie.
const (
	maxTrie  = 64 << 20 // bytes
	maxName  = 16 << 10 // bytes of one symbol's name
	maxNodes = 2 * watch.MaxNames
	maxPaths = 64 << 20 // bytes of all names while they are built
)

// exports walks the names in an export trie: each node says whether a name
// ends there and has edges with the next part of names. A node is visited
// once, so that no circle is followed. Source: Apple, mach-o/loader.h
// ("export trie") and dyld's MachOLoaded::trieWalk.
func exports(trie []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		type node struct {
			at   uint64
			name string
		}
		if len(trie) == 0 {
			return
		}
		seen := make([]uint64, (len(trie)+63)/64)
		visit := func(at uint64) bool {
			if at >= uint64(len(trie)) || seen[at/64]&(1<<(at%64)) != 0 {
				return false
			}
			seen[at/64] |= 1 << (at % 64)
			return true
		}
		visit(0)
		stack := []node{{}}
		nodes, built := 0, 0
		for len(stack) > 0 && nodes < maxNodes {
			n := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			nodes++
			b := trie[n.at:]
			info, k := binary.Uvarint(b)
			if k <= 0 || info > uint64(len(b)-k) {
				continue
			}
			if info > 0 && !reexported(b[k:k+int(info)]) && !yield(n.name) {
				return
			}
			if b = b[k+int(info):]; len(b) == 0 {
				continue
			}
			edges := int(b[0])
			b = b[1:]
			for ; edges > 0; edges-- {
				end := bytes.IndexByte(b, 0)
				if end < 0 {
					break
				}
				child, k := binary.Uvarint(b[end+1:])
				if k <= 0 {
					break
				}
				if name := len(n.name) + end; name <= maxName && built+name <= maxPaths && visit(child) {
					built += name
					stack = append(stack, node{child, n.name + string(b[:end])})
				}
				b = b[end+1+k:]
			}
		}
	}
}

// reexported reports an export that another library defines.
func reexported(info []byte) bool {
	const flagReexport = 0x08
	flags, k := binary.Uvarint(info)
	return k > 0 && flags&flagReexport != 0
}
