// Package layer reads layers, each once and streamed: the digest of the blob,
// the diffID, an index of the names and the contents that are wanted come out
// of one pass. No layer is written to disk whole, and memory stays within the
// budget of a [Spool], however large a layer is.
//
// [Read] makes an [Index] of one layer, [Squash] lays the indexes of an image
// over each other.
package layer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// Errors that callers test with errors.Is.
var (
	// ErrTooLarge tells that a bound on size was passed.
	ErrTooLarge = errors.New("contents exceed the limit")
	// ErrNotKept tells that an entry has no contents, or that nobody kept them.
	ErrNotKept = errors.New("contents were not kept")
	// ErrUnsupported tells that a layer is compressed as no runtime reads it.
	ErrUnsupported = errors.New("unsupported compression")
	// ErrCorrupt tells that a layer, or an encoded index, is not what it should
	// be: cut off or damaged.
	ErrCorrupt = errors.New("corrupt layer")
)

// Options say what Read does beside indexing. Store is required; the zero value
// of every other field is useful.
type Options struct {
	Store *Spool
	// Jobs is how many calls of Visit run at once; 0 means GOMAXPROCS.
	Jobs int
	// Wants reports, from Path, Size, Mode and Head alone, whether the contents
	// are read. It is called for every regular file, from one goroutine; the
	// File is not its to keep. Nil wants nothing.
	Wants func(*scanner.File) bool
	// Visit reads the contents of a wanted file while the layer is still being
	// read: File.Layer is empty. It is called from Jobs goroutines, in no
	// order. The Index retains the contents if it reports keep. An error ends
	// Read. A nil Visit keeps all that is wanted.
	Visit func(context.Context, *scanner.File) (keep bool, err error)
	// Digests takes the SHA-256 of every regular file, not only of wanted ones.
	Digests bool
	// Progress is told how many bytes of the stored blob were read since its
	// last call. It is called from one goroutine.
	Progress func(n int64)

	// MaxBytes bounds an uncompressed layer: 64 GiB. The rest of a larger one is
	// not read.
	MaxBytes int64
	// MaxFile bounds the contents of one file: 4 GiB. A larger one is not
	// wanted but a Gap; its digest is taken all the same, unless it is sparse.
	MaxFile int64
	// MaxEntries bounds the names of a layer, folders that are only implied
	// included: 2,000,000. More are not read.
	MaxEntries int
}

func (o Options) withDefaults() Options {
	if o.Jobs <= 0 {
		o.Jobs = runtime.GOMAXPROCS(0)
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 64 << 30
	}
	if o.MaxFile <= 0 {
		o.MaxFile = 4 << 30
	}
	if o.MaxEntries <= 0 {
		o.MaxEntries = 2_000_000
	}
	if o.Visit == nil {
		o.Visit = func(context.Context, *scanner.File) (bool, error) { return true, nil }
	}
	return o
}

// Read reads l to its very end. Contents of wanted files are in memory as far
// as the Store allows, else in its temporary file, and are visited while the
// reading goes on. A layer that is a tree on disk (a [scanner.Walker]) is
// visited in place.
//
// A layer that is cut off, damaged, or that passes a bound has an Index of what
// was read before, and its Damage says why; of a file that it cuts in two the
// first part is visited. What is wrong with one name only is in the Gaps. An
// error means that the layer is absent, ctx is done, or that keeping contents or
// Visit failed. The stored digest is computed unless the layer states it: then
// whoever opened the blob verifies it (see [scanner.Layer]). Whether the diffID
// is the one that is stated is for the caller to compare. Many Reads may share
// one Store. The caller closes the Index.
func Read(ctx context.Context, l scanner.Layer, opt Options) (*Index, error) {
	opt = opt.withDefaults()
	var (
		ix  *Index
		err error
	)
	if w, ok := l.(scanner.Walker); ok {
		ix, err = walk(ctx, w, opt)
	} else {
		ix, err = readTar(ctx, l, opt)
	}
	if err != nil {
		return nil, fmt.Errorf("reading layer %s: %w", nameOf(l), err)
	}
	if ix.Damage != nil {
		ix.Damage = fmt.Errorf("reading layer %s: %w", nameOf(l), ix.Damage)
	}
	return ix, nil
}

// nameOf is what people know a layer by.
func nameOf(l scanner.Layer) string {
	d := l.Describe()
	switch {
	case d.Digest != "":
		return d.Digest
	case d.DiffID != "":
		return d.DiffID
	}
	return "of unknown digest"
}

// readTar reads a layer that is a tar.
func readTar(ctx context.Context, l scanner.Layer, opt Options) (*Index, error) {
	stated := l.Describe()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer opt.Store.rest()
	src, err := l.Open(ctx)
	if err != nil {
		if ctx.Err() != nil || errors.Is(err, scanner.ErrAbsent) {
			return nil, err
		}
		return &Index{Damage: err}, nil
	}
	defer src.Close()
	g, ctx := errgroup.WithContext(ctx)
	defer unblock(ctx, src)()

	p := start(ctx, g, src, stated.Digest, opt)
	defer p.free()
	b := newBuilder(opt)
	v := newVisitors(ctx, g, b, visitorQueue)
	t := &tarReader{build: b, visit: v, in: &blockReader{ctx: ctx, in: p.tar}}
	g.Go(func() error {
		defer v.end()
		return t.run()
	})
	if err := g.Wait(); err != nil {
		v.drain()
		b.discard()
		return nil, err
	}
	damage := p.damage()
	if damage == nil {
		t.addGap(stated.Digest != "" || stated.DiffID != "")
	}
	return p.finish(b, damage)
}

// finish makes the Index once all stages have ended.
func (p *pipe) finish(b *builder, damage error) (*Index, error) {
	if damage != nil {
		p.diffID, p.digest, p.size = "", "", 0
	}
	ix, err := b.finish(p.diffID)
	if err != nil {
		return &Index{Damage: err}, nil
	}
	ix.Digest, ix.Size, ix.Bytes, ix.Damage = p.digest, p.size, p.bytes, damage
	if ix.Digest == "" {
		ix.Digest = p.diffID
	}
	return ix, nil
}

// ReasonOf is the reason of a Gap for what is wrong with a layer.
func ReasonOf(err error) sbom.Reason {
	switch {
	case errors.Is(err, ErrTooLarge):
		return sbom.Limit
	case errors.Is(err, ErrUnsupported):
		return sbom.Unsupported
	case errors.Is(err, io.ErrUnexpectedEOF):
		return sbom.Truncated
	}
	return sbom.Unreadable
}

// patience is how long a reader may take to see that its context is done.
const patience = time.Second

// unblock closes src when ctx is done and its reader does not heed that. The
// function that it returns ends the watch.
func unblock(ctx context.Context, src io.Closer) (end func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		t := time.NewTimer(patience)
		defer t.Stop()
		select {
		case <-t.C:
			_ = src.Close()
		case <-done:
		}
	})
	return func() {
		stop()
		close(done)
	}
}
