package quant

import (
	"math"
	"slices"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/floattest"
)

// observers returns a new observer of each kind.
func observers() []Observer {
	return []Observer{&MinMax{}, &MovingAverage{}, &Percentile{}, &MSE{}, &KL{}}
}

// Observers survive what calibration data can hold.
func TestObserversSurvive(t *testing.T) {
	for _, c := range []struct {
		name   string
		x      []float64
		lo, hi float64 // that ranges must lie in
	}{
		{"zeros", make([]float64, 100), 0, 0},
		{"one value", []float64{2.5, 2.5, 2.5}, 0, 2.5},
		{"one negative value", []float64{-2.5}, -2.5, 0},
		{"infinities", []float64{1, inf, -inf, nan, 2}, 0, 2},
		{"far apart", []float64{3.4, 3.4e38}, 0, 3.4e38},
		{"far apart the other way", []float64{3.4e38, 3.4}, 0, 3.4e38},
		{"largest", []float64{-math.MaxFloat64, 1, math.MaxFloat64}, -math.MaxFloat64, math.MaxFloat64},
		{"smallest", []float64{5e-324, -5e-324}, -5e-324, 5e-324},
	} {
		for _, o := range observers() {
			o.Observe(c.x)
			lo, hi, err := o.Range()
			if err != nil || !(lo <= hi && lo >= c.lo && hi <= c.hi) {
				t.Errorf("%s: %T gives %v..%v, %v", c.name, o, lo, hi, err)
			}
			if c.hi < 1e39 {
				if p, err := Calibrate[int8](o); err != nil || Check[int8](p) != nil {
					t.Errorf("%s: %T gives %v, %v", c.name, o, p, err)
				}
			}
		}
	}
}

func TestObserversEmpty(t *testing.T) {
	for _, o := range observers() {
		o.Observe(nil)
		o.Observe([]float64{nan, inf})
		_, err := Calibrate[int8](o)
		wantError(t, err, gram.ErrShape, "calibration has seen no finite value")
		_, err = CalibrateSymmetric(o)
		wantError(t, err, gram.ErrShape, "calibration has seen no finite value")
	}
	_, _, err := (&Percentile{Keep: 101}).Range()
	wantError(t, err, gram.ErrParam, "percentage to keep is 101")
	_, _, err = (&MovingAverage{Rate: nan}).Range()
	wantError(t, err, gram.ErrParam, "rate is NaN")
}

func TestMinMax(t *testing.T) {
	var a, b, none MinMax
	a.Observe([]float64{3, -1, 2})
	b.Observe([]float64{5})
	a.Merge(&b)
	a.Merge(&none)
	if lo, hi, err := a.Range(); err != nil || lo != -1 || hi != 5 {
		t.Errorf("%v..%v, %v", lo, hi, err)
	}
	if p, err := CalibrateSymmetric(&a); err != nil || p != (Params{float32(5. / 127), 0}) {
		t.Errorf("%v, %v", p, err)
	}
}

func TestMovingAverage(t *testing.T) {
	o := MovingAverage{Rate: 0.5}
	for _, x := range [][]float64{{0, 8}, {-4, 4}, {inf}, {-2, 2}} {
		o.Observe(x)
	}
	if lo, hi, err := o.Range(); err != nil || lo != -2 || hi != 4 {
		t.Errorf("%v..%v, %v", lo, hi, err)
	}
}

// Counts do not depend on the order of values or the cut in batches.
func TestHistogramOrder(t *testing.T) {
	x := floattest.Normals(floattest.Rand(3), make([]float64, 3000))
	for i := range x {
		x[i] *= math.Ldexp(1, i%40-20)
	}
	x = append(x, 0, 0, 1e-310, -1e-310, 3.4e38)
	var whole, backwards, parts Histogram
	whole.Observe(x)
	for i := 0; i < len(x); i += 100 {
		var part Histogram
		part.Observe(x[i:min(len(x), i+100)])
		parts.Merge(&part)
	}
	parts.Merge(&Histogram{})
	slices.Reverse(x)
	backwards.Observe(x)
	var zeros Histogram
	zeros.Observe(make([]float64, 2))
	zeros.Merge(&whole)
	if zeros.counts[histogramBins/2] != whole.counts[histogramBins/2]+2 || whole.Total() != len(x) {
		t.Error("zeros are lost in a merger")
	}
	for _, h := range []*Histogram{&backwards, &parts} {
		if !slices.Equal(h.counts, whole.counts) || h.exp != whole.exp || h.total != whole.total || h.bounds != whole.bounds {
			t.Error("counts depend on the order")
		}
	}
}

func TestPercentile(t *testing.T) {
	var x []float64
	for i := range 10000 {
		x = append(x, float64(i))
	}
	for _, keep := range []float64{0, 50, 90, 99.9, 100} {
		o := Percentile{Keep: keep}
		o.Observe(x)
		if keep == 0 {
			keep = 99.99
		}
		lo, hi, err := o.Range()
		cut := (100 - keep) / 200 * 10000
		if err != nil || math.Abs(lo-cut) > 8 || math.Abs(hi-(10000-cut)) > 8 {
			t.Errorf("%v %% keeps %v..%v, %v", keep, lo, hi, err)
		}
	}
}

// With a few extremes far out, clamping them halves the squared error of the others
// and more, and without them nothing is cut.
func TestSearches(t *testing.T) {
	x := floattest.Normals(floattest.Rand(5), make([]float64, 20000))
	x = append(x, 60, -75)
	var full MinMax
	full.Observe(x)
	all := meanSquaredError(t, &full, x)
	for _, o := range []Observer{&KL{}, &Percentile{}} {
		o.Observe(x)
		body := x[:20000]
		if got, before := meanSquaredError(t, o, body), meanSquaredError(t, &full, body); got > before/2 {
			t.Errorf("%T: squared error %v, without a cut %v", o, got, before)
		}
	}
	best := &MSE{}
	best.Observe(x)
	if got := meanSquaredError(t, best, x); !(got < all) {
		t.Errorf("MSE has an error of %v, the full range %v", got, all)
	}
	var even []float64
	for i := range 5000 {
		even = append(even, float64(i)/5000-0.5)
	}
	for _, o := range []Observer{&MSE{}, &KL{}} {
		o.Observe(even)
		if lo, hi, err := o.Range(); err != nil || lo > -0.48 || hi < 0.48 {
			t.Errorf("%T cuts even values to %v..%v, %v", o, lo, hi, err)
		}
	}
}

func meanSquaredError(t *testing.T, o Observer, x []float64) float64 {
	t.Helper()
	p, err := Calibrate[int8](o)
	if err != nil {
		t.Fatal(err)
	}
	y, err := FakeQuantize[int8](nil, x, p)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i := range x {
		sum += (x[i] - y[i]) * (x[i] - y[i])
	}
	return sum / float64(len(x))
}
