package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/report"
)

// readWaivers reads a file of waivers; there are none without a name.
func readWaivers(name string) ([]denylist.Waiver, error) {
	if name == "" {
		return nil, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening waivers: %w", err)
	}
	defer f.Close()
	return denylist.ParseWaivers(f, name)
}

// waiveFlags are the flags of waive.
type waiveFlags struct {
	file, regime, reason, approver, expires string
	digest                                  bool
}

func newWaive() *cobra.Command {
	var f waiveFlags
	cmd := &cobra.Command{
		Use:   "waive REPORT FINDING",
		Short: "Write down that somebody answers for a finding until a day",
		Long: `waive appends a waiver to a file that scan and check take with --waivers. A
waived finding stays in every report, marked, and does not decide the verdict
or the exit code. It counts until its last day; waivers that are expired or
match nothing are warned of.

Without --digest it covers the finding in everything that is judged with the
file, also in other images: what it covers is printed.

The file may be edited: a waiver can also select by vendor, purl, path or
digest, see denylist/schema/waivers.schema.json.`,
		Example: `  interdict waive report.json 3f9a2c --reason "isolated test bench" \
      --approver "J. Doe, CISO" --expires 2027-01-31
  interdict scan app.tar --waivers waivers.yaml`,
		Args: exactArgs(2, "a report and the ID of a finding"),
		RunE: func(cmd *cobra.Command, args []string) error { return runWaive(cmd, args, &f) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.file, "file", "waivers.yaml", "file to append to; it is made if it is not there")
	fl.StringVar(&f.regime, "regime", "", "waive the ruling of this regime only")
	fl.BoolVar(&f.digest, "digest", false, "cover this image or file only, by its digest")
	fl.StringVar(&f.reason, "reason", "", "why (required)")
	fl.StringVar(&f.approver, "approver", "", "who answers for it (required)")
	fl.StringVar(&f.expires, "expires", "", "its last day, YYYY-MM-DD (required)")
	return cmd
}

func runWaive(cmd *cobra.Command, args []string, f *waiveFlags) error {
	w := denylist.Waiver{Regime: f.regime, Reason: f.reason, Approver: f.approver}
	var err error
	if w.Expires, err = denylist.ParseDate(f.expires); err != nil {
		return usage("write --expires 2027-01-31", "reading --expires: %w", err)
	}
	if today := denylist.DateOf(time.Now().UTC()); !w.Expires.IsZero() && w.Expires.Before(today.Time) {
		return usage("give a day that is yet to come", "--expires %s is over: such a waiver waives nothing", w.Expires)
	}
	r, err := readReport(args[0], cmd.InOrStdin())
	if err != nil {
		return err
	}
	finding, err := r.MatchFinding(args[1])
	if err != nil {
		return usage("findings have their IDs in the report: 'interdict report "+args[0]+"' shows them", "waiving a finding: %w", err)
	}
	w.Finding, w.Vendor = finding.ID, finding.Vendor
	covers := "every target that is judged with --waivers " + f.file
	if f.digest {
		if w.Digest = digestOf(r, finding); w.Digest == "" {
			return usage("a folder and an archive of docker save have none: leave --digest out", "waiving %s: the report has no digest of what it is in", finding.ID)
		}
		covers = w.Digest + " alone"
	}
	if err := w.Check(); err != nil {
		return usage("give --reason, --approver and --expires", "waiving %s: %w", finding.ID, err)
	}
	if f.regime != "" && !hasRuling(finding, f.regime) {
		return usage("leave --regime out to waive all rulings", "waiving %s: regime %s does not stop it", finding.ID, f.regime)
	}
	text, err := os.ReadFile(f.file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading waivers: %w", err)
	}
	if _, err := denylist.ParseWaivers(bytes.NewReader(text), f.file); len(text) > 0 && err != nil {
		return err
	}
	if text, err = denylist.AppendWaiver(text, w); err != nil {
		return err
	}
	err = writeOutputs([]output{{file: f.file}}, io.Discard, func(out io.Writer, _ string) error {
		_, err := out.Write(text)
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s is waived until %s in %s\n", printable(finding.ID), w.Expires, f.file)
	fmt.Fprintf(cmd.OutOrStdout(), "it covers %s\n", printable(covers))
	return nil
}

// digestOf is the digest of the target that a finding of the report is in.
func digestOf(r *report.Report, f *denylist.Finding) string {
	for i := range r.Targets {
		t := &r.Targets[i]
		for j := range t.Verdict.Findings {
			if &t.Verdict.Findings[j] == f {
				return t.Digest
			}
		}
	}
	return ""
}

func hasRuling(f *denylist.Finding, regime string) bool {
	for _, r := range f.Rulings {
		if r.Regime == regime && (r.Verdict == denylist.RulingDenied || r.Verdict == denylist.RulingReview) {
			return true
		}
	}
	return false
}
