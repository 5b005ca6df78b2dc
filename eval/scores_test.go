package eval

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
)

func TestScoresGolden(t *testing.T) {
	for _, g := range readGolden(t).Scores {
		acc, err := Accuracy(g.Y, g.Pred, g.W)
		if err != nil {
			t.Fatal(err)
		}
		near(t, g.Name+": accuracy", acc, g.Accuracy)
		loss, err := LogLoss(g.Y, g.Proba, g.W)
		if err != nil {
			t.Fatal(err)
		}
		near(t, g.Name+": log-loss", loss, g.LogLoss)
	}
}

func TestConfusionGolden(t *testing.T) {
	for _, g := range readGolden(t).Scores {
		c, err := Confusion(4, g.Y, g.Pred, g.W)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range g.Confusion {
			near(t, g.Name+": element", c.Weights[i], want)
		}
		near(t, g.Name+": accuracy", c.Accuracy(), g.Accuracy)
		near(t, g.Name+": macro F1", c.MacroF1(), g.MacroF1)
		for k := range 4 {
			near(t, g.Name+": precision", c.Precision(k), g.Precision[k])
			near(t, g.Name+": recall", c.Recall(k), g.Recall[k])
			near(t, g.Name+": F1", c.F1(k), g.F1[k])
			near(t, g.Name+": support", c.Support(k), g.Support[k])
		}
	}
}

// Whole weights count as repeated rows.
func TestScoresWeightsAreRepeats(t *testing.T) {
	g := readGolden(t).Scores[0]
	var y, pred []int
	var proba []float64
	w := make([]float64, len(g.Y))
	for i := range g.Y {
		w[i] = float64(i % 3)
		for range i % 3 {
			y, pred = append(y, g.Y[i]), append(pred, g.Pred[i])
			proba = append(proba, g.Proba[4*i:4*i+4]...)
		}
	}
	a, err1 := Accuracy(g.Y, g.Pred, w)
	b, err2 := Accuracy(y, pred, nil)
	near(t, "accuracy", a, b)
	c, err3 := LogLoss(g.Y, g.Proba, w)
	d, err4 := LogLoss(y, proba, nil)
	near(t, "log-loss", c, d)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
}

func TestLogLossClips(t *testing.T) {
	for _, c := range []struct {
		proba []float64
		want  float64
	}{
		{[]float64{1, 0}, 0},
		{[]float64{0, 1}, 52 * math.Ln2},
		{[]float64{0x1p-60, 1}, 52 * math.Ln2},
		{[]float64{1 + 0x1p-50, 0}, 0},
		{[]float64{0.25, 0.75}, 2 * math.Ln2},
	} {
		got, err := LogLoss([]int{0}, c.proba, nil)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "log-loss", got, c.want)
	}
}

