package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

func TestRun(t *testing.T) {
	all, err := run(context.Background(), 1500)
	if err != nil {
		t.Fatal(err)
	}
	best := 0.0
	for _, c := range all[:3] {
		best = max(best, c.auc)
	}
	if stack := all[5]; stack.auc < best-0.002 {
		t.Errorf("the stack has AUC %v, the best of its members %v", stack.auc, best)
	}
	if before, after := all[2], all[3]; after.gap > before.gap/2 || after.logLoss > before.logLoss {
		t.Errorf("calibration error %v and log-loss %v, before %v and %v", after.gap, after.logLoss, before.gap, before.logLoss)
	}
	path := filepath.Join(t.TempDir(), "reliability.png")
	if err := draw(path, all); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() < 1000 {
		t.Errorf("the diagram: %v, %v", info, err)
	}
}
