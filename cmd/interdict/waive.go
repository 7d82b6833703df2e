package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/interdict/interdict/denylist"
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
	r, err := readReport(args[0], cmd.InOrStdin())
	if err != nil {
		return err
	}
	finding, err := r.MatchFinding(args[1])
	if err != nil {
		return usage("findings have their IDs in the report: 'interdict report "+args[0]+"' shows them", "waiving a finding: %w", err)
	}
	w.Finding, w.Vendor = finding.ID, finding.Vendor
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
	return nil
}

func hasRuling(f *denylist.Finding, regime string) bool {
	for _, r := range f.Rulings {
		if r.Regime == regime && (r.Verdict == denylist.RulingDenied || r.Verdict == denylist.RulingReview) {
			return true
		}
	}
	return false
}
