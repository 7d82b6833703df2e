package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/interdict/interdict/scanner/audit"
	"github.com/interdict/interdict/scanner/audit/store"
)

// auditProgress shows how far an audit is on one line of a terminal, and what
// went wrong above it. Elsewhere it only says what went wrong.
type auditProgress struct {
	w     io.Writer
	quiet bool
	live  bool
	// endless is set for a server: each warning is written, however many there are.
	endless bool

	mu       sync.Mutex
	working  time.Time // when the first look began
	listed   int64
	repos    int
	done     int64 // images of this process
	failed   int64
	denied   int64
	review   int64
	layers   int64
	known    int64
	bytes    int64
	totals   store.Totals // of the run, by all processes
	waitWas  int64        // that waited when this process began
	troubles int
	quit     chan struct{}
	ended    sync.WaitGroup
}

// maxTroubles is how many warnings are written before the rest is only counted
// by the results.
const maxTroubles = 20

// progress starts to show progress; live is whether a line may be drawn.
func (w *auditing) progress(live bool) *auditProgress {
	p := &auditProgress{w: w.cmd.ErrOrStderr(), quiet: w.quiet, endless: !live, quit: make(chan struct{})}
	if p.live = live && !w.quiet && isTerminal(p.w); p.live {
		p.ended.Go(p.loop)
	}
	return p
}

func (p *auditProgress) loop() {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.mu.Lock()
			fmt.Fprintf(p.w, "\r\x1b[K%s", fit(p.w, p.line(time.Now())))
			p.mu.Unlock()
		case <-p.quit:
			fmt.Fprint(p.w, "\r\x1b[K")
			return
		}
	}
}

// stop takes the line back. It may be called again.
func (p *auditProgress) stop() {
	p.mu.Lock()
	select {
	case <-p.quit:
	default:
		close(p.quit)
	}
	p.mu.Unlock()
	p.ended.Wait()
}

// say writes a line for people, unless they asked for quiet.
func (p *auditProgress) say(format string, args ...any) {
	if p.quiet {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sayLocked(format, args...)
}

func (p *auditProgress) sayLocked(format string, args ...any) {
	if p.live {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	fmt.Fprintln(p.w, printable(fmt.Sprintf(format, args...)))
}

func (p *auditProgress) observe(e audit.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e.Kind {
	case audit.Listed:
		p.repos++
		p.listed += e.N
	case audit.Started:
		if p.working.IsZero() {
			p.working = time.Now()
		}
	case audit.Scanned, audit.Judged:
		p.done++
		switch e.Outcome {
		case "deny":
			p.denied++
		case "pass":
		default:
			p.review++
		}
	case audit.Failed:
		p.failed++
		p.trouble("%s@%s: %v", e.Repository, e.Digest, e.Err)
	case audit.Trouble:
		p.trouble("warning: %v", e.Err)
	case audit.LayerBytes:
		p.bytes += e.N
	case audit.LayerRead:
		p.layers++
	case audit.LayerCached:
		p.known++
	case audit.Progressed:
		if p.totals.Images == 0 {
			p.waitWas = e.Totals.Waiting + p.done + p.failed
		}
		p.totals = e.Totals
	}
}

func (p *auditProgress) trouble(format string, args ...any) {
	p.troubles++
	switch {
	case p.quiet || p.troubles > maxTroubles && !p.endless:
	case p.troubles == maxTroubles && !p.endless:
		p.sayLocked("more went wrong: 'interdict audit results --state failed' has it all")
	default:
		p.sayLocked(format, args...)
	}
}

// line is what there is to say now.
func (p *auditProgress) line(now time.Time) string {
	if p.working.IsZero() && p.totals.Images == 0 && p.done == 0 {
		return fmt.Sprintf("listing: %s in %d repositories", counted(p.listed, "image"), p.repos)
	}
	var b strings.Builder
	if n := p.totals; n.Images > 0 {
		fmt.Fprintf(&b, "%d of %s", n.Images-n.Waiting, counted(n.Images, "image"))
	} else {
		b.WriteString(counted(p.done+p.failed, "image"))
	}
	fmt.Fprintf(&b, ", %s read", counted(p.layers, "layer"))
	if p.known > 0 {
		fmt.Fprintf(&b, " (%d known)", p.known)
	}
	took := max(now.Sub(p.working).Seconds(), 0.001)
	fmt.Fprintf(&b, ", %s, %s/s", size(p.bytes), size(int64(float64(p.bytes)/took)))
	if finished := p.waitWas - p.totals.Waiting; finished > 0 && p.totals.Waiting > 0 {
		left := time.Duration(took / float64(finished) * float64(p.totals.Waiting) * float64(time.Second))
		fmt.Fprintf(&b, ", %s left", left.Round(time.Second))
	}
	denied, failed := p.denied, p.failed
	if p.totals.Images > 0 {
		denied, failed = max(denied, p.totals.Deny), max(failed, p.totals.Failed)
	}
	fmt.Fprintf(&b, ", %d denied", denied)
	if failed > 0 {
		fmt.Fprintf(&b, ", %d failed", failed)
	}
	return b.String()
}

// fit cuts a line to the width of the terminal that it is for.
func fit(w io.Writer, line string) string {
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && len(line) >= width && width > 4 {
			return line[:width-1]
		}
	}
	return line
}
