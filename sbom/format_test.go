package sbom_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/interdict/interdict/sbom"
)

func TestUpgradeEvidence(t *testing.T) {
	old := []sbom.Evidence{
		{Kind: sbom.Filename, Value: "klif.sys", Path: "/klif.sys", Where: "pe"},
		{Kind: sbom.Path, Value: "/opt/x", Path: "/opt/x", Where: "symlink"},
		{Kind: sbom.Filename, Value: "a.txt", Where: "a caption"},
		{Kind: sbom.PEExport, Value: "f", Where: "elf"},
		{Kind: sbom.ModinfoAuthor, Value: "A", Path: "/m.ko", Layer: "sha256:1", Where: ".modinfo, intree", Detector: "kmod@1"},
		{Kind: sbom.ModinfoAuthor, Value: "B", Path: "/m.ko", Layer: "sha256:1", Where: ".modinfo, intree", Detector: "kmod@1"},
		{Kind: sbom.ModinfoAuthor, Value: "C", Path: "/n.ko", Where: ".modinfo"},
	}
	want := []sbom.Evidence{
		{Kind: sbom.Filename, Value: "klif.sys", Path: "/klif.sys", Format: sbom.FormatPE},
		{Kind: sbom.Path, Value: "/opt/x", Path: "/opt/x", Format: sbom.FormatSymlink},
		old[2], old[3],
		{Kind: sbom.ModinfoAuthor, Value: "A", Path: "/m.ko", Layer: "sha256:1", Where: ".modinfo", Detector: "kmod@1"},
		{Kind: sbom.ModinfoAuthor, Value: "B", Path: "/m.ko", Layer: "sha256:1", Where: ".modinfo", Detector: "kmod@1"},
		old[6],
		{Kind: sbom.ModinfoInTree, Value: "Y", Path: "/m.ko", Layer: "sha256:1", Where: ".modinfo", Detector: "kmod@1"},
	}
	got := sbom.UpgradeEvidence(old)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for i := range got {
		if got[i].Outdated() {
			t.Errorf("still outdated: %+v", got[i])
		}
	}
}
