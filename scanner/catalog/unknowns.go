package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/anchore/syft/syft/file"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/layer"
)

// noPackage is what syft says of a JAR that it could read and that names no
// package (syft/pkg/cataloger/java, archive_parser.go).
const noPackage = "no package identified in archive"

// noBundle is what syft says of a program that has the signature of a .NET
// bundle and no bundle where it points (syft/pkg/cataloger/internal/dotnet/bundle):
// one that knows the signature, such as a scanner, or one that no host can start.
const noBundle = "lies outside the file"

// gaps makes a cataloger's error into gaps: one for each file that it names.
func (s *target) gaps(r *resolver, err error) []sbom.Gap {
	var out []sbom.Gap
	for _, u := range unknowns(err) {
		if errors.Is(u.reason, layer.ErrNotKept) {
			continue // told as Missing
		}
		if strings.HasSuffix(u.reason.Error(), noPackage) {
			continue // it was read: a JAR of classes with no name of its own
		}
		g := sbom.Gap{Detail: detail(u.reason), Detector: detectorName(r.cat.Name()), Reason: sbom.Failed}
		if u.at == (file.Coordinates{}) {
			g.Layer = s.layers[r.view.top()].DiffID
		} else {
			n, ok := r.view.tree.Lstat(u.at.RealPath)
			if !ok {
				continue // a companion that would say more, and is not there
			}
			if strings.HasSuffix(u.at.RealPath, ".md5sums") {
				continue // a list of files beside distroless' stanzas: it names no package
			}
			g.Path, g.Layer = u.at.RealPath, u.at.FileSystemID
			switch {
			case n.Entry == nil:
			case strings.Contains(g.Detail, noBundle):
				g.Reason = sbom.Malformed
			case s.promising(r.cat.Name(), n.Entry):
			case mayName(r, n):
				g.Reason = sbom.Unparsed
			default:
				g.Reason = sbom.Malformed
			}
		}
		if !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out
}

// loose are the catalogers of texts that take files for manifests by names that
// many others have, or read programs' source: failing says little.
var loose = []string{
	"erlang-otp-application-cataloger", "opam-cataloger", "wordpress-plugins-cataloger", "java-jvm-cataloger",
	"github-action-workflow-usage-cataloger", "github-actions-usage-cataloger", "swipl-pack-cataloger", "homebrew-cataloger",
}

// byContents are the catalogers that know files by their bytes: a text of the
// same name is none.
var byContents = []string{
	"binary-classifier-cataloger", "cargo-auditable-binary-cataloger", "deb-archive-cataloger", "elf-binary-package-cataloger",
	"gguf-cataloger", "go-module-binary-cataloger", "graalvm-native-image-cataloger", "java-archive-cataloger",
	"linux-kernel-cataloger", "pe-binary-package-cataloger", "php-interpreter-cataloger", "rpm-archive-cataloger", "safetensors-cataloger",
}

// mayName reports whether a text that a cataloger failed on may name a package.
// An empty file does not.
func mayName(r *resolver, n layer.Node) bool {
	name := r.cat.Name()
	if slices.Contains(loose, name) || slices.Contains(byContents, name) || path.Base(n.Path) == "setup.py" {
		return false
	}
	if name == dotnetCataloger {
		return strings.HasSuffix(n.Path, ".json")
	}
	head, err := readNode(r.view.tree, n, 4096)
	return err != nil || len(bytes.TrimSpace(head)) > 0
}

// promising reports whether a file is by its first bytes, or by its place, what
// a cataloger took it for. Failing on any other loses nothing: it is a text in
// a test directory, or a program of another format with a known name.
func (s *target) promising(cataloger string, e *layer.Entry) bool {
	switch e.Format {
	case layer.ELF, layer.MachO:
		return len(s.asked[cataloger].MIMEs) > 0
	case layer.PE:
		return len(s.asked[cataloger].MIMEs) > 0 || cataloger == "pe-binary-package-cataloger"
	case layer.Archive:
		return true
	}
	return isStatusFile(e.Path)
}

func detail(err error) string {
	return sbom.CleanValue(strings.Join(strings.Fields(err.Error()), " "))
}

// detectorName is the name by which evidence and gaps tell of a cataloger.
func detectorName(cataloger string) string { return "syft/" + cataloger + "@" + syftVersion }

type unknownFile struct {
	at     file.Coordinates // zero when the error names no file
	reason error
}

// unknowns takes apart an error as syft's catalogers join it. The errors that
// name a file have a type of an internal package, with two exported fields.
func unknowns(err error) []unknownFile {
	if err == nil {
		return nil
	}
	if v := reflect.ValueOf(err); v.Kind() == reflect.Pointer && v.Type().Elem().Name() == "CoordinateError" && !v.IsNil() {
		at, ok1 := v.Elem().FieldByName("Coordinates").Interface().(file.Coordinates)
		reason, ok2 := v.Elem().FieldByName("Reason").Interface().(error)
		if ok1 && ok2 && reason != nil {
			if inner := unknowns(reason); len(inner) == 1 && inner[0].at == (file.Coordinates{}) {
				return []unknownFile{{at, reason}}
			}
			return []unknownFile{{at, fmt.Errorf("%w", reason)}}
		}
	}
	switch u := err.(type) {
	case interface{ Unwrap() []error }:
		var all []unknownFile
		for _, e := range u.Unwrap() {
			all = append(all, unknowns(e)...)
		}
		return all
	case interface{ Unwrap() error }:
		if inner := unknowns(u.Unwrap()); len(inner) > 0 && inner[0].at != (file.Coordinates{}) {
			return inner
		}
	}
	return []unknownFile{{reason: err}}
}
