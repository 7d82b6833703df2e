package main

import (
	"github.com/spf13/cobra"

	"github.com/interdict/interdict/sbom"
)

func newMerge() *cobra.Command {
	var f bomFlags
	var name string
	cmd := &cobra.Command{
		Use:   "merge BOM...",
		Short: "Put the bills of materials of one release into one",
		Long: `merge makes one bill of materials of several: the platforms of an image, or the
images of a release. Each becomes a component that depends on its parts; what
several contain is there once, with the places and evidence of all. What could
not be examined of one is not examined of the whole, and check denies the whole
if it denies a part.`,
		Example: `  interdict merge amd64.cdx.json arm64.cdx.json --name app:1.0 -o cyclonedx-json=app.cdx.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("name the files: interdict merge amd64.json arm64.json", "no bill of materials is given")
			}
			outs, err := f.outputs()
			if err != nil {
				return err
			}
			var invs []*sbom.Inventory
			for _, a := range args {
				inv, err := readBOM(a, cmd.InOrStdin())
				if err != nil {
					return err
				}
				invs = append(invs, inv)
			}
			return f.write(outs, cmd.OutOrStdout(), sbom.Merge(name, invs))
		},
	}
	f.add(cmd)
	cmd.Flags().StringVar(&name, "name", "", "name of the whole (default: those of the parts)")
	return cmd
}
