package detect

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

// Run lets every unit that wants f read it, and does the same for everything
// inside. The contents of members are kept by hold while they are read.
//
// Whatever the bytes are, they are no error: what could not be examined is in
// the gaps. An error means that ctx is done or that hold failed; the findings
// so far are returned beside it.
func (s *Set) Run(ctx context.Context, f *scanner.File, hold Holder, lim Limits) (Findings, error) {
	lim = lim.withDefaults()
	r := &run{set: s, hold: hold, budget: &budget{lim: lim, size: f.Size}, open: map[*scanner.File]bool{}}
	err := r.file(ctx, f, -1, nil)
	r.summarize(f)
	return r.found, err
}

// run is one Run.
type run struct {
	set    *Set
	hold   Holder
	budget *budget
	found  Findings
	told   bool // that the budget is exhausted
	heads  [][]byte
	more   map[sbom.Reason]int // gaps that are not told one by one
	// consumed is how far the file that was examined last is accounted for from
	// its beginning.
	consumed int64
	// open are the files that were found in others and whose end is not known.
	open map[*scanner.File]bool
}

// file runs the units on one file that can be read. parent is the index of the
// component that it is inside, or -1; names are [scanner.Member.Names].
func (r *run) file(ctx context.Context, f *scanner.File, parent int, names map[string]string) error {
	var wanted []*unit
	for i := range r.set.units {
		if u := &r.set.units[i]; wants(u, f) {
			wanted = append(wanted, u)
		}
	}
	var m merged
	claims := &claims{}
	for _, u := range wanted {
		if u.detect == nil {
			continue
		}
		res, err := r.detect(ctx, u, f)
		if err != nil {
			return err
		}
		m.add(f, u.id, res)
		claims.marks = cmp.Or(claims.marks, res.Marks)
		for _, g := range res.Gaps {
			r.gap(f, u, g)
		}
	}
	parent = r.place(f, &m, parent)
	for _, u := range wanted {
		if u.expand == nil {
			continue
		}
		if err := r.expand(ctx, u, f, parent, names, claims); err != nil {
			return err
		}
	}
	r.consumed = claims.end()
	return nil
}

// place adds what the detectors say of f, and what its name says.
func (r *run) place(f *scanner.File, m *merged, parent int) int {
	names := r.set.names(f)
	if m.component == nil && len(names) > 0 {
		m.component = &sbom.Component{Type: sbom.FileType, Name: path.Base(f.Path)}
	}
	if m.component != nil {
		m.component.Evidence = append(m.component.Evidence, names...)
		complete(m.component, f, "")
		parent = r.add(*m.component, parent)
	}
	for _, c := range m.inside {
		complete(&c, f, "")
		r.add(c, parent)
	}
	return parent
}

func (r *run) add(c sbom.Component, parent int) int {
	r.found.Components = append(r.found.Components, c)
	r.found.Parents = append(r.found.Parents, parent)
	return len(r.found.Components) - 1
}

// names returns the evidence in a file's name and path. The path of a member
// is the one that it has inside its container.
func (s *Set) names(f *scanner.File) []sbom.Evidence {
	full := f.Path
	if i := strings.LastIndex(full, "!/"); i >= 0 {
		full = full[i+1:]
	}
	return Names(s.watch, full, f.Head)
}

// Names returns the evidence in the name and in the absolute path of a file
// whose first bytes are head, as far as they are watched. Its Path, Layer and
// Detector are left empty.
func Names(w *sbom.Watch, full string, head []byte) []sbom.Evidence {
	var es []sbom.Evidence
	base := path.Base(full)
	if w.Matches(sbom.Filename, base) {
		es = append(es, sbom.Evidence{Kind: sbom.Filename, Value: base, Format: Format(head)})
	}
	if w.Matches(sbom.Path, full) {
		es = append(es, sbom.Evidence{Kind: sbom.Path, Value: full, Format: Format(head)})
	}
	return es
}

// detect calls a detector. Foreign bytes that make it fail are a gap.
func (r *run) detect(ctx context.Context, u *unit, f *scanner.File) (res scanner.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			res, err = scanner.Result{Gaps: []sbom.Gap{panicked(p)}}, ctx.Err()
		}
	}()
	res, err = u.detect.Detect(ctx, f)
	if err == nil {
		return res, nil
	}
	if ctx.Err() != nil {
		return res, ctx.Err()
	}
	res.Gaps = append(res.Gaps, sbom.Gap{Reason: sbom.Failed, Detail: err.Error()})
	return res, nil
}

