package catalog

import (
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/anchore/syft/syft"
	"github.com/anchore/syft/syft/source"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write requests.json anew")

// TestRequests: requests.json is what the catalogers of this syft ask for.
func TestRequests(t *testing.T) {
	got, err := probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		b, err := json.MarshalIndent(got, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("requests.json", append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := requests()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("requests.json is of another syft; run go test -update (-want +got):\n%s", d)
	}
}

// TestCatalogers: we run every cataloger that syft selects by default.
func TestCatalogers(t *testing.T) {
	for kind, metadata := range map[Kind]any{Image: source.ImageMetadata{}, Folder: source.DirectoryMetadata{Path: "/"}} {
		doc, err := syft.CreateSBOM(t.Context(), described{metadata: metadata}, syft.DefaultCreateSBOMConfig())
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(doc.Descriptor.Configuration)
		if err != nil {
			t.Fatal(err)
		}
		var conf struct{ Catalogers struct{ Used []string } }
		if err := json.Unmarshal(b, &conf); err != nil {
			t.Fatal(err)
		}
		if len(conf.Catalogers.Used) < 20 {
			t.Fatalf("syft names %d catalogers: %s", len(conf.Catalogers.Used), b)
		}
		var ours []string
		for _, c := range catalogers(configuration()) {
			if c.kinds&kind != 0 {
				ours = append(ours, c.Name())
			}
		}
		for _, name := range conf.Catalogers.Used {
			if !strings.HasPrefix(name, "file-") && !slices.Contains(ours, name) {
				t.Errorf("kind %d: syft runs %s, we do not", kind, name)
			}
		}
	}
}

type described struct {
	emptySource
	metadata any
}

func (d described) Describe() source.Description {
	return source.Description{ID: "x", Metadata: d.metadata}
}

// TestSyftVersion: evidence names the syft that go.mod names.
func TestSyftVersion(t *testing.T) {
	b, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), "github.com/anchore/syft v"+syftVersion+"\n") {
		t.Errorf("go.mod names another syft than %s", syftVersion)
	}
}
