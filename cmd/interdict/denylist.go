package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/interdict/interdict/denylist"
)

func newDenylist() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "denylist",
		Short: "Read the denylist: laws, vendors, and the rules that recognise them",
	}
	var lists listFlags
	lists.add(cmd.PersistentFlags())
	withList := func(fn func(w io.Writer, l *denylist.List, args []string) error) func(*cobra.Command, []string) error {
		return func(c *cobra.Command, args []string) error {
			l, err := lists.read(c.Context())
			if err != nil {
				return err
			}
			return fn(c.OutOrStdout(), l, args)
		}
	}
	cmd.AddCommand(
		&cobra.Command{
			Use: "ls", Short: "List regimes and vendors", Args: exactArgs(0, "no argument"),
			RunE: withList(func(w io.Writer, l *denylist.List, _ []string) error { return listAll(w, l) }),
		},
		&cobra.Command{
			Use: "show ID", Short: "Write a vendor or a regime as the YAML of a denylist",
			Args: exactArgs(1, "the ID of a vendor or a regime"),
			RunE: withList(func(w io.Writer, l *denylist.List, args []string) error { return show(w, l, args[0]) }),
		},
		&cobra.Command{
			Use: "explain VENDOR", Short: "Say in plain words what bans a vendor and what identifies its software",
			Args: exactArgs(1, "the ID of a vendor"),
			RunE: withList(func(w io.Writer, l *denylist.List, args []string) error {
				if !slices.ContainsFunc(l.Vendors, func(v denylist.Vendor) bool { return v.ID == args[0] }) {
					return unknownID(args[0])
				}
				return denylist.Explain(w, l, args[0])
			}),
		},
		&cobra.Command{
			Use: "lint [FILE...]", Short: "Check denylist files, or the list in use",
			Long: `lint reads each file as scan would and tells what is wrong with it. Without a
file it checks the list in use. Errors make the exit code 1; warnings do not.`,
			RunE: func(c *cobra.Command, args []string) error { return lint(c, &lists, args) },
		},
		newDenylistPush(&lists), newDenylistPull(&lists),
	)
	return cmd
}

func unknownID(id string) error {
	return usage("'interdict denylist ls' lists them", "the list has no %q", id)
}

func listAll(w io.Writer, l *denylist.List) error {
	id := l.ID()
	fmt.Fprintf(w, "%s %s, %s\n\n", id.Name, id.Version, id.Digest)
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tw, "REGIME\tEFFECT\tIN FORCE\tNAME")
	today := denylist.DateOf(time.Now().UTC())
	for _, r := range l.Regimes {
		var effects []string
		for _, e := range r.Effects {
			effects = append(effects, string(e))
		}
		force := "since " + r.Effective.String()
		if !r.InForce(today) {
			force = "not today"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", r.ID, strings.Join(effects, "+"), force, r.Name)
	}
	fmt.Fprintln(tw, "\nVENDOR\tRULES\tREGIMES\tNAME")
	for _, v := range l.Vendors {
		fmt.Fprintf(tw, "%s\t%d\t%d\t%s\n", v.ID, len(v.Rules), len(regimesOf(l, v.ID)), v.Name)
	}
	return tw.Flush()
}

func regimesOf(l *denylist.List, vendor string) (rs []denylist.Regime) {
	for _, r := range l.Regimes {
		if slices.ContainsFunc(r.Vendors, func(v denylist.RegimeVendor) bool { return v.ID == vendor }) {
			rs = append(rs, r)
		}
	}
	return rs
}

func show(w io.Writer, l *denylist.List, id string) error {
	one := &denylist.List{Name: l.Name, Version: l.Version}
	for _, v := range l.Vendors {
		if v.ID == id {
			one.Vendors = append(one.Vendors, v)
		}
	}
	for _, r := range l.Regimes {
		if r.ID == id {
			one.Regimes = append(one.Regimes, r)
		}
	}
	if len(one.Vendors)+len(one.Regimes) == 0 {
		return unknownID(id)
	}
	return one.Encode(w)
}

// lint checks files by themselves and in use: over the built-in list.
func lint(c *cobra.Command, lists *listFlags, names []string) error {
	errOut, broken := c.ErrOrStderr(), 0
	for _, name := range names {
		if err := parseFile(name); err != nil {
			printError(errOut, err)
			broken++
		}
	}
	if broken > 0 {
		return exitCode(exitError)
	}
	use := listFlags{denylists: append(slices.Clone(lists.denylists), names...)}
	l, err := use.read(c.Context())
	if err != nil {
		return err
	}
	errors := 0
	for _, p := range denylist.Lint(l) {
		if p.Severity == denylist.SeverityNote {
			continue
		}
		if p.Severity == denylist.SeverityError {
			errors++
		}
		fmt.Fprintf(errOut, "%s: %s: %s\n", p.Severity, p.Where, p.Message)
		if p.Hint != "" {
			fmt.Fprintln(errOut, "hint:", p.Hint)
		}
	}
	if errors > 0 {
		return exitCode(exitError)
	}
	fmt.Fprintf(c.OutOrStdout(), "%s: %d regimes, %d vendors, no errors\n",
		strings.Join(append([]string{"built-in list"}, baseNames(names)...), " + "), len(l.Regimes), len(l.Vendors))
	return nil
}

func parseFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("opening a denylist: %w", err)
	}
	defer f.Close()
	_, err = denylist.Parse(f, name)
	return err
}

func baseNames(paths []string) (names []string) {
	for _, p := range paths {
		if fi, err := os.Stat(p); err == nil {
			names = append(names, fi.Name())
		}
	}
	return names
}
