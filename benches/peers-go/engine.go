package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// engine is one of the engines measured here; each has a file of its own.
type engine interface {
	// name is what the command line and the results call it.
	name() string
	// module is the path of the Go module whose version the results state.
	module() string
	// open migrates the empty database and sets the engine up in it without starting any work.
	open(ctx context.Context, o options) (session, error)
}

// options is what an engine is opened with.
type options struct {
	url     string
	tuned   bool
	payload string
	// started is called at the start of every handler.
	started func()
}

// session is an engine that is set up in a database.
type session interface {
	// settings names everything that is set away from the engine's own defaults.
	settings() map[string]string
	// idle is how long the engine must be left alone until it counts as idle again.
	idle() time.Duration
	// enqueue enqueues the items by the fastest way that the engine documents.
	enqueue(ctx context.Context, items int) error
	// enqueueOne enqueues a single item as an application would.
	enqueueOne(ctx context.Context) error
	// start starts the work on what is enqueued.
	start(ctx context.Context) error
	// unfinished says, on a connection that is not the engine's, whether any item is left that is not finished.
	unfinished(ctx context.Context, observer *pgx.Conn) (bool, error)
	// finished counts the items that the engine's own tables call finished.
	finished(ctx context.Context, observer *pgx.Conn) (int, error)
	// close stops the work and ends the engine's connections.
	close(ctx context.Context) error
}

var engines = []engine{river{}}

func engineNamed(name string) (engine, error) {
	known := make([]string, 0, len(engines))
	for _, engine := range engines {
		if engine.name() == name {
			return engine, nil
		}
		known = append(known, engine.name())
	}
	return nil, fmt.Errorf("expected one of the engines %s, found %q", strings.Join(known, ", "), name)
}

// versionOf finds the version of a module that this program was built with, so that what is reported cannot drift
// from what ran.
func versionOf(module string) (string, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", fmt.Errorf("expected the program to know what it was built from, found nothing")
	}
	for _, dependency := range info.Deps {
		if dependency.Path == module {
			return strings.TrimPrefix(dependency.Version, "v"), nil
		}
	}
	return "", fmt.Errorf("expected the module %s in the program, found none", module)
}

// counter counts handlers that have started and tells when a number is reached.
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
