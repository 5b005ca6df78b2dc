package main

import (
	"bytes"
	"strings"
	"testing"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/blas/gonum"
)

func TestRun(t *testing.T) {
	var out bytes.Buffer
	if err := run(&out, 60); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Cholesky", "2.00 + 3.0", "[3.9998 3.9990 3.9978]"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if _, ok := blas64.Implementation().(gonum.Implementation); !ok {
		t.Error("gonum is left with another BLAS")
	}
}
