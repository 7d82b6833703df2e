package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/interdict/interdict/denylist/builtin"
	"github.com/interdict/interdict/scanner/audit"
	"github.com/interdict/interdict/scanner/audit/listing"
	"github.com/interdict/interdict/scanner/audit/store"
	"github.com/interdict/interdict/scanner/source"
)

// startFlags are the flags of audit start.
type startFlags struct {
	judgeFlags
	workFlags
	include, exclude []string
	platforms        []string
	teams            []string
	newest           int
	since            string
	planOnly, watch  bool
	every            time.Duration
}

func newAuditStart() *cobra.Command {
	var f startFlags
	cmd := &cobra.Command{
		Use:   "start SCOPE...",
		Short: "List images, look inside those that are new, and judge them",
		Long: `start lists the images of its scopes, queues those that have no result yet, and
works until all have one. Each manifest is looked at once, however many tags
and repositories it has, and each layer is read once, however many images have
it. Stopped or killed, it goes on where it was when it is started again.

SCOPE is
  registry.example                 a registry: all of its repositories
  registry.example/shop/           all repositories below a path; globs too: shop/*
  registry.example/shop/app        a repository: all of its tags
  registry.example/shop/app:1.0    one image; also @sha256:..., and globs of tags
  ghcr.io/OWNER, gitlab:HOST/GROUP, harbor:HOST/PROJECT, quay:ORG,
  ecr:REGION/ACCOUNT, acr:NAME, dockerhub:OWNER
                                   by the service's own listing
  FILE                             a file of these, one a line, or what "kubectl
                                   get pods -A -o json" writes; "-" is stdin

Exit codes are those of scan: 0 pass, 1 error, 2 usage, 3 denied, 4 incomplete
(nothing denied, but something failed or could not be listed or examined).`,
		Example: `  interdict audit start registry.example
  interdict audit start registry.example/shop/ --newest 3 --exclude '*:*-test'
  kubectl get pods -A -o json | interdict audit start - --team 'registry.example/shop/**=shop'
  interdict audit start registry.example --watch --every 6h`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.explain(runAuditStart(cmd, args, &f)) },
	}
	fl := cmd.Flags()
	f.judgeFlags.add(fl)
	f.workFlags.add(fl)
	f.addScope(fl)
	return cmd
}

// addScope adds the flags that choose among images.
func (f *startFlags) addScope(fl *pflag.FlagSet) {
	fl.StringArrayVar(&f.include, "include", nil, "only repositories, or REPOSITORY:TAG, that this glob matches (repeatable)")
	fl.StringArrayVar(&f.exclude, "exclude", nil, "leave out what this glob matches (repeatable)")
	fl.IntVar(&f.newest, "newest", 0, "only so many tags of each repository, the newest")
	fl.StringVar(&f.since, "since", "", "only images made since a day (YYYY-MM-DD) or an age (90d)")
	fl.StringSliceVar(&f.platforms, "platform", []string{"all"}, "platforms of images, os/arch[/variant] (repeatable)")
	fl.StringArrayVar(&f.teams, "team", nil, "GLOB=TEAM: whose the repositories are that a glob matches (repeatable; the first counts)")
	fl.BoolVar(&f.planOnly, "plan-only", false, "only list and queue: 'interdict audit work' does the work, here or elsewhere")
	fl.BoolVar(&f.watch, "watch", false, "start again and again, until it is stopped")
	fl.DurationVar(&f.every, "every", 6*time.Hour, "how often, with --watch")
}

func runAuditStart(cmd *cobra.Command, args []string, f *startFlags) error {
	plan, err := f.plan(cmd, args)
	if err != nil {
		return err
	}
	go func() { builtin.List().ID() }() // it is read while the database is opened
	w, err := f.openAudit(cmd)
	if err != nil {
		return err
	}
	defer w.close()
	if !f.watch {
		return w.start(cmd.Context(), f, plan)
	}
	err = audit.Every(cmd.Context(), f.every, func(ctx context.Context) error {
		err := w.start(ctx, f, plan)
		if ctx.Err() == nil {
			// A round that went wrong is told of, and the next may go better.
			fail(cmd.ErrOrStderr(), f.explain(err))
			return nil
		}
		return err
	})
	if errors.Is(err, context.Canceled) {
		return nil // told to stop between two rounds
	}
	return err
}

