package linear

import (
	"math"
	"slices"

	"github.com/gram-ml/gram/internal/descent"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// A quadratic is a function of some coefficients,
//
//	½(β−β₀)ᵀG(β−β₀) − q₀ᵀ(β−β₀) + l1·‖β‖₁ + ½·l2·‖β‖²,
//
// that coordinate descent makes smaller. G is at least positive semidefinite.
type quadratic struct {
	gramian *linalg.Dense[float64] // G, with room for more
	coef    []float64              // β
	q       []float64              // q₀ − G(β−β₀)
	workers int
}

// move changes the coefficient of slot k.
func (s *quadratic) move(k int, by float64) {
	f64.Axpy(-by, s.gramian.Row(k)[:len(s.q)], s.q)
	s.coef[k] += by
}

// round sets the coefficients of a set, one after the other, to where the function is
// smallest. It returns how many moved.
func (s *quadratic) round(set []int, l1, l2 float64) (moves int) {
	for _, k := range set {
		h := s.gramian.At(k, k)
		if h+l2 == 0 {
			continue
		}
		old := s.coef[k]
		v := descent.Shrink(s.q[k]+h*old, l1) / (h + l2)
		if v != old {
			s.move(k, v-old)
			s.coef[k] = v
			moves++
		}
	}
	return moves
}

// jump moves the coefficients that are not zero to where the function is smallest if
// they keep their signs, or to where the first of them becomes zero: where features
// are nearly collinear, descent alone takes very many rounds. It does nothing where it
// would take more than work allows, and tells whether one has become zero.
func (s *quadratic) jump(l1, l2 float64, work *float64) bool {
	var set []int
	for k, v := range s.coef {
		if v != 0 {
			set = append(set, k)
		}
	}
	m := float64(len(set))
	cost := m*m*m/6 + m*m
	if len(set) == 0 || cost > *work {
		return false
	}
	*work -= cost
	a, step := linalg.NewDense[float64](len(set), len(set), nil), make([]float64, len(set))
	for i, k := range set {
		row, from := a.Row(i), s.gramian.Row(k)
		for e, l := range set {
			row[e] = from[l]
		}
		row[i] += l2
		step[i] = s.q[k] - l2*s.coef[k] - math.Copysign(l1, s.coef[k])
	}
	root, err := linalg.NewCholesky(s.workers, a)
	if err != nil { // collinear: a long step to where one of them is zero
		for i := range set {
			a.Set(i, i, a.At(i, i)*(1+1e-9))
		}
		if root, err = linalg.NewCholesky(s.workers, a); err != nil {
			return false // descent goes on
		}
	}
	grad := slices.Clone(step)
	root.SolveVec(step, step)
	slope, curvature := f64.Dot(grad, step), 0.0
	for i, v := range step {
		curvature += v * f64.Dot(a.Row(i), step)
	}
	if !(slope > 0 && curvature > 0) {
		return false
	}
	share, first := slope/curvature, -1 // 1 but for rounding
	for i, k := range set {
		if t := -s.coef[k] / step[i]; t > 0 && t < share {
			share, first = t, k
		}
	}
	for i, k := range set {
		if k == first {
			s.move(k, -s.coef[k])
			s.coef[k] = 0
		} else {
			s.move(k, share*step[i])
		}
	}
	return first >= 0
}

// steepness returns how far a coefficient's derivative is from what a minimum has.
func steepness(coef, q, l1, l2 float64) float64 {
	q -= l2 * coef
	if coef == 0 {
		return max(math.Abs(q)-l1, 0)
	}
	return math.Abs(q - math.Copysign(l1, coef))
}
