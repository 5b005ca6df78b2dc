package main

import (
	"context"
	"io"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	stops, words, err := run(context.Background(), io.Discard, 3000)
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	best := stops[0]
	for _, s := range stops {
		if s.words < last {
			t.Errorf("%d words with C = %g, %d with less", s.words, s.c, last)
		}
		last = s.words
		if s.logLoss < best.logLoss {
			best = s
		}
	}
	if best.accuracy < 0.75 || best.words > 400 {
		t.Errorf("the best: %+v", best)
	}
	for _, w := range words[:12] {
		if strings.HasPrefix(w, "column") {
			t.Errorf("%s is among the words that tell most: %v", w, words)
		}
	}
}
