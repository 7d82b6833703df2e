// Command valid writes every output for each image and validates it with the
// official schemas: CycloneDX 1.4 to 1.7 in JSON and XML, SARIF 2.1.0, our
// own for the report. It tells what is not valid, and ends with 1 if anything
// is not.
//
// Usage: go run ./testdata/compare/valid [-interdict FILE] TARGET...
//
// The schemas come with Go modules that the tests use. It needs xmllint.
package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func main() {
	program := flag.String("interdict", "interdict", "interdict's executable")
	flag.Parse()
	bad, err := run(*program, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
	}
	if err != nil || bad > 0 {
		os.Exit(1)
	}
}

func run(program string, targets []string) (bad int, err error) {
	tmp, err := os.MkdirTemp("", "valid-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(tmp)
	c := checker{tmp: tmp}
	if c.cyclonedx, err = module("github.com/CycloneDX/cyclonedx-go"); err != nil {
		return 0, err
	}
	for _, t := range targets {
		report, bom := filepath.Join(tmp, "report.json"), filepath.Join(tmp, "bom.json")
		if err := start(program, "scan", "-q", "--files", "-o", "json="+report, "-o", "cyclonedx-json="+bom, t); err != nil {
			return bad, fmt.Errorf("scanning %s: %w", t, err)
		}
		for _, version := range []string{"1.4", "1.5", "1.6", "1.7"} {
			args := []string{"check", bom, "--declarations", "--spec-version", version,
				"-o", "cyclonedx-json=" + c.path("cdx.json"), "-o", "cyclonedx-xml=" + c.path("cdx.xml")}
			if err := start(program, args...); err != nil {
				return bad, fmt.Errorf("checking %s: %w", t, err)
			}
			bad += tell(t, "CycloneDX "+version+" JSON", c.bomJSON(version))
			bad += tell(t, "CycloneDX "+version+" XML", c.bomXML(version))
		}
		outs := []string{"report", report}
		for _, f := range []string{"sarif", "junit", "gitlab", "gitlab-quality", "csv", "html", "markdown"} {
			outs = append(outs, "-o", f+"="+c.path(f))
		}
		if err := start(program, outs...); err != nil {
			return bad, fmt.Errorf("writing the reports of %s: %w", t, err)
		}
		bad += tell(t, "report", c.json("report.json", "denylist/report/schema/report.schema.json"))
		bad += tell(t, "SARIF", c.sarif())
		bad += tell(t, "JUnit (well-formed)", c.wellFormed("junit"))
		bad += tell(t, "GitLab (JSON)", c.isJSON("gitlab"))
		bad += tell(t, "GitLab code quality (JSON)", c.isJSON("gitlab-quality"))
	}
	return bad, nil
}

func tell(target, what string, err error) int {
	if err == nil {
		fmt.Printf("%s: %s is valid\n", target, what)
		return 0
	}
	fmt.Printf("%s: %s is NOT valid: %v\n", target, what, err)
	return 1
}

// start runs interdict; a verdict is no failure.
func start(program string, args ...string) error {
	cmd := exec.Command(program, args...)
	var text bytes.Buffer
	cmd.Stderr = &text
	if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() < 3 {
		return fmt.Errorf("%w: %s", err, &text)
	}
	return nil
}

func module(name string) (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", name).Output()
	return strings.TrimSpace(string(out)), err
}

type checker struct{ tmp, cyclonedx string }

func (c checker) path(name string) string { return filepath.Join(c.tmp, name) }

func (c checker) isJSON(name string) error {
	raw, err := os.ReadFile(c.path(name))
	if err == nil && !json.Valid(raw) {
		err = fmt.Errorf("no JSON")
	}
	return err
}

func (c checker) wellFormed(name string) error {
	f, err := os.Open(c.path(name))
	if err != nil {
		return err
	}
	defer f.Close()
	for dec := xml.NewDecoder(f); ; {
		if _, err := dec.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func (c checker) json(name, schema string) error {
	comp := jsonschema.NewCompiler()
	comp.AssertFormat()
	s, err := comp.Compile(schema)
	if err != nil {
		return err
	}
	return c.validate(s, name)
}

func (c checker) validate(s *jsonschema.Schema, name string) error {
	f, err := os.Open(c.path(name))
	if err != nil {
		return err
	}
	defer f.Close()
	v, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// sarif validates with the schema that go-sarif holds as a Go string.
func (c checker) sarif() error {
	dir, err := module("github.com/owenrumney/go-sarif/v3")
	if err != nil {
		return err
	}
	src, err := os.ReadFile(filepath.Join(dir, "pkg/report/v210/sarif/schema.go"))
	if err != nil {
		return err
	}
	_, text, _ := strings.Cut(string(src), "`")
	text = text[:strings.LastIndex(text, "`")]
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	comp := jsonschema.NewCompiler()
	if err := comp.AddResource("sarif.json", doc); err != nil {
		return err
	}
	s, err := comp.Compile("sarif.json")
	if err != nil {
		return err
	}
	return c.validate(s, "sarif")
}

func (c checker) bomJSON(version string) error {
	comp := jsonschema.NewCompiler()
	comp.AssertFormat()
	for name, file := range map[string]string{
		"bom-" + version + ".schema.json": "bom-" + version + ".schema.json",
		"spdx.schema.json":                "spdx.schema.json", "jsf-0.82.schema.json": "jsf-0.82.schemax.json",
	} {
		f, err := os.Open(filepath.Join(c.cyclonedx, "schema", file))
		if err != nil {
			return err
		}
		doc, err := jsonschema.UnmarshalJSON(f)
		f.Close()
		if err != nil {
			return err
		}
		if err := comp.AddResource("http://cyclonedx.org/schema/"+name, doc); err != nil {
			return err
		}
	}
	// 1.7 names algorithms in a schema of its own, which we have no use for.
	if err := comp.AddResource("http://cyclonedx.org/schema/cryptography-defs.schema.json", map[string]any{
		"definitions": map[string]any{"algorithmFamiliesEnum": map[string]any{}, "ellipticCurvesEnum": map[string]any{}},
	}); err != nil {
		return err
	}
	s, err := comp.Compile("http://cyclonedx.org/schema/bom-" + version + ".schema.json")
	if err != nil {
		return err
	}
	return c.validate(s, "cdx.json")
}

func (c checker) bomXML(version string) error {
	for _, name := range []string{"bom-" + version + ".xsd", "spdx.xsd"} {
		b, err := os.ReadFile(filepath.Join(c.cyclonedx, "schema", name))
		if err != nil {
			return err
		}
		// The schema names its import by a web address; ours lies beside it.
		b = bytes.ReplaceAll(b, []byte(`schemaLocation="http://cyclonedx.org/schema/spdx"`), []byte(`schemaLocation="spdx.xsd"`))
		if err := os.WriteFile(c.path(name), b, 0o644); err != nil {
			return err
		}
	}
	out, err := exec.Command("xmllint", "--nonet", "--noout", "--schema", c.path("bom-"+version+".xsd"), c.path("cdx.xml")).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %.2000s", err, out)
	}
	return nil
}
