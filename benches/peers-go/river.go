package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	riverqueue "github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"golang.org/x/sync/errgroup"
)

// river measures River: an item is a job, and finished when its row in river_job is completed.
//
// River keeps the rows of completed jobs for a day, with their arguments and attempts. It keeps no log of events that
// others could read later.
type river struct{}

func (river) about() about {
	return about{
		name:   "river",
		module: "github.com/riverqueue/river",
		unfinished: `SELECT EXISTS (SELECT FROM river_job
			WHERE state IN ('available', 'pending', 'retryable', 'running', 'scheduled'))`,
		finished: `SELECT count(*) FROM river_job WHERE state = 'completed'`,
	}
}

// riverPlan is what the modes differ in; a zero stands for the default of River or of the pool.
type riverPlan struct {
	clients           int
	maxWorkers        int
	fetchCooldown     time.Duration
	fetchPollInterval time.Duration
	jobTimeout        time.Duration
	poolConnections   int32
	insertBatch       int
	inserters         int
}

// riverDefaults sets what is mandatory, the number of workers, to that of the example in River's README; the batch of a
// bulk insert, which the caller has to choose, is that of River's own benchmark.
var riverDefaults = riverPlan{clients: 1, maxWorkers: 100, insertBatch: 5_000, inserters: 1}

// riverTuned begins with the settings of River's own benchmark and goes on to the best found from there.
var riverTuned = riverPlan{
	clients:           2,
	maxWorkers:        1_000,
	fetchCooldown:     riverqueue.FetchCooldownMin,
	fetchPollInterval: 2 * time.Millisecond,
	jobTimeout:        -1,
	poolConnections:   10,
	insertBatch:       5_000,
	inserters:         4,
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
	s := &riverSession{pool: pool, plan: plan}
	if err := s.setUp(ctx, o.handled); err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
}

type riverArguments struct{ item }

func (riverArguments) Kind() string { return "item" }

type riverWorker struct {
	riverqueue.WorkerDefaults[riverArguments]
	handled func()
}

func (w *riverWorker) Work(context.Context, *riverqueue.Job[riverArguments]) error {
	w.handled()
	return nil
}

type riverSession struct {
	pool    *pgxpool.Pool
	plan    riverPlan
	clients []*riverqueue.Client[pgx.Tx]
	running []*riverqueue.Client[pgx.Tx]
}

// setUp migrates the database and makes the clients.
func (s *riverSession) setUp(ctx context.Context, handled func()) error {
	driver := riverpgxv5.New(s.pool)
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: logger})
	if err != nil {
		return err
	}
	migrated, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	if err != nil {
		return err
	}
	if len(migrated.Versions) == 0 {
		return fmt.Errorf("expected an empty database, found one with River's tables")
	}
	workers := riverqueue.NewWorkers()
	riverqueue.AddWorker(workers, &riverWorker{handled: handled})
	for number := range s.plan.clients {
		config := &riverqueue.Config{
			FetchCooldown:     s.plan.fetchCooldown,
			FetchPollInterval: s.plan.fetchPollInterval,
			JobTimeout:        s.plan.jobTimeout,
			Logger:            logger,
			Queues: map[string]riverqueue.QueueConfig{
				riverqueue.QueueDefault: {MaxWorkers: s.plan.maxWorkers},
			},
			Workers: workers,
		}
		if s.plan.clients > 1 {
			config.ID = fmt.Sprintf("peers-go-%d", number+1)
		}
		client, err := riverqueue.NewClient(driver, config)
		if err != nil {
			return err
		}
		s.clients = append(s.clients, client)
	}
	return nil
}

func (s *riverSession) settings() map[string]string {
	settings := map[string]string{
		"MaxWorkers":   strconv.Itoa(s.plan.maxWorkers),
		"Logger":       "standard error, from warnings up",
		"bulk insert":  "InsertManyFast (COPY)",
		"insert batch": strconv.Itoa(s.plan.insertBatch),
	}
	if s.plan.clients > 1 {
		settings["clients"] = fmt.Sprintf("%d in one process, each with its ID and MaxWorkers", s.plan.clients)
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

// idle is FetchCooldown: within it River sends no second notification, and a job waits for the next poll.
func (s *riverSession) idle() time.Duration {
	if s.plan.fetchCooldown > 0 {
		return s.plan.fetchCooldown
	}
	return riverqueue.FetchCooldownDefault
}

func (s *riverSession) enqueue(ctx context.Context, items []item) error {
	inserts, ctx := errgroup.WithContext(ctx)
	inserts.SetLimit(s.plan.inserters)
	for batch := range slices.Chunk(items, s.plan.insertBatch) {
		inserts.Go(func() error {
			jobs := make([]riverqueue.InsertManyParams, len(batch))
			for i, item := range batch {
				jobs[i].Args = riverArguments{item}
			}
			_, err := s.clients[0].InsertManyFast(ctx, jobs)
			return err
		})
	}
	return inserts.Wait()
}

func (s *riverSession) enqueueOne(ctx context.Context, item item) error {
	_, err := s.clients[0].Insert(ctx, riverArguments{item}, nil)
	return err
}

func (s *riverSession) start(ctx context.Context) error {
	for _, client := range s.clients {
		if err := client.Start(ctx); err != nil {
			return err
		}
		s.running = append(s.running, client)
	}
	return nil
}

func (s *riverSession) close(ctx context.Context) error {
	defer s.pool.Close()
	var failures error
	for _, client := range s.running {
		failures = errors.Join(failures, client.Stop(ctx))
	}
	return failures
}
