package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gram-ml/gram/internal/kernel/ruler"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/prep"
)

//go:embed peers/sklearn_prep_peer.py
var sklearnPrepPy []byte

// The table that is standardized: 400 MB.
const standardRows, standardCols = 1_000_000, 50

// standardData are the same numbers as data in the peer.
func standardData() *linalg.Dense[float64] {
	X := linalg.NewDense[float64](standardRows, standardCols, nil)
	for i := range X.Data {
		X.Data[i] = float64(i*7919%1000003) / 1000
	}
	return X
}

func sklearnPrep(dir string) *peer {
	return &peer{ready: true, start: func() (*exec.Cmd, error) {
		src := filepath.Join(dir, "sklearn_prep_peer.py")
		if err := os.WriteFile(src, sklearnPrepPy, 0o644); err != nil {
			return nil, err
		}
		cmd := exec.Command("/usr/bin/python3", src, strconv.Itoa(standardRows), strconv.Itoa(standardCols))
		cmd.Env = environment()
		return cmd, nil
	}}
}

// prepRows standardizes into other memory and in place, a fit and a transform each.
func prepRows(dir string) []row {
	sk := sklearnPrep(dir)
	var X *linalg.Dense[float64]
	var dst, ours, theirs []float64
	// standardize fits and transforms fresh data, outside of which the time runs.
	standardize := func(inPlace bool) (float64, error) {
		if X == nil {
			X = standardData()
			dst = linalg.NewDense[float64](1, len(X.Data), nil).Data
			copy(dst, X.Data) // touches it
		}
		to := dst
		if inPlace {
			to = X.Data
			defer func() { X.Data = standardData().Data }()
		}
		start := time.Now()
		m, err := prep.Standard{Workers: 1}.Fit(context.Background(), X, nil)
		if err != nil {
			return 0, err
		}
		ours = m.Scale()
		_, err = m.Transform(to, X)
		return time.Since(start).Seconds(), err
	}
	ask := func(mode string) (float64, error) {
		line, err := sk.ask("%s", mode)
		if err != nil {
			return 0, err
		}
		var answer struct {
			Seconds float64
			Scale   []float64
		}
		err = json.Unmarshal([]byte(line), &answer)
		theirs = answer.Scale
		return answer.Seconds, err
	}
	note := func() string {
		worst := 0.0
		for j, v := range ours {
			worst = max(worst, math.Abs(theirs[j]/v-1))
		}
		return fmt.Sprintf("scales differ by %.1g", worst)
	}
	readTwice := func() (float64, error) {
		start := time.Now()
		ruler.Read(X.Data)
		ruler.Read(X.Data)
		return time.Since(start).Seconds(), nil
	}
	name := fmt.Sprintf("Standard %d×%d, fit and transform", standardRows, standardCols)
	return []row{
		{
			name: name, peer: "sklearn", target: 2,
			gram:  func() (float64, error) { return standardize(false) },
			other: func() (float64, error) { return ask("copy") },
			note:  note,
		},
		{
			name: name + " in place", peer: "sklearn", target: 2,
			gram:  func() (float64, error) { return standardize(true) },
			other: func() (float64, error) { return ask("inplace") },
			note:  note,
		},
		{
			name: fmt.Sprintf("Standard %d×%d, fit", standardRows, standardCols), peer: "reading it twice", target: 1 / 1.5,
			gram: func() (float64, error) {
				if X == nil {
					X = standardData()
				}
				start := time.Now()
				_, err := prep.Standard{Workers: 1}.Fit(context.Background(), X, nil)
				return time.Since(start).Seconds(), err
			},
			other: readTwice,
		},
		{
			name: name + " in place", peer: "reading it twice", target: 1 / 1.5,
			gram:  func() (float64, error) { return standardize(true) },
			other: readTwice,
		},
	}
}