// expand lets an expander pass the members of f.
func (r *run) expand(ctx context.Context, u *unit, f *scanner.File, parent int, names map[string]string, claims *claims) (err error) {
	if r.budget.exhausted() != "" {
		r.limit(f, u)
		return nil
	}
	v := &visitor{run: r, unit: u, file: f, parent: parent, names: names, claims: claims}
	defer func() {
		if v.passed && !v.claimed {
			v.Claim(0, f.Size)
		}
	}()
	defer func() {
		if p := recover(); p != nil {
			r.gap(f, u, panicked(p))
			err = ctx.Err()
		}
	}()
	err = u.expand.Expand(ctx, f, v)
	switch {
	case r.budget.exhausted() != "":
		r.limit(f, u)
		err = v.fatal
	case v.fatal != nil:
		err = v.fatal
	case ctx.Err() != nil:
		err = ctx.Err()
	case err != nil && !errors.Is(err, scanner.ErrLimit):
		r.gap(f, u, sbom.Gap{Reason: sbom.Failed, Detail: err.Error()})
		err = nil
	default:
		err = nil
	}
	return err
}

// limit notes once that the budget is exhausted.
func (r *run) limit(f *scanner.File, u *unit) {
	if !r.told {
		r.told = true
		r.gap(f, u, sbom.Gap{Reason: sbom.Limit, Detail: r.budget.exhausted()})
	}
}

func panicked(p any) sbom.Gap {
	return sbom.Gap{Reason: sbom.Failed, Detail: fmt.Sprintf("it failed on these bytes: %v", p)}
}

// gap notes a gap in f, or in a member that g.Path names.
func (r *run) gap(f *scanner.File, u *unit, g sbom.Gap) {
	switch {
	case g.Path == "":
		g.Path = f.Path
	case g.Path != f.Path && !strings.HasPrefix(g.Path, f.Path+"!/"):
		g.Path = inner(f.Path, g.Path)
	}
	if g.Layer == "" {
		g.Layer = f.Layer
	}
	if g.Detector == "" && u != nil {
		g.Detector = u.id
	}
	if g.Reason == sbom.Truncated && f.Size < tiny {
		g.Reason = sbom.Malformed
	}
	if len(r.found.Gaps) >= maxGaps {
		if r.more == nil {
			r.more = map[sbom.Reason]int{}
		}
		r.more[g.Reason]++
		return
	}
	g.Detail = sbom.CleanValue(g.Detail)
	r.found.Gaps = append(r.found.Gaps, g)
}

// summarize tells of the gaps that are too many to be told.
func (r *run) summarize(f *scanner.File) {
	for _, reason := range slices.Sorted(maps.Keys(r.more)) {
		r.found.Gaps = append(r.found.Gaps, sbom.Gap{
			Path: f.Path, Layer: f.Layer, Reason: reason, Detail: fmt.Sprintf("and %d more inside", r.more[reason]),
		})
	}
}

