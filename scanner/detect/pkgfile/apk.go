package pkgfile

import (
	"bytes"
	"io"
	"path"
	"strings"

	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/compress"
)

// maxFront is how many members may come before an apk's .PKGINFO.
const maxFront = 64

// isAPK looks into the first bytes of a compressed tar: an apk begins with its
// signature or its .PKGINFO (apk-package(5)), a pkg.tar with .BUILDINFO,
// .MTREE or .PKGINFO (PKGBUILD(5), makepkg).
func isAPK(f *scanner.File) bool {
	kind := compress.Name("", f.Head)
	if kind == "" || kind == "compress" {
		return false
	}
	ext := strings.ToLower(path.Ext(f.Path))
	if kind != "gzip" && !strings.Contains(f.Path, ".pkg.tar") || kind == "gzip" && ext != ".apk" && ext != "" {
		return false
	}
	z, done, err := compress.NewReader(kind, bytes.NewReader(f.Head))
	if err != nil {
		return false
	}
	defer done()
	var b [8]byte
	if _, err := io.ReadFull(z, b[:]); err != nil {
		return false
	}
	for _, first := range []string{".SIGN.", ".PKGINF", ".BUILDI", ".MTREE"} {
		if strings.HasPrefix(string(b[:]), first) {
			return true
		}
	}
	return false
}

func isAPKv3(head []byte) bool {
	return bytes.HasPrefix(head, []byte("ADB.pckg")) || bytes.HasPrefix(head, []byte("ADBd")) || bytes.HasPrefix(head, []byte("ADBc"))
}

// readPkgInfo reads the .PKGINFO at the front of the tar.
func readPkgInfo(f *scanner.File) (*pkg, error) {
	t, done, err := tarReader(io.NewSectionReader(f, 0, f.Size))
	if err != nil {
		return nil, err
	}
	defer done()
	var keys []key
	for range maxFront {
		h, err := t.Next()
		if err != nil {
			return nil, unexpected(err)
		}
		if rest, ok := strings.CutPrefix(h.Name, ".SIGN."); ok {
			algorithm, id, _ := strings.Cut(rest, ".")
			keys = append(keys, key{id, algorithm + " signature"})
		}
		if h.Name == ".PKGINFO" {
			b, err := readAll(t)
			p := parsePkgInfo(b)
			p.keys = keys
			return p, unexpectedOrNil(err)
		}
		if !strings.HasPrefix(h.Name, ".") {
			break
		}
	}
	return nil, nil
}

// parsePkgInfo reads "key = value" lines.
func parsePkgInfo(b []byte) *pkg {
	p := &pkg{kind: "apk"}
	fields := map[string]*string{
		"pkgname": &p.name, "pkgver": &p.version, "arch": &p.arch, "maintainer": &p.vendor,
		"packager": &p.packager, "url": &p.home, "license": &p.license, "pkgdesc": &p.summary, "origin": &p.sources,
	}
	for line := range strings.Lines(string(b)) {
		k, v, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(k, "#") {
			continue
		}
		k, v = strings.TrimSpace(k), strings.TrimSpace(v)
		if k == "pkgbase" || k == "xdata" { // of makepkg
			p.kind = "alpm"
		}
		if to := fields[k]; to != nil && *to == "" {
			*to = v
		}
	}
	return p
}
