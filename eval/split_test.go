package eval

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
)

func TestStratifiedKFoldGolden(t *testing.T) {
	for _, g := range readGolden(t).Stratified {
		folds := split(t, StratifiedKFold{N: g.N}, g.Y)
		checkGolden(t, g, folds)
	}
}

func TestKFoldGolden(t *testing.T) {
	for _, g := range readGolden(t).KFold {
		checkGolden(t, g, split(t, KFold{N: g.N}, g.Y))
	}
}

func checkGolden(t *testing.T, g goldenSplit, folds []Fold) {
	t.Helper()
	for f, want := range g.Test {
		if !slices.Equal(folds[f].Test, want) {
			t.Errorf("%s, fold %d: tests %v, want %v", g.Name, f, folds[f].Test, want)
		}
	}
}

// split returns folds after checking what holds for all of them.
func split(t *testing.T, s Splitter, y []int) []Fold {
	t.Helper()
	folds, err := s.Split(len(y), y)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range folds {
		if !slices.IsSorted(f.Train) || !slices.IsSorted(f.Test) {
			t.Errorf("%+v, fold %d is not sorted", s, i)
		}
		all := slices.Sorted(slices.Values(slices.Concat(f.Train, f.Test)))
		if !slices.Equal(all, ascending(len(y))) {
			t.Errorf("%+v, fold %d does not have every row once", s, i)
		}
	}
	return folds
}

func sizes(folds []Fold) []int {
	var out []int
	for _, f := range folds {
		out = append(out, len(f.Test))
	}
	return out
}

func counts(y, rows []int) map[int]int {
	c := map[int]int{}
	for _, i := range rows {
		c[y[i]]++
	}
	return c
}

func wine(t *testing.T) []int {
	for _, g := range readGolden(t).Stratified {
		if g.Name == "wine" {
			return g.Y
		}
	}
	t.Fatal("no wine")
	return nil
}

func TestStratifiedKFold(t *testing.T) {
	y := wine(t)
	for _, s := range []StratifiedKFold{{}, {N: 5, Shuffle: true}, {N: 5, Shuffle: true, Seed: 1}} {
		folds := split(t, s, y)
		if got := sizes(folds); !slices.Equal(got, []int{36, 36, 36, 35, 35}) {
			t.Errorf("%+v: test sizes %v", s, got)
		}
		var tested []int
		for _, f := range folds {
			tested = append(tested, f.Test...)
			for c, n := range counts(y, f.Test) {
				if all := counts(y, ascending(len(y)))[c]; n < all/5 || n > all/5+1 {
					t.Errorf("%+v: %d rows of class %d, of %d", s, n, c, all)
				}
			}
		}
		slices.Sort(tested)
		if !slices.Equal(tested, ascending(len(y))) {
			t.Errorf("%+v: not every row is tested once", s)
		}
	}
}

// The names of the classes do not matter.
func TestStratifiedKFoldRenumbered(t *testing.T) {
	y := wine(t)
	z := make([]int, len(y))
	for i, c := range y {
		z[i] = []int{2, 0, 1}[c]
	}
	s := StratifiedKFold{Shuffle: true, Seed: 3}
	if !reflect.DeepEqual(split(t, s, y), split(t, s, z)) {
		t.Error("other classes, other folds")
	}
}

func TestKFold(t *testing.T) {
	y := make([]int, 23)
	plain, shuffled := split(t, KFold{}, y), split(t, KFold{Shuffle: true}, y)
	for _, folds := range [][]Fold{plain, shuffled} {
		if got := sizes(folds); !slices.Equal(got, []int{5, 5, 5, 4, 4}) {
			t.Errorf("test sizes %v", got)
		}
	}
	if !slices.Equal(plain[1].Test, []int{5, 6, 7, 8, 9}) {
		t.Errorf("second part is %v", plain[1].Test)
	}
	if reflect.DeepEqual(plain, shuffled) {
		t.Error("a shuffle that changes nothing")
	}
	if folds, err := (KFold{N: 2}).Split(3, nil); err != nil || len(folds) != 2 {
		t.Errorf("without labels: %v, %v", folds, err)
	}
}

