package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"time"
)

// engine is one of the engines measured here; each has a file of its own.
type engine interface {
	about() about
	// open migrates the empty database and sets the engine up in it without starting any work.
	open(ctx context.Context, o options) (session, error)
}

// about is what is known of an engine before it runs.
type about struct {
	// name is what the command line and the results call the engine.
	name string
	// module is the path of the Go module whose version the results state.
	module string
	// unfinished is a query that says whether any item is left that is not finished.
	unfinished string
	// finished is a query that counts the items that the engine's own tables call finished.
	finished string
}

// options is what an engine is opened with.
type options struct {
	url   string
	tuned bool
	// handled is called at the start of every handler, by any goroutine.
	handled func()
}

// session is an engine that is set up in a database.
type session interface {
	// settings names everything that is set away from the engine's own defaults.
	settings() map[string]string
	// idle is how long the engine must at least be left alone until it counts as idle again.
	idle() time.Duration
	// enqueue enqueues the items by the fastest way that the engine documents.
	enqueue(ctx context.Context, items []item) error
	// enqueueOne enqueues a single item as an application would.
	enqueueOne(ctx context.Context, item item) error
	// start starts the work on what is enqueued.
	start(ctx context.Context) error
	// close stops the work, if it was started, and ends the engine's connections.
	close(ctx context.Context) error
}

var engines = []engine{river{}}

func engineNamed(name string) (engine, error) {
	known := make([]string, 0, len(engines))
	for _, engine := range engines {
		if engine.about().name == name {
			return engine, nil
		}
		known = append(known, engine.about().name)
	}
	return nil, fmt.Errorf("expected one of the engines %s, found %q", strings.Join(known, ", "), name)
}

// identity is an engine and the version that this program was built with.
type identity struct {
	Engine  string `json:"engine"`
	Version string `json:"version"`
}

// identify asks the program itself which version it was built with, so that what is reported cannot drift from what ran.
func identify(about about) (identity, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return identity{}, fmt.Errorf("expected the program to know what it was built from, found nothing")
	}
	for _, dependency := range info.Deps {
		if dependency.Path == about.module {
			return identity{Engine: about.name, Version: strings.TrimPrefix(dependency.Version, "v")}, nil
		}
	}
	return identity{}, fmt.Errorf("expected the module %s in the program, found none", about.module)
}
