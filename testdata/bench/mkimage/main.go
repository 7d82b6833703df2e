// Command mkimage makes a container image from Debian packages, without a
// container engine and without running any of their scripts: one layer for
// each group of packages, each with the dpkg database as it would be after it.
//
// Usage: go run ./testdata/bench/mkimage [-cache DIR] [-o FILE] GROUP...
//
// A GROUP is a comma-separated list of package names; what they depend on
// comes with the first group that needs it. FILE is as "docker save" writes it.
// It needs apt-get and dpkg-deb, and downloads each package once.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

func main() {
	cache := flag.String("cache", "", "folder for downloaded packages (default: in the user's cache folder)")
	out := flag.String("o", "bench.tar", "the image, as \"docker save\" writes it")
	ref := flag.String("ref", "bench.example/debian:1", "its reference")
	flag.Parse()
	if err := run(*cache, *out, *ref, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(cache, out, ref string, groups []string) error {
	if len(groups) == 0 {
		return fmt.Errorf("no groups of packages: see the usage in the source")
	}
	if cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return err
		}
		cache = filepath.Join(dir, "interdict-test", "deb")
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	var layers [][]string
	taken := map[string]bool{}
	for _, g := range groups {
		debs, err := resolve(strings.Split(g, ","))
		if err != nil {
			return err
		}
		var fresh []string
		for _, d := range debs {
			if !taken[d.file] {
				taken[d.file] = true
				fresh = append(fresh, filepath.Join(cache, d.file))
			}
		}
		if err := download(cache, debs); err != nil {
			return err
		}
		layers = append(layers, fresh)
	}
	return build(layers, groups, ref, out)
}

// deb is one package to fetch.
type deb struct{ name, version, file string }

// resolve asks apt what a machine with nothing installed would have to install.
func resolve(names []string) ([]deb, error) {
	args := append([]string{"-o", "Dir::State::status=/dev/null", "-o", "APT::Install-Recommends=false",
		"install", "-y", "--print-uris", "-qq"}, names...)
	text, err := exec.Command("apt-get", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("resolving %s with apt-get: %w", strings.Join(names, ","), err)
	}
	var debs []deb
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line) // 'URI' NAME_VERSION_ARCH.deb SIZE SUM
		if len(f) < 3 || !strings.HasSuffix(f[1], ".deb") {
			continue
		}
		part := strings.Split(strings.TrimSuffix(f[1], ".deb"), "_")
		if len(part) != 3 {
			return nil, fmt.Errorf("reading apt-get's line %q", line)
		}
		debs = append(debs, deb{part[0] + ":" + part[2], strings.ReplaceAll(part[1], "%3a", ":"), path.Base(f[1])})
	}
	if len(debs) == 0 {
		return nil, fmt.Errorf("apt-get names no package for %s: run apt-get update first", strings.Join(names, ","))
	}
	return debs, nil
}

func download(dir string, debs []deb) error {
	var want []string
	for _, d := range debs {
		if _, err := os.Stat(filepath.Join(dir, d.file)); err != nil {
			name := strings.TrimSuffix(d.name, ":all")
			want = append(want, name+"="+d.version)
		}
	}
	for len(want) > 0 {
		n := min(len(want), 50)
		cmd := exec.Command("apt-get", append([]string{"download", "-qq", "-o", "APT::Sandbox::User=root"}, want[:n]...)...)
		cmd.Dir, cmd.Stderr = dir, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("downloading packages: %w", err)
		}
		want = want[n:]
	}
	return nil
}
