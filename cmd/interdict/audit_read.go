package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/audit/export"
	"github.com/interdict/interdict/scanner/audit/store"
)

func newAuditStatus() *cobra.Command {
	var db databaseFlags
	var outs []string
	var all bool
	cmd := &cobra.Command{
		Use:   "status [RUN]",
		Short: "Say how far a run is, and what it found",
		Long: `status shows the newest run, or the one that is named by its number, and with
--all every run and what it counted: the trend.`,
		Example: `  interdict audit status
  interdict audit status --all -o csv=trend.csv`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return db.read(cmd, outs, []string{"table", "json", "csv"}, func(ctx context.Context, s *store.Store, w io.Writer, format string) error {
				id, err := runNumber(args)
				if err != nil {
					return err
				}
				if all {
					return writeRuns(ctx, s, w, format)
				}
				run, err := readRun(ctx, s, id)
				if err != nil {
					return err
				}
				if format == "table" {
					return writeSummary(ctx, w, s, run)
				}
				return export.Runs(w, []store.Run{run}, export.Format(format))
			})
		},
	}
	db.add(cmd.Flags())
	cmd.Flags().StringArrayVarP(&outs, "output", "o", nil, "table, json or csv, with =FILE to write a file (repeatable)")
	cmd.Flags().BoolVar(&all, "all", false, "all runs, the newest first")
	return cmd
}

// runNumber reads the argument that names a run; zero stands for the newest.
func runNumber(args []string) (int64, error) {
	if len(args) == 0 {
		return 0, nil
	}
	n, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil || n < 1 || len(args) > 1 {
		return 0, usage("runs have numbers: 'interdict audit status --all' shows them", "%q is no run", strings.Join(args, " "))
	}
	return n, nil
}

func readRun(ctx context.Context, s *store.Store, id int64) (store.Run, error) {
	run, err := s.Run(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		if id == 0 {
			return run, hinted{errors.New("no audit has run yet"), "begin one: interdict audit start registry.example", exitError}
		}
		return run, hinted{fmt.Errorf("there is no run %d", id), "'interdict audit status --all' shows those there are", exitError}
	}
	return run, err
}

func writeRuns(ctx context.Context, s *store.Store, w io.Writer, format string) error {
	runs, err := s.Runs(ctx, 0)
	if err != nil {
		return err
	}
	if format != "table" {
		return export.Runs(w, runs, export.Format(format))
	}
	t := newTable(w, "RUN", "KIND", "STATE", "STARTED", "IMAGES", "DENIED", "INCOMPLETE", "REVIEW", "FAILED", "WAITING", "FINDINGS", "SCOPE")
	for _, r := range runs {
		n := r.Totals
		t.row(r.ID, r.Kind, r.State, minute(r.Started), n.Images, n.Deny, n.Incomplete, n.ToReview, n.Failed, n.Waiting, n.Findings, strings.Join(r.Scope, " "))
	}
	return t.Flush()
}

// filterFlags select images and findings.
type filterFlags struct {
	f                     store.Filter
	verdict, level, state string
	since                 string
	fresh                 bool
	run                   int64
}

func (f *filterFlags) add(fl *pflag.FlagSet) {
	fl.StringVar(&f.f.Repository, "repository", "", "repositories, HOST/PATH; may be a glob")
	fl.StringVar(&f.f.Team, "of-team", "", "images of this team")
	fl.StringVar(&f.f.Vendor, "vendor", "", "with a finding of this vendor (its ID)")
	fl.StringVar(&f.f.Regime, "of-regime", "", "with a finding that this regime denies or leaves open")
	fl.StringVar(&f.verdict, "verdict", "", "pass, review, incomplete or deny")
	fl.StringVar(&f.level, "level", "", "with a finding of this level: denied, review or mention")
	fl.StringVar(&f.state, "state", "", "waiting, scanned or failed")
	fl.StringVar(&f.f.Platform, "of-platform", "", "os/arch[/variant]")
	fl.StringVar(&f.f.Text, "text", "", "what is a part of repository, tag, digest or component")
	fl.StringVar(&f.since, "seen-since", "", "first seen since a day (YYYY-MM-DD) or an age (90d)")
	fl.BoolVar(&f.fresh, "new", false, "first seen in the newest run, or in --run")
	fl.Int64Var(&f.run, "run", 0, "the run that --new means")
	fl.BoolVar(&f.f.Gone, "gone", false, "those that are not there any more, instead of those that are")
}

