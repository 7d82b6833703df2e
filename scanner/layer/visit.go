package layer

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/interdict/interdict/scanner"
)

// visitorQueue is how many files may wait for a visitor. Their contents are in
// the Store, within its budget.
const visitorQueue = 256

// visit is one file that is visited, or only digested.
type visit struct {
	file  scanner.File
	entry int
	held  *Buffer              // of a tar
	open  scanner.ReadAtCloser // of a tree on disk
	hash  bool                 // take only the digest
	head  [scanner.HeadSize]byte
}

// visitors are the goroutines that look at contents.
type visitors struct {
	ctx   context.Context
	build *builder
	todo  chan *visit
	idle  sync.Pool     // of *visit
	busy  atomic.Int64  // files that wait or are visited
	freed chan struct{} // told when one is done
}

func newVisitors(ctx context.Context, g *errgroup.Group, b *builder, queue int) *visitors {
	v := &visitors{ctx: ctx, build: b, todo: make(chan *visit, queue), freed: make(chan struct{}, 1)}
	v.idle.New = func() any { return new(visit) }
	for range b.opt.Jobs {
		g.Go(v.work)
	}
	return v
}

// end tells that no more files come.
func (v *visitors) end() { close(v.todo) }

// room waits while all visitors are busy and memory for n bytes is short: what
// they hold will be free soon, and nobody else would use the time. It never
// waits for what cannot come: then the contents are spilled.
func (v *visitors) room(n int64) error {
	for {
		now, ever := v.build.opt.Store.fits(n + 1)
		if now || !ever || v.busy.Load() < int64(v.build.opt.Jobs) {
			return nil
		}
		select {
		case <-v.freed:
		case <-v.ctx.Done():
			return context.Cause(v.ctx)
		}
	}
}

// held hands over a file of a tar, and the reference to its contents.
func (v *visitors) held(entry int, e *Entry, h *Buffer, head []byte) error {
	it := v.idle.Get().(*visit)
	it.entry, it.held = entry, h
	it.file = scanner.File{Path: e.Path, Size: e.Size, Mode: e.Mode, ReaderAt: h}
	if mem := h.Bytes(); mem != nil {
		it.file.Head = mem[:len(head):len(head)]
	} else {
		it.file.Head = it.head[:copy(it.head[:], head)]
	}
	return v.push(it)
}

func (v *visitors) push(it *visit) error {
	v.busy.Add(1)
	select {
	case v.todo <- it:
		return nil
	case <-v.ctx.Done():
		v.drop(it)
		return context.Cause(v.ctx)
	}
}

// work visits files until there are no more.
func (v *visitors) work() error {
	var (
		failed error
		end    tail
	)
	for it := range v.todo {
		if failed == nil && v.ctx.Err() == nil {
			failed = v.one(it, &end)
		}
		v.drop(it)
		if failed != nil {
			return failed // the others, or discard, take care of what waits
		}
	}
	return nil
}

// drop ends a visit. What was kept has left it before.
func (v *visitors) drop(it *visit) {
	if it.held != nil {
		it.held.Release()
	}
	if it.open != nil {
		_ = it.open.Close()
	}
	it.held, it.open, it.hash, it.file = nil, nil, false, scanner.File{}
	v.idle.Put(it)
	v.busy.Add(-1)
	select {
	case v.freed <- struct{}{}:
	default:
	}
}

// drain drops what was left over by visitors that ended early. All have ended,
// and end was called.
func (v *visitors) drain() {
	for it := range v.todo {
		v.drop(it)
	}
}

// readTail completes the file before it is visited.
func (it *visit) readTail(end *tail) error {
	if it.held != nil && it.held.Bytes() != nil {
		it.file.Tail = tailOf(it.held.Bytes())
		return nil
	}
	err := end.read(it.file.ReaderAt, it.file.Size)
	it.file.Tail = end.bytes()
	return err
}

// one visits one file. The tail of one that is not in memory is read into end.
func (v *visitors) one(it *visit, end *tail) error {
	res := result{entry: it.entry}
	var err error
	if it.held != nil {
		res.digest, err = it.held.digest()
	} else {
		res.digest, err = digestAt(v.build.opt.Store, it.open, it.file.Size)
	}
	if err == nil && !it.hash {
		err = it.readTail(end)
	}
	if err != nil && it.held == nil {
		v.build.unreadable(it.file.Path, err)
		return nil
	}
	if err == nil && !it.hash {
		res.keep, err = v.build.opt.Visit(v.ctx, &it.file)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", it.file.Path, err)
	}
	if res.keep && it.held != nil {
		held := it.held
		it.held = nil
		if res.held, err = v.build.opt.Store.settle(held); err != nil {
			return err
		}
	}
	v.build.note(res)
	return nil
}
