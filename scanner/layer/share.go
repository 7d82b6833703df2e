package layer

import "io"

// Share returns a decoded index for one more user, whose Spool lends the
// buffers. Closing it leaves ix open; ix stays open until it is closed. An index
// that was not decoded cannot be shared.
func (ix *Index) Share(s *Spool) *Index {
	return &Index{
		DiffID: ix.DiffID, Digest: ix.Digest, Size: ix.Size, Bytes: ix.Bytes,
		Entries: ix.Entries, Gaps: ix.Gaps,
		cache: struct{ io.ReaderAt }{ix.cache}, store: s,
	}
}
