package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/interdict/interdict/scanner/scan"
)

// progress shows how far a scan is, on one line of a terminal that it takes
// back when it stops. Nil, and one that is not on a terminal, show nothing.
type progress struct {
	w      io.Writer
	name   string
	mu     sync.Mutex
	begun  time.Time
	layers int
	done   int
	cached int
	total  int64
	read   int64
	stage  string
	quit   chan struct{}
	ended  sync.WaitGroup
}

// newProgress starts to show the progress of one target.
func newProgress(w io.Writer, quiet bool, name string) *progress {
	if quiet || !isTerminal(w) {
		return nil
	}
	p := &progress{w: w, name: printable(name), begun: time.Now(), stage: "opening", quit: make(chan struct{})}
	p.ended.Add(1)
	go p.loop()
	return p
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (p *progress) loop() {
	defer p.ended.Done()
	tick := time.NewTicker(120 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.draw()
		case <-p.quit:
			fmt.Fprint(p.w, "\r\x1b[K")
			return
		}
	}
}

// stop takes the line back.
func (p *progress) stop() {
	if p != nil {
		close(p.quit)
		p.ended.Wait()
	}
}

func (p *progress) observe(e scan.Event) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e.Kind {
	case scan.LayerFound:
		p.layers++
		p.total += e.N
		p.stage = "reading"
	case scan.LayerBytes:
		p.read += e.N
	case scan.LayerDone:
		p.done++
	case scan.LayerCached:
		p.cached++
	case scan.Cataloging:
		p.stage = "cataloguing packages"
	}
}

func (p *progress) draw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", p.name, p.stage)
	if p.layers > 0 {
		fmt.Fprintf(&b, ", layer %d of %d", min(p.done+1, p.layers), p.layers)
	}
	if p.cached > 0 {
		fmt.Fprintf(&b, " (%d known)", p.cached)
	}
	if p.read > 0 {
		rate := float64(p.read) / max(time.Since(p.begun).Seconds(), 0.001)
		fmt.Fprintf(&b, ", %s", size(p.read))
		if p.total > p.read {
			fmt.Fprintf(&b, " of %s", size(p.total))
		}
		fmt.Fprintf(&b, ", %s/s", size(int64(rate)))
	}
	line := b.String()
	if f, ok := p.w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && len(line) >= width && width > 4 {
			line = line[:width-1]
		}
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", line)
}

// size writes bytes as people read them.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.0f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}
