package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
)

// Noise looks learnable when it leaks, and only then.
func TestRun(t *testing.T) {
	var out bytes.Buffer
	wrong, right, err := run(context.Background(), &out, 100, 2000)
	if err != nil {
		t.Fatal(err)
	}
	if wrong < 0.8 || right < 0.3 || right > 0.65 {
		t.Errorf("accuracy %v done wrong, %v done right", wrong, right)
	}
	for _, want := range []string{"wrong: ", "right: ", "100 rows, 2000 columns"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}

func TestRunErrors(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, _, err := run(ctx, &bytes.Buffer{}, 40, 30); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
}
