package main

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"github.com/gram-ml/gram/linalg"
)

// The UCI handwritten digits; see data/README.md.
//
//go:embed data/digits.csv.gz
var digitsFile []byte

// digits returns the images, one a row of 64 pixels from 0 to 16, and what they show.
func digits() (X *linalg.Dense[float64], y []int, err error) {
	z, err := gzip.NewReader(bytes.NewReader(digitsFile))
	if err != nil {
		return nil, nil, err
	}
	return readDigits(z)
}

const pixels = 64

func readDigits(r io.Reader) (*linalg.Dense[float64], []int, error) {
	records := csv.NewReader(r)
	records.FieldsPerRecord = pixels + 1
	var data []float64
	var y []int
	for {
		fields, err := records.Read()
		if err == io.EOF {
			return linalg.NewDense(len(y), pixels, data), y, nil
		}
		if err != nil {
			return nil, nil, err
		}
		for _, f := range fields[:pixels] {
			v, err := strconv.ParseFloat(f, 64)
			if err != nil {
				return nil, nil, fmt.Errorf("image %d: %w", len(y), err)
			}
			data = append(data, v)
		}
		class, err := strconv.Atoi(fields[pixels])
		if err != nil {
			return nil, nil, fmt.Errorf("digit of image %d: %w", len(y), err)
		}
		y = append(y, class)
	}
}
