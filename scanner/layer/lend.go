package layer

import "io"

// Lend returns a decoded index for one more user, whose Store lends the
// buffers. Closing it leaves ix open; ix stays open until it is closed. An index
// that was not decoded cannot be lent.
func (ix *Index) Lend(s *Spool) *Index {
	return &Index{
		DiffID: ix.DiffID, Digest: ix.Digest, Size: ix.Size, Bytes: ix.Bytes,
		Entries: ix.Entries, Gaps: ix.Gaps,
		cache: struct{ io.ReaderAt }{ix.cache}, store: s,
	}
}
