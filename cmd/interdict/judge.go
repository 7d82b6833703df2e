package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/report"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/cyclonedx"
)

func (f *judgeFlags) add(fl *pflag.FlagSet) {
	f.listFlags.add(fl)
	fl.StringSliceVar(&f.regimes, "regime", nil, "judge by this regime only (repeatable; see 'interdict denylist ls')")
	fl.StringVar(&f.asOf, "as-of", "", "judge by the law of this day, YYYY-MM-DD (default: today)")
	addFailOn(fl, &f.failOn)
	fl.StringVar(&f.waivers, "waivers", "", "file of waivers (YAML): findings that somebody answers for until a day (see 'interdict waive')")
	fl.BoolVar(&f.mentions, "show-mentions", false, "also show where a vendor's name occurs and nothing more")
}

func addFailOn(fl *pflag.FlagSet, to *string) {
	fl.StringVar(to, "fail-on", failOnReview, "what does not end with exit code 0: review (and what is denied), denied, or never")
}

func checkFailOn(v string) error {
	if !slices.Contains([]string{failOnReview, failOnDenied, failOnNever}, v) {
		return usage("it takes review, denied or never", "unknown --fail-on %q", v)
	}
	return nil
}

// judge reads the lists and the policy.
func (f *judgeFlags) judge(ctx context.Context, errOut io.Writer) (*judging, error) {
	if err := checkFailOn(f.failOn); err != nil {
		return nil, err
	}
	list, err := f.read(ctx)
	if err != nil {
		return nil, err
	}
	j := &judging{list: list, policy: denylist.Policy{Regimes: f.regimes, Mentions: f.mentions}}
	if j.created, err = clock(); err != nil {
		return nil, err
	}
	day := time.Now().UTC().Format(time.DateOnly)
	if f.asOf != "" {
		day = f.asOf
	}
	if j.policy.AsOf, err = denylist.ParseDate(day); err != nil {
		return nil, usage("write --as-of 2024-10-01", "reading --as-of: %w", err)
	}
	if j.waivers, err = readWaivers(f.waivers); err != nil {
		return nil, err
	}
	var problems []denylist.Problem
	j.regimes, problems = list.Select(j.policy)
	for _, p := range problems {
		if p.Severity == denylist.SeverityError {
			return nil, usage(p.Hint, "--regime %s: %s", p.Where, p.Message)
		}
		fmt.Fprintf(errOut, "warning: --regime %s: %s (%s)\n", p.Where, p.Message, p.Hint)
	}
	if len(j.regimes) == 0 {
		return nil, usage("choose another day with --as-of, or other laws with --regime: 'interdict denylist ls' lists them",
			"none of the laws to judge by is in force on %s", j.policy.AsOf)
	}
	return j, nil
}

// clock is the time that documents state: SOURCE_DATE_EPOCH, as reproducible
// builds have it (https://reproducible-builds.org/specs/source-date-epoch/),
// and none otherwise, so that equal scans give equal bytes.
func clock() (time.Time, error) {
	s := os.Getenv("SOURCE_DATE_EPOCH")
	if s == "" {
		return time.Time{}, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}, usage("it is a number of seconds since 1970", "reading SOURCE_DATE_EPOCH: %w", err)
	}
	return time.Unix(n, 0).UTC(), nil
}

// target judges what was found of one target, for the report.
func (j *judging) target(r *report.Report, name string, inv *sbom.Inventory) {
	t, uses := j.judge(name, inv)
	r.AddWaivers(uses)
	r.Targets = append(r.Targets, t)
}

// judge judges what was found of one target, and tells what became of the
// waivers. It may be called by many goroutines.
func (j *judging) judge(name string, inv *sbom.Inventory) (report.Target, []denylist.WaiverUse) {
	v, uses := denylist.Waive(j.list.Judge(inv, j.policy), inv.Subject.Digest, j.waivers)
	return report.Target{Target: name, Digest: inv.Subject.Digest, Platform: inv.Subject.Platform, Inventory: inv, Verdict: v}, uses
}

// verdict judges, and notes in the report what became of the waivers.
func (j *judging) verdict(r *report.Report, inv *sbom.Inventory) denylist.Verdict {
	v, uses := denylist.Waive(j.list.Judge(inv, j.policy), inv.Subject.Digest, j.waivers)
	r.AddWaivers(uses)
	return v
}

func (j *judging) newReport() *report.Report {
	r := &report.Report{SchemaVersion: report.SchemaVersion,
		Tool: sbom.Tool{Name: "interdict", Version: version()},
		List: j.list.ID(), AsOf: j.policy.AsOf, Created: j.created}
	for _, regime := range j.regimes {
		r.Regimes = append(r.Regimes, *regime)
	}
	return r
}

func (f *renderFlags) add(fl *pflag.FlagSet) {
	fl.StringArrayVarP(&f.output, "output", "o", nil, "FORMAT[=FILE], repeatable (default: table)")
	fl.StringVar(&f.specVersion, "spec-version", "1.6", "CycloneDX specification, 1.4 to 1.7")
	fl.StringVarP(&f.template, "template", "t", "", "file of the Go template for -o template")
	fl.BoolVar(&f.declarations, "declarations", false, "write the verdict into CycloneDX documents, as attestations (specification 1.6 and later)")
	fl.StringVar(&f.color, "color", "auto", "colours in the table: auto, always or never")
}

func (f *renderFlags) outputs(all []report.Format) ([]output, error) {
	var names []string
	for _, a := range all {
		names = append(names, string(a))
	}
	if err := checkSpecVersion(f.specVersion); err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"auto", "always", "never"}, f.color) {
		return nil, usage("it takes auto, always or never", "unknown --color %q", f.color)
	}
	outs, err := parseOutputs(f.output, names)
	for _, o := range outs {
		if o.format == string(report.Template) && f.template == "" {
			return nil, usage("add --template FILE", "-o template needs a template")
		}
	}
	return outs, err
}

func checkSpecVersion(v string) error {
	if !slices.Contains(cyclonedx.SpecVersions(), v) {
		return usage("it takes "+strings.Join(cyclonedx.SpecVersions(), ", "), "unknown --spec-version %q", v)
	}
	return nil
}

// write renders a report into all outputs.
func (f *renderFlags) write(cmd *cobra.Command, outs []output, r *report.Report) error {
	stdout := cmd.OutOrStdout()
	for _, warning := range r.WaiverWarnings() {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning:", printable(warning))
	}
	opt := report.Options{SpecVersion: f.specVersion, Pretty: true, Declarations: f.declarations}
	opt.Mentions, _ = cmd.Flags().GetBool("show-mentions")
	opt.Files, _ = cmd.Flags().GetBool("files")
	if f.template != "" {
		text, err := os.ReadFile(f.template)
		if err != nil {
			return fmt.Errorf("reading the template: %w", err)
		}
		opt.Template = string(text)
	}
	term := isTerminal(stdout)
	return writeOutputs(outs, stdout, func(w io.Writer, format string) error {
		o := opt
		if _, ok := w.(*pending); ok && w.(*pending).dest != nil {
			o.Width = terminalWidth(stdout)
			o.Color = f.color == "always" || f.color == "auto" && term && os.Getenv("NO_COLOR") == ""
		}
		return report.Write(w, report.Format(format), r, o)
	})
}

// exit turns verdicts into the exit code.
func (f *judgeFlags) exit(r *report.Report, failed int) error {
	var outcomes []denylist.Outcome
	for i := range r.Targets {
		outcomes = append(outcomes, r.Targets[i].Verdict.Outcome)
	}
	return asError(exitOf(f.failOn, failed > 0, outcomes...))
}
