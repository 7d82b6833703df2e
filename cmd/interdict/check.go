package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/report"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/document"
)

// checkFlags are the flags of check.
type checkFlags struct {
	judgeFlags
	renderFlags
}

func newCheck() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check BOM...",
		Short: "Judge stored bills of materials, without looking again",
		Long: `check gives the judgement of scan from a stored bill of materials: by today's
list and law, or by those of another day. It takes CycloneDX (JSON, XML), SPDX
2.3 (JSON, tag-value) and the JSON of syft, as they come: compressed by gzip or
zstd, as a forge exports them, in an in-toto statement, a DSSE envelope or a
Sigstore bundle, of which no signature is verified here ("interdict verify"
does). "-" reads one from stdin.

A document of another tool lacks the evidence of binaries: what nobody looked
for cannot be passed, so such a verdict is at best incomplete.

Exit codes: as scan's.`,
		Example: `  interdict check bom.json
  interdict check --as-of 2018-09-30 release/*.cdx.json -o json`,
		RunE: func(cmd *cobra.Command, args []string) error { return runCheck(cmd, args, &f) },
	}
	f.judgeFlags.add(cmd.Flags())
	f.renderFlags.add(cmd.Flags())
	return cmd
}

func runCheck(cmd *cobra.Command, args []string, f *checkFlags) error {
	if len(args) == 0 {
		return usage("name a file: interdict check bom.json", "no bill of materials is given")
	}
	outs, err := f.outputs(report.Formats())
	if err != nil {
		return err
	}
	j, err := f.judge(cmd.Context(), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	r := j.newReport()
	failed := 0
	c := &checking{j: j, in: cmd.InOrStdin(), report: r}
	c.brief = len(args) > 1 && !slices.ContainsFunc(outs, wantsComponents)
	for some := range slices.Chunk(args, 64*runtime.GOMAXPROCS(0)) {
		if err := cmd.Context().Err(); err != nil {
			return err
		}
		for _, b := range c.judge(some) {
			noteUnverified(cmd.ErrOrStderr(), b.target.Target, b.wrappings)
			if b.err != nil {
				printError(cmd.ErrOrStderr(), b.err)
				b.target.Error = b.err.Error()
				failed++
			}
			r.AddWaivers(b.uses)
			r.Targets = append(r.Targets, b.target)
		}
	}
	if failed == len(args) {
		return exitCode(exitError)
	}
	if err := f.write(cmd, outs, r); err != nil {
		return err
	}
	return f.exit(r, failed)
}

// wantsComponents reports whether an output is made of more than verdicts.
func wantsComponents(o output) bool {
	return report.SingleTarget(report.Format(o.format)) || o.format == string(report.Template)
}

// checking judges stored bills of materials.
type checking struct {
	j      *judging
	in     io.Reader
	report *report.Report
	brief  bool // the components are not needed once all is judged
}

// checked is what judging one bill of materials gave.
type checked struct {
	target report.Target
	uses   []denylist.WaiverUse
	err    error

	wrappings []document.Wrapping
}

// judge judges several at once, in their order.
func (c *checking) judge(names []string) []checked {
	out := make([]checked, len(names))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, name := range names {
		g.Go(func() error {
			out[i] = c.one(name)
			return nil
		})
	}
	_ = g.Wait() // the errors are in the results
	return out
}

func (c *checking) one(name string) checked {
	doc, err := openDocument(name, c.in)
	if err != nil {
		return checked{target: report.Target{Target: name}, err: err}
	}
	out := checked{wrappings: doc.Wrappings}
	out.target, out.uses = c.j.judge(name, doc.Inventory)
	if c.brief {
		out.target = out.target.Brief(c.report)
	}
	return out
}

// readBOM reads a bill of materials from a file, or from stdin for "-".
func readBOM(name string, stdin io.Reader) (*sbom.Inventory, error) {
	doc, err := openDocument(name, stdin)
	if err != nil {
		return nil, err
	}
	return doc.Inventory, nil
}

// openDocument reads a bill of materials, and what it lay in, as readBOM does.
func openDocument(name string, stdin io.Reader) (*document.Document, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("opening a bill of materials: %w", err)
		}
		defer f.Close()
		stdin = f
	}
	doc, err := document.Read(stdin)
	if err == nil {
		return doc, nil
	}
	err = fmt.Errorf("reading %s: %w", name, err)
	if h := (interface{ Hint() string })(nil); errors.As(err, &h) {
		return nil, err
	}
	return nil, hinted{error: err, hint: "it takes CycloneDX (JSON, XML), SPDX 2.3 (JSON, tag-value) and the JSON of syft"}
}

func newReportCommand() *cobra.Command {
	var f renderFlags
	cmd := &cobra.Command{
		Use:   "report FILE",
		Short: "Write a report again, in another format",
		Long: `report reads what "scan -o json" or "check -o json" wrote, and writes it in
other formats. It judges nothing anew.`,
		Example: `  interdict report report.json -o html=report.html -o sarif=report.sarif`,
		Args:    exactArgs(1, "a report"),
		RunE: func(cmd *cobra.Command, args []string) error {
			outs, err := f.outputs(report.Formats())
			if err != nil {
				return err
			}
			r, err := readReport(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			return f.write(cmd, outs, r)
		},
	}
	f.add(cmd.Flags())
	cmd.Flags().Bool("show-mentions", false, "also show where a vendor's name occurs and nothing more")
	return cmd
}

func newExplain() *cobra.Command {
	return &cobra.Command{
		Use:   "explain REPORT FINDING",
		Short: "Say why a finding is one: evidence by evidence, and what would change it",
		Example: `  interdict scan app.tar -o json=report.json -o table
  interdict explain report.json 3f9a2c`,
		Args: exactArgs(2, "a report and the ID of a finding"),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := readReport(args[0], cmd.InOrStdin())
			if err != nil {
				return err
			}
			err = report.Explain(cmd.OutOrStdout(), r, args[1], report.Options{Width: terminalWidth(cmd.OutOrStdout())})
			if err != nil {
				return usage("findings have their IDs in the report: 'interdict report "+args[0]+"' shows them", "%w", err)
			}
			return nil
		},
	}
}

func readReport(name string, stdin io.Reader) (*report.Report, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("opening a report: %w", err)
		}
		defer f.Close()
		stdin = f
	}
	r, err := report.Read(stdin)
	if err != nil {
		return nil, hinted{error: fmt.Errorf("reading %s: %w", name, err), hint: "it takes what 'interdict scan -o json' writes"}
	}
	return r, nil
}
