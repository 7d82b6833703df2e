package layer

import (
	"context"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"github.com/interdict/interdict/scanner"
)

// openQueue is how many open files of a tree on disk wait for a visitor.
const openQueue = 16

// walk indexes a tree on disk. Its files are visited where they are, nothing is
// copied, and kept contents are opened again when they are asked for.
func walk(ctx context.Context, l scanner.Walker, opt Options) (*Index, error) {
	g, ctx := errgroup.WithContext(ctx)
	b := newBuilder(opt)
	v := newVisitors(ctx, g, b, openQueue)
	w := &walking{layer: l, build: b, visit: v}
	g.Go(func() error {
		defer v.end()
		return l.Walk(ctx, w.entry)
	})
	if err := g.Wait(); err != nil {
		v.drain()
		return nil, err
	}
	ix, err := b.finish("")
	if err != nil {
		return nil, err
	}
	ix.walker, ix.maxFile = l, opt.MaxFile
	return ix, nil
}

// walking receives the entries of a walk.
type walking struct {
	tail  tail
	layer scanner.Walker
	build *builder
	visit *visitors
}

func (w *walking) entry(e scanner.Entry, err error) error {
	if cerr := w.visit.ctx.Err(); cerr != nil {
		return context.Cause(w.visit.ctx)
	}
	if err != nil {
		w.build.unreadable(e.Path, err)
	}
	if e.Path == "" {
		return nil
	}
	e.ModTime = e.ModTime.UTC()
	i, aerr := w.build.add(Entry{Entry: e})
	if aerr != nil || err != nil || e.Type != scanner.Regular {
		return aerr
	}
	return w.file(i)
}

// wants asks with the head of a file, and then with its tail.
func (w *walking) wants(f *scanner.File, r io.ReaderAt) bool {
	small := f.Size <= scanner.HeadSize
	if small {
		f.Tail = f.Head
	}
	if w.build.opt.Wants(f) {
		return true
	}
	if small {
		return false
	}
	if err := w.tail.read(r, f.Size); err != nil {
		w.build.unreadable(f.Path, fmt.Errorf("reading its last bytes: %w", err))
		return false
	}
	f.Tail = w.tail.bytes()
	return w.build.opt.Wants(f)
}

// file looks at the head of a file, and hands it over or closes it.
func (w *walking) file(i int) error {
	e, opt := &w.build.entries[i], &w.build.opt
	r, err := w.layer.OpenFile(e.Path)
	if err != nil {
		w.build.unreadable(e.Path, err)
		return nil
	}
	it := w.visit.idle.Get().(*visit)
	it.entry, it.open = i, r
	n, err := r.ReadAt(it.head[:min(e.Size, scanner.HeadSize)], 0)
	if int64(n) < min(e.Size, scanner.HeadSize) {
		w.build.unreadable(e.Path, fmt.Errorf("reading its first bytes: %w", unexpected(err)))
		it.open = nil
		return r.Close()
	}
	e.Format = FormatOf(it.head[:n])
	it.file = scanner.File{Path: e.Path, Size: e.Size, Mode: e.Mode, Head: it.head[:n:n]}
	wanted := opt.Wants != nil && w.wants(&it.file, r)
	if wanted && e.Size > opt.MaxFile {
		w.build.tooLarge(e)
		wanted = false
	}
	it.hash = !wanted
	it.file.ReaderAt = r
	if !wanted && (!opt.Digests || e.Size > opt.MaxFile) {
		it.open = nil
		return r.Close()
	}
	return w.visit.push(it)
}
