package main

import (
	"bytes"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pictures")
	var out bytes.Buffer
	reports, err := run(&out, dir)
	if err != nil {
		t.Fatal(err)
	}
	normal, exponential := reports[0], reports[1]
	for _, r := range reports {
		// Of means and of s² the expectation holds for every population.
		mean := map[string]float64{"normal": 5, "exponential": 2}[r.name]
		if math.Abs(r.meanOfMeans-mean) > 0.03 || math.Abs(r.varMean-4./size) > 0.03 || math.Abs(r.bessel-4) > 0.15 || r.biased > r.bessel-0.3 {
			t.Errorf("%+v", r)
		}
		if r.meanP < 0.01 {
			t.Errorf("%s: the means do not follow theory: p = %v", r.name, r.meanP)
		}
	}
	if normal.chiP < 0.01 || math.Abs(normal.correlation) > 0.04 {
		t.Errorf("s² of normal samples: p = %v, correlation with the mean %v", normal.chiP, normal.correlation)
	}
	if exponential.chiP > 1e-6 || exponential.correlation < 0.5 {
		t.Errorf("s² of exponential samples: p = %v, correlation with the mean %v", exponential.chiP, exponential.correlation)
	}
	for _, name := range []string{"normal-mean", "normal-variance", "exponential-mean", "exponential-variance"} {
		f, err := os.Open(filepath.Join(dir, name+".png"))
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(f)
		f.Close()
		if err != nil || img.Bounds().Dx() < 300 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !strings.Contains(out.String(), "theory") {
		t.Errorf("output\n%s", &out)
	}
}

func TestRunErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := run(&bytes.Buffer{}, file); err == nil {
		t.Error("pictures in a file that is no directory")
	}
}
