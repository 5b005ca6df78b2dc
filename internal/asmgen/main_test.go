package main

import (
	"bytes"
	"os"
	"testing"
)

// TestUpToDate fails when a committed file is not what the generator writes.
func TestUpToDate(t *testing.T) {
	all, err := render()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range all {
		got, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s is out of date: run 'go run .' in internal/asmgen", path)
		}
	}
}
