package audit

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/interdict/interdict/scanner/audit/listing"
	"github.com/interdict/interdict/scanner/audit/store"
)

// knowledge is what digests led to when they were read before, so that they
// need not be read again: images by the store, indexes of images, and what is no
// image, by files. Without an answer the registry is asked.
type knowledge struct {
	store *store.Store
	dir   string // of the files; empty for none
}

func (a *Audit) knowledge() *knowledge {
	k := &knowledge{store: a.store, dir: filepath.Join(a.dir, "listings-2")}
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		k.dir = ""
	}
	return k
}

func (k *knowledge) known(ctx context.Context, digests []string) map[string][]listing.Image {
	looked, _ := k.store.Known(ctx, digests)
	known := make(map[string][]listing.Image, len(digests))
	for _, digest := range digests {
		if l, ok := looked[digest]; ok {
			known[digest] = []listing.Image{{Digest: digest, Platform: l.Platform, Created: l.Created}}
			continue
		}
		text, err := os.ReadFile(k.file(digest))
		var images []listing.Image
		if err == nil && json.Unmarshal(text, &images) == nil {
			known[digest] = images
		}
	}
	return known
}

// learned keeps what a digest leads to, but not of single images, which the
// store will know.
func (k *knowledge) learned(digest string, images []listing.Image) {
	if k.dir == "" || len(images) == 1 && images[0].Digest == digest {
		return
	}
	text, err := json.Marshal(images)
	if err != nil {
		return
	}
	f, err := os.CreateTemp(k.dir, ".new-*")
	if err != nil {
		return
	}
	_, err = f.Write(text)
	if cerr := f.Close(); err != nil || cerr != nil || os.Rename(f.Name(), k.file(digest)) != nil {
		os.Remove(f.Name())
	}
}

func (k *knowledge) file(digest string) string {
	return filepath.Join(k.dir, strings.NewReplacer(":", "-", "/", "-").Replace(digest)+".json")
}
