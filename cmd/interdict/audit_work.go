package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/interdict/interdict/sbom"
	"github.com/interdict/interdict/scanner/audit"
	"github.com/interdict/interdict/scanner/registry"
)

// workFlags are the flags of everything that looks at images of an audit.
type workFlags struct {
	databaseFlags
	registry registryFlags
	jobs     int
	rate     float64
	memory   string
	cacheDir string
	times    audit.Times
	grace    time.Duration
	stall    time.Duration
	patient  bool // wait for a database that cannot be reached yet
}

func (f *workFlags) add(fl *pflag.FlagSet) {
	f.databaseFlags.add(fl)
	f.registry.add(fl)
	fl.IntVar(&f.jobs, "jobs", 0, "images at once (default: one a processor)")
	fl.Float64Var(&f.rate, "rate", 0, "requests a second to each registry, of all workers together (default: as many as it takes)")
	fl.StringVar(&f.memory, "memory", "512MiB", "budget for file contents in memory; what exceeds it goes to a private temporary folder")
	fl.StringVar(&f.cacheDir, "cache-dir", "", "folder for results of layers (default: in the user's cache folder)")
	fl.DurationVar(&f.grace, "grace", 10*time.Second, "how long images at hand may take to end when it is told to stop")
	fl.DurationVar(&f.times.HeartbeatTimeout, "worker-timeout", 30*time.Second, "how long a worker may give no sign of life until others take up its images")
	fl.DurationSliceVar(&f.times.Retry, "retry", nil, "waits before an image that failed is tried again (default: 1s,4s,16s,1m)")
	fl.DurationVar(&f.stall, "registry-timeout", 30*time.Second, "how long a registry may give next to nothing until it is asked again")
}

// auditing is an open audit, with what belongs to the command that opened it.
type auditing struct {
	cmd   *cobra.Command
	flags *workFlags
	audit *audit.Audit
	quiet bool
	url   string
	temp  string
}

func (f *workFlags) openAudit(cmd *cobra.Command) (*auditing, error) {
	memory, err := parseSize(f.memory)
	if err != nil {
		return nil, usage("write --memory 512MiB or --memory 2GiB", "reading --memory: %w", err)
	}
	if f.rate < 0 || f.jobs < 0 || f.times.HeartbeatTimeout < time.Second {
		return nil, usage("write --rate 20, --jobs 4, --worker-timeout 30s", "--rate, --jobs or --worker-timeout is too small")
	}
	w := &auditing{cmd: cmd, flags: f}
	if w.url, err = f.url(); err != nil {
		return nil, err
	}
	if !f.patient {
		if err := reach(cmd.Context(), w.url); err != nil {
			return nil, f.explain(fmt.Errorf("opening %s: %w", shownURL(w.url), err))
		}
	}
	w.quiet, _ = cmd.Flags().GetBool("quiet")
	if w.temp, err = privateTemp(); err != nil {
		return nil, err
	}
	times := f.times
	times.Heartbeat = times.HeartbeatTimeout / 6
	collectAt(auditGarbage)
	w.audit, err = audit.Open(cmd.Context(), audit.Options{
		Database: w.url, CacheDir: f.cacheDir, TempDir: w.temp, Memory: memory, Times: times,
		Registry: registry.Options{Version: version(), Insecure: f.registry.insecure, CAFile: f.registry.ca, Stall: f.stall},
		Tool:     sbom.Tool{Name: "interdict", Version: version()},
	})
	if err != nil {
		w.close()
		return nil, f.explain(fmt.Errorf("opening %s: %w", shownURL(w.url), err))
	}
	return w, nil
}

func (w *auditing) close() {
	if w.audit != nil {
		w.audit.Close()
	}
	os.RemoveAll(w.temp)
}

func newAuditWork() *cobra.Command {
	f := workFlags{patient: true}
	var j judgeFlags
	cmd := &cobra.Command{
		Use:   "work [RUN]",
		Short: "Take images from the queue and look at them",
		Long: `work looks at the images that any audit queued in the database, as one of any
number of workers on any number of machines: PostgreSQL shares the work out. It
works until it is stopped, or, given the number of a run, until that run is
done; its exit code is then that of the run, as of start.

Told to stop, it lets the images at hand end (--grace) and puts back what does
not. Killed, its images are taken up by others after --worker-timeout.`,
		Example: `  interdict audit work --database postgres://audit@db.example/audit
  interdict audit work 3`,
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := runNumber(args)
			if err != nil {
				return err
			}
			if err := checkFailOn(j.failOn); err != nil {
				return err
			}
			w, err := f.openAudit(cmd)
			if err != nil {
				return err
			}
			defer w.close()
			return f.explain(w.workFor(cmd.Context(), id, &j))
		},
	}
	f.add(cmd.Flags())
	addFailOn(cmd.Flags(), &j.failOn)
	return cmd
}

// workFor works for one run, or for ever.
func (w *auditing) workFor(ctx context.Context, id int64, j *judgeFlags) error {
	p := w.progress(true)
	defer p.stop()
	if id == 0 {
		if err := w.run(ctx, 0, p); err != nil && ctx.Err() == nil {
			return err
		}
		return nil // told to stop, it stopped
	}
	if _, err := readRun(ctx, w.audit.Store(), id); err != nil {
		return err
	}
	return w.work(ctx, id, j, p)
}

// work works until a run is done, says what it came to, and returns its exit
// code.
func (w *auditing) work(ctx context.Context, id int64, j *judgeFlags, p *auditProgress) error {
	err := w.run(ctx, id, p)
	p.stop()
	if ctx.Err() != nil {
		return hinted{errors.New("interrupted"), fmt.Sprintf("what was finished is kept; to go on: interdict audit work %d", id), exitError}
	}
	if err != nil {
		return err
	}
	run, err := w.audit.Store().Run(ctx, id)
	if err != nil {
		return err
	}
	out := w.cmd.OutOrStdout()
	err = writeSummary(ctx, out, w.audit.Store(), run)
	if err == nil {
		_, err = fmt.Fprintln(out, "\nKept in", shownURL(w.url))
	}
	if err := ignoreClosed(err); err != nil {
		return err
	}
	return j.exitOfRun(run)
}

// run is [audit.Audit.Work], which a second signal ends at once.
func (w *auditing) run(ctx context.Context, id int64, p *auditProgress) error {
	stop := context.AfterFunc(ctx, func() {
		signal.Reset(os.Interrupt, syscall.SIGTERM)
		p.say("stopping: images at hand have %s to end; once more to stop at once", w.flags.grace)
	})
	defer stop()
	return w.audit.Work(ctx, audit.WorkOptions{Run: id, Jobs: w.flags.jobs, Rate: w.flags.rate, Grace: w.flags.grace, Observe: p.observe})
}

// privateTemp makes one private folder for everything temporary, also of the
// libraries: they ask TMPDIR. The caller removes it.
func privateTemp() (string, error) {
	dir, err := os.MkdirTemp("", tempPrefix)
	if err != nil {
		return "", fmt.Errorf("making a temporary folder: %w", err)
	}
	if err := os.Setenv("TMPDIR", dir); err != nil {
		os.RemoveAll(dir)
		return "", fmt.Errorf("using a temporary folder: %w", err)
	}
	return dir, nil
}
