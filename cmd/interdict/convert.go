package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/cyclonedx"
	"github.com/interdict/interdict/sbom/document"
	"github.com/interdict/interdict/sbom/spdx"
)

// bomFormats are the formats that bills of materials are written in.
var bomFormats = []string{string(document.CycloneDXJSON), string(document.CycloneDXXML), string(document.SPDXJSON)}

// bomFlags are the flags of what writes bills of materials and judges nothing.
type bomFlags struct {
	output      []string
	specVersion string
}

func (f *bomFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&f.output, "output", "o", nil, "FORMAT[=FILE], repeatable: cyclonedx-json, cyclonedx-xml, spdx-json (default: cyclonedx-json)")
	cmd.Flags().StringVar(&f.specVersion, "spec-version", cyclonedx.DefaultSpecVersion, "CycloneDX specification, 1.4 to 1.7")
}

func (f *bomFlags) outputs() ([]output, error) {
	if err := checkSpecVersion(f.specVersion); err != nil {
		return nil, err
	}
	return parseOutputs(f.output, bomFormats)
}

// write writes an inventory with all that is in it, also bare files.
func (f *bomFlags) write(outs []output, stdout io.Writer, inv *sbom.Inventory) error {
	return writeOutputs(outs, stdout, func(w io.Writer, format string) error {
		switch document.Format(format) {
		case document.SPDXJSON:
			return spdx.Encode(w, inv, spdx.Options{Pretty: true, Files: true})
		case document.CycloneDXXML:
			return cyclonedx.Encode(w, inv, cyclonedx.Options{Format: cyclonedx.XML, SpecVersion: f.specVersion, Pretty: true, Files: true})
		case document.CycloneDXJSON:
			return cyclonedx.Encode(w, inv, cyclonedx.Options{SpecVersion: f.specVersion, Pretty: true, Files: true})
		}
		return fmt.Errorf("no such format: %q", format)
	})
}

func newConvert() *cobra.Command {
	var f bomFlags
	cmd := &cobra.Command{
		Use:   "convert BOM",
		Short: "Write a bill of materials in another format or version",
		Long: `convert reads a bill of materials (CycloneDX, SPDX 2.3, the JSON of syft) and
writes it as CycloneDX or SPDX. "-" reads stdin.

Of a document of ours nothing is lost, in any format and version: what a format
has no field for is in properties (CycloneDX) or annotations (SPDX), and check
judges all of them alike. Of another tool's document, what check can use is
kept: components, places, makers, licences, digests, addresses and dependencies,
but not, for one, its vulnerabilities.`,
		Example: `  interdict convert bom.json -o spdx-json=bom.spdx.json
  interdict convert bom.spdx -o cyclonedx-xml --spec-version 1.4`,
		Args: exactArgs(1, "a bill of materials"),
		RunE: func(cmd *cobra.Command, args []string) error {
			outs, err := f.outputs()
			if err != nil {
				return err
			}
			inv, err := readBOM(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			return f.write(outs, cmd.OutOrStdout(), inv)
		},
	}
	f.add(cmd)
	return cmd
}
