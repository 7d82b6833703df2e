package layer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// A layer goes through the stages below, each a goroutine, in blocks that are
// used again and again:
//
//	stored blob -> digest -> decompress -> diffID
//	                                   \-> tar
//
// A plain layer has no first two stages: its digest is its diffID.
const (
	blockSize    = 256 << 10
	storedBlocks = 4
	plainBlocks  = 8 // 2 MiB: more would only leave the processor's cache
)

// block is a piece of a layer. It goes home when all who read it are done.
type block struct {
	mem  *[blockSize]byte
	n    int
	refs atomic.Int32
	home chan *block
}

func (b *block) bytes() []byte { return b.mem[:b.n] }

func (b *block) done() {
	if b.refs.Add(-1) == 0 {
		b.home <- b // never blocks: there is a place for every block
	}
}

// blocks makes the n blocks of one stage. Their memory comes from the Store
// when they are first used, and goes back with free.
type blocks struct {
	store *Spool
	home  chan *block
	all   []*block
}

func newBlocks(s *Spool, n int) *blocks {
	bs := &blocks{store: s, home: make(chan *block, n)}
	for range n {
		b := &block{home: bs.home}
		bs.all = append(bs.all, b)
		bs.home <- b
	}
	return bs
}

func (bs *blocks) take(ctx context.Context, readers int32) (*block, error) {
	select {
	case b := <-bs.home:
		if b.mem == nil {
			b.mem = bs.store.blocks.Get().(*[blockSize]byte)
		}
		b.n = 0
		b.refs.Store(readers)
		return b, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// free gives the memory back. All stages have ended.
func (bs *blocks) free() {
	for _, b := range bs.all {
		if b.mem != nil {
			bs.store.blocks.Put(b.mem)
			b.mem = nil
		}
	}
}

// pipe is the stages of one layer up to the tar.
type pipe struct {
	opt Options
	src io.Reader

	tar    chan *block // the uncompressed tar, for whoever reads it
	sum    chan *block // the same blocks
	stored *blocks
	plain  *blocks

	size       int64  // of the stored blob, so far
	digest     string // of the stored blob; empty if it was not read to its end
	diffID     string // of what was decompressed
	bytes      int64  // of the uncompressed tar, so far
	read       atomic.Int64
	compressed bool

	blobErr   error // why the stored blob could not be read to its end
	tarErr    error // why it could not be decompressed to its end
	blobEnded bool  // it was decompressed as far as it could be read

	stop func() // ends what start began beside the stages; nil for nothing
}

// damage is why the tar is not whole, or not known to be. All stages have ended.
func (p *pipe) damage() error {
	if p.blobErr != nil && (p.tarErr == nil || p.blobEnded) {
		return p.blobErr // the other follows from it
	}
	return p.tarErr
}

// start reads the first bytes of src and starts the stages in g. The stored
// digest is taken unless it is known already. What is wrong with the foreign
// bytes ends the stages early, and is in damage: the errors of g are our own.
func start(ctx context.Context, g *errgroup.Group, src io.ReadCloser, known string, opt Options) *pipe {
	p := &pipe{
		opt: opt, src: src, digest: known,
		tar:   make(chan *block, plainBlocks),
		sum:   make(chan *block, plainBlocks),
		plain: newBlocks(opt.Store, plainBlocks),
	}
	g.Go(func() error { return p.hash(ctx) })
	head := make([]byte, 16)
	n, err := fillBlock(src, head)
	head = head[:n]
	p.src = io.MultiReader(bytes.NewReader(head), src)
	if err != nil {
		p.src = io.MultiReader(bytes.NewReader(head), failing{err})
	}
	c, err := compressionOf(head)
	if err != nil {
		p.end()
		p.tarErr = err
		return p
	}
	p.compressed = c != plain
	if !p.compressed {
		g.Go(func() error {
			damage, err := p.produce(ctx, p)
			if damage != nil {
				p.blobErr = p.readError(damage)
			}
			return err
		})
		return p
	}
	p.stored = newBlocks(opt.Store, storedBlocks)
	raw := make(chan *block, storedBlocks)
	needed, stop := context.WithCancel(ctx)
	end := unblock(needed, src)
	p.stop = func() {
		end()
		stop()
	}
	g.Go(func() error { return p.fetch(ctx, needed, raw) })
	g.Go(func() error {
		err := p.decompress(ctx, c, raw)
		if p.tarErr != nil {
			stop() // the rest is of no use
		}
		return err
	})
	return p
}

// failing is a reader that gives only an error.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// Read counts what is read of the stored blob.
func (p *pipe) Read(b []byte) (int, error) {
	n, err := p.src.Read(b)
	p.size += int64(n)
	p.read.Store(p.size)
	if n > 0 && p.opt.Progress != nil {
		p.opt.Progress(int64(n))
	}
	return n, err
}

// fetch reads the stored blob to its end, as long as it is needed.
func (p *pipe) fetch(ctx, needed context.Context, out chan<- *block) error {
	var digest hash.Hash
	if p.digest == "" {
		digest = sha256.New()
	}
	for {
		b, err := p.stored.take(needed, 1)
		if err != nil {
			return context.Cause(ctx)
		}
		b.n, err = fillBlock(p, b.mem[:])
		if digest != nil {
			digest.Write(b.bytes())
		}
		if b.n == 0 {
			b.done()
		} else if send(needed, out, b) != nil {
			return context.Cause(ctx)
		}
		switch {
		case err == nil:
			continue
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != io.EOF:
			p.blobErr = p.readError(err)
		case digest != nil:
			p.digest = digestString(digest)
		}
		close(out)
		return nil
	}
}

// readError is an error of reading the stored blob.
func (p *pipe) readError(err error) error {
	return fmt.Errorf("at byte %d of the blob: %w", p.size, err)
}

func send(ctx context.Context, to chan<- *block, b *block) error {
	select {
	case to <- b:
		return nil
	case <-ctx.Done():
		b.done()
		return context.Cause(ctx)
	}
}

// decompress reads the stored blob from raw.
func (p *pipe) decompress(ctx context.Context, c compression, raw <-chan *block) error {
	in := &blockReader{ctx: ctx, in: raw}
	r, err := c.reader(in)
	if err != nil {
		p.end()
	} else {
		defer r.Close()
		var fatal error
		if err, fatal = p.produce(ctx, r); fatal != nil {
			return fatal
		}
	}
	p.blobEnded = in.ended
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, ErrTooLarge):
		p.tarErr = err
	default:
		p.tarErr = fmt.Errorf("at byte %d of the blob: %w: %w", in.pos, ErrCorrupt, unexpected(err))
	}
	return nil
}

