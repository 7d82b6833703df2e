//go:build unix

package source

import (
	"io/fs"
	"syscall"
)

// nonBlocking keeps the opening of what has become a FIFO from waiting.
const nonBlocking = syscall.O_NONBLOCK

func owner(fi fs.FileInfo) (uid, gid int) {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid), int(st.Gid)
	}
	return 0, 0
}
