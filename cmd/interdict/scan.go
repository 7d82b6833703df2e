package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/interdict/interdict/denylist"
	"github.com/interdict/interdict/denylist/report"
	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/sbom/document"
	"github.com/interdict/interdict/scanner"
	"github.com/interdict/interdict/scanner/registry"
	"github.com/interdict/interdict/scanner/scan"
	"github.com/interdict/interdict/scanner/source"
)

// scanFlags are the flags of scan.
type scanFlags struct {
	judgeFlags
	renderFlags
	platforms []string
	insecure  bool
	ca        string
	memory    string
	jobs      int
	cacheDir  string
	noCache   bool
	files     bool
}

func newScan() *cobra.Command {
	var f scanFlags
	cmd := &cobra.Command{
		Use:   "scan TARGET...",
		Short: "Look inside images, folders and files, and judge what is there",
		Long: `scan reads all layers of an image (also what a later layer removed: it still
ships), a folder or a file, writes what it finds, and judges it.

TARGET is
  registry:REFERENCE          an image in a registry
  docker:NAME, podman:NAME    an image in a container engine
  docker-archive:FILE[:TAG]   what "docker save" writes
  oci-archive:FILE[:TAG]      an OCI image layout in a tar
  oci-dir:FOLDER[:TAG]        an OCI image layout
  rootfs:FILE                 a filesystem tarball, as "docker export" writes
  dir:FOLDER, file:FILE
or, without a scheme, whatever exists under that path, or else a reference.
"-" reads targets from stdin, one a line.

Exit codes: 0 pass; 2 usage; else the first of these that any target has: 3
denied, 1 error, 4 incomplete (something could not be examined), 5 review (a
person must decide). --fail-on denied makes 5 a 0, --fail-on never 3 and 5.`,
		Example: `  interdict scan debian:12
  interdict scan --platform all ghcr.io/example/app:1.0 -o json
  interdict scan ./rootfs app.tar -o table -o cyclonedx-json=bom.json
  docker images -q | interdict scan -`,
		RunE: func(cmd *cobra.Command, args []string) error { return runScan(cmd, args, &f) },
	}
	fl := cmd.Flags()
	f.judgeFlags.add(fl)
	f.renderFlags.add(fl)
	f.addLooking(fl)
	return cmd
}

// addLooking adds the flags that say how to look.
func (f *scanFlags) addLooking(fl *pflag.FlagSet) {
	fl.StringSliceVar(&f.platforms, "platform", nil, `platform of an image, os/arch[/variant], or "all" (repeatable)`)
	fl.BoolVar(&f.insecure, "insecure-registry", false, "allow plain HTTP and certificates that do not verify")
	fl.StringVar(&f.ca, "registry-ca", "", "file of PEM certificates to trust for registries")
	fl.StringVar(&f.memory, "memory", "512MiB", "budget for file contents in memory; what exceeds it goes to a private temporary folder")
	fl.IntVar(&f.jobs, "jobs", 0, "layers and files at once (default: one a processor)")
	fl.StringVar(&f.cacheDir, "cache-dir", "", "folder for results of layers (default: in the user's cache folder)")
	fl.BoolVar(&f.noCache, "no-cache", false, "neither read nor write results of layers")
	fl.BoolVar(&f.files, "files", false, "write a component with its digest for every file")
}