func (f *filterFlags) filter(ctx context.Context, s *store.Store) (store.Filter, error) {
	out := f.f
	out.Verdict, out.Level, out.State = denylist.Outcome(f.verdict), denylist.Level(f.level), store.ImageState(f.state)
	for _, one := range []struct {
		flag, value string
		of          []string
	}{
		{"verdict", f.verdict, []string{"pass", "review", "incomplete", "deny"}},
		{"level", f.level, []string{"denied", "review", "mention"}},
		{"state", f.state, []string{"waiting", "scanned", "failed"}},
	} {
		if one.value != "" && !slices.Contains(one.of, one.value) {
			return out, usage("it takes "+strings.Join(one.of, ", "), "unknown --%s %q", one.flag, one.value)
		}
	}
	var err error
	if out.Since, err = sinceTime("seen-since", f.since, time.Now()); err != nil {
		return out, err
	}
	if f.fresh || f.run != 0 {
		run, err := readRun(ctx, s, f.run)
		if err != nil {
			return out, err
		}
		out.NewIn = run.ID
	}
	return out, nil
}

// sinceTime reads a day, or an age as parseAge does.
func sinceTime(flag, s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return t, nil
	}
	age, err := parseAge(s)
	if err != nil {
		return time.Time{}, usage("write 2026-01-31 or 90d", "reading --%s: %q is neither a day nor an age", flag, s)
	}
	return now.Add(-age), nil
}

// read opens the store and writes all outputs from it. What goes to stdout is
// streamed: a registry's results do not fit everywhere.
func (f *databaseFlags) read(cmd *cobra.Command, values, formats []string, write func(context.Context, *store.Store, io.Writer, string) error) error {
	outs, err := parseOutputs(values, formats)
	if err != nil {
		return err
	}
	s, err := f.open(cmd.Context())
	if err != nil {
		return err
	}
	defer s.Close()
	var files []output
	for _, o := range outs {
		if o.file != "" {
			files = append(files, o)
		}
	}
	err = writeOutputs(files, nil, func(w io.Writer, format string) error { return write(cmd.Context(), s, w, format) })
	for _, o := range outs {
		if err == nil && o.file == "" {
			err = ignoreClosed(write(cmd.Context(), s, cmd.OutOrStdout(), o.format))
		}
	}
	return f.explain(err)
}

// table writes columns that stand under each other.
type table struct {
	*tabwriter.Writer
	lines *bytes.Buffer
	dest  io.Writer
}

func newTable(w io.Writer, head ...any) table {
	t := table{lines: &bytes.Buffer{}, dest: w}
	t.Writer = tabwriter.NewWriter(t.lines, 0, 8, 2, ' ', 0)
	t.row(head...)
	return t
}

// Flush writes the table, without spaces at the ends of lines.
func (t table) Flush() error {
	if err := t.Writer.Flush(); err != nil {
		return err
	}
	for line := range bytes.Lines(t.lines.Bytes()) {
		if _, err := t.dest.Write(append(bytes.TrimRight(line, " \n"), '\n')); err != nil {
			return err
		}
	}
	return nil
}

func (t table) row(cells ...any) {
	for i, c := range cells {
		if i > 0 {
			fmt.Fprint(t, "\t")
		}
		fmt.Fprint(t, printable(fmt.Sprint(c)))
	}
	fmt.Fprintln(t)
}

func minute(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04")
}

func dayOf(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.DateOnly)
}
