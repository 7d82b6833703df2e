package registry

import (
	"context"
	"errors"
	"io"
	"time"
)

var errStalled = errors.New("the connection delivers almost no bytes")

// minRate is the least number of bytes that a window must bring. Only time spent
// in Read counts: a slow reader is not the server's fault.
const minRate = 16 << 10

// idleTimeout ends a body that stalls.
type idleTimeout struct {
	io.ReadCloser
	window time.Duration
	cancel context.CancelCauseFunc
	timer  *time.Timer

	waited time.Duration
	got    int
}

func newIdleTimeout(body io.ReadCloser, window time.Duration, cancel context.CancelCauseFunc) *idleTimeout {
	t := time.AfterFunc(window, func() { cancel(errStalled) })
	t.Stop()
	return &idleTimeout{ReadCloser: body, window: window, cancel: cancel, timer: t}
}

func (s *idleTimeout) Read(p []byte) (int, error) {
	start := time.Now()
	s.timer.Reset(s.window)
	n, err := s.ReadCloser.Read(p)
	inTime := s.timer.Stop()
	if err != nil && !errors.Is(err, io.EOF) && !inTime {
		return n, errStalled
	}
	s.waited += time.Since(start)
	s.got += n
	if s.waited >= s.window {
		if s.got < minRate && err == nil {
			return n, errStalled
		}
		s.waited, s.got = 0, 0
	}
	return n, err
}

func (s *idleTimeout) Close() error {
	s.timer.Stop()
	err := s.ReadCloser.Close()
	s.cancel(nil)
	return err
}
