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

func TestRun(t *testing.T) {
	var out bytes.Buffer
	dir := filepath.Join(t.TempDir(), "plots")
	reports, err := run(context.Background(), &out, dir)
	if err != nil {
		t.Fatal(err)
	}
	plain, balanced, tuned, both := reports[0], reports[1], reports[2], reports[3]
	if plain.accuracy < 0.98 || plain.catch > 0.7 {
		t.Errorf("plain: accuracy %v, caught %v", plain.accuracy, plain.catch)
	}
	if balanced.catch < plain.catch || balanced.ece < plain.ece {
		t.Errorf("balanced weights catch %v at an ECE of %v, plain %v at %v", balanced.catch, balanced.ece, plain.catch, plain.ece)
	}
	for _, r := range reports {
		if r.ap < 0.4 || r.auc < 0.9 || r.ap > r.auc {
			t.Errorf("%s: average precision %v, AUC %v", r.name, r.ap, r.auc)
		}
	}
	if tuned.cost >= plain.cost || both.cost >= balanced.cost || tuned.threshold >= 0.2 {
		t.Errorf("costs %v, %v, %v, %v; threshold %v", plain.cost, balanced.cost, tuned.cost, both.cost, tuned.threshold)
	}
	for _, name := range []string{"precision-recall.png", "roc.png", "calibration.png", "gain.png"} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(f)
		f.Close()
		if err != nil || img.Bounds().Dx() < 300 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !strings.Contains(out.String(), "a threshold by cost saves") {
		t.Errorf("output\n%s", &out)
	}
}

func TestRunErrors(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := run(ctx, &bytes.Buffer{}, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := draw(&bytes.Buffer{}, file, nil, nil); err == nil {
		t.Error("plots in a file that is no directory")
	}
}
