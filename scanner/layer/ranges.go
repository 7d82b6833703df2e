package layer

import (
	"slices"
	"sort"
)

// ranges hands out ranges of [0, limit) in multiples of grain, the lowest that
// fits first: what is used stays together at the low end. Not safe for many
// goroutines.
type ranges struct {
	grain, limit int64
	end          int64  // all at and above it is free
	free         []span // below end; sorted, never touching one another nor end
}

// span is a range of n bytes.
type span struct{ off, n int64 }

func (r *ranges) round(n int64) int64 { return (n + r.grain - 1) / r.grain * r.grain }

// take returns the offset of n free bytes.
func (r *ranges) take(n int64) (int64, bool) {
	if n < 0 || n > r.limit {
		return 0, false
	}
	n = r.round(n)
	for i := range r.free {
		if f := &r.free[i]; f.n >= n {
			off := f.off
			if f.off, f.n = f.off+n, f.n-n; f.n == 0 {
				r.free = slices.Delete(r.free, i, i+1)
			}
			return off, true
		}
	}
	if n > r.limit-r.end {
		return 0, false
	}
	off := r.end
	r.end += n
	return off, true
}

// fits reports whether take would succeed.
func (r *ranges) fits(n int64) bool {
	n = r.round(n)
	return n <= r.limit-r.end || slices.ContainsFunc(r.free, func(f span) bool { return f.n >= n })
}

// give gives back what take returned.
func (r *ranges) give(off, n int64) {
	n = r.round(n)
	if n == 0 {
		return
	}
	i := sort.Search(len(r.free), func(i int) bool { return r.free[i].off > off })
	before := i > 0 && r.free[i-1].off+r.free[i-1].n == off
	after := i < len(r.free) && off+n == r.free[i].off
	switch {
	case before && after:
		r.free[i-1].n += n + r.free[i].n
		r.free = slices.Delete(r.free, i, i+1)
	case before:
		r.free[i-1].n += n
	case after:
		r.free[i].off, r.free[i].n = off, r.free[i].n+n
	default:
		r.free = slices.Insert(r.free, i, span{off, n})
	}
	if last := len(r.free) - 1; last >= 0 && r.free[last].off+r.free[last].n == r.end {
		r.end = r.free[last].off
		r.free = r.free[:last]
	}
}

// trim gives back what lies behind the first n of a range of was bytes.
func (r *ranges) trim(off, was, n int64) {
	if n, was = r.round(n), r.round(was); n < was {
		r.give(off+n, was-n)
	}
}

func (r *ranges) used() int64 {
	n := r.end
	for _, f := range r.free {
		n -= f.n
	}
	return n
}
