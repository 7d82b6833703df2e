// Package plist reads the Info.plist of macOS and iOS bundles: applications,
// frameworks, kernel and system extensions.
package plist

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/detect/internal/infoplist"
)

const (
	name    = "plist"
	version = 1
)

type detector struct{}

// New returns the detector. It notes the same whatever is watched.
func New(*sbom.Watch) scanner.Detector { return detector{} }

func (detector) Name() string { return name }
func (detector) Version() int { return version }

// Wants is true for files that are called Info.plist, in any case, and begin
// as a property list.
func (detector) Wants(f *scanner.File) bool {
	return strings.EqualFold(path.Base(f.Path), "Info.plist") && infoplist.IsPlist(f.Head)
}

func (detector) Detect(_ context.Context, f *scanner.File) (scanner.Result, error) {
	if f.Size > infoplist.MaxSize {
		return gap(sbom.Limit, fmt.Sprintf("a property list of more than %d bytes", infoplist.MaxSize)), nil
	}
	b := make([]byte, f.Size)
	if n, err := f.ReadAt(b, 0); n < len(b) {
		return scanner.Result{}, fmt.Errorf("reading a property list: %w", cmp.Or(err, io.ErrUnexpectedEOF))
	}
	info, err := infoplist.Parse(b)
	if errors.Is(err, infoplist.ErrFormat) {
		return gap(sbom.Malformed, err.Error()), nil
	} else if err != nil || info.Empty() {
		return scanner.Result{}, err
	}
	root, _ := BundleRoot(f.Path)
	return scanner.Result{Component: &sbom.Component{
		Type:      typeOf(info.PackageType, root),
		Name:      sbom.CleanValue(cmp.Or(info.Name, info.Identifier)),
		Version:   sbom.CleanValue(info.Version),
		Copyright: sbom.CleanValue(info.Copyright),
		Evidence:  info.Evidence("Info.plist"),
	}}, nil
}

func gap(r sbom.Reason, detail string) scanner.Result {
	return scanner.Result{Gaps: []sbom.Gap{{Reason: r, Detail: detail}}}
}

// kinds are the extensions of folders that are bundles.
// Source: Apple, "Bundle Programming Guide"; the extensions of DriverKit and
// SystemExtensions besides.
var kinds = map[string]sbom.ComponentType{
	".app": sbom.Application, ".appex": sbom.Application, ".xpc": sbom.Application,
	".framework": sbom.Framework, ".kext": sbom.DeviceDriver, ".dext": sbom.DeviceDriver,
	".systemextension": sbom.Application, ".plugin": sbom.Library, ".bundle": sbom.Library,
	".prefpane": sbom.Library, ".component": sbom.Library, ".mdimporter": sbom.Library,
	".qlgenerator": sbom.Library, ".saver": sbom.Library,
}

// typeOf tells what a bundle is by its CFBundlePackageType, else by the name
// of its folder.
func typeOf(packageType, root string) sbom.ComponentType {
	switch packageType {
	case "APPL", "XPC!", "SYSX":
		return sbom.Application
	case "FMWK":
		return sbom.Framework
	case "KEXT", "DEXT":
		return sbom.DeviceDriver
	}
	if t, ok := kinds[strings.ToLower(path.Ext(root))]; ok {
		return t
	}
	return sbom.Library
}

// BundleRoot says which bundle a file belongs to: the innermost folder above
// it that is called like one. p is in the form of sbom.Occurrence.Path; for a
// file in an archive only folders of that archive count. The bundle around a
// bundle is BundleRoot(root).
//
// It goes by names alone: a folder is a bundle only if there is an Info.plist
// in it, or below Contents, Resources or Versions/*/Resources.
func BundleRoot(p string) (root string, ok bool) {
	inside := strings.LastIndex(p, "!/") + 1 // 0 when it is in no archive
	for dir := path.Dir(p); len(dir) > inside+1; dir = path.Dir(dir) {
		if _, ok := kinds[strings.ToLower(path.Ext(dir))]; ok && path.Base(dir) != path.Ext(dir) {
			return dir, true
		}
	}
	return "", false
}
