package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	var out bytes.Buffer
	c, err := run(context.Background(), &out)
	if err != nil {
		t.Fatal(err)
	}
	if c.Before.Accuracy < 0.94 || c.AccuracyLost() > 0.006 || c.LogLossAdded() > 0.01 {
		t.Errorf("%+v", c)
	}
	if text := out.String(); !strings.Contains(text, "int8") || strings.Count(text, "\n") != 4 {
		t.Errorf("printed\n%s", text)
	}
}
