package elf

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"io"
	"net/url"
	"strings"

	"github.com/interdict/interdict/sbom"
)

// maxNote is the longest package note that is kept as evidence.
const maxNote = sbom.MaxValue

// packageNote notes the JSON that a distribution's build wrote into the file.
func (l *look) packageNote(desc []byte) {
	text := string(bytes.TrimRight(desc, "\x00 \n"))
	var p struct {
		Type, OS, Name, Version string
	}
	if len(text) > maxNote || json.Unmarshal([]byte(text), &p) != nil {
		l.gap(sbom.Malformed, "the package note is no JSON object of the expected form")
		return
	}
	l.note(sbom.ELFNote, text, ".note.package")
	l.c.Version = cmp.Or(l.c.Version, p.Version)
	if p.Name != "" {
		l.property("package", p.Name)
	}
}

// goBuild notes the main module of a Go program. Its dependencies are the
// package catalog's part.
func (l *look) goBuild(context.Context) error {
	if l.Section(".go.buildinfo") == nil {
		return nil
	}
	info, err := buildinfo.Read(io.NewSectionReader(l.file, 0, l.file.Size))
	if err != nil {
		l.gap(sbom.Malformed, "reading the Go build information: "+err.Error())
		return nil
	}
	l.c.Language = "go"
	l.property("go", info.GoVersion)
	m := info.Main
	if m.Path == "" {
		return nil
	}
	l.c.Name = m.Path
	if m.Version != "" && m.Version != "(devel)" {
		l.c.Version = m.Version
	}
	l.c.PURL = purl("golang", strings.ToLower(m.Path), l.c.Version)
	l.note(sbom.GoModule, m.Path, "Go build information")
	return nil
}

// Bounds of Rust's audit data in bytes, packed and unpacked.
const (
	maxAuditPacked = 4 << 20
	maxAudit       = 16 << 20
)

// rustAudit notes the main crate of a Rust program that cargo-auditable built.
// Source: https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md
func (l *look) rustAudit(context.Context) error {
	packed, err := l.Data(l.Section(".dep-v0"), maxAuditPacked)
	if err != nil || len(packed) == 0 {
		return err
	}
	var audit struct {
		Packages []struct {
			Name, Version string
			Root          bool
		}
	}
	if err := inflate(packed, &audit); err != nil {
		l.gap(sbom.Malformed, "reading the Rust audit data: "+err.Error())
		return nil
	}
	l.c.Language = "rust"
	for _, p := range audit.Packages {
		if p.Root && p.Name != "" {
			l.c.Name, l.c.Version = p.Name, cmp.Or(p.Version, l.c.Version)
			l.c.PURL = purl("cargo", p.Name, p.Version)
			l.note(sbom.PURL, l.c.PURL, ".dep-v0")
			break
		}
	}
	return nil
}

func inflate(packed []byte, v any) error {
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return err
	}
	defer z.Close()
	return json.NewDecoder(io.LimitReader(z, maxAudit)).Decode(v)
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
