package main

import (
	"bytes"
	"context"
	"errors"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The rules find the disturbances, and the label is in none of them.
func TestRun(t *testing.T) {
	var out bytes.Buffer
	dir := t.TempDir()
	f, err := run(context.Background(), &out, 400, dir)
	if err != nil {
		t.Fatal(err)
	}
	if c := f.choices; c.ByRatio[2] > nuisance || c.Elbow > nuisance || c.Kaiser > nuisance {
		t.Errorf("95 %% of the variance takes %d, the elbow is at %d, Kaiser keeps %d", c.ByRatio[2], c.Elbow, c.Kaiser)
	}
	if before, after := f.byComponents[nuisance-1], f.byComponents[nuisance]; before > 0.6 || after < 0.9 || f.lda < 0.9 {
		t.Errorf("accuracies %v, by discriminant analysis %v", f.byComponents, f.lda)
	}
	for _, name := range []string{"scree.png", "cumulative.png"} {
		file, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if img, err := png.Decode(file); err != nil || img.Bounds().Dx() < 300 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !strings.Contains(out.String(), "parallel analysis") {
		t.Errorf("no table of choices in\n%s", &out)
	}
}

func TestRunErrors(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := run(ctx, &bytes.Buffer{}, 60, t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
	if _, err := run(context.Background(), &bytes.Buffer{}, 60, filepath.Join(t.TempDir(), "nowhere")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no directory: error %v", err)
	}
}
