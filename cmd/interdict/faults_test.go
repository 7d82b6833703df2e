package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/interdict/interdict/scanner/scantest"
)

// These tests hurt real processes of interdict, a real PostgreSQL and a registry
// while they work, and then ask for the same thing: every image has exactly one
// result, and what failed is listed with its reason.

// faultyFleet is a registry with images, some of which share layers, and one in
// five of which has a banned product.
type faultyFleet struct {
	host   string
	images map[string]bool // "repository@digest": whether it is to be denied
	digest []string        // of each image
	own    []string        // the layer that only this image has
	server *httptest.Server

	mu     sync.Mutex
	choose func(r *http.Request, n int) scantest.Fault
	delay  time.Duration // of every blob: so that there is something to interrupt
	reads  map[string]int
}

func newFleet(t *testing.T, n int, delay time.Duration) *faultyFleet {
	t.Helper()
	f := &faultyFleet{images: map[string]bool{}, reads: map[string]int{}}
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	f.server = httptest.NewServer(scantest.Faulty(inner, f.fault))
	t.Cleanup(f.server.Close)
	f.host = strings.TrimPrefix(f.server.URL, "http://")
	for i := range n {
		f.push(t, i)
	}
	f.mu.Lock()
	f.delay, f.reads = delay, map[string]int{}
	f.mu.Unlock()
	return f
}

func (f *faultyFleet) push(t *testing.T, i int) {
	t.Helper()
	im := scantest.Image{Layers: []scantest.Layer{
		{Files: []scantest.File{{Path: "etc/os-release", Body: []byte("ID=debian\nVERSION_ID=\"12\"\n")}, {Path: "etc/base", Body: fmt.Append(nil, i%3)}}},
		{Files: []scantest.File{{Path: "srv/app", Body: fmt.Appendf(nil, "application %d", i)}}},
	}}
	if i%5 == 0 {
		im.Layers = append(im.Layers, scantest.Layer{Files: []scantest.File{{Path: "opt/kaspersky/kesl/bin/kesl-control", Body: []byte("#!/bin/sh\n"), Mode: 0o755}}})
	}
	img, err := im.Build()
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(fmt.Sprintf("%s/team-%d/app:v%d", f.host, i%4, i), name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	layers, err := img.Layers()
	if err != nil {
		t.Fatal(err)
	}
	own, err := layers[1].Digest()
	if err != nil {
		t.Fatal(err)
	}
	f.images[ref.Context().Name()+"@"+digest.String()] = i%5 == 0
	f.digest, f.own = append(f.digest, digest.String()), append(f.own, own.String())
}

func (f *faultyFleet) fault(r *http.Request, n int) scantest.Fault {
	f.mu.Lock()
	choose, delay := f.choose, f.delay
	digest, blob := scantest.IsBlob(r)
	if blob && r.Method == http.MethodGet {
		f.reads[digest]++
	}
	f.mu.Unlock()
	if blob {
		select {
		case <-time.After(delay):
		case <-r.Context().Done():
		}
	}
	if choose == nil {
		return scantest.NoFault
	}
	return choose(r, n)
}

// await waits until so many blobs were read.
func (f *faultyFleet) await(t *testing.T, n int) {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < 30*time.Second; time.Sleep(10 * time.Millisecond) {
		f.mu.Lock()
		read := 0
		for _, times := range f.reads {
			read += times
		}
		f.mu.Unlock()
		if read >= n {
			return
		}
	}
	t.Fatalf("nobody reads")
}

// worker is one process of interdict.
type worker struct {
	cmd  *exec.Cmd
	out  bytes.Buffer
	done chan struct{}
}

func begin(t *testing.T, env []string, args ...string) *worker {
	t.Helper()
	w := &worker{cmd: exec.Command("interdict", args...), done: make(chan struct{})}
	w.cmd.Env = append(os.Environ(), env...)
	w.cmd.Stdout, w.cmd.Stderr = &w.out, &w.out
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = w.cmd.Wait(); close(w.done) }()
	t.Cleanup(func() { w.kill() })
	return w
}

func (w *worker) kill() {
	_ = w.cmd.Process.Kill()
	<-w.done
}

// code waits for the end and returns the exit code; -1 after a signal.
func (w *worker) code(t *testing.T, within time.Duration) int {
	t.Helper()
	select {
	case <-w.done:
	case <-time.After(within):
		w.kill()
		t.Fatalf("%s did not end within %v:\n%s", strings.Join(w.cmd.Args, " "), within, w.out.String())
	}
	return w.cmd.ProcessState.ExitCode()
}

func (w *worker) running() bool {
	select {
	case <-w.done:
		return false
	default:
		return true
	}
}

func readExport(t *testing.T, env []string) (e exported) {
	t.Helper()
	w := begin(t, env, "audit", "export", "-o", "json")
	if code := w.code(t, 30*time.Second); code != 0 {
		t.Fatalf("exporting: exit code %d\n%s", code, w.out.String())
	}
	if err := json.Unmarshal(w.out.Bytes(), &e); err != nil {
		t.Fatalf("reading the export: %v\n%s", err, w.out.String())
	}
	return e
}

// check is the promise: every image exactly one result. Failed are digests, or
// parts of repositories, that must have failed with a reason instead.
func (f *faultyFleet) check(t *testing.T, env []string, unread ...string) {
	t.Helper()
	seen := map[string]bool{}
	for _, i := range readExport(t, env).Images {
		key := i.Repository + "@" + i.Digest
		denied, there := f.images[key]
		if !there || seen[key] {
			t.Errorf("%s: there %v, listed before %v", key, there, seen[key])
		}
		seen[key] = true
		want := "pass"
		if denied {
			want = "deny"
		}
		switch {
		case oneOf(i.Digest, unread...):
			if i.State != "scanned" || i.Verdict != "incomplete" {
				t.Errorf("%s is %s, verdict %q: want incomplete", key, i.State, i.Verdict)
			}
		case i.State != "scanned" || i.Verdict != want || denied != (len(i.Findings) > 0):
			t.Errorf("%s is %s %s with %d findings (%s): want %s", key, i.State, i.Verdict, len(i.Findings), i.Error, want)
		}
	}
	for key := range f.images {
		if !seen[key] {
			t.Errorf("%s was lost", key)
		}
	}
}
