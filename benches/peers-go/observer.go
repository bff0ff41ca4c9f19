package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// look is how long the observer waits between two looks at the engine's tables; it bounds the error of drain.
const look = 2 * time.Millisecond

// observer sees the database from beside the engine, by a connection of its own.
type observer struct {
	connection *pgx.Conn
	about      about
}

func observe(ctx context.Context, url string, about about) (*observer, error) {
	connection, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	return &observer{connection: connection, about: about}, nil
}

func (o *observer) close(ctx context.Context) error {
	return o.connection.Close(ctx)
}

// settle refreshes the statistics after a bulk load and takes the checkpoint that is due behind it: without the one a
// plan may be chosen for an empty table, without the other one run pays for the load of another.
func (o *observer) settle(ctx context.Context) error {
	for _, command := range []string{"ANALYZE", "CHECKPOINT"} {
		if _, err := o.connection.Exec(ctx, command); err != nil {
			return err
		}
	}
	return nil
}

// loaded fails unless something is unfinished: what was enqueued is there, and the query finds it.
func (o *observer) loaded(ctx context.Context) error {
	left, err := o.unfinished(ctx)
	if err == nil && !left {
		err = fmt.Errorf("expected unfinished items after enqueueing, found none")
	}
	return err
}

// drained waits until nothing is unfinished.
func (o *observer) drained(ctx context.Context) error {
	for {
		left, err := o.unfinished(ctx)
		if err != nil || !left {
			return err
		}
		if err := pause(ctx, look); err != nil {
			return err
		}
	}
}

func (o *observer) unfinished(ctx context.Context) (bool, error) {
	var left bool
	err := o.connection.QueryRow(ctx, o.about.unfinished).Scan(&left)
	return left, err
}

// finished fails unless exactly so many items are finished.
func (o *observer) finished(ctx context.Context, items int) error {
	var count int
	if err := o.connection.QueryRow(ctx, o.about.finished).Scan(&count); err != nil {
		return err
	}
	if count != items {
		return fmt.Errorf("expected %d items finished in the database, found %d", items, count)
	}
	return nil
}

// wal is the position in the write-ahead log, in bytes.
func (o *observer) wal(ctx context.Context) (int64, error) {
	var position int64
	err := o.connection.QueryRow(ctx, "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint").Scan(&position)
	return position, err
}

func pause(ctx context.Context, length time.Duration) error {
	select {
	case <-time.After(length):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
