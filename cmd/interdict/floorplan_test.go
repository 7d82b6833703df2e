package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/interdict/interdict/"

// floorPlan says which of our packages each package may import, by prefix:
// "scanner/detect/*" stands for all packages directly below. What is not in it
// does not build past this test. It is the table of the design.
var floorPlan = map[string][]string{
	"sbom":            {},
	"sbom/cyclonedx":  {"sbom"},
	"sbom/facts":      {"sbom"},
	"sbom/spdx":       {"sbom"},
	"sbom/syftjson":   {"sbom"},
	"sbom/document":   {"sbom", "sbom/cyclonedx", "sbom/spdx", "sbom/syftjson"},
	"sbom/attest":     {},
	"sbom/attach":     {},
	"denylist":        {"sbom"},
	"denylist/bundle": {"denylist", "sbom/attest"},
	"denylist/builtin": {
		"denylist",
	},
	"denylist/report":          {"sbom", "sbom/cyclonedx", "sbom/spdx", "denylist"},
	"scanner":                  {"sbom"},
	"scanner/internal/*":       {},
	"scanner/registry":         {"scanner/internal/*"},
	"scanner/source":           {"sbom", "scanner", "scanner/registry", "scanner/layer"},
	"scanner/layer":            {"sbom", "scanner", "scanner/internal/*"},
	"scanner/detect/*":         {"sbom", "scanner", "scanner/detect/internal/*", "scanner/internal/*"},
	"scanner/detect":           {"sbom", "scanner", "scanner/layer", "scanner/detect/*", "scanner/detect/internal/carve"},
	"scanner/catalog":          {"sbom", "scanner", "scanner/catalog/manifest", "scanner/layer"},
	"scanner/catalog/manifest": {},
	"scanner/scan":             {"sbom", "scanner", "scanner/*", "scanner/internal/*"},
	"scanner/audit":            {"sbom", "sbom/*", "denylist", "denylist/*", "scanner", "scanner/*", "scanner/internal/*", "scanner/audit/store", "scanner/audit/listing"},
	"scanner/audit/store":      {"sbom", "denylist", "scanner/internal/retry"},
	"scanner/audit/store/storetest": {
		"sbom", "denylist", "scanner/audit/store", "testdata/need",
	},
	"scanner/detect/internal/detecttest": {"sbom", "scanner", "testdata/need"},
	"scanner/detect/internal/signtest":   {"scanner/detect/internal/detecttest", "testdata/need"},
	"scanner/audit/listing":              {"scanner/registry"},
	"scanner/audit/export":               {"denylist", "denylist/report", "scanner/audit/store"},
	"scanner/audit/dashboard":            {"sbom", "sbom/*", "denylist", "denylist/report", "scanner/audit/store", "scanner/audit/export"},
	"scanner/scantest":                   {"sbom", "scanner"},
	"cmd/interdict":                      {"*"},
	"testdata/need":                      {},
	"testdata/recipes":                   {},
	"testdata/demo":                      {"scanner/scantest"},
	"testdata/accuracy":                  {"*"},
	"testdata/bench/*":                   {"*"},
	"testdata/compare/*":                 {"*"},
}

// soleImporters says which package alone may import a foreign module.
var soleImporters = map[string]string{
	"github.com/anchore/":               "scanner/catalog",
	"github.com/CycloneDX/cyclonedx-go": "sbom/cyclonedx",
	"github.com/riverqueue/":            "scanner/audit",
	"github.com/sigstore/":              "sbom/attest",
}

func TestFloorPlan(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", module+"...")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen := 0
	for dec := json.NewDecoder(out); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		seen++
		checkPackage(t, strings.TrimPrefix(p.ImportPath, module), p.Imports)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if seen < 3 {
		t.Fatalf("go list named %d packages: the check saw nothing", seen)
	}
}

func checkPackage(t *testing.T, pkg string, imports []string) {
	t.Helper()
	allowed, ok := room(pkg)
	if !ok {
		t.Errorf("%s: not in the floor plan", pkg)
		return
	}
	for _, imp := range imports {
		if ours, ok := strings.CutPrefix(imp, module); ok {
			if !matchAny(allowed, ours) {
				t.Errorf("%s may not import %s", pkg, ours)
			}
			continue
		}
		for prefix, sole := range soleImporters {
			if strings.HasPrefix(imp, prefix) && pkg != sole && !strings.HasPrefix(pkg, sole+"/") {
				t.Errorf("%s imports %s: only %s may", pkg, imp, sole)
			}
		}
		if pkg == "sbom" && strings.Contains(imp, ".") {
			t.Errorf("sbom imports %s: only the standard library may be", imp)
		}
	}
}

// The lean build's module file is go.mod's copy but for what it leaves out.
func TestLeanVersions(t *testing.T) {
	requirements := func(file string) map[string]string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		versions := map[string]string{}
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); strings.HasPrefix(line, "\t") && len(f) >= 2 && strings.HasPrefix(f[1], "v") {
				versions[f[0]] = f[1]
			}
		}
		return versions
	}
	all := requirements("../../go.mod")
	lean := requirements("../../testdata/lean/lean.mod")
	for mod, version := range lean {
		if v := all[mod]; v != "" && v != version {
			t.Errorf("%s is %s in testdata/lean/lean.mod and %s in go.mod", mod, version, v)
		}
	}
	if len(lean) < len(all)/2 {
		t.Errorf("%d requirements in testdata/lean/lean.mod, %d in go.mod", len(lean), len(all))
	}
}

// room finds the row of a package: its own, else the longest with a star.
func room(pkg string) ([]string, bool) {
	if a, ok := floorPlan[pkg]; ok {
		return a, true
	}
	best := ""
	for row := range floorPlan {
		if match(row, pkg) && len(row) > len(best) {
			best = row
		}
	}
	return floorPlan[best], best != ""
}

func matchAny(rows []string, pkg string) bool {
	for _, r := range rows {
		if match(r, pkg) {
			return true
		}
	}
	return false
}

func match(row, pkg string) bool {
	prefix, star := strings.CutSuffix(row, "*")
	if !star {
		return row == pkg
	}
	return strings.HasPrefix(pkg, prefix)
}
