package main

import (
	"encoding/json"
	"testing"
	"time"
)

func TestTheJSONOfAnItemHasTheBytesAskedFor(t *testing.T) {
	for _, bytes := range []int{14, 15, 560, 16_384} {
		for _, item := range itemsOf(3, bytes) {
			encoded, err := json.Marshal(riverArguments{item})
			if err != nil {
				t.Fatal(err)
			}
			if len(encoded) != bytes {
				t.Errorf("expected %d bytes, found %d", bytes, len(encoded))
			}
		}
	}
}

func TestNoTwoItemsAreAlike(t *testing.T) {
	seen := map[item]bool{}
	for _, item := range itemsOf(1_000, 560) {
		if seen[item] {
			t.Fatalf("expected different items, found %q twice", item.Payload)
		}
		seen[item] = true
	}
}

func TestAPercentileIsOneOfTheMeasuredTimes(t *testing.T) {
	var sorted []time.Duration
	for millisecond := range 200 {
		sorted = append(sorted, time.Duration(millisecond+1)*time.Millisecond)
	}
	for percent, expected := range map[int]float64{50: 100, 99: 198, 100: 200} {
		if found := percentile(sorted, percent); found != expected {
			t.Errorf("expected %v ms at %d %%, found %v", expected, percent, found)
		}
	}
	if found := percentile(sorted[:1], 50); found != 1 {
		t.Errorf("expected the only time, 1 ms, found %v", found)
	}
}

func TestACommandLineThatAsksForTheUnknownIsRefused(t *testing.T) {
	for _, arguments := range [][]string{
		{"sideways", "--url", "postgres://localhost"},
		{"drain", "--url", "postgres://localhost", "--mode", "fast"},
		{"drain", "--url", "postgres://localhost", "--items", "0"},
		{"drain", "--url", "postgres://localhost", "more"},
		{"drain"},
	} {
		if _, err := parse(arguments[0], arguments[1:]); err == nil {
			t.Errorf("expected %q to be refused", arguments)
		}
	}
}
