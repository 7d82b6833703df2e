package catalog

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/interdict/interdict/scanner/scantest"
	"github.com/interdict/interdict/testdata/need"
)

// deb is a Debian package as dpkg unpacks it.
type deb struct {
	name   string
	stanza string // for dpkg's status
	files  []scantest.File
}

// debs returns packages of the machine's own distribution. They are downloaded
// once, into the user's cache folder.
func debs(t testing.TB, names ...string) []deb {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	cache = filepath.Join(cache, "interdict-test", "deb")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	var all []deb
	for _, n := range names {
		file := cached(cache, n)
		if file == "" {
			need.Network(t, "apt-get", "dpkg-deb")
			cmd := exec.Command("apt-get", "download", "-qq", n)
			cmd.Dir = cache
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("downloading %s: %v (are there package lists?)\n%s", n, err, out)
			}
			if file = cached(cache, n); file == "" {
				t.Fatalf("downloading %s made no file", n)
			}
		}
		d, err := unpack(file)
		if err != nil {
			t.Fatalf("unpacking %s: %v", file, err)
		}
		all = append(all, d)
	}
	return all
}

func cached(dir, name string) string {
	m, err := filepath.Glob(filepath.Join(dir, name+"_*.deb"))
	if err != nil || len(m) == 0 {
		return ""
	}
	return m[0]
}

func unpack(file string) (deb, error) {
	d := deb{}
	err := members(file, "--fsys-tarfile", func(h *tar.Header, r io.Reader) error {
		f := scantest.File{Path: merged(path.Clean("/" + h.Name)), Mode: h.Mode}
		switch h.Typeflag {
		case tar.TypeSymlink:
			f.Link = h.Linkname
		case tar.TypeLink:
			f.Hard = strings.TrimPrefix(merged(path.Clean("/"+h.Linkname)), "/")
		case tar.TypeReg:
			b, err := io.ReadAll(r)
			if err != nil {
				return err
			}
			f.Body = b
		default:
			return nil
		}
		d.files = append(d.files, f)
		return nil
	})
	if err != nil {
		return d, err
	}
	control := map[string][]byte{}
	err = members(file, "--ctrl-tarfile", func(h *tar.Header, r io.Reader) error {
		b, err := io.ReadAll(r)
		control[path.Base(h.Name)] = b
		return err
	})
	if err != nil {
		return d, err
	}
	fields := strings.TrimRight(string(control["control"]), "\n")
	d.name = stanzaField([]byte(fields), "Package:")
	head, rest, _ := strings.Cut(fields, "\n")
	d.stanza = fmt.Sprintf("%s\nStatus: install ok installed\n%s\n\n", head, rest)
	info := d.name
	if stanzaField([]byte(fields), "Multi-Arch:") == "same" {
		info += ":" + stanzaField([]byte(fields), "Architecture:")
	}
	for _, ext := range []string{"md5sums", "conffiles"} {
		if b, ok := control[ext]; ok {
			d.files = append(d.files, scantest.File{Path: "/var/lib/dpkg/info/" + info + "." + ext, Body: b})
		}
	}
	return d, nil
}

// merged moves what the packages have in /bin and the like to where a merged
// /usr has it.
func merged(p string) string {
	for _, d := range []string{"/bin/", "/sbin/", "/lib/", "/lib64/"} {
		if strings.HasPrefix(p, d) {
			return "/usr" + p
		}
	}
	return p
}

func members(file, part string, fn func(*tar.Header, io.Reader) error) error {
	cmd := exec.Command("dpkg-deb", part, file)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	for tr := tar.NewReader(out); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = fn(h, tr)
		}
		if err != nil {
			return errors.Join(err, cmd.Process.Kill(), cmd.Wait())
		}
	}
	if _, err := io.Copy(io.Discard, out); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, stderr.Bytes())
	}
	return nil
}

// dpkgLayer is a layer that installs packages on top of others.
func dpkgLayer(below, debs []deb, more ...scantest.File) scantest.Layer {
	var l scantest.Layer
	var status strings.Builder
	for _, d := range below {
		status.WriteString(d.stanza)
	}
	seen := map[string]bool{}
	for _, d := range debs {
		status.WriteString(d.stanza)
		for _, f := range d.files {
			if !seen[f.Path] {
				seen[f.Path] = true
				l.Files = append(l.Files, f)
			}
		}
	}
	l.Files = append(l.Files, more...)
	l.Files = append(l.Files, scantest.File{Path: "/var/lib/dpkg/status", Body: []byte(status.String())})
	return l
}
