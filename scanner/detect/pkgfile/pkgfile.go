// Package pkgfile reads packages that lie in a filesystem as files, not
// installed: deb, rpm, and the apk and pkg.tar of Alpine and Arch. It says who
// made and signed them, and passes on what they would install.
package pkgfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
)

const (
	name    = "pkgfile"
	version = 1
)

// maxControl is how many bytes of a package's own metadata are read.
const maxControl = 4 << 20

// Detector reads packages. It is a scanner.Detector and a scanner.Expander.
type Detector struct{}

// New makes a Detector.
func New() *Detector { return &Detector{} }

// Name is "pkgfile".
func (*Detector) Name() string { return name }

// Version is raised whenever the results for the same bytes may differ.
func (*Detector) Version() int { return version }

// Wants knows the packages by their bytes.
func (*Detector) Wants(f *scanner.File) bool {
	return isDeb(f.Head) || isRPM(f.Head) || isAPK(f) || isAPKv3(f.Head)
}

// Detect reads the package's metadata.
func (*Detector) Detect(ctx context.Context, f *scanner.File) (scanner.Result, error) {
	var p *pkg
	var err error
	switch {
	case isDeb(f.Head):
		p, err = readDeb(f)
	case isRPM(f.Head):
		p, err = readRPM(f)
	case isAPKv3(f.Head):
		return scanner.Result{}, nil
	default:
		p, err = readPkgInfo(f)
	}
	var res scanner.Result
	if p != nil && p.name != "" {
		res.Component = p.component()
	}
	if err != nil {
		if ctx.Err() != nil {
			return res, ctx.Err()
		}
		reason := sbom.Malformed
		if errors.Is(err, io.ErrUnexpectedEOF) {
			reason = sbom.Truncated
		}
		res.Gaps = []sbom.Gap{{Reason: reason, Detail: err.Error()}}
	}
	return res, nil
}

// Expand passes on the packaged files. Those of an apk or pkg.tar are expanded
// by scanner/detect/archive, to which they are a compressed tar.
func (*Detector) Expand(ctx context.Context, f *scanner.File, v scanner.Visitor) error {
	switch {
	case isDeb(f.Head):
		return expandDeb(ctx, f, v)
	case isRPM(f.Head):
		return expandRPM(ctx, f, v)
	case isAPKv3(f.Head):
		v.Gap(sbom.Gap{Reason: sbom.Unsupported, Detail: "an apk of version 3"})
	}
	return nil
}

// pkg is what a package says of itself.
type pkg struct {
	kind                            string // purl type: "deb", "rpm", "apk", "alpm"
	name, version, arch, epoch      string
	vendor, packager, origin        string
	home, license, summary, sources string
	keys                            []key
}

// key names a key that signed the package. Nothing here can verify it.
type key struct{ id, where string }

func (p *pkg) component() *sbom.Component {
	c := &sbom.Component{
		Type: sbom.Application, Name: p.name, Version: p.version, PURL: p.purl(),
		Supplier: p.vendor, Publisher: p.packager, Description: p.summary,
	}
	note := func(k sbom.Kind, value, where string) {
		if value != "" {
			c.Evidence = append(c.Evidence, sbom.Evidence{Kind: k, Value: value, Where: where})
		}
	}
	note(sbom.PackageName, p.name, p.kind+" metadata")
	note(sbom.PURL, c.PURL, p.kind+" metadata")
	for _, who := range []struct{ value, where string }{{p.vendor, "vendor"}, {p.packager, "packager"}} {
		note(sbom.PackageVendor, who.value, p.kind+" "+who.where)
		note(sbom.EntityName, person(who.value), p.kind+" "+who.where)
	}
	note(sbom.PackageOrigin, p.origin, p.kind+" metadata")
	for _, k := range p.keys {
		note(sbom.PackageKey, k.id, k.where)
	}
	if p.home != "" {
		c.References = append(c.References, sbom.Reference{Type: "website", URL: p.home})
		note(sbom.HomepageHost, host(p.home), p.kind+" home page")
	}
	if p.license != "" {
		c.Licenses = append(c.Licenses, sbom.License{Name: p.license, Declared: true})
	}
	return c
}

// purl is the package URL. The file does not say of which distribution it is,
// so it has no namespace.
func (p *pkg) purl() string {
	s := "pkg:" + p.kind + "/" + url.PathEscape(strings.ToLower(p.name))
	if p.kind == "rpm" {
		s = "pkg:rpm/" + url.PathEscape(p.name)
	}
	if p.version != "" {
		s += "@" + strings.ReplaceAll(url.PathEscape(p.version), "+", "%2B")
	}
	q := url.Values{}
	if p.arch != "" {
		q.Set("arch", p.arch)
	}
	if p.epoch != "" && p.epoch != "0" {
		q.Set("epoch", p.epoch)
	}
	if len(q) > 0 {
		s += "?" + q.Encode()
	}
	return s
}

// person is the name in "Name <address>".
func person(s string) string {
	who, _, _ := strings.Cut(s, "<")
	return strings.TrimSpace(who)
}

// host is the host of an address, or empty.
func host(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// readAll reads r up to maxControl bytes; more is an error.
func readAll(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxControl+1))
	if len(b) > maxControl {
		return nil, fmt.Errorf("metadata of more than %d bytes", maxControl)
	}
	return b, err
}
