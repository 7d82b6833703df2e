package detect

import (
	"io"

	"github.com/interdict/interdict/scanner/layer"
)

// InStore is the Holder that keeps contents in a [layer.Store].
func InStore(s *layer.Store) Holder { return storeHolder{s} }

type storeHolder struct{ store *layer.Store }

func (h storeHolder) Hold(r io.Reader, size, limit int64) (Held, error) {
	held, err := h.store.Hold(r, size, limit)
	if err != nil {
		return nil, err
	}
	return held, nil
}
