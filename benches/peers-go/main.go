// Command peers-go measures job engines written in Go on Postgres, each through its public API.
//
// One call runs one scenario of one engine on the fresh, empty database that the URL names, and prints one JSON
// object to standard output; everything else goes to standard error. The scenarios:
//
//   - enqueue: the time to enqueue the items by the fastest way that the engine documents, nobody working;
//   - drain: the items are enqueued with nobody working, the tables analysed and a checkpoint taken; then the time
//     from the start of the engine until a query on a connection of its own says that every item is finished;
//   - pickup: an idle engine, one item at a time: from before the call that enqueues it to the start of its handler.
//
// The work is a no-op that succeeds. README.md names every setting and what each engine keeps and leaves out.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
)

const usage = `usage:
  peers-go list
  peers-go <engine> enqueue|drain --url postgres://.. --mode defaults|tuned --items N --payload BYTES
  peers-go <engine> pickup        --url postgres://.. --mode defaults|tuned --payload BYTES --rounds R
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "peers-go: %v\n", err)
		os.Exit(1)
	}
}

// run carries out the command line and writes its answer to out.
func run(ctx context.Context, arguments []string, out io.Writer) error {
	if len(arguments) == 1 && arguments[0] == "list" {
		return list(out)
	}
	if len(arguments) < 2 {
		return fmt.Errorf("expected an engine and a scenario, found %d arguments\n%s", len(arguments), usage)
	}
	engine, err := engineNamed(arguments[0])
	if err != nil {
		return err
	}
	parameters, err := parse(arguments[1], arguments[2:])
	if err != nil {
		return err
	}
	measured, err := measure(ctx, engine, parameters)
	if err != nil {
		return fmt.Errorf("%s %s: %w", engine.about().name, parameters.scenario, err)
	}
	return json.NewEncoder(out).Encode(measured)
}

// list writes one JSON line for every engine.
func list(out io.Writer) error {
	encoder := json.NewEncoder(out)
	for _, engine := range engines {
		identity, err := identify(engine.about())
		if err != nil {
			return err
		}
		if err := encoder.Encode(identity); err != nil {
			return err
		}
	}
	return nil
}

// parse reads the scenario and its flags.
func parse(scenario string, arguments []string) (parameters, error) {
	p := parameters{scenario: scenario}
	flags := flag.NewFlagSet(scenario, flag.ContinueOnError)
	flags.StringVar(&p.url, "url", "", "the fresh, empty database")
	flags.StringVar(&p.mode, "mode", "defaults", "defaults: only what is mandatory is set; tuned: the best found")
	flags.IntVar(&p.items, "items", 50_000, "how many items enqueue and drain take")
	flags.IntVar(&p.payload, "payload", 560, "bytes of JSON in each item, at least those of an empty one")
	flags.IntVar(&p.rounds, "rounds", 1_000, "how many items pickup takes, one at a time, after the warm-up")
	if err := flags.Parse(arguments); err != nil {
		return p, err
	}
	switch {
	case flags.NArg() > 0:
		return p, fmt.Errorf("expected flags only, found %q", flags.Arg(0))
	case p.url == "":
		return p, fmt.Errorf("expected the URL of a database in --url, found none")
	case p.items < 1 || p.rounds < 1 || p.payload < 0:
		return p, fmt.Errorf("expected at least 1 item, 1 round and 0 bytes, found %d, %d and %d",
			p.items, p.rounds, p.payload)
	}
	if err := oneOf("scenario", p.scenario, "enqueue", "drain", "pickup"); err != nil {
		return p, err
	}
	return p, oneOf("mode", p.mode, "defaults", "tuned")
}

func oneOf(what, found string, expected ...string) error {
	if slices.Contains(expected, found) {
		return nil
	}
	return fmt.Errorf("expected a %s out of %s, found %q", what, strings.Join(expected, ", "), found)
}
