package main

import (
	"bytes"
	"context"
	"errors"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/gram-ml/gram/mixture"
)

func TestRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pictures")
	var out bytes.Buffer
	r, err := run(context.Background(), &out, dir)
	if err != nil {
		t.Fatal(err)
	}
	if r.bad > r.good-0.05 {
		t.Errorf("log-likelihood %v from the bad start, %v from the good", r.bad, r.good)
	}
	if math.Abs(r.best-r.good) > 1e-3 {
		t.Errorf("best of ten %v, from the good start %v", r.best, r.good)
	}
	if r.collapse.Component != 1 || r.collapse.Cause != mixture.Degenerate {
		t.Errorf("collapse %v", r.collapse)
	}
	for _, way := range []string{"regularised", "prior"} {
		if _, ok := r.ways[way]; !ok {
			t.Errorf("%s: collapsed", way)
		}
	}
	pictures, err := filepath.Glob(filepath.Join(dir, "*.png"))
	if err != nil || len(pictures) < 12 {
		t.Fatalf("%d pictures, error %v", len(pictures), err)
	}
	for _, path := range pictures {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(f)
		f.Close()
		if err != nil || img.Bounds().Dx() < 300 {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := run(ctx, &bytes.Buffer{}, t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
