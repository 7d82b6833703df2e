package scan_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/builtin"
	"github.com/interdict/interdict/sbom/cyclonedx"
	"github.com/interdict/interdict/scanner/scan"
	"github.com/interdict/interdict/scanner/source"
)

// The whole way, from a target to a verdict: the bill of materials is the
// evidence, so what is judged is what was written.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	pkg := filepath.Join(dir, "node_modules/@kaspersky/hexa-ui/package.json")
	if err := os.MkdirAll(filepath.Dir(pkg), 0o755); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(pkg, []byte(`{"name": "@kaspersky/hexa-ui", "version": "6.0.0"}`), 0o644); err != nil {
		log.Fatal(err)
	}

	ctx, list := context.Background(), builtin.List()
	sources, err := source.Open(ctx, "dir:"+dir, source.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer sources[0].Close()
	found, err := scan.Run(ctx, sources[0], scan.Options{Watch: list.Watch()})
	if err != nil {
		log.Fatal(err)
	}
	var bom bytes.Buffer
	if err := cyclonedx.Encode(&bom, found, cyclonedx.Options{}); err != nil {
		log.Fatal(err)
	}

	stored, err := cyclonedx.Decode(&bom)
	if err != nil {
		log.Fatal(err)
	}
	asOf, err := denylist.ParseDate("2026-11-01")
	if err != nil {
		log.Fatal(err)
	}
	verdict := list.Judge(stored, denylist.Policy{AsOf: asOf})
	fmt.Println(verdict.Outcome)
	for _, f := range verdict.Findings {
		fmt.Println(f.Vendor, f.Level, f.Component.Name)
	}
	// Output:
	// deny
	// kaspersky denied @kaspersky/hexa-ui
}