// inner is the path of a member: outer!/name. The name is foreign: it is made
// absolute and clean, with slashes, and in valid UTF-8.
func inner(outer, name string) string {
	if len(name) > maxName {
		name = name[:maxName]
	}
	name = strings.ReplaceAll(sbom.CleanValue(name), `\`, "/")
	name = path.Clean("/" + strings.ReplaceAll(name, "!/", "!_/"))
	return outer + "!" + name
}

// visitor receives the members of one container.
type visitor struct {
	*run
	unit   *unit
	file   *scanner.File
	parent int
	names  map[string]string
	fatal  error // ends the Run: ctx is done, or the Holder failed

	claims  *claims
	claimed bool // something of the file
	passed  bool // a member
	openEnd bool // of the member that is passed: see run.open
}

var (
	_ scanner.Charger = (*visitor)(nil)
	_ scanner.Claimer = (*visitor)(nil)
)

func (v *visitor) Gap(g sbom.Gap) {
	v.gap(v.file, v.unit, g)
}

func (v *visitor) Charge(n int64) error { return v.budget.charge(n) }

func (v *visitor) Visit(ctx context.Context, m scanner.Member) error {
	if v.fatal == nil {
		v.fatal = ctx.Err()
	}
	if v.fatal != nil {
		return v.fatal
	}
	if v.file.Depth >= v.budget.lim.Depth {
		v.Gap(sbom.Gap{Reason: sbom.Limit, Detail: fmt.Sprintf("containers are nested more than %d deep", v.file.Depth)})
		return scanner.ErrLimit
	}
	if err := v.budget.member(); err != nil {
		return err
	}
	v.found.Seen++
	v.passed = true
	if name, ok := v.names[m.Name]; ok {
		m.Name = name
	}
	f := &scanner.File{
		Path:  inner(v.file.Path, m.Name),
		Layer: v.file.Layer,
		Mode:  m.Mode,
		Depth: v.file.Depth + 1,
	}
	if m.Wrapping {
		f.Path = v.file.Path
	}
	if v.openEnd {
		v.open[f] = true
		defer delete(v.open, f)
	}
	if err := v.visit(ctx, f, m); err != nil {
		v.fatal = err
		return err
	}
	if v.budget.exhausted() != "" {
		return scanner.ErrLimit
	}
	return nil
}

// visit peeks at a member, holds it if it is wanted, and runs the units on it.
func (v *visitor) visit(ctx context.Context, f *scanner.File, m scanner.Member) error {
	mt := v.meter(m)
	head := v.head(f.Depth)
	if m.Size >= 0 && m.Size < scanner.HeadSize {
		head = head[:m.Size]
	}
	n, err := io.ReadFull(mt, head)
	f.Head = head[:n]
	f.Size = max(m.Size, int64(n))
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		v.unreadable(f, err)
		return nil
	}
	if !v.set.Wants(f) {
		v.place(f, &merged{}, v.parent)
		return nil
	}
	v.found.Examined++
	if m.ReaderAt != nil && m.Size >= 0 {
		f.ReaderAt = m.ReaderAt
		return v.run.file(ctx, f, v.parent, m.Names)
	}
	return v.held(ctx, f, m, mt)
}

// head is a buffer for the first bytes of a member: there is one for each depth,
// for of each container only one member is looked at.
func (r *run) head(depth int) []byte {
	for len(r.heads) < depth {
		r.heads = append(r.heads, make([]byte, scanner.HeadSize))
	}
	return r.heads[depth-1]
}

// held reads a member into the Holder, and runs the units on it.
func (v *visitor) held(ctx context.Context, f *scanner.File, m scanner.Member, mt *meter) error {
	src := &source{r: io.MultiReader(bytes.NewReader(f.Head), mt)}
	held, err := v.hold.Hold(src, m.Size, math.MaxInt64)
	if ctx.Err() != nil {
		if err == nil {
			held.Release()
		}
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("holding %s: %w", f.Path, err)
	}
	defer held.Release()
	if src.err != nil {
		if mt.tooLong {
			src.err = fmt.Errorf("it is larger than %d bytes: %w", v.budget.lim.MemberBytes, scanner.ErrLimit)
		}
		v.unreadable(f, src.err)
	}
	f.ReaderAt, f.Size = held, held.Size()
	return v.run.file(ctx, f, v.parent, m.Names)
}

func (v *visitor) meter(m scanner.Member) *meter {
	mt := &meter{r: m.Reader, left: v.budget.lim.MemberBytes}
	if m.ReaderAt != nil && m.Size >= 0 {
		mt.r = io.NewSectionReader(m.ReaderAt, 0, m.Size)
	} else if !m.Charged {
		mt.b = v.budget
	}
	return mt
}

// unreadable notes a member whose contents end in an error.
func (v *visitor) unreadable(f *scanner.File, err error) {
	if v.budget.exhausted() != "" {
		return // noted for the container
	}
	g := sbom.Gap{Path: f.Path, Reason: sbom.Truncated, Detail: "reading it: " + err.Error()}
	if errors.Is(err, scanner.ErrLimit) {
		g.Reason = sbom.Limit
	}
	v.gap(v.file, v.unit, g)
}

// source ends where the reader it wraps fails, and remembers the error: what was
// read before the damage is examined.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err, err = err, io.EOF
	}
	return n, err
}
