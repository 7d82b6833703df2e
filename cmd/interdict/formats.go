package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/interdict/interdict/scanner/catalog"
)

func newFormats() *cobra.Command {
	return &cobra.Command{
		Use:   "formats",
		Short: "List the formats in which packages are named, and whether they are read",
		Long: `formats lists the package databases, manifests and lock files that a scan knows,
and the catalogers that know files by their contents. Of a format that is
recognized and not read the coverage names each file. A package in a file of any
other format is not known by its name; the file itself is examined by its
contents all the same.

What a lock file in an image declares and was not found installed is in the bill
of materials with the scope "excluded", and is to be reviewed at most.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := exactArgs(0, "no argument")(cmd, args); err != nil {
				return err
			}
			return writeFormats(cmd.OutOrStdout())
		},
	}
}

func writeFormats(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "FORMAT\tPACKAGES\tSAYS\tREADING\tFILES")
	for _, f := range catalog.Formats() {
		says := "installed"
		if f.Declares {
			says = "declared"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", f.Name, cmp.Or(f.Type, "-"), says, f.Reading, cmp.Or(strings.Join(f.Patterns, " "), "-"))
	}
	return tw.Flush()
}
