//go:build unix

package source

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/scanner"
)

// demoFolder has one of each type of entry.
func demoFolder(t *testing.T) string {
	dir := t.TempDir()
	for _, d := range []string{"b/c", "a"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"b/c/file", "b/z\xff", "a.txt", "a/inner"} {
		if err := os.WriteFile(filepath.Join(dir, f), []byte("body"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"b/out": "/etc/passwd", "b/up": "../..", "loop": "loop"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func walker1(t *testing.T, target string) scanner.Walker {
	t.Helper()
	srcs, err := open(t, target, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return srcs[0].Layers()[0].(scanner.Walker)
}

func TestWalk(t *testing.T) {
	w := walker1(t, "dir:"+demoFolder(t))
	var got []string
	types := map[scanner.EntryType]string{scanner.Regular: "-", scanner.Dir: "d", scanner.Symlink: "l", scanner.Other: "?"}
	err := w.Walk(t.Context(), func(e scanner.Entry, err error) error {
		line := types[e.Type] + " " + e.Path
		if e.Link != "" {
			line += " -> " + e.Link
		}
		if err != nil {
			line += " " + err.Error()
		}
		got = append(got, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"d /a", "- /a/inner", "- /a.txt", "d /b", "d /b/c", "- /b/c/file", "l /b/out -> /etc/passwd",
		"l /b/up -> ../..", "- /b/z\xff", "l /loop -> loop", "? /pipe",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	stop := errors.New("stop")
	if err := w.Walk(t.Context(), func(scanner.Entry, error) error { return stop }); err != stop {
		t.Errorf("Walk = %v", err)
	}
}

func TestOpenFile(t *testing.T) {
	w := walker1(t, demoFolder(t))
	for _, p := range []string{"/b/c/file", "/b/z\xff"} {
		f, err := w.OpenFile(p)
		if err != nil {
			t.Errorf("%q: %v", p, err)
			continue
		}
		if b, err := io.ReadAll(io.NewSectionReader(f, 0, 10)); string(b) != "body" || err != nil {
			t.Errorf("%q: %q, %v", p, b, err)
		}
		f.Close()
	}
	for _, p := range []string{"/b/out", "/b/up/x", "/pipe", "/loop", "/a", "/../etc/passwd", "/absent", "/b/up/../../etc/passwd"} {
		if f, err := w.OpenFile(p); err == nil {
			f.Close()
			t.Errorf("%s opens", p)
		}
	}
}

// TestKernelFolders does not walk the machine that it runs on: it looks at what
// would be left out, and leaves out a folder in a small tree.
func TestKernelFolders(t *testing.T) {
	root := walker1(t, "dir:/").(*tree)
	if diff := cmp.Diff(map[string]bool{"/proc": true, "/sys": true, "/dev": true}, root.skip); diff != "" {
		t.Error(diff)
	}
	w := walker1(t, "dir:"+demoFolder(t)).(*tree)
	w.skip = map[string]bool{"/b": true}
	var got []string
	w.Walk(t.Context(), func(e scanner.Entry, err error) error { got = append(got, e.Path); return err })
	if diff := cmp.Diff([]string{"/a", "/a/inner", "/a.txt", "/b", "/loop", "/pipe"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestSingleFile(t *testing.T) {
	p := put(t, "klif.sys", []byte("MZ driver"))
	w := walker1(t, p)
	var got []scanner.Entry
	w.Walk(t.Context(), func(e scanner.Entry, err error) error { got = append(got, e); return err })
	if len(got) != 1 || got[0].Path != "/klif.sys" || got[0].Size != 9 || got[0].Type != scanner.Regular {
		t.Fatalf("entries = %+v", got)
	}
	f, err := w.OpenFile("/klif.sys")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b, _ := io.ReadAll(io.NewSectionReader(f, 0, 100)); string(b) != "MZ driver" {
		t.Errorf("contents %q", b)
	}
}

// TestUnreadable runs itself again without privileges: root reads everything.
func TestUnreadable(t *testing.T) {
	dir := os.Getenv("UNREADABLE_DIR")
	if dir == "" && os.Geteuid() == 0 {
		base, err := os.MkdirTemp("", "unreadable")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(base)
		os.Chmod(base, 0o755)
		bin := filepath.Join(base, "test")
		if err := os.WriteFile(bin, must(os.ReadFile(must(os.Executable()))), 0o755); err != nil {
			t.Fatal(err)
		}
		makeUnreadable(t, filepath.Join(base, "tree"))
		cmd := exec.Command(bin, "-test.run=^TestUnreadable$")
		cmd.Dir = base
		cmd.Env = []string{"UNREADABLE_DIR=" + filepath.Join(base, "tree"), "TMPDIR=/tmp"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	if dir == "" {
		dir = filepath.Join(t.TempDir(), "tree")
		makeUnreadable(t, dir)
		defer os.Chmod(filepath.Join(dir, "closed"), 0o755)
	}
	srcs, err := Open(context.Background(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer srcs[0].Close()
	w := srcs[0].Layers()[0].(scanner.Walker)
	errs := map[string]bool{}
	err = w.Walk(t.Context(), func(e scanner.Entry, err error) error { errs[e.Path] = err != nil; return nil })
	if diff := cmp.Diff(map[string]bool{"/closed": true, "/file": false, "/open": false, "/open/x": false}, errs); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if _, err := w.OpenFile("/file"); !errors.Is(err, os.ErrPermission) {
		t.Errorf("OpenFile of an unreadable file: %v", err)
	}
}

func makeUnreadable(t *testing.T, dir string) {
	t.Helper()
	for _, d := range []string{"closed", "open"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for f, mode := range map[string]os.FileMode{"closed/x": 0o644, "open/x": 0o644, "file": 0} {
		if err := os.WriteFile(filepath.Join(dir, f), []byte("x"), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "closed"), 0); err != nil {
		t.Fatal(err)
	}
}
