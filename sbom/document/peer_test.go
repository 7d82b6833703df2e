package document_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/anchore/syft/syft"
	"github.com/anchore/syft/syft/format"
	"github.com/anchore/syft/syft/format/cyclonedxjson"
	"github.com/anchore/syft/syft/format/spdxjson"
	"github.com/anchore/syft/syft/format/spdxtagvalue"
	"github.com/anchore/syft/syft/format/syftjson"
	syftsbom "github.com/anchore/syft/syft/sbom"
	"github.com/anchore/syft/syft/source/directorysource"
	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite" // syft wants a driver

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/document"
)

var peerFiles = map[string]string{
	"etc/os-release": "ID=debian\nVERSION_ID=\"12\"\n",
	"var/lib/dpkg/status": "Package: kesl\nStatus: install ok installed\nMaintainer: AO Kaspersky Lab <x@example.org>\nArchitecture: amd64\n" +
		"Version: 11.2.0-4528\nDepends: bash\n\nPackage: bash\nStatus: install ok installed\nMaintainer: a test\nArchitecture: amd64\nVersion: 5.2\n",
}

// fact is what every one of syft's formats tells of a package.
type fact struct{ Name, Version, PURL, Place, Needs string }

var peerFacts = []fact{
	{"bash", "5.2", "pkg:deb/debian/bash@5.2?arch=amd64&distro=debian-12", "/var/lib/dpkg/status", ""},
	{"kesl", "11.2.0-4528", "pkg:deb/debian/kesl@11.2.0-4528?arch=amd64&distro=debian-12", "/var/lib/dpkg/status", "bash"},
}

// TestPeer: what syft writes in each of its formats is read alike.
func TestPeer(t *testing.T) {
	dir := t.TempDir()
	for name, text := range peerFiles {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	src, err := directorysource.NewFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	made, err := syft.CreateSBOM(t.Context(), src, syft.DefaultCreateSBOMConfig())
	if err != nil {
		t.Fatal(err)
	}
	made.Descriptor.Name, made.Descriptor.Version = "syft", "1.2.3"
	encoders := map[document.Format]func() (syftsbom.FormatEncoder, error){
		document.SyftJSON: func() (syftsbom.FormatEncoder, error) {
			return syftjson.NewFormatEncoderWithConfig(syftjson.DefaultEncoderConfig())
		},
		document.SPDXJSON: func() (syftsbom.FormatEncoder, error) {
			return spdxjson.NewFormatEncoderWithConfig(spdxjson.DefaultEncoderConfig())
		},
		document.SPDXTagValue: func() (syftsbom.FormatEncoder, error) {
			return spdxtagvalue.NewFormatEncoderWithConfig(spdxtagvalue.DefaultEncoderConfig())
		},
		document.CycloneDXJSON: func() (syftsbom.FormatEncoder, error) {
			return cyclonedxjson.NewFormatEncoderWithConfig(cyclonedxjson.DefaultEncoderConfig())
		},
	}
	for want, encoder := range encoders {
		e, err := encoder()
		if err != nil {
			t.Fatal(err)
		}
		doc, err := format.Encode(*made, e)
		if err != nil {
			t.Fatal(err)
		}
		inv, got, err := document.Decode(bytes.NewReader(doc))
		if err != nil || got != want {
			t.Errorf("%s: read as %q: %v", want, got, err)
			continue
		}
		if inv.Foreign == "" {
			t.Errorf("%s: it is not foreign", want)
		}
		if diff := cmp.Diff(peerFacts, factsOf(inv)); diff != "" {
			t.Errorf("%s: %s", want, diff)
		}
	}
}

func factsOf(inv *sbom.Inventory) (out []fact) {
	names := map[string]string{}
	for _, c := range inv.Components {
		names[c.Ref] = c.Name
	}
	for _, c := range inv.Components {
		if c.PURL == "" {
			continue // files and the system
		}
		f := fact{Name: c.Name, Version: c.Version, PURL: c.PURL}
		if len(c.Occurrences) > 0 {
			f.Place = c.Occurrences[0].Path
		}
		if len(c.DependsOn) > 0 {
			f.Needs = names[c.DependsOn[0]]
		}
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b fact) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	return out
}