func TestConfusionAccumulates(t *testing.T) {
	y, pred := []int{0, 1, 2, 2, 1}, []int{0, 1, 1, 2, 0}
	whole, err := Confusion(3, y, pred, nil)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := Confusion(3, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if parts.Accuracy() != 0 || parts.MacroF1() != 0 || parts.Precision(0) != 0 || parts.Recall(0) != 0 {
		t.Error("scores of no rows are not 0")
	}
	if err := parts.Add(y[:2], pred[:2], nil); err != nil {
		t.Fatal(err)
	}
	rest, err := Confusion(3, y[2:], pred[2:], nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := parts.Merge(rest); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(parts.Weights, whole.Weights) {
		t.Errorf("parts give %v, the whole %v", parts.Weights, whole.Weights)
	}
	if n, k := whole.Dims(); n != 3 || k != 3 || whole.At(1, 0) != 1 || whole.Total() != 5 || whole.Predicted(1) != 2 {
		t.Errorf("%v", whole)
	}
}

// A class that never occurs takes no part in the mean of F1.
func TestMacroF1IgnoresAbsentClasses(t *testing.T) {
	c, err := Confusion(3, []int{0, 0, 1}, []int{0, 1, 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "macro F1", c.MacroF1(), (2.0/3+2.0/3)/2)
}

func TestConfusionString(t *testing.T) {
	c, err := Confusion(2, []int{0, 0, 1, 1}, []int{0, 1, 1, 1}, []float64{100, 1, 0.125, 2})
	if err != nil {
		t.Fatal(err)
	}
	want := "label      0      1\n    0    100      1\n    1      0  2.125"
	if got := c.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestScoreErrors(t *testing.T) {
	accuracy := func(y, pred []int, w []float64) error { _, err := Accuracy(y, pred, w); return err }
	loss := func(y []int, proba, w []float64) error { _, err := LogLoss(y, proba, w); return err }
	confusion := func(k int, y, pred []int, w []float64) error { _, err := Confusion(k, y, pred, w); return err }
	two, half := []int{0, 1}, []float64{.5, .5, .5, .5}
	c2, err := Confusion(2, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	c3, err := Confusion(3, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		err  error
		is   error
		text string
	}{
		{accuracy(two, two[:1], nil), gram.ErrShape, "2 labels, 1 predictions"},
		{accuracy(nil, nil, nil), gram.ErrShape, "no labels"},
		{accuracy(two, two, []float64{1}), gram.ErrShape, "w has 1 weights, X 2 rows"},
		{accuracy(two, two, []float64{0, 0}), gram.ErrWeights, "no weight of 2 is above zero"},
		{accuracy(two, []int{0, -1}, nil), gram.ErrLabels, "prediction -1 in row 1 is negative"},
		{accuracy([]int{-3, 0}, two, nil), gram.ErrLabels, "label -3 in row 0 is negative"},
		{loss(nil, nil, nil), gram.ErrShape, "0 probabilities for 0 labels"},
		{loss(two, nil, nil), gram.ErrShape, "0 probabilities for 2 labels"},
		{loss(two, half[:3], nil), gram.ErrShape, "3 probabilities for 2 labels"},
		{loss(two, half, []float64{1, math.NaN()}), gram.ErrWeights, "weight of row 1 is NaN"},
		{loss([]int{0, 2}, half, nil), gram.ErrLabels, "label 2 in row 1 is not in 0..1"},
		{loss(two, []float64{.5, .5, math.NaN(), 1}, nil), ErrProba, "probability of class 0 in row 1 is NaN"},
		{loss(two, []float64{-.1, 1.1, .5, .5}, nil), ErrProba, "probability of class 0 in row 0 is -0.1"},
		{loss(two, []float64{.5, .75, .5, .5}, nil), ErrProba, "probabilities of row 0 sum to 1.25"},
		{confusion(0, two, two, nil), gram.ErrParam, "confusion matrix of 0 classes"},
		{confusion(2, two, []int{0, 2}, nil), gram.ErrLabels, "prediction 2 in row 1 is not in 0..1"},
		{confusion(2, []int{-1, 0}, two, nil), gram.ErrLabels, "label -1 in row 0 is not in 0..1"},
		{confusion(2, two, two, []float64{1, -1}), gram.ErrWeights, "weight of row 1 is -1"},
		{confusion(2, nil, two, nil), gram.ErrShape, "0 labels, 2 predictions"},
		{c2.Add(nil, nil, nil), gram.ErrShape, "no labels"},
		{c2.Merge(c3), gram.ErrShape, "confusion matrices of 2 and 3 classes"},
	} {
		if !errors.Is(c.err, c.is) || !strings.Contains(c.err.Error(), c.text) {
			t.Errorf("error %v, want %q", c.err, c.text)
		}
	}
	defer func() {
		if r := recover(); r != "eval: element (0, 2) of a 2×2 matrix" {
			t.Errorf("At panics with %v", r)
		}
	}()
	c2.At(0, 2)
}
