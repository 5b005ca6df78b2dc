package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestRun(t *testing.T) {
	ls, exact, err := run(context.Background(), io.Discard, 60)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range ls {
		if l.best > exact+0.05 {
			t.Errorf("%s: log-loss %.4f, all rows at once %.4f", l.name, l.best, exact)
		}
		if l.losses[0].Y < l.best || len(l.rates) != l.batches {
			t.Errorf("%s: %d batches, %d rates, losses from %v to %v", l.name, l.batches, len(l.rates), l.losses[0].Y, l.best)
		}
	}
	dir := t.TempDir()
	if err := draw(io.Discard, dir, ls); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"rates.png", "losses.png"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() < 1000 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}
