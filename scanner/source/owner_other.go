//go:build !unix

package source

import "io/fs"

const nonBlocking = 0

func owner(fs.FileInfo) (uid, gid int) { return 0, 0 }
