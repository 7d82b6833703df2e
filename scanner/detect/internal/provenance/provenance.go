// Package provenance reads what the builders of Go and Rust leave in a program
// of any format: which module or crate it was built from.
package provenance

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// Go names c after the main module of the Go program in the size bytes of r.
// Its dependencies are the package catalog's part. Call it only for a file
// that has the section of the build information: without one, the search for
// it reads all of the program's data.
func Go(r io.ReaderAt, size int64, c *sbom.Component) error {
	info, err := buildinfo.Read(io.NewSectionReader(r, 0, size))
	if err != nil {
		return fmt.Errorf("reading the Go build information: %w", err)
	}
	c.Language = "go"
	c.Properties = append(c.Properties, sbom.Property{Name: "interdict:go:version", Value: sbom.CleanValue(info.GoVersion)})
	m := info.Main
	if m.Path == "" {
		return nil
	}
	c.Name = sbom.CleanValue(m.Path)
	if m.Version != "" && m.Version != "(devel)" {
		c.Version = sbom.CleanValue(m.Version)
	}
	c.PURL = purl("golang", strings.ToLower(c.Name), c.Version)
	c.Evidence = append(c.Evidence, sbom.Evidence{Kind: sbom.GoModule, Value: c.Name, Where: "Go build information"})
	return nil
}

// Bounds of Rust's audit data in bytes, packed and unpacked.
const (
	MaxAudit    = 4 << 20
	maxUnpacked = 16 << 20
)

// Rust names c after the main crate in audit data, the contents of the section
// ".dep-v0" that cargo-auditable writes. No data is no error.
// Source: cargo-auditable, PARSING.md.
func Rust(packed []byte, c *sbom.Component) error {
	if len(packed) == 0 {
		return nil
	}
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return fmt.Errorf("reading the Rust audit data: %w", err)
	}
	defer z.Close()
	var audit struct {
		Packages []struct {
			Name, Version string
			Root          bool
		}
	}
	if err := json.NewDecoder(io.LimitReader(z, maxUnpacked)).Decode(&audit); err != nil {
		return fmt.Errorf("reading the Rust audit data: %w", err)
	}
	c.Language = "rust"
	for _, p := range audit.Packages {
		if p.Root && p.Name != "" {
			c.Name = sbom.CleanValue(p.Name)
			c.Version = cmp.Or(sbom.CleanValue(p.Version), c.Version)
			c.PURL = purl("cargo", c.Name, sbom.CleanValue(p.Version))
			c.Evidence = append(c.Evidence, sbom.Evidence{Kind: sbom.PURL, Value: c.PURL, Where: ".dep-v0"})
			break
		}
	}
	return nil
}

// purl writes a package URL. Source: https://github.com/package-url/purl-spec
func purl(kind, name, version string) string {
	parts := strings.Split(name, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	s := "pkg:" + kind + "/" + strings.Join(parts, "/")
	if version != "" {
		s += "@" + strings.ReplaceAll(url.PathEscape(version), "+", "%2B")
	}
	return s
}
