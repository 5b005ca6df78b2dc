package eval

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

type goldenScores struct {
	Name                           string
	Y, Pred                        []int
	Proba, W                       []float64
	Accuracy, LogLoss, MacroF1     float64
	Confusion                      []float64
	Precision, Recall, F1, Support []float64
}

type goldenSplit struct {
	Name string
	N    int
	Y    []int
	Test [][]int
}

type golden struct {
	Scores            []goldenScores
	Stratified, KFold []goldenSplit
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	data, err := os.ReadFile("testdata/eval.json")
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if d := math.Abs(got - want); !(d <= 1e-14*max(1, math.Abs(want))) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}
