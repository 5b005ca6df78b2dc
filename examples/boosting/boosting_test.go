package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

func TestRun(t *testing.T) {
	r, err := run(context.Background(), 2000)
	if err != nil {
		t.Fatal(err)
	}
	best := r.model.Rounds()
	if len(r.valid) != best+30 || len(r.train) != best {
		t.Errorf("%d validation and %d training errors of %d rounds", len(r.valid), len(r.train), best)
	}
	if e := r.valid[best-1]; e < 60 || e > 85 {
		t.Errorf("error %.1f, the noise is 60", e)
	}
	imp := r.model.Importance()
	if imp[0] < imp[7]*10 || imp[5] < imp[7]*10 {
		t.Errorf("importances %.3f: noise counts", imp)
	}
	dir := t.TempDir()
	for name, draw := range map[string]func(string, *result) error{"curve": drawCurve, "importance": drawImportance} {
		path := filepath.Join(dir, name+".png")
		if err := draw(path, r); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Size() < 1000 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}
