package linear

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestExtremeScores: losses and derivatives neither overflow nor cancel.
func TestExtremeScores(t *testing.T) {
	tests := []struct{ z, loss, wrong float64 }{ // of a sample of class 1
		{0, math.Ln2, 0.5},
		{800, 0, 0},
		{-800, 800, 1},
		{-1e300, 1e300, 1},
		{40, 4.248354255291589e-18, 4.248354255291589e-18},
		{-40, 40, 1},
		{1, 0.31326168751822286, 0.2689414213699951},
	}
	for _, c := range tests {
		for sign, y := range map[float64]int{1: 1, -1: 0} {
			z := []float64{sign * c.z}
			loss, margin := residuals(z, 1, []int{y}, []float64{2}, make([]float64, 2))
			near(t, "loss", loss/2, c.loss, 1e-15)
			near(t, "residual", -sign*z[0]/2, c.wrong, 1e-15)
			near(t, "margin", margin, c.z, 0)
			if c.loss > 0 {
				near(t, "relative loss", loss/2/c.loss, 1, 1e-15)
			}

			// The same score as the difference of two among three.
			m := []float64{-sign * c.z / 2, sign * c.z / 2, math.Inf(-1)}
			loss, margin = residuals(m, 3, []int{y}, []float64{2}, make([]float64, 2))
			near(t, "loss of three", loss/2, c.loss, 1e-15)
			near(t, "residual of three", -sign*m[1]/2, c.wrong, 1e-15)
			near(t, "margin of three", margin, c.z, 0)
			if c.loss > 0 {
				near(t, "relative loss of three", loss/2/c.loss, 1, 1e-14)
			}

			q := []float64{sign * c.z}
			probabilities(q, 1, make([]float64, 1))
			near(t, "probability", []float64{q[0], 1 - q[0]}[1-y], 1-c.wrong, 1e-15)
			near(t, "log-probability", logSigmoid(c.z), -c.loss, 1e-15)
			l := []float64{0, c.z}
			logProbabilities(l, 2)
			near(t, "log-softmax", l[1], -c.loss, 1e-15)
		}
	}
}

func TestNaNScores(t *testing.T) {
	for cols := range 4 {
		if cols == 0 || cols == 2 {
			continue
		}
		for i := range 2 * cols {
			z := make([]float64, 2*cols)
			z[i] = math.NaN()
			loss, _ := residuals(z, cols, []int{0, 1}, []float64{1, 0}, make([]float64, 4))
			if loss == loss {
				t.Errorf("%d columns: loss %v for a NaN in place %d", cols, loss, i)
			}
		}
	}
}

// TestRightMargin: the margin is that of samples of positive weight.
func TestRightMargin(t *testing.T) {
	_, margin := residuals([]float64{3, -5, 1}, 1, []int{1, 1, 0}, []float64{1, 0, 2}, make([]float64, 6))
	near(t, "margin", margin, -1, 0)
	_, margin = residuals([]float64{3, 1, 0, 0, 9, 0}, 3, []int{0, 0}, []float64{1, 0}, make([]float64, 4))
	near(t, "margin of three", margin, 2, 0)
}

func TestContrasts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, cols := range []int{1, 2, 3, 8} {
		q := contrasts(cols)
		a, b, full := make([]float64, q), make([]float64, q), make([]float64, cols)
		for i := range a {
			a[i] = r.NormFloat64()
		}
		spread(full, a)
		gather(b, full)
		norm, sum, norm0 := 0.0, 0.0, 0.0
		for _, v := range full {
			norm += v * v
			sum += v
		}
		for i := range a {
			near(t, "coordinate", b[i], a[i], 1e-15)
			norm0 += a[i] * a[i]
		}
		near(t, "norm", norm, norm0, 1e-14)
		if cols > 1 {
			near(t, "sum", sum, 0, 1e-14)
			for k := range full {
				full[k] += 5
			}
			gather(b, full)
			for i := range a {
				near(t, "coordinate of a shifted vector", b[i], a[i], 1e-14)
			}
		}
	}
}

func rowsIn(s []span) int {
	n := 0
	for _, b := range s {
		n += b.hi - b.lo
	}
	return n
}

func TestSpans(t *testing.T) {
	for _, c := range []struct{ n, d, keep int }{
		{1, 1, 1}, {7, 3, 7}, {100000, 100, 100000}, {100000, 100, 1000}, {100000, 100, 99999}, {50, 1 << 20, 50}, {1000, 10, 64}, {1000, 10, 1},
	} {
		got := spans(c.n, c.d, c.keep)
		end := 0
		for _, s := range got {
			if s.lo < end || s.hi <= s.lo || s.hi > c.n {
				t.Fatalf("%v: span %v after row %d", c, s, end)
			}
			if c.keep == c.n && s.lo != end {
				t.Fatalf("%v: rows %d to %d are missing", c, end, s.lo)
			}
			end = s.hi
		}
		if c.keep == c.n && end != c.n {
			t.Errorf("%v: ends with row %d", c, end)
		}
		if rows := rowsIn(got); rows < min(c.n, c.keep)-64 || c.keep < c.n && rows > c.keep+64 {
			t.Errorf("%v: %d rows", c, rows)
		}
	}
	for _, spans := range []int{1, 5, 31, 32, 33, 1000} {
		for _, elements := range []int{0, 10, 1 << 19, 1 << 30} {
			size := chunkSize(spans, elements)
			if chunks := (spans + size - 1) / size; size < 1 || chunks > 32 || elements > 1<<29 && chunks > 2 {
				t.Errorf("%d spans with sums of %d: %d chunks", spans, elements, chunks)
			}
		}
	}
}
