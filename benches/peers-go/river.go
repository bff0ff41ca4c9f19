package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	riverqueue "github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"golang.org/x/sync/errgroup"
)

// river measures River: a job is finished when its row in river_job is completed.
//
// River keeps the rows of completed jobs (for a day), with their arguments and attempts; it keeps no log of events that
// others could read later.
type river struct{}

func (river) name() string   { return "river" }
func (river) module() string { return "github.com/riverqueue/river" }

// riverPlan is what the modes differ in; a zero stands for the default of River or of the pool.
type riverPlan struct {
	maxWorkers        int
	fetchCooldown     time.Duration
	fetchPollInterval time.Duration
	jobTimeout        time.Duration
	poolConnections   int32
	insertBatch       int
	inserters         int
}

// riverDefaults sets what is mandatory: the number of workers, which is that of the example in River's README, and
// the batches of a bulk insert, which are those of River's own benchmark.
var riverDefaults = riverPlan{maxWorkers: 100, insertBatch: 5_000, inserters: 1}

// riverTuned begins with the settings of River's own benchmark and goes on to the best found from there.
var riverTuned = riverPlan{
	maxWorkers:        2_000,
	fetchCooldown:     riverqueue.FetchCooldownMin,
	fetchPollInterval: 20 * time.Millisecond,
	jobTimeout:        -1,
	poolConnections:   10,
	insertBatch:       5_000,
	inserters:         2,
}

func (river) open(ctx context.Context, o options) (session, error) {
	plan := riverDefaults
	if o.tuned {
		plan = riverTuned
	}
	config, err := pgxpool.ParseConfig(o.url)
	if err != nil {
		return nil, err
	}
	if plan.poolConnections > 0 {
		config.MaxConns = plan.poolConnections
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	driver := riverpgxv5.New(pool)
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: logger})
	if err != nil {
		pool.Close()
		return nil, err
	}
	migrated, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	if err != nil {
		pool.Close()
		return nil, err
	}
	if len(migrated.Versions) == 0 {
		pool.Close()
		return nil, fmt.Errorf("expected an empty database, found one that River has migrated")
	}
	workers := riverqueue.NewWorkers()
	riverqueue.AddWorker(workers, &riverWorker{started: o.started})
	client, err := riverqueue.NewClient(driver, &riverqueue.Config{
		FetchCooldown:     plan.fetchCooldown,
		FetchPollInterval: plan.fetchPollInterval,
		JobTimeout:        plan.jobTimeout,
		Logger:            logger,
		Queues:            map[string]riverqueue.QueueConfig{riverqueue.QueueDefault: {MaxWorkers: plan.maxWorkers}},
		Workers:           workers,
	})
	if err != nil {
		pool.Close()
		return nil, err
	}
	return &riverSession{pool: pool, client: client, plan: plan, arguments: riverArguments{item{o.payload}}}, nil
}

type riverArguments struct{ item }

func (riverArguments) Kind() string { return "item" }

type riverWorker struct {
	riverqueue.WorkerDefaults[riverArguments]
	started func()
}

func (w *riverWorker) Work(context.Context, *riverqueue.Job[riverArguments]) error {
	w.started()
	return nil
}

type riverSession struct {
	pool      *pgxpool.Pool
	client    *riverqueue.Client[pgx.Tx]
	plan      riverPlan
	arguments riverArguments
	running   bool
}

func (s *riverSession) settings() map[string]string {
	settings := map[string]string{
		"MaxWorkers":   strconv.Itoa(s.plan.maxWorkers),
		"Logger":       "standard error, from warnings up",
		"insert":       "InsertManyFast (COPY), pickup: Insert",
		"insert batch": strconv.Itoa(s.plan.insertBatch),
	}
	if s.plan.inserters > 1 {
		settings["insert connections"] = strconv.Itoa(s.plan.inserters)
	}
	if s.plan.fetchCooldown > 0 {
		settings["FetchCooldown"] = s.plan.fetchCooldown.String()
	}
	if s.plan.fetchPollInterval > 0 {
		settings["FetchPollInterval"] = s.plan.fetchPollInterval.String()
	}
	if s.plan.jobTimeout < 0 {
		settings["JobTimeout"] = "none"
	}
	if s.plan.poolConnections > 0 {
		settings["pool MaxConns"] = strconv.Itoa(int(s.plan.poolConnections))
	}
	return settings
}

// idle is longer than FetchCooldown: within it River sends no second notification, and a job waits for the poll.
func (s *riverSession) idle() time.Duration {
	cooldown := s.plan.fetchCooldown
	if cooldown == 0 {
		cooldown = riverqueue.FetchCooldownDefault
	}
	return cooldown + 10*time.Millisecond
}

func (s *riverSession) enqueue(ctx context.Context, items int) error {
	batches, ctx := errgroup.WithContext(ctx)
	batches.SetLimit(s.plan.inserters)
	for first := 0; first < items; first += s.plan.insertBatch {
		size := min(s.plan.insertBatch, items-first)
		batches.Go(func() error {
			jobs := make([]riverqueue.InsertManyParams, size)
			for i := range jobs {
				jobs[i].Args = s.arguments
			}
			_, err := s.client.InsertManyFast(ctx, jobs)
			return err
		})
	}
	return batches.Wait()
}

func (s *riverSession) enqueueOne(ctx context.Context) error {
	_, err := s.client.Insert(ctx, s.arguments, nil)
	return err
}

func (s *riverSession) start(ctx context.Context) error {
	s.running = true
	return s.client.Start(ctx)
}

func (s *riverSession) unfinished(ctx context.Context, observer *pgx.Conn) (bool, error) {
	var left bool
	err := observer.QueryRow(ctx, `SELECT EXISTS (SELECT FROM river_job
		WHERE state IN ('available', 'pending', 'retryable', 'running', 'scheduled'))`).Scan(&left)
	return left, err
}

func (s *riverSession) finished(ctx context.Context, observer *pgx.Conn) (int, error) {
	var count int
	err := observer.QueryRow(ctx, `SELECT count(*) FROM river_job WHERE state = 'completed'`).Scan(&count)
	return count, err
}

func (s *riverSession) close(ctx context.Context) error {
	defer s.pool.Close()
	if !s.running {
		return nil
	}
	return s.client.Stop(ctx)
}
