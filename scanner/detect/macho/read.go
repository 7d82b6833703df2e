package macho

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/detect/internal/infoplist"
	"github.com/interdict/interdict/scanner/detect/internal/provenance"
)

// read reads one slice. Slices that are static archives are read by
// scanner/detect/ar.
func (l *look) read(ctx context.Context) error {
	head := make([]byte, min(8, l.size))
	if err := readFull(l.r, head, 0); err != nil {
		return err
	}
	if string(head) == "!<arch>\n" {
		return nil
	}
	h, limit, err := readHeaders(l.r, l.size)
	if errors.Is(err, errFormat) {
		l.gap(sbom.Malformed, "%v", err)
		return nil
	} else if err != nil {
		return err
	}
	l.h = h
	if limit != "" {
		l.gap(sbom.Limit, "%s", limit)
	}
	if h.end > uint64(l.size) && h.filetype != typeDsym && h.filetype != typeCore {
		l.gap(sbom.Truncated, "a segment ends at %d, the slice at %d", h.end, l.size)
	}
	if h.encrypted {
		l.gap(sbom.Encrypted, "its code is encrypted (LC_ENCRYPTION_INFO)")
	}
	for _, step := range []func() error{l.names, l.embeddedPlist, l.build, l.families} {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := step(); err != nil {
			return err
		}
	}
	return l.codeSignature(ctx)
}

// component says what the slice is, or nil for one that could not be read.
// Object files and debug companions are components only if something was found
// in them.
func (l *look) component() *sbom.Component {
	if l.h == nil {
		return nil
	}
	switch l.h.filetype {
	case typeExecute, typePreload:
		l.c.Type = sbom.Application
	case typeKext:
		l.c.Type = sbom.DeviceDriver
	case typeObject, typeCore, typeDsym:
		l.c.Type = sbom.FileType
	default:
		l.c.Type = sbom.Library
	}
	if l.c.Name == "" && l.h.installName != "" {
		l.c.Name = path.Base(l.h.installName)
	}
	return &l.c
}

// names notes what the load commands say.
func (l *look) names() error {
	h := l.h
	l.note(sbom.MachOInstallName, h.installName, "LC_ID_DYLIB")
	if v := h.installed; v>>16 != 0 {
		l.c.Version = fmt.Sprintf("%d.%d.%d", v>>16, v>>8&0xff, v&0xff)
	}
	for _, d := range h.dylibs {
		if l.watch.Matches(sbom.MachODylib, d) || l.watch.Matches(sbom.MachODylib, path.Base(d)) {
			l.note(sbom.MachODylib, d, "LC_LOAD_DYLIB")
		}
	}
	if len(h.uuid) == 16 {
		u := h.uuid
		l.property("uuid", fmt.Sprintf("%X-%X-%X-%X-%X", u[:4], u[4:6], u[6:8], u[8:10], u[10:]))
	}
	return nil
}

// embeddedPlist reads the Info.plist that command-line tools carry inside.
func (l *look) embeddedPlist() error {
	s, ok := l.h.section("__TEXT", "__info_plist")
	if !ok {
		return nil
	}
	b, err := l.data(s, infoplist.MaxSize)
	if err != nil {
		return err
	}
	info, err := infoplist.Parse(b)
	if err != nil {
		l.gap(sbom.Malformed, "the embedded Info.plist: %v", err)
		return nil
	}
	l.c.Evidence = append(l.c.Evidence, info.Evidence(l.arch+"__info_plist")...)
	l.c.Name = cmp.Or(sbom.CleanValue(info.Name), l.c.Name)
	l.c.Version = cmp.Or(sbom.CleanValue(info.Version), l.c.Version)
	l.c.Copyright = sbom.CleanValue(info.Copyright)
	return nil
}

// build reads what the builders of Go and Rust leave.
func (l *look) build() error {
	if _, ok := l.h.section("", "__go_buildinfo"); ok {
		if err := provenance.Go(l.r, l.size, &l.c); err != nil {
			l.gap(sbom.Malformed, "%v", err)
		}
	}
	s, ok := l.h.section("", ".dep-v0")
	if !ok {
		return nil
	}
	packed, err := l.data(s, provenance.MaxAudit)
	if err != nil {
		return err
	}
	if err := provenance.Rust(packed, &l.c); err != nil {
		l.gap(sbom.Malformed, "%v", err)
	}
	return nil
}
