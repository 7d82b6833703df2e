package audit

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"github.com/interdict/interdict/scanner/audit/store"
	"github.com/interdict/interdict/scanner/internal/retry"
)

// The one queue, and how many jobs are inserted at once.
const (
	queueName   = "images"
	insertBatch = 500
)

// imageJob looks at one manifest, and judges it. There is one job at a time for
// a manifest, what is looked for in it and the ruleset, whichever run it is for.
type imageJob struct {
	Digest string `json:"digest" river:"unique"`
	Key    string `json:"key" river:"unique"` // of scan.Key
	Law    string `json:"law" river:"unique"` // of judge.print
	Run    int64  `json:"run"`                // the first that wanted it
}

// Kind implements river.JobArgs.
func (imageJob) Kind() string { return "image" }

// noticeJob finds out what a reference leads to now, and looks at that.
type noticeJob struct {
	Ref string `json:"ref"`
}

// Kind implements river.JobArgs.
func (noticeJob) Kind() string { return "notice" }

// queue is a River client, whichever its driver.
type queue interface {
	InsertMany(ctx context.Context, jobs []river.InsertManyParams) ([]*rivertype.JobInsertResult, error)
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
}

// driver makes River clients on the store's database.
type driver interface {
	migrate(ctx context.Context) error
	client(c *river.Config) (queue, error)
}

func newDriver(s *store.Store) driver {
	if s.Dialect() == store.PostgreSQL {
		return driverOf[pgx.Tx]{riverpgxv5.New(s.Pool())}
	}
	return driverOf[*sql.Tx]{riversqlite.New(s.DB())}
}

type driverOf[Tx any] struct {
	driver riverdriver.Driver[Tx]
}

// migrate makes River's tables. Another process that does so at the same time
// lets it end in an error: then it looks again.
func (d driverOf[Tx]) migrate(ctx context.Context) error {
	m, err := rivermigrate.New(d.driver, &rivermigrate.Config{Logger: silent()})
	if err != nil {
		return err
	}
	return migratePolicy.Do(ctx, func(int) error {
		have, err := m.ExistingVersions(ctx)
		if err == nil && len(have) < len(m.AllVersions()) {
			_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
		}
		return err
	}, retry.If(func(error) bool { return true }))
}

// migratePolicy is how often River's tables are tried to be made.
var migratePolicy = retry.Policy{First: 200 * time.Millisecond, Max: time.Second, Attempts: 5}

func (d driverOf[Tx]) client(c *river.Config) (queue, error) { return river.NewClient(d.driver, c) }

// silent is River's log: what matters comes back as errors of jobs.
func silent() *slog.Logger { return slog.New(slog.DiscardHandler) }

func insertOnly() *river.Config {
	return &river.Config{Logger: silent(), SkipUnknownJobCheck: true}
}

// working is the configuration of a worker.
func (a *Audit) working(w *worker, workers *river.Workers) *river.Config {
	return &river.Config{
		ID:                w.name,
		Logger:            silent(),
		Workers:           workers,
		Queues:            map[string]river.QueueConfig{queueName: {MaxWorkers: fetched * w.opt.Jobs}},
		FetchCooldown:     20 * time.Millisecond,
		FetchPollInterval: min(a.opt.Times.Poll, time.Second),
		PollOnly:          a.store.Dialect() == store.SQLite,
		JobTimeout:        -1,
		// Jobs of workers that are gone come back by their heartbeats.
		RescueStuckJobsAfter: 7 * 24 * time.Hour,
		RetryPolicy:          retries(a.opt.Times.Retry),
		SoftStopTimeout:      w.opt.Grace,
		// The results are in the store.
		CompletedJobRetentionPeriod: time.Hour,
		CancelledJobRetentionPeriod: time.Hour,
		DiscardedJobRetentionPeriod: time.Hour,
	}
}

// fetched is how many times as many jobs are fetched as work: some wait for a
// layer that others read.
const fetched = 2

// retries says when a job is tried again.
type retries []time.Duration

// NextRetry implements river.ClientRetryPolicy.
func (r retries) NextRetry(job *rivertype.JobRow) time.Time {
	return time.Now().Add(r[min(len(job.Errors), len(r)-1)])
}

// enqueue inserts a job for each digest that has none.
func (a *Audit) enqueue(ctx context.Context, run int64, key string, j *judge, digests []string) error {
	for len(digests) > 0 {
		n := min(len(digests), insertBatch)
		jobs := make([]river.InsertManyParams, 0, n)
		for _, d := range digests[:n] {
			jobs = append(jobs, river.InsertManyParams{Args: imageJob{Digest: d, Key: key, Law: j.print, Run: run}, InsertOpts: a.imageOpts(len(jobs) == 0)})
		}
		err := a.persist(ctx, func() error {
			_, err := a.insert.InsertMany(ctx, jobs)
			return err
		})
		if err != nil {
			return fmt.Errorf("queueing images: %w", err)
		}
		digests = digests[n:]
	}
	return nil
}

// imageOpts are those of a job. The first of each repository goes before all
// others: images of one repository share layers, and would wait for each other.
func (a *Audit) imageOpts(first bool) *river.InsertOpts {
	priority := 3
	if first {
		priority = 2
	}
	return &river.InsertOpts{
		Queue: queueName, MaxAttempts: len(a.opt.Times.Retry) + 1, Priority: priority,
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
			rivertype.JobStateRetryable, rivertype.JobStateScheduled}},
	}
}
