package eval

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
)

// splitsGolden is testdata/splits.json.
type splitsGolden struct {
	Y, Groups       []int
	GroupSizes      [][]int   `json:"group_sizes"`
	StratifiedGroup [][][]int `json:"stratified_group"`
	Time            []struct {
		Rows, N, Gap, Size, Most int
		Folds                    [][2][]int
	}
}

func readSplits(t *testing.T) (g splitsGolden) {
	t.Helper()
	data, err := os.ReadFile("testdata/splits.json")
	if err == nil {
		err = json.Unmarshal(data, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGroupKFoldGolden(t *testing.T) {
	g := readSplits(t)
	for i, n := range []int{2, 3, 5, 8} {
		folds := split(t, GroupKFold{N: n, Groups: g.Groups}, g.Y)
		if !slices.Equal(sizes(folds), g.GroupSizes[i]) {
			t.Errorf("%d folds of sizes %v, want %v", n, sizes(folds), g.GroupSizes[i])
		}
		checkGroups(t, folds, g.Groups)
	}
	for i, n := range []int{2, 3, 5} {
		folds := split(t, StratifiedGroupKFold{N: n, Groups: g.Groups}, g.Y)
		checkGroups(t, folds, g.Groups)
		// Which of two parts that are as good gets a group is rounding's choice
		// in the other program, so it is the quality that is compared.
		got, want := 0.0, 0.0
		for f := range folds {
			got += apart(g.Y, folds[f].Test, n)
			want += apart(g.Y, g.StratifiedGroup[i][f], n)
		}
		if got > want+0.05 {
			t.Errorf("%d folds: shares of classes are off by %v, scikit-learn's by %v", n, got, want)
		}
	}
}

// apart returns how far the rows are from having one n-th of each of two classes.
func apart(y, rows []int, n int) float64 {
	var sum float64
	all, got := counts(y, ascending(len(y))), counts(y, rows)
	for c := range 2 {
		sum += math.Abs(float64(got[c])/float64(all[c]) - 1/float64(n))
	}
	return sum
}

// checkGroups checks that no group is trained and tested on, and that all are tested.
func checkGroups(t *testing.T, folds []Fold, groups []int) {
	t.Helper()
	tested := 0
	for _, f := range folds {
		for _, i := range f.Test {
			if slices.Contains(Take(groups, f.Train), groups[i]) {
				t.Fatalf("group %d is on both sides", groups[i])
			}
		}
		tested += len(f.Test)
	}
	if tested != len(groups) {
		t.Errorf("%d rows are tested, of %d", tested, len(groups))
	}
}

func TestTimeSeriesGolden(t *testing.T) {
	for _, g := range readSplits(t).Time {
		folds, err := TimeSeries{N: g.N, TestSize: g.Size, Gap: g.Gap, MaxTrain: g.Most}.Split(g.Rows, nil)
		if err != nil || len(folds) != len(g.Folds) {
			t.Fatalf("%d folds, %v", len(folds), err)
		}
		for f, want := range g.Folds {
			if !slices.Equal(folds[f].Train, want[0]) || !slices.Equal(folds[f].Test, want[1]) {
				t.Errorf("%+v, fold %d: %v", g, f, folds[f])
			}
		}
	}
}

func TestRepeatedSplits(t *testing.T) {
	y := wine(t)
	for _, c := range []struct {
		s     Splitter
		folds int
	}{
		{RepeatedKFold{}, 50},
		{RepeatedKFold{N: 3, Times: 4, Stratify: true, Seed: 2}, 12},
		{ShuffleSplit{}, 10},
		{ShuffleSplit{N: 3, TestSize: 0.1, Stratify: true}, 3},
		{LeaveOneOut{}, len(y)},
	} {
		folds := split(t, c.s, y)
		if len(folds) != c.folds {
			t.Errorf("%+v: %d folds", c.s, len(folds))
		}
		for i := range folds[1:] {
			if slices.Equal(folds[0].Test, folds[i+1].Test) {
				t.Errorf("%+v: fold %d is fold 0 again", c.s, i+1)
			}
		}
		if again := split(t, c.s, y); !reflect.DeepEqual(folds, again) {
			t.Errorf("%+v gives two results", c.s)
		}
	}
	other := split(t, RepeatedKFold{Seed: 1}, y)
	if reflect.DeepEqual(other, split(t, RepeatedKFold{}, y)) {
		t.Error("the seed does not matter")
	}
	if single := split(t, LeaveOneOut{}, y); !slices.Equal(single[7].Test, []int{7}) {
		t.Errorf("leaves out %v", single[7].Test)
	}
}

func TestSubset(t *testing.T) {
	groups := []int{4, 4, 5, 6, 5}
	for _, s := range []Subsetter{GroupKFold{2, groups}, StratifiedGroupKFold{2, groups}} {
		folds := split(t, s.Subset([]int{1, 2, 4}), []int{0, 0, 0})
		if len(folds) != 2 {
			t.Fatalf("%d folds", len(folds))
		}
		checkGroups(t, folds, []int{4, 5, 5})
	}
}

func TestResplitErrors(t *testing.T) {
	ten := make([]int, 10)
	five := []int{0, 0, 1, 1, 2, 2, 3, 3, 4, 4}
	for _, c := range []struct {
		s    Splitter
		y    []int
		is   error
		text string
	}{
		{GroupKFold{}, ten, gram.ErrShape, "groups of 0 rows, X has 10"},
		{GroupKFold{Groups: ten}, ten, gram.ErrParam, "5 folds of 1 groups"},
		{GroupKFold{N: 1, Groups: five}, ten, gram.ErrParam, "1 folds of 5 groups"},
		{StratifiedGroupKFold{}, ten, gram.ErrShape, "groups of 0 rows"},
		{StratifiedGroupKFold{Groups: five}, ten[:3], gram.ErrShape, "y has 3 labels"},
		{StratifiedGroupKFold{N: 4, Groups: five}, five, gram.ErrLabels, "4 folds, but the largest class has 2 rows"},
		{RepeatedKFold{Times: -1}, ten, gram.ErrParam, "-1 repetitions"},
		{RepeatedKFold{N: 11}, ten, gram.ErrParam, "11 folds of 10 rows"},
		{ShuffleSplit{N: -2}, ten, gram.ErrParam, "-2 repetitions"},
		{ShuffleSplit{TestSize: 2}, ten, gram.ErrParam, "TestSize is 2"},
		{TimeSeries{N: 10}, ten, gram.ErrParam, "10 folds of 1 after a gap of 0"},
		{TimeSeries{N: -1}, ten, gram.ErrParam, "-1 folds"},
		{TimeSeries{Gap: 5}, ten, gram.ErrParam, "after a gap of 5"},
		{TimeSeries{MaxTrain: -1}, ten, gram.ErrParam, "at most -1"},
	} {
		folds, err := c.s.Split(10, c.y)
		if folds != nil || !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%+v: error %v, want %q", c.s, err, c.text)
		}
	}
	if _, err := (LeaveOneOut{}).Split(1, nil); !errors.Is(err, gram.ErrParam) {
		t.Errorf("one row: %v", err)
	}
}
