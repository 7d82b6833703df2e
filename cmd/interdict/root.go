package main

import (
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "interdict",
		Short: "Find software of banned vendors before you ship it",
		Long: `interdict looks inside container images, filesystems and binaries, writes a
CycloneDX bill of materials, and says which banned vendors' products are in
it, where, under which law, by which evidence, and what could not be examined.

Every flag can also be given as an environment variable (INTERDICT_FAIL_ON for
--fail-on) or in a configuration file: that of --config, or else
interdict/config.yaml in the user's configuration folder. Of .interdict.yaml in
the working folder only color and quiet count, unless --trust-config is given:
what is to be judged often comes with it.`,
		Example: `  interdict scan alpine:3.20
  interdict scan ./rootfs -o table -o cyclonedx-json=bom.json
  interdict denylist explain kaspersky`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		Version:           version(),
		Args:              knownCommand,
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: applySettings,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.PersistentFlags().String("config", "", "configuration file (YAML; keys are the flags' names)")
	root.PersistentFlags().Bool("trust-config", false, "let .interdict.yaml of the working folder set every flag, also those that decide")
	root.PersistentFlags().BoolP("quiet", "q", false, "say nothing but errors on stderr")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage("run '"+c.CommandPath()+" --help' for the flags", "%w", err)
	})
	root.AddCommand(newScan(), newCheck(), newReportCommand(), newExplain(), newDenylist())
	root.AddCommand(newAttach(), newVerify(), newFetch())
	root.AddCommand(newConvert(), newWaive(), newMerge(), newDiff(), newFormats())
	root.AddCommand(newAudit(), newServe(), newVersion())
	return root
}

// elsewhere are the names that other tools have for commands of ours.
var elsewhere = map[string]string{
	"image": "scan", "fs": "scan", "filesystem": "scan", "rootfs": "scan", "dir": "scan", "sbom": "check", "attest": "attach",
}

// knownCommand refuses a word that is no command, and names the one that was
// probably meant.
func knownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "'interdict --help' lists the commands; to look at a target: interdict scan " + args[0]
	root.SuggestionsMinimumDistance = 2
	if near := root.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean 'interdict " + near[0] + "'?"
	} else if name := elsewhere[args[0]]; name != "" {
		hint = "did you mean 'interdict " + name + "'?"
	}
	return usage(hint, "unknown command %q", args[0])
}

// exactArgs is cobra.ExactArgs with our own words and exit code.
func exactArgs(n int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return usage("usage: "+c.UseLine(), "want %s, got %d arguments", what, len(args))
		}
		return nil
	}
}

// version is the module's version as the Go toolchain recorded it.
func version() string {
	if bi, ok := debug.ReadBuildInfo(); ok && bi.Main.Version != "" {
		return bi.Main.Version
	}
	return "(devel)"
}
