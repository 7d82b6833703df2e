package detect

import (
	"fmt"
	"io"
	"sync"

	"github.com/interdict/interdict/scanner"
)

// Limits bound what is taken out of one file of a layer and of everything that
// is nested in it. The zero value of a field stands for its default. What lies
// beyond a bound is a gap in the findings, never silent.
type Limits struct {
	// Depth is how many containers may be nested: 8.
	Depth int
	// Ratio is how many bytes may come out of each byte that went in, once more
	// than [RatioFloor] came out: 250. DEFLATE cannot do more than 1032.
	Ratio int64
	// Bytes is how many bytes may come out of a file: 8 GiB.
	Bytes int64
	// Files is how many members a file may have, at all depths: 200,000.
	Files int
	// MemberBytes is the size of the largest member that is held: 2 GiB.
	MemberBytes int64
}

// RatioFloor is how many bytes come out of a file before Limits.Ratio is asked.
const RatioFloor = 64 << 20

// maxGaps is how many gaps of one file of a layer are told one by one.
const maxGaps = 100

// tiny is the size in bytes below which a damaged file is only malformed: no
// product fits into it, and the tests of every archiver leave such files
// behind.
const tiny = 4096

// maxName is the longest name of a member in bytes that is kept.
const maxName = 4096

func (l Limits) withDefaults() Limits {
	if l.Depth <= 0 {
		l.Depth = 8
	}
	if l.Ratio <= 0 {
		l.Ratio = 250
	}
	if l.Bytes <= 0 {
		l.Bytes = 8 << 30
	}
	if l.Files <= 0 {
		l.Files = 200_000
	}
	if l.MemberBytes <= 0 {
		l.MemberBytes = 2 << 30
	}
	return l
}

// budget counts what came out of one top-level file. Some decompressors charge
// it from goroutines of their own.
type budget struct {
	lim  Limits
	size int64 // of the top-level file

	mu     sync.Mutex
	bytes  int64
	files  int
	reason string // why nothing more may come out; empty while it may
}

// charge counts n more bytes.
func (b *budget) charge(n int64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > 0 {
		b.bytes += n
	}
	switch {
	case b.reason != "":
	case b.bytes < 0 || b.bytes > b.lim.Bytes:
		b.reason = fmt.Sprintf("more than %d bytes came out of it", b.lim.Bytes)
	case b.bytes > RatioFloor && b.bytes/max(b.size, 1) >= b.lim.Ratio:
		b.reason = fmt.Sprintf("more than %d bytes came out of each byte of it", b.lim.Ratio)
	default:
		return nil
	}
	return scanner.ErrLimit
}

// member counts one more file.
func (b *budget) member() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.reason == "" && b.files >= b.lim.Files {
		b.reason = fmt.Sprintf("more than %d files are in it", b.lim.Files)
	}
	if b.reason != "" {
		return scanner.ErrLimit
	}
	b.files++
	return nil
}

func (b *budget) exhausted() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.reason
}

// meter charges what is read through it to the budget, and stops at limit
// bytes.
type meter struct {
	r       io.Reader
	b       *budget // nil where the expander charges
	left    int64
	tooLong bool
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		var one [1]byte
		if n, err := m.r.Read(one[:]); n == 0 {
			return 0, err
		}
		m.tooLong = true
		return 0, scanner.ErrLimit
	}
	if int64(len(p)) > m.left {
		p = p[:m.left]
	}
	n, err := m.r.Read(p)
	m.left -= int64(n)
	if m.b != nil {
		if limit := m.b.charge(int64(n)); limit != nil {
			return n, limit
		}
	}
	return n, err
}
