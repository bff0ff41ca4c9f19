// Command peers-go measures job engines written in Go on Postgres, each through its public API.
//
// One call runs one scenario of one engine on the fresh, empty database that the URL names, and prints one JSON
// object to standard output; everything else goes to standard error. The scenarios:
//
//   - enqueue: the time to enqueue the items by the fastest way that the engine documents, nobody working;
//   - drain: the items are enqueued with nobody working and the tables analysed, then the time from the start of the
//     engine until a query on a connection of its own says that every item is finished in the database;
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
	"syscall"
)

const usage = `usage:
  peers-go list
  peers-go <engine> enqueue|drain --url postgres://.. --mode defaults|tuned --items N --payload BYTES
  peers-go <engine> pickup        --url postgres://.. --mode defaults|tuned --payload BYTES --rounds R
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "peers-go: %v\n", err)
		stop()
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
	result, err := measure(ctx, engine, parameters)
	if err != nil {
		return fmt.Errorf("%s %s: %w", engine.name(), parameters.scenario, err)
	}
	return json.NewEncoder(out).Encode(result)
}

// list writes one JSON line for every engine.
func list(out io.Writer) error {
	encoder := json.NewEncoder(out)
	for _, engine := range engines {
		version, err := versionOf(engine.module())
		if err != nil {
			return err
		}
		if err := encoder.Encode(identity{Engine: engine.name(), Version: version}); err != nil {
			return err
		}
	}
	return nil
}

// parse reads the flags of one scenario.
func parse(scenario string, arguments []string) (parameters, error) {
	var p parameters
	var mode string
	flags := flag.NewFlagSet(scenario, flag.ContinueOnError)
	flags.StringVar(&p.url, "url", "", "the fresh, empty database")
	flags.StringVar(&mode, "mode", "defaults", "defaults: only what is mandatory is set; tuned: the best settings found")
	flags.IntVar(&p.items, "items", 50_000, "how many items enqueue and drain take")
	flags.IntVar(&p.payload, "payload", 560, "bytes of JSON in each item; 0 for none")
	flags.IntVar(&p.rounds, "rounds", 1_000, "how many items pickup takes, one at a time, after the warm-up")
	if err := flags.Parse(arguments); err != nil {
		return p, err
	}
	if flags.NArg() > 0 {
		return p, fmt.Errorf("expected flags only, found %q", flags.Arg(0))
	}
	switch scenario {
	case "enqueue", "drain", "pickup":
		p.scenario = scenario
	default:
		return p, fmt.Errorf("expected the scenario enqueue, drain or pickup, found %q", scenario)
	}
	switch mode {
	case "defaults":
	case "tuned":
		p.tuned = true
	default:
		return p, fmt.Errorf("expected the mode defaults or tuned, found %q", mode)
	}
	if p.url == "" {
		return p, fmt.Errorf("expected the URL of a database in --url, found none")
	}
	if p.items < 1 || p.rounds < 1 {
		return p, fmt.Errorf("expected at least 1 item and 1 round, found %d and %d", p.items, p.rounds)
	}
	return p, nil
}
