package elf

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/provenance"
)

// packageNote notes the JSON that a distribution's build wrote into the file.
func (l *look) packageNote(desc []byte) {
	text := string(bytes.TrimRight(desc, "\x00 \n"))
	var p struct{ Name, Version string }
	if len(text) > sbom.MaxValue || json.Unmarshal([]byte(text), &p) != nil {
		l.gap(sbom.Malformed, "the package note is no JSON object of the expected form")
		return
	}
	l.note(sbom.ELFNote, text, ".note.package")
	l.c.Version = cmp.Or(l.c.Version, sbom.CleanValue(p.Version))
	if p.Name != "" {
		l.property("package", sbom.CleanValue(p.Name))
	}
}

func (l *look) goBuild(context.Context) error {
	if l.Section(".go.buildinfo") == nil {
		return nil
	}
	if err := provenance.Go(l.file, l.file.Size, &l.c); err != nil {
		l.gap(sbom.Malformed, err.Error())
	}
	return nil
}

func (l *look) rustAudit(context.Context) error {
	packed, err := l.Data(l.Section(".dep-v0"), provenance.MaxAudit)
	if err != nil {
		return err
	}
	if err := provenance.Rust(packed, &l.c); err != nil {
		l.gap(sbom.Malformed, err.Error())
	}
	return nil
}