// The same seed gives the same folds, another one others.
func TestSplitSeeds(t *testing.T) {
	y := wine(t)
	for _, make := range []func(seed uint64) Splitter{
		func(seed uint64) Splitter { return KFold{Shuffle: true, Seed: seed} },
		func(seed uint64) Splitter { return StratifiedKFold{Shuffle: true, Seed: seed} },
		func(seed uint64) Splitter { return TrainTestSplit{Seed: seed} },
		func(seed uint64) Splitter { return TrainTestSplit{Stratify: true, Seed: seed} },
	} {
		if !reflect.DeepEqual(split(t, make(7), y), split(t, make(7), y)) {
			t.Errorf("%+v gives two results", make(7))
		}
		if reflect.DeepEqual(split(t, make(7), y), split(t, make(8), y)) {
			t.Errorf("%+v does not look at the seed", make(7))
		}
	}
}

func TestTrainTestSplit(t *testing.T) {
	y := wine(t) // 59, 71 and 48 rows
	for _, c := range []struct {
		s    TrainTestSplit
		test int
	}{
		{TrainTestSplit{}, 45},
		{TrainTestSplit{TestSize: 0.2}, 36},
		{TrainTestSplit{TestSize: 0.2, Stratify: true}, 36},
		{TrainTestSplit{TestSize: 0.98, Stratify: true}, 175},
	} {
		folds := split(t, c.s, y)
		if len(folds) != 1 || len(folds[0].Test) != c.test {
			t.Fatalf("%+v: %d folds, %v test rows, want %d", c.s, len(folds), sizes(folds), c.test)
		}
		if !c.s.Stratify {
			continue
		}
		for k, n := range []int{59, 71, 48} {
			exact := float64(n) * float64(c.test) / 178
			if got := float64(counts(y, folds[0].Test)[k]); got < exact-1 || got > exact+1 {
				t.Errorf("%+v: %v rows of class %d, exactly %v", c.s, got, k, exact)
			}
			if counts(y, folds[0].Train)[k] == 0 {
				t.Errorf("%+v: class %d cannot be trained", c.s, k)
			}
		}
	}
	// Two classes of one row: both are needed for training.
	folds := split(t, TrainTestSplit{TestSize: 0.5, Stratify: true}, []int{0, 1, 2, 2, 2, 2})
	if got := counts([]int{0, 1, 2, 2, 2, 2}, folds[0].Test); !reflect.DeepEqual(got, map[int]int{2: 3}) {
		t.Errorf("tests on %v", got)
	}
}

func TestSplitErrors(t *testing.T) {
	for _, c := range []struct {
		s    Splitter
		n    int
		y    []int
		is   error
		text string
	}{
		{KFold{N: 1}, 10, nil, gram.ErrParam, "1 folds of 10 rows"},
		{KFold{N: 11}, 10, nil, gram.ErrParam, "11 folds of 10 rows"},
		{KFold{}, 0, nil, gram.ErrParam, "5 folds of 0 rows"},
		{StratifiedKFold{N: -1}, 10, nil, gram.ErrParam, "-1 folds of 10 rows"},
		{StratifiedKFold{}, 10, nil, gram.ErrShape, "y has 0 labels, X 10 rows"},
		{StratifiedKFold{N: 2}, 2, []int{0, -1}, gram.ErrLabels, "label -1 in row 1 is negative"},
		{StratifiedKFold{N: 3}, 4, []int{0, 0, 1, 1}, gram.ErrLabels, "3 folds, but the largest class has 2 rows"},
		{TrainTestSplit{TestSize: 1}, 10, nil, gram.ErrParam, "TestSize is 1, not in (0, 1)"},
		{TrainTestSplit{TestSize: -0.1}, 10, nil, gram.ErrParam, "TestSize is -0.1"},
		{TrainTestSplit{TestSize: 0.95}, 10, nil, gram.ErrParam, "TestSize 0.95 of 10 rows leaves 0 to train"},
		{TrainTestSplit{}, 0, nil, gram.ErrParam, "leaves 0"},
		{TrainTestSplit{TestSize: 0.5, Stratify: true}, 4, []int{0, 1, 2, 3}, gram.ErrParam, "leaves 2 to train 4 classes on"},
		{TrainTestSplit{Stratify: true}, 4, []int{0}, gram.ErrShape, "y has 1 labels, X 4 rows"},
	} {
		folds, err := c.s.Split(c.n, c.y)
		if folds != nil || !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%+v: error %v, want %q", c.s, err, c.text)
		}
	}
}

func TestTake(t *testing.T) {
	if got := Take([]string{"a", "b", "c"}, []int{2, 0, 2}); !slices.Equal(got, []string{"c", "a", "c"}) {
		t.Errorf("%v", got)
	}
	if Take[float64](nil, []int{5}) != nil {
		t.Error("nil gives something")
	}
}