// plan reads what to audit.
func (f *startFlags) plan(cmd *cobra.Command, args []string) (p audit.PlanOptions, err error) {
	if len(args) == 0 {
		return p, usage("name a registry, a repository or a file: interdict audit start registry.example", "no scope is given")
	}
	if f.planOnly && f.watch {
		return p, usage("leave one out: a watch works as well", "--plan-only and --watch do not go together")
	}
	if f.every <= 0 || f.newest < 0 {
		return p, usage("write --every 6h, --newest 5", "--every and --newest must be more than nothing")
	}
	if err := source.CheckPlatforms(f.platforms); err != nil {
		return p, usage(hintOf(err), "reading --platform: %w", err)
	}
	for _, a := range args {
		s, err := listing.Parse(a, cmd.InOrStdin())
		if err != nil {
			return p, fmt.Errorf("reading the scope %s: %w", a, err)
		}
		p.Scope = append(p.Scope, s)
	}
	for _, t := range f.teams {
		glob, name, ok := strings.Cut(t, "=")
		if !ok || glob == "" || name == "" {
			return p, usage("write --team 'registry.example/shop/**=shop'", "reading --team: %q is not GLOB=TEAM", t)
		}
		p.Teams = append(p.Teams, audit.Team{Glob: glob, Name: name})
	}
	p.Filter = listing.Filter{Include: f.include, Exclude: f.exclude, Newest: f.newest, Platforms: f.platforms}
	p.Rate = f.rate
	p.Filter.Since, err = sinceTime("since", f.since, time.Now())
	return p, err
}

// law is by what the flags say to judge, today.
func (f *judgeFlags) law(ctx context.Context, cmd *cobra.Command, reach registryFlags) (store.Ruleset, error) {
	f.reach = reach
	j, err := f.judge(ctx, cmd.ErrOrStderr())
	if err != nil {
		return store.Ruleset{}, err
	}
	var waivers []byte
	if f.waivers != "" {
		if waivers, err = os.ReadFile(f.waivers); err != nil {
			return store.Ruleset{}, fmt.Errorf("reading waivers: %w", err)
		}
	}
	return audit.NewRuleset(j.list, j.policy, waivers)
}

// start does one whole run.
func (w *auditing) start(ctx context.Context, f *startFlags, plan audit.PlanOptions) (err error) {
	// In a watch the list and the day may have changed.
	if plan.Ruleset, err = f.law(ctx, w.cmd, f.registry); err != nil {
		return err
	}
	p := w.progress(true)
	defer p.stop()
	plan.Observe = p.observe
	run, err := w.audit.Plan(ctx, plan)
	if err != nil {
		return err
	}
	if run.Totals.Images == 0 {
		return nothingListed(run)
	}
	if f.planOnly {
		p.stop()
		out := w.cmd.OutOrStdout()
		fmt.Fprintf(out, "run %d: %s, of which %d wait; 'interdict audit work %d' looks at them\n", run.ID, counted(run.Totals.Images, "image"), run.Totals.Waiting, run.ID)
		writeProblems(out, run)
		return nil
	}
	return w.work(ctx, run.ID, &f.judgeFlags, p)
}

// nothingListed says why a run has no images.
func nothingListed(run store.Run) error {
	if len(run.Problems) == 0 {
		return hinted{errors.New("no image was found"), "check the scope, --include, --exclude and --since", exitError}
	}
	var reasons []string
	for _, p := range run.Problems {
		reasons = append(reasons, p.What+": "+p.Reason)
	}
	return hinted{fmt.Errorf("nothing could be listed: %s", strings.Join(reasons, "; ")),
		"name the repositories, or a file of them, if the registry does not list its own; docker login HOST if it asks who you are", exitError}
}
