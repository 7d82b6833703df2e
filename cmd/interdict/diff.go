package main

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/interdict/interdict/denylist/report"
	"github.com/interdict/interdict/sbom"
)

// Exit codes of diff, which are those of diff(1): 0 is nothing differs.
const (
	exitDifferent = 1
	exitTrouble   = 2
)

func newDiff() *cobra.Command {
	var f scanFlags
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Tell what differs between two bills of materials or targets",
		Long: `diff compares two bills of materials, or whatever scan takes as a target: a file
that is a bill of materials is read, anything else is scanned. It tells which
components and findings are added, removed or changed.

Exit codes are those of diff(1): 0 nothing differs, 1 something does, 2 trouble.
They say nothing of the verdict: that is for scan and check.`,
		Example: `  interdict diff app-1.0.cdx.json app-1.1.cdx.json
  interdict diff app:1.0 app:1.1 -o markdown=comment.md`,
		RunE: func(cmd *cobra.Command, args []string) error {
			err := runDiff(cmd, args, &f)
			if code := exitCode(0); err == nil || errors.As(err, &code) {
				return err
			}
			return hinted{error: err, hint: hintOf(err), code: exitTrouble}
		},
	}
	fl := cmd.Flags()
	f.judgeFlags.add(fl)
	f.addLooking(fl)
	fl.StringArrayVarP(&f.output, "output", "o", nil, "FORMAT[=FILE], repeatable: text, json, markdown (default: text)")
	for _, name := range []string{"fail-on", "files"} {
		fl.Lookup(name).Hidden = true // they decide nothing here
	}
	return cmd
}

func runDiff(cmd *cobra.Command, args []string, f *scanFlags) error {
	if err := exactArgs(2, "two bills of materials or targets")(cmd, args); err != nil {
		return err
	}
	var names []string
	for _, format := range report.ComparisonFormats() {
		names = append(names, string(format))
	}
	outs, err := parseOutputs(f.output, names)
	if err != nil {
		return err
	}
	f.reach = registryFlags{insecure: f.insecure, ca: f.ca}
	j, err := f.judge(cmd.Context(), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	s, err := newScanner(cmd, f, j)
	if err != nil {
		return err
	}
	defer s.close()
	var sides [2]report.Target
	for i, name := range args {
		if sides[i], err = s.side(cmd.Context(), name, cmd.InOrStdin()); err != nil {
			return err
		}
	}
	c := report.Compare(sides[0], sides[1])
	err = writeOutputs(outs, cmd.OutOrStdout(), func(w io.Writer, format string) error {
		return report.WriteComparison(w, report.Format(format), c)
	})
	if err != nil || c.Empty() {
		return err
	}
	return exitCode(exitDifferent)
}

// side reads or scans one side.
func (s *scanning) side(ctx context.Context, name string, stdin io.Reader) (report.Target, error) {
	r := s.judge.newReport()
	inv, err := s.stored(name, stdin)
	switch {
	case err != nil:
		return report.Target{}, err
	case inv != nil:
		s.judge.target(r, name, inv)
	default:
		s.all(ctx, []string{name}, r)
	}
	switch {
	case ctx.Err() != nil:
		return report.Target{}, ctx.Err()
	case len(r.Targets) != 1:
		var platforms []string
		for _, t := range r.Targets {
			platforms = append(platforms, t.Platform)
		}
		return report.Target{}, usage("choose one with --platform: "+strings.Join(platforms, ", "), "%s has %d platforms", name, len(r.Targets))
	case r.Targets[0].Error != "":
		return report.Target{}, exitCode(exitTrouble) // it has been said
	}
	return r.Targets[0], nil
}

// stored reads a bill of materials; it returns nil for what is none.
func (s *scanning) stored(name string, stdin io.Reader) (*sbom.Inventory, error) {
	if name == "-" {
		return readBOM(name, stdin)
	}
	doc, err := readIfBOM(name)
	if doc == nil {
		return nil, err
	}
	return doc.Inventory, nil
}
