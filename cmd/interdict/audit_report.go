package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/scanner/audit"
	"github.com/interdict/interdict/scanner/audit/export"
	"github.com/interdict/interdict/scanner/audit/store"
)

func newAuditReport() *cobra.Command {
	var db databaseFlags
	var outs []string
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Write the report of an audit: the count, the method, what is new and gone",
		Long: `report writes what an order such as BOD 17-01 asks for: what was found and
where, counted by vendor, regime, repository and team, how it was counted, what
could not be examined, and what changed since the run before.`,
		Example: `  interdict audit report
  interdict audit report -o html=audit.html -o json=audit.json`,
		Args: exactArgs(0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return db.read(cmd, outs, []string{"text", "markdown", "json", "html"}, func(ctx context.Context, s *store.Store, w io.Writer, format string) error {
				now, err := clock()
				if err != nil {
					return err
				}
				if now.IsZero() {
					now = time.Now()
				}
				r, err := export.MakeReport(ctx, s, now)
				if errors.Is(err, store.ErrNotFound) {
					_, err = readRun(ctx, s, 0)
				}
				if err != nil {
					return err
				}
				return export.WriteReport(w, r, export.Format(format))
			})
		},
	}
	db.add(cmd.Flags())
	cmd.Flags().StringArrayVarP(&outs, "output", "o", nil, "text, markdown, json or html, with =FILE to write a file (repeatable)")
	return cmd
}

// rejudgeFlags are the flags of audit rejudge.
type rejudgeFlags struct {
	judgeFlags
	workFlags
	output []string
	save   bool
}

func newAuditRejudge() *cobra.Command {
	var f rejudgeFlags
	cmd := &cobra.Command{
		Use:   "rejudge",
		Short: "Judge all stored bills of materials again, without pulling anything",
		Long: `rejudge applies a list, a day's law or waivers to everything that was scanned,
and says which images it changed. Rules that look for what no scan has looked
for leave images incomplete: the next audit looks for it.

Asked about another day, list or regime (--as-of, --denylist, --regime) it only
answers: what is kept, and what pages and reports show, stays as it is, unless
--save is given.

Exit codes: 0 pass, 1 error, 2 usage, 3 denied, 4 incomplete.`,
		Example: `  interdict audit rejudge --denylist new.yaml
  interdict audit rejudge --as-of 2018-10-01 -o json=changes.json
  interdict audit rejudge --denylist new.yaml --save`,
		Args: exactArgs(0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error { return f.explain(runRejudge(cmd, &f)) },
	}
	fl := cmd.Flags()
	f.judgeFlags.add(fl)
	f.databaseFlags.add(fl)
	f.registry.add(fl)
	fl.IntVar(&f.jobs, "jobs", 0, "images at once (default: one a processor)")
	fl.BoolVar(&f.save, "save", false, "keep the answers, also of another day, list or regime")
	fl.StringArrayVarP(&f.output, "output", "o", nil, "table or json, with =FILE to write a file (repeatable)")
	return cmd
}

func runRejudge(cmd *cobra.Command, f *rejudgeFlags) error {
	ctx := cmd.Context()
	outs, err := parseOutputs(f.output, []string{"table", "json"})
	if err != nil {
		return err
	}
	law, err := f.law(ctx, cmd, f.registry)
	if err != nil {
		return err
	}
	f.memory, f.times.HeartbeatTimeout = "512MiB", 30*time.Second // it scans nothing
	w, err := f.openAudit(cmd)
	if err != nil {
		return err
	}
	defer w.close()
	p := w.progress(true)
	defer p.stop()
	run, changes, err := f.rejudge(ctx, w.audit, audit.RejudgeOptions{Ruleset: law, Jobs: f.jobs, Observe: p.observe})
	p.stop()
	if err != nil {
		return err
	}
	err = writeOutputs(outs, cmd.OutOrStdout(), func(out io.Writer, format string) error {
		if format == "json" {
			return writeChangesJSON(out, run, changes)
		}
		return writeChanges(out, run, changes)
	})
	if err != nil {
		return err
	}
	return f.exitOfRun(run)
}

// rejudge judges again: it keeps the verdicts, or, of a question, only answers.
func (f *rejudgeFlags) rejudge(ctx context.Context, a *audit.Audit, opt audit.RejudgeOptions) (store.Run, []store.Change, error) {
	if question := f.asOf != "" || len(f.denylists) > 0 || len(f.regimes) > 0; question && !f.save {
		answer, err := a.Ask(ctx, opt)
		if err != nil {
			return store.Run{}, nil, err
		}
		return answer.Run, answer.Changes, nil
	}
	run, err := a.Rejudge(ctx, opt)
	if err != nil {
		return run, nil, err
	}
	changes, err := a.Store().Changes(ctx, run.ID)
	return run, changes, err
}

// writeChangesJSON writes what the server's /api/v1/changes gives, and the run.
func writeChangesJSON(w io.Writer, run store.Run, changes []store.Change) error {
	out := struct {
		SchemaVersion string          `json:"schemaVersion"`
		Run           export.Run      `json:"run"`
		Changes       []export.Change `json:"changes"`
	}{export.SchemaVersion, export.RunOf(run), []export.Change{}}
	for _, c := range changes {
		out.Changes = append(out.Changes, export.ChangeOf(c))
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

// writeChanges says what judging again changed.
func writeChanges(w io.Writer, run store.Run, changes []store.Change) error {
	writeHead(w, run)
	if len(changes) == 0 {
		_, err := fmt.Fprintln(w, "\nNothing changed.")
		return err
	}
	fmt.Fprintf(w, "\nChanged: %s\n", counted(int64(len(changes)), "image"))
	t := newTable(w, "  BEFORE", "NOW", "IMAGE", "ADDED", "REMOVED")
	for _, c := range changes {
		t.row("  "+outcomeWord(c.Before), outcomeWord(c.After), imageName(c.Repository, c.Digest, c.Tags), vendorsOf(c.Added), vendorsOf(c.Removed))
	}
	return t.Flush()
}

func outcomeWord(o denylist.Outcome) string {
	if o == "" {
		return "-"
	}
	return strings.ToUpper(string(o))
}

// vendorsOf names the components of findings and their levels.
func vendorsOf(fs []store.Finding) string {
	if len(fs) == 0 {
		return "-"
	}
	var names []string
	for i, f := range fs {
		if i == 3 {
			names = append(names, fmt.Sprintf("and %d more", len(fs)-3))
			break
		}
		names = append(names, f.Vendor+": "+componentName(f)+" ("+string(f.Level)+")")
	}
	return strings.Join(names, ", ")
}
