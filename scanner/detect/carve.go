package detect

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/carve"
	"github.com/interdict/interdict/scanner/layer"
)

// carver is the last unit of a Set: it looks for files in those bytes of a file
// that no other unit accounts for. It knows containers that are read from their
// end, those behind a picture, a script or a program, and those within one.
type carver struct{ *carve.Carver }

func newCarver() *carver { return &carver{carve.New()} }

// leastCarved is the size in bytes below which nothing is looked for: no
// container that holds anything is smaller.
const leastCarved = 64

func (*carver) Name() string { return "carve" }
func (*carver) Version() int { return 1 }

// Wants takes programs, scripts and all other files that are not text. Texts,
// and the formats of which an image has thousands, it takes when a signature is
// in their first or last bytes.
func (c *carver) Wants(f *scanner.File) bool {
	if f.Size < leastCarved {
		return false
	}
	switch layer.FormatOf(f.Head) {
	case layer.ELF, layer.PE, layer.MachO, layer.Archive:
		return true
	case layer.Script:
		return f.Size > scanner.HeadSize || c.Has(f.Head)
	}
	if isText(f.Head) || isCommon(f.Head) {
		return c.Has(f.Head) || f.Size > scanner.HeadSize && c.HasAny(f.Tail)
	}
	return true
}

// isText reports bytes without those control characters that no text has.
func isText(b []byte) bool {
	for _, c := range b {
		if c < 7 || c > 13 && c < 32 && c != 0x1b && c != 0x1a {
			return false
		}
	}
	return true
}

// isCommon knows what an image has in thousands: compiled Python and Java,
// translations and time zones.
func isCommon(b []byte) bool {
	return len(b) > 16 && (string(b[2:4]) == "\r\n" && b[1] >= 0x0a && b[1] < 0x20 ||
		string(b[:4]) == "\xca\xfe\xba\xbe" || string(b[:4]) == "\xde\x12\x04\x95" || string(b[:4]) == "TZif")
}

// Expand passes on the files that lie in what is not accounted for.
func (c *carver) Expand(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	vis, ok := v.(*visitor)
	if !ok {
		return nil
	}
	if vis.open[f] {
		return nil
	}
	if disk := carve.Disk(f, f.Size); disk != "" {
		v.Gap(sbom.Gap{Reason: sbom.Unsupported, Detail: disk})
	}
	for _, e := range vis.claims.rest(f.Size) {
		marks := vis.claims.marks
		if marks == nil {
			var err error
			if marks, err = c.Marks(ctx, f, e.from, e.to); err != nil {
				return err
			}
		}
		if marks.More > 0 {
			v.Gap(sbom.Gap{Reason: sbom.Limit, Detail: fmt.Sprintf("%d places where another file may begin were not looked at", marks.More)})
		}
		err := c.Files(f, marks, e.from, e.to, func(in carve.File) (int64, error) { return vis.carved(ctx, in, e.to) })
		if err != nil {
			return err
		}
	}
	return nil
}

// carved passes on one file, and tells where it ends as far as is known.
func (v *visitor) carved(ctx context.Context, in carve.File, limit int64) (int64, error) {
	if in.Part {
		v.Gap(sbom.Gap{Reason: sbom.Unsupported, Detail: fmt.Sprintf("one of several parts of a %s", in.Kind)})
		return in.End, nil
	}
	m := scanner.Member{Name: fmt.Sprintf("0x%x.%s", in.At, in.Kind)}
	end := in.End
	if end < 0 {
		end = limit
	}
	if in.Encoding != "" {
		count := &countReader{r: in.Reader(v.file, end)}
		m.Reader, m.Size = count, -1
		err := v.Visit(ctx, m)
		return in.At + count.n, err // of text there is more than that
	}
	m.Size = end - in.At
	m.ReaderAt = io.NewSectionReader(v.file, in.At, m.Size)
	v.consumed = 0
	// Where it ends is not known: what follows it is searched here, and once.
	v.openEnd = in.End < 0
	err := v.Visit(ctx, m)
	v.openEnd = false
	if in.End < 0 {
		end = in.At + v.consumed
	}
	return end, err
}

// countReader counts what is read through it.
type countReader struct {
	r io.Reader
	n int64
}

func (c *countReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// extent is a part of a file.
type extent struct{ from, to int64 }

// claims is what is accounted for of one file.
type claims struct {
	extents []extent
	marks   *scanner.Marks // where a Detector saw signatures; nil when none searched
}

// rest are the parts that are not claimed and can hold something.
func (c *claims) rest(size int64) []extent {
	slices.SortFunc(c.extents, func(a, b extent) int { return int(min(max(a.from-b.from, -1), 1)) })
	var rest []extent
	at := int64(0)
	for _, e := range append(c.extents, extent{size, size}) {
		if e.from-at >= leastCarved {
			rest = append(rest, extent{at, e.from})
		}
		at = max(at, e.to)
	}
	return rest
}

// end is where what is claimed from the file's beginning ends.
func (c *claims) end() (at int64) {
	slices.SortFunc(c.extents, func(a, b extent) int { return int(min(max(a.from-b.from, -1), 1)) })
	for _, e := range c.extents {
		if e.from > at+leastCarved {
			break
		}
		at = max(at, e.to)
	}
	return at
}

// Claim implements scanner.Claimer.
func (v *visitor) Claim(from, to int64) {
	v.claimed = true
	if from, to = max(from, 0), min(to, v.file.Size); from < to {
		v.claims.extents = append(v.claims.extents, extent{from, to})
	}
}