// end tells the readers of the tar that no more comes.
func (p *pipe) end() {
	close(p.sum)
	close(p.tar)
}

// produce hands all of r to the tar and to the diffID. Damage is an error of r,
// or a bound that it passed.
func (p *pipe) produce(ctx context.Context, r io.Reader) (damage, fatal error) {
	for {
		b, err := p.plain.take(ctx, 2)
		if err != nil {
			return nil, err
		}
		b.n, err = fillBlock(r, b.mem[:])
		p.bytes += int64(b.n)
		if lerr := p.bounds(); lerr != nil {
			p.end()
			return lerr, nil
		}
		if b.n == 0 {
			b.done()
			b.done()
		} else {
			if serr := send(ctx, p.sum, b); serr != nil {
				return nil, serr
			}
			if serr := send(ctx, p.tar, b); serr != nil {
				return nil, serr
			}
		}
		switch {
		case err == nil:
			continue
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		}
		p.end()
		if err == io.EOF {
			return nil, nil
		}
		return err, nil
	}
}

// bounds ends a layer that grows beyond reason. DEFLATE cannot do more than
// 1032 times (zlib, "Maximum Compression Factor"); Zstandard can do far more.
func (p *pipe) bounds() error {
	if p.bytes > p.opt.MaxBytes {
		return fmt.Errorf("uncompressed layer is larger than %d bytes: %w", p.opt.MaxBytes, ErrTooLarge)
	}
	if stored := p.read.Load(); p.compressed && p.bytes > ratioFloor && p.bytes/maxRatio > stored {
		return fmt.Errorf("%d bytes of the blob are more than %d bytes of tar: %w", stored, p.bytes, ErrTooLarge)
	}
	return nil
}

const (
	maxRatio   = 2048
	ratioFloor = 1 << 30
)

// hash takes the diffID.
func (p *pipe) hash(ctx context.Context) error {
	d := sha256.New()
	for {
		select {
		case b, ok := <-p.sum:
			if !ok {
				p.diffID = digestString(d)
				return nil
			}
			d.Write(b.bytes())
			b.done()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func digestString(h hash.Hash) string { return fmt.Sprintf("sha256:%x", h.Sum(nil)) }

// free gives the blocks back after all stages have ended.
func (p *pipe) free() {
	if p.stop != nil {
		p.stop()
	}
	p.plain.free()
	if p.stored != nil {
		p.stored.free()
	}
}
