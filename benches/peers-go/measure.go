package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// parameters is what the command line asks for.
type parameters struct {
	scenario string
	url      string
	mode     string
	items    int
	payload  int
	rounds   int
}

// report is what one call prints: of throughput and latency only what the scenario measures.
type report struct {
	identity
	Scenario string `json:"scenario"`
	Mode     string `json:"mode"`
	Payload  int    `json:"payload"`
	*throughput
	*latency
	Settings map[string]string `json:"settings"`
}

// measure runs one scenario of an engine.
func measure(ctx context.Context, engine engine, p parameters) (out report, err error) {
	identity, err := identify(engine.about())
	if err != nil {
		return out, err
	}
	observer, err := observe(ctx, p.url, engine.about())
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, observer.close(context.WithoutCancel(ctx))) }()

	all := newCounter(p.items)
	handlers := make(chan time.Time, 1)
	handled := all.add
	if p.scenario == "pickup" {
		handled = func() { handlers <- time.Now() }
	}
	session, err := engine.open(ctx, options{url: p.url, tuned: p.mode == "tuned", handled: handled})
	if err != nil {
		return out, fmt.Errorf("cannot open: %w", err)
	}
	defer func() { err = errors.Join(err, session.close(context.WithoutCancel(ctx))) }()

	out = report{
		identity: identity,
		Scenario: p.scenario,
		Mode:     p.mode,
		Payload:  p.payload,
		Settings: session.settings(),
	}
	switch p.scenario {
	case "enqueue":
		out.throughput, err = enqueue(ctx, session, observer, itemsOf(p.items, p.payload))
	case "drain":
		out.throughput, err = drain(ctx, session, observer, itemsOf(p.items, p.payload), all)
	case "pickup":
		out.latency, err = pickup(ctx, session, itemsOf(warmUp+p.rounds, p.payload), handlers)
	}
	return out, err
}
