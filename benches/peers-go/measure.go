package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// warmUp is how many items pickup takes before it measures.
const warmUp = 10

// pollEvery is how often the observer asks whether everything is finished; it bounds the error of drain.
const pollEvery = 2 * time.Millisecond

// parameters is what the command line asks for.
type parameters struct {
	scenario string
	url      string
	tuned    bool
	items    int
	payload  int
	rounds   int
}

func (p parameters) mode() string {
	if p.tuned {
		return "tuned"
	}
	return "defaults"
}

// identity is an engine and the version that this program was built with.
type identity struct {
	Engine  string `json:"engine"`
	Version string `json:"version"`
}

// result is what one call prints.
type result struct {
	identity
	Scenario string            `json:"scenario"`
	Mode     string            `json:"mode"`
	Items    int               `json:"items,omitempty"`
	Seconds  float64           `json:"seconds,omitempty"`
	Rounds   int               `json:"rounds,omitempty"`
	P50      float64           `json:"p50_ms,omitempty"`
	P99      float64           `json:"p99_ms,omitempty"`
	Settings map[string]string `json:"settings"`
}

// measure runs one scenario of an engine.
func measure(ctx context.Context, engine engine, p parameters) (out result, err error) {
	version, err := versionOf(engine.module())
	if err != nil {
		return out, err
	}
	payload, err := payloadOf(p.payload)
	if err != nil {
		return out, err
	}
	observer, err := pgx.Connect(ctx, p.url)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, observer.Close(context.WithoutCancel(ctx))) }()

	all := newCounter(p.items)
	handlers := make(chan time.Time, 1)
	started := all.add
	if p.scenario == "pickup" {
		started = func() { handlers <- time.Now() }
	}
	session, err := engine.open(ctx, options{url: p.url, tuned: p.tuned, payload: payload, started: started})
	if err != nil {
		return out, fmt.Errorf("set up: %w", err)
	}
	defer func() { err = errors.Join(err, session.close(context.WithoutCancel(ctx))) }()

	out = result{
		identity: identity{Engine: engine.name(), Version: version},
		Scenario: p.scenario,
		Mode:     p.mode(),
		Settings: session.settings(),
	}
	switch p.scenario {
	case "enqueue":
		took, err := enqueue(ctx, session, p.items)
		if err != nil {
			return out, err
		}
		out.Items, out.Seconds = p.items, took.Seconds()
	case "drain":
		took, err := drain(ctx, session, observer, p.items, all)
		if err != nil {
			return out, err
		}
		out.Items, out.Seconds = p.items, took.Seconds()
	case "pickup":
		taken, err := pickup(ctx, session, p.rounds, handlers)
		if err != nil {
			return out, err
		}
		out.Rounds, out.P50, out.P99 = len(taken), percentile(taken, 50), percentile(taken, 99)
	}
	return out, nil
}

func enqueue(ctx context.Context, session session, items int) (time.Duration, error) {
	began := time.Now()
	err := session.enqueue(ctx, items)
	return time.Since(began), err
}

// drain measures from the start of the engine until the observer sees that nothing is left.
//
// The observer does not ask before every handler has run, so that its questions take nothing from the engine.
func drain(ctx context.Context, session session, observer *pgx.Conn, items int, all *counter) (time.Duration, error) {
	if err := session.enqueue(ctx, items); err != nil {
		return 0, err
	}
	if _, err := observer.Exec(ctx, "ANALYZE"); err != nil {
		return 0, err
	}
	began := time.Now()
	if err := session.start(ctx); err != nil {
		return 0, err
	}
	select {
	case <-all.reached:
	case <-ctx.Done():
		return 0, fmt.Errorf("%d of %d handlers started: %w", all.count.Load(), items, ctx.Err())
	}
	for {
		left, err := session.unfinished(ctx, observer)
		if err != nil {
			return 0, err
		}
		if !left {
			break
		}
		if err := pause(ctx, pollEvery); err != nil {
			return 0, err
		}
	}
	took := time.Since(began)
	finished, err := session.finished(ctx, observer)
	if err != nil {
		return 0, err
	}
	if finished != items {
		return 0, fmt.Errorf("expected %d items finished in the database, found %d", items, finished)
	}
	return took, nil
}

// pickup measures how long each of the rounds waits for its handler; every round finds the engine idle.
func pickup(ctx context.Context, session session, rounds int, handlers <-chan time.Time) ([]time.Duration, error) {
	if err := session.start(ctx); err != nil {
		return nil, err
	}
	taken := make([]time.Duration, 0, rounds)
	for round := range warmUp + rounds {
		// An uneven pause: with an even one the engine's own clocks could meet every round at the same moment.
		if err := pause(ctx, session.idle()+rand.N(session.idle()/2)); err != nil {
			return nil, err
		}
		began := time.Now()
		if err := session.enqueueOne(ctx); err != nil {
			return nil, err
		}
		select {
		case handled := <-handlers:
			if round >= warmUp {
				taken = append(taken, handled.Sub(began))
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return taken, nil
}

func pause(ctx context.Context, length time.Duration) error {
	select {
	case <-time.After(length):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// percentile is the smallest of the durations, in milliseconds, that so many percent do not exceed.
func percentile(taken []time.Duration, percent int) float64 {
	sorted := slices.Sorted(slices.Values(taken))
	rank := (len(sorted)*percent + 99) / 100
	return float64(sorted[rank-1]) / float64(time.Millisecond)
}
