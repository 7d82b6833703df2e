package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

// workingConfig is the configuration file of the working folder.
const workingConfig = ".interdict.yaml"

// appearance are the flags that a configuration file of the working folder may
// set. Who is judged often writes what lies there, and must not choose the laws,
// the waivers or what is written where.
var appearance = []string{"color", "quiet", "log", "log-format"}

// setting is a flag's value in a configuration file.
type setting struct {
	file   string
	values []string
}

// applySettings fills the flags that the command line does not set: from
// INTERDICT_* variables first, then from the configuration files.
func applySettings(cmd *cobra.Command, _ []string) error {
	settings, ignored, err := readSettings(cmd)
	if err != nil {
		return err
	}
	var errs []error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || slices.Contains([]string{"help", "version", "config", "trust-config"}, f.Name) {
			return
		}
		if v, ok := os.LookupEnv(variable(f.Name)); ok {
			errs = append(errs, set(cmd, f, variable(f.Name), split(f, v)))
		}
	})
	// What the folder's file says of --quiet does not hide that it is ignored.
	if quiet, _ := cmd.Flags().GetBool("quiet"); !quiet && len(ignored) > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s of the working folder: ignored %s: give --config %[1]s or --trust-config if you trust it\n",
			workingConfig, printable(strings.Join(ignored, ", ")))
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if s, ok := settings[f.Name]; ok && !f.Changed {
			errs = append(errs, set(cmd, f, s.file+": "+f.Name, s.values))
		}
	})
	errs = append(errs, checkJobs(cmd))
	if quiet, _ := cmd.Flags().GetBool("quiet"); !quiet {
		for _, v := range unknownVariables(cmd, os.Environ()) {
			fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s is no setting\n", printable(v))
		}
	}
	return errors.Join(errs...)
}

// checkJobs refuses a number of jobs that is none.
func checkJobs(cmd *cobra.Command) error {
	if n, err := cmd.Flags().GetInt("jobs"); err == nil && n < 0 {
		return usage("leave it out for one a processor", "--jobs %d: fewer than none cannot work", n)
	}
	return nil
}

// moreVariables are those that no flag has: secrets, which a command line shows
// to others.
var moreVariables = []string{
	"INTERDICT_TOKEN", "INTERDICT_READ_TOKEN", "INTERDICT_REGISTRY_AUTH_AUTHORITY",
	"INTERDICT_REGISTRY_AUTH_USERNAME", "INTERDICT_REGISTRY_AUTH_PASSWORD", "INTERDICT_REGISTRY_AUTH_TOKEN",
}

// unknownVariables returns the names in env that begin as ours do and mean
// nothing to any command, sorted.
func unknownVariables(cmd *cobra.Command, env []string) (bad []string) {
	known := map[string]bool{}
	for _, v := range moreVariables {
		known[v] = true
	}
	for f := range allFlags(cmd) {
		known[variable(f)] = true
	}
	for _, e := range env {
		if name, _, _ := strings.Cut(e, "="); strings.HasPrefix(name, variable("")) && !known[name] {
			bad = append(bad, name)
		}
	}
	slices.Sort(bad)
	return bad
}

// allFlags are the names of the flags of all commands.
func allFlags(cmd *cobra.Command) map[string]bool {
	all := map[string]bool{}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) { all[f.Name] = true })
		c.PersistentFlags().VisitAll(func(f *pflag.Flag) { all[f.Name] = true })
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(cmd.Root())
	return all
}

// variable is the environment variable of a flag.
func variable(flag string) string {
	return "INTERDICT_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// split cuts a variable's value at commas where the flag takes many values.
func split(f *pflag.Flag, v string) []string {
	if _, many := f.Value.(pflag.SliceValue); many {
		return strings.Split(v, ",")
	}
	return []string{v}
}

func set(cmd *cobra.Command, f *pflag.Flag, from string, values []string) error {
	for _, v := range values {
		if err := cmd.Flags().Set(f.Name, v); err != nil {
			return usage("run '"+cmd.CommandPath()+" --help' for what it takes", "setting --%s from %s: %w", f.Name, from, err)
		}
	}
	return nil
}

// readSettings reads the file of --config; or without it that of the user's
// folder and over it that of the working folder, of which only the appearance
// counts unless it is trusted. It returns the names of what was ignored.
func readSettings(cmd *cobra.Command) (settings map[string]setting, ignored []string, err error) {
	settings = map[string]setting{}
	explicit, _ := cmd.Flags().GetString("config")
	if explicit == "" {
		explicit = os.Getenv(variable("config"))
	}
	if explicit != "" {
		return settings, nil, mergeSettings(cmd, explicit, true, settings)
	}
	if dir, err := os.UserConfigDir(); err == nil {
		if err := mergeSettings(cmd, filepath.Join(dir, "interdict", "config.yaml"), false, settings); err != nil {
			return nil, nil, err
		}
	}
	trusted, err := trustsFolder(cmd)
	if err != nil {
		return nil, nil, err
	}
	folder := map[string]setting{}
	if err := mergeSettings(cmd, workingConfig, false, folder); err != nil {
		return nil, nil, err
	}
	for name, s := range folder {
		if trusted || slices.Contains(appearance, name) {
			settings[name] = s
		} else {
			ignored = append(ignored, name)
		}
	}
	slices.Sort(ignored)
	return settings, ignored, nil
}

// trustsFolder reports whether --trust-config is given, or its variable.
func trustsFolder(cmd *cobra.Command) (bool, error) {
	trusted, _ := cmd.Flags().GetBool("trust-config")
	v := os.Getenv(variable("trust-config"))
	if v == "" || cmd.Flags().Changed("trust-config") {
		return trusted, nil
	}
	trusted, err := strconv.ParseBool(v)
	if err != nil {
		return false, usage("it takes true or false", "reading %s: %q is neither", variable("trust-config"), v)
	}
	return trusted, nil
}

// mergeSettings adds what a file says to settings. It need not be there unless
// it is required.
func mergeSettings(cmd *cobra.Command, name string, required bool, settings map[string]setting) error {
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && !required {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	m, err := parseSettings(data)
	if err != nil {
		return usage("a configuration file is YAML: 'fail-on: review', one key a flag", "reading %s: %w", name, err)
	}
	for k, v := range m {
		settings[k] = setting{name, v}
	}
	return unknownSettings(cmd, name, m)
}

func parseSettings(data []byte) (map[string][]string, error) {
	var raw map[string]yaml.Node
	if err := yaml.Unmarshal(data, &raw); err != nil {
		return nil, err
	}
	m := make(map[string][]string, len(raw))
	for k, n := range raw {
		switch n.Kind {
		case yaml.ScalarNode:
			m[k] = []string{n.Value}
		case yaml.SequenceNode:
			for _, e := range n.Content {
				m[k] = append(m[k], e.Value)
			}
		default:
			return nil, fmt.Errorf("line %d: %s: want a value or a list", n.Line, k)
		}
	}
	return m, nil
}

// unknownSettings refuses keys that no command of ours has as a flag: a typing
// error must not silently weaken a check.
func unknownSettings(cmd *cobra.Command, name string, file map[string][]string) error {
	known := allFlags(cmd)
	var bad []string
	for k := range file {
		if !known[k] {
			bad = append(bad, k)
		}
	}
	if len(bad) == 0 {
		return nil
	}
	slices.Sort(bad)
	return usage("keys are the names of flags, without dashes in front", "reading %s: unknown key %q", name, bad[0])
}