func runScan(cmd *cobra.Command, args []string, f *scanFlags) error {
	ctx := cmd.Context()
	stdin := bufio.NewReaderSize(cmd.InOrStdin(), document.SniffLen)
	targets, err := readTargets(args, stdin)
	if err != nil {
		return err
	}
	outs, err := f.outputs(report.Formats())
	if err != nil {
		return err
	}
	f.reach = registryFlags{insecure: f.insecure, ca: f.ca}
	j, err := f.judge(ctx, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	s, err := newScanner(cmd, f, j)
	if err != nil {
		return err
	}
	defer s.close()
	s.stdin = stdin
	r := j.newReport()
	failed := s.all(ctx, targets, r)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if len(r.Targets) == failed {
		return exitCode(exitError)
	}
	if err := f.write(cmd, outs, r); err != nil {
		return err
	}
	return f.exit(r, failed)
}

// scanning is what all targets of one run share.
type scanning struct {
	judge  *judging
	source source.Options
	opt    scan.Options
	quiet  bool
	stdin  io.Reader // for a target "sbom:-"
	errOut io.Writer
	temp   string
	warned bool
}

func newScanner(cmd *cobra.Command, f *scanFlags, j *judging) (*scanning, error) {
	memory, err := parseSize(f.memory)
	if err != nil {
		return nil, usage("write --memory 512MiB or --memory 2GiB", "reading --memory: %w", err)
	}
	if err := source.CheckPlatforms(f.platforms); err != nil {
		return nil, usage(hintOf(err), "reading --platform: %w", err)
	}
	quiet, _ := cmd.Flags().GetBool("quiet")
	client, err := registry.New(registry.Options{Version: version(), Insecure: f.insecure, CAFile: f.ca, Warn: func(m string) {
		if !quiet {
			fmt.Fprintln(cmd.ErrOrStderr(), "warning:", printable(m))
		}
	}})
	if err != nil {
		return nil, err
	}
	s := &scanning{judge: j, quiet: quiet, errOut: cmd.ErrOrStderr(),
		source: source.Options{Platforms: f.platforms, Client: client}}
	s.opt = scan.Options{Watch: j.list.Watch(), Memory: memory, Jobs: f.jobs, Files: f.files,
		Tool: sbom.Tool{Name: "interdict", Version: version()}, Created: j.created}
	if !f.noCache {
		s.openCache(f.cacheDir)
	}
	return s, s.makeTemp()
}

// tempPrefix begins the names of our temporary folders.
const tempPrefix = "interdict-"

// makeTemp makes one private folder for everything temporary.
func (s *scanning) makeTemp() (err error) {
	s.temp, err = privateTemp()
	s.opt.TempDir, s.source.TempDir = s.temp, s.temp
	return err
}

func (s *scanning) close() {
	if s.temp != "" {
		os.RemoveAll(s.temp)
	}
}

// openCache uses a cache if there can be one: a read-only home must not stop a
// scan.
func (s *scanning) openCache(dir string) {
	var err error
	if dir == "" {
		dir, err = scan.DefaultCacheDir()
	}
	if err == nil {
		s.opt.Cache, err = scan.OpenCache(dir, 0)
	}
	if err != nil {
		s.warn(err)
	}
}

func (s *scanning) warn(err error) {
	if !s.warned && !s.quiet {
		s.warned = true
		fmt.Fprintln(s.errOut, "warning: not all of the cache is used:", printable(err.Error()))
	}
}

// all scans the targets one after the other and returns how many failed. One
// that fails does not stop the others.
func (s *scanning) all(ctx context.Context, targets []string, r *report.Report) (failed int) {
	for _, t := range targets {
		if ok, err := s.claimed(r, t); ok {
			if err != nil {
				failed += s.fail(ctx, r, report.Target{Target: t}, err)
			}
			continue
		}
		srcs, err := source.Open(ctx, t, s.source)
		if err != nil {
			failed += s.fail(ctx, r, report.Target{Target: t}, err)
			continue
		}
		for _, src := range srcs {
			if err := s.one(ctx, t, src, r); err != nil {
				sub := src.Subject()
				failed += s.fail(ctx, r, report.Target{Target: t, Digest: sub.Digest, Platform: sub.Platform}, err)
			}
			src.Close()
		}
	}
	return failed
}

func (s *scanning) fail(ctx context.Context, r *report.Report, t report.Target, err error) int {
	if ctx.Err() == nil {
		printError(s.errOut, err)
	}
	t.Error = err.Error()
	r.Targets = append(r.Targets, t)
	return 1
}

func (s *scanning) one(ctx context.Context, target string, src scanner.Source, r *report.Report) error {
	p := newProgress(s.errOut, s.quiet, target)
	opt := s.opt
	var trouble atomic.Pointer[error] // the first of many is enough
	opt.Observe = func(e scan.Event) {
		if e.Kind == scan.CacheTrouble {
			trouble.CompareAndSwap(nil, &e.Err)
		}
		p.observe(e)
	}
	inv, err := scan.Run(ctx, src, opt)
	p.stop()
	if err != nil {
		return fmt.Errorf("scanning %s: %w", target, err)
	}
	if err := trouble.Load(); err != nil {
		s.warn(*err)
	}
	s.judge.target(r, target, inv)
	return nil
}

// parseSize reads "512MiB", "2G", "1000000".
func parseSize(s string) (int64, error) {
	digits := strings.TrimRight(s, "KMGTiBkb")
	n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%q is no size", s)
	}
	unit := strings.ToUpper(strings.TrimSpace(s[len(digits):]))
	i := slices.Index([]string{"", "K", "M", "G", "T"}, strings.TrimSuffix(strings.TrimSuffix(unit, "B"), "I"))
	if i < 0 || n > (1<<62)>>(10*i) {
		return 0, fmt.Errorf("%q is no size", s)
	}
	return n << (10 * i), nil
}

// judgeFlags are the flags of everything that judges.
type judgeFlags struct {
	listFlags
	regimes  []string
	asOf     string
	failOn   string
	waivers  string
	mentions bool
}

// renderFlags are the flags of everything that writes a report.
type renderFlags struct {
	output       []string
	specVersion  string
	declarations bool
	template     string
	color        string
}

// judging is a list and the policy to judge by.
type judging struct {
	list    *denylist.List
	policy  denylist.Policy
	regimes []*denylist.Regime // that are asked, sorted
	created time.Time
	waivers []denylist.Waiver
}

func terminalWidth(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil {
			return n
		}
	}
	return 0
}
