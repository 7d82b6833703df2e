package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/interdict/interdict/denylist/builtin"
)

// versionInfo is what the command version says; its field names are the keys of
// -o json.
type versionInfo struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"` // of the source, as the Go toolchain recorded it
	Modified bool   `json:"modified,omitempty"`
	List     struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		Digest  string `json:"digest"`
		Issued  string `json:"issued"` // the day, "2026-11-23"
		AgeDays int    `json:"ageDays"`
	} `json:"list"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func newVersion() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version, and the built-in list and its age",
		Args:  exactArgs(0, "flags only"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := readVersion(time.Now())
			switch format {
			case "json":
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(v)
			case "text":
				return v.print(cmd)
			}
			return usage("it takes text or json", "unknown format %q", format)
		},
	}
	cmd.Flags().StringVarP(&format, "output", "o", "text", "text or json")
	return cmd
}

func readVersion(now time.Time) versionInfo {
	v := versionInfo{Version: version(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if bi, ok := debug.ReadBuildInfo(); ok {
		for _, s := range bi.Settings {
			switch s.Key {
			case "vcs.revision":
				v.Commit = s.Value
			case "vcs.modified":
				v.Modified = s.Value == "true"
			}
		}
	}
	list := builtin.List()
	id, issued := list.ID(), list.Issued()
	v.List.Name, v.List.Version, v.List.Digest, v.List.Issued = id.Name, id.Version, id.Digest, issued.String()
	v.List.AgeDays = int(now.Sub(issued.Time) / (24 * time.Hour))
	return v
}

func (v versionInfo) print(cmd *cobra.Command) error {
	commit := v.Commit
	if v.Modified {
		commit += ", modified"
	}
	if commit != "" {
		commit = " (" + commit + ")"
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "interdict %s%s\nlist      %s %s, issued %s, %d days old\ngo        %s %s\n",
		v.Version, commit, v.List.Name, v.List.Version, v.List.Issued, v.List.AgeDays, v.Go, v.Platform)
	return err
}
