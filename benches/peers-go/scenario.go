package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"
)

// warmUp is how many items pickup takes before it measures.
const warmUp = 10

// throughput is what enqueue and drain measure.
type throughput struct {
	Items    int     `json:"items"`
	Seconds  float64 `json:"seconds"`
	WalBytes int64   `json:"wal_bytes"`
	LookMs   int64   `json:"look_ms"`
}

// latency is what pickup measures.
type latency struct {
	Rounds int     `json:"rounds"`
	P50    float64 `json:"p50_ms"`
	P99    float64 `json:"p99_ms"`
	Max    float64 `json:"max_ms"`
}

// timed runs what is measured and notes its time and its share of the write-ahead log.
func timed(ctx context.Context, observer *observer, items int, work func() error) (*throughput, error) {
	if err := observer.settle(ctx); err != nil {
		return nil, err
	}
	before, err := observer.wal(ctx)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := work(); err != nil {
		return nil, err
	}
	took := time.Since(began)
	after, err := observer.wal(ctx)
	return &throughput{Items: items, Seconds: took.Seconds(), WalBytes: after - before}, err
}

// enqueue measures how long the items take to be enqueued.
func enqueue(ctx context.Context, session session, observer *observer, items []item) (*throughput, error) {
	measured, err := timed(ctx, observer, len(items), func() error { return session.enqueue(ctx, items) })
	if err != nil {
		return nil, err
	}
	return measured, observer.loaded(ctx)
}

// drain measures from the start of the engine until the observer sees that nothing is left.
//
// The observer does not ask before every handler has been called, so that its questions take nothing from the engine.
func drain(
	ctx context.Context, session session, observer *observer, items []item, all *counter,
) (*throughput, error) {
	if err := session.enqueue(ctx, items); err != nil {
		return nil, err
	}
	if err := observer.loaded(ctx); err != nil {
		return nil, err
	}
	measured, err := timed(ctx, observer, len(items), func() error {
		if err := session.start(ctx); err != nil {
			return err
		}
		if err := all.wait(ctx); err != nil {
			return err
		}
		return observer.drained(ctx)
	})
	if err != nil {
		return nil, err
	}
	measured.LookMs = look.Milliseconds()
	return measured, observer.finished(ctx, len(items))
}

// pickup measures how long each of the items waits for its handler; each finds the engine idle.
func pickup(ctx context.Context, session session, items []item, handlers <-chan time.Time) (*latency, error) {
	if err := session.start(ctx); err != nil {
		return nil, err
	}
	taken := make([]time.Duration, 0, len(items))
	for round, item := range items {
		// The pause is uneven, lest it keep in step with what the engine does periodically.
		if err := pause(ctx, session.idle()+5*time.Millisecond+rand.N(10*time.Millisecond)); err != nil {
			return nil, err
		}
		began := time.Now()
		if err := session.enqueueOne(ctx, item); err != nil {
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
	slices.Sort(taken)
	return &latency{
		Rounds: len(taken), P50: percentile(taken, 50), P99: percentile(taken, 99), Max: percentile(taken, 100),
	}, nil
}

// percentile is the least of the sorted durations, in milliseconds, that so many percent do not exceed.
func percentile(sorted []time.Duration, percent int) float64 {
	rank := (len(sorted)*percent + 99) / 100
	return float64(sorted[rank-1]) / float64(time.Millisecond)
}

// counter counts handlers and tells when all have been called.
type counter struct {
	count   atomic.Int64
	target  int64
	reached chan struct{}
}

func newCounter(target int) *counter {
	return &counter{target: int64(target), reached: make(chan struct{})}
}

func (c *counter) add() {
	if c.count.Add(1) == c.target {
		close(c.reached)
	}
}

func (c *counter) wait(ctx context.Context) error {
	select {
	case <-c.reached:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("expected %d handlers called, found %d: %w", c.target, c.count.Load(), ctx.Err())
	}
}
