package mixture

import (
	"context"
	"math"
	"math/rand/v2"
	"sort"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// stream returns the random numbers of one task, whoever runs it.
func stream(seed uint64, task int) *rand.Rand {
	return rand.New(rand.NewPCG(seed, uint64(task)+0x9e3779b97f4a7c15))
}

// draw returns the index at which the running sum of p passes the share u of its
// total. Rows repeated in place thus draw as one of their joint weight.
func draw(p []float64, u float64) int {
	total := 0.0
	for _, v := range p {
		total += v
	}
	sum, last := 0.0, 0
	for i, v := range p {
		if v > 0 {
			last = i
			if sum += v; sum > u*total {
				break
			}
		}
	}
	return last
}

// randomRows returns k different rows, drawn by weight, as centers.
func (s *rows) randomRows(rng *rand.Rand, k int) []float64 {
	p := s.weights()
	centers := make([]float64, k*s.d)
	var t scratch
	for c := range k {
		i := draw(p, rng.Float64())
		// A row of weight 3 is three rows, of which one is drawn.
		p[i] = max(0, p[i]-1)
		s.row(centers[c*s.d:(c+1)*s.d], i, &t)
	}
	return centers
}

// weights returns a copy of the weights.
func (s *rows) weights() []float64 {
	p := make([]float64, s.n)
	for i := range p {
		p[i] = s.weight(i)
	}
	return p
}

// plusPlus returns k centers by k-means++ (Arthur and Vassilvitskii, 2007): each is a
// row drawn with a probability in proportion to its weight times the square of its
// distance to the nearest center so far. With trials above 1 the best of as many
// draws is taken each time: the one that leaves the smallest inertia.
func (s *rows) plusPlus(ctx context.Context, rng *rand.Rand, k, trials, workers int) ([]float64, error) {
	d := s.d
	centers := make([]float64, k*d)
	nearest := make([]float64, s.n) // squared distance to the nearest center
	p := s.weights()
	var t scratch
	s.row(centers[:d], draw(p, rng.Float64()), &t)
	for i := range nearest {
		nearest[i] = math.Inf(1)
	}
	if _, err := s.closer(ctx, nearest, centers[:d], true, workers); err != nil {
		return nil, err
	}
	for c := 1; c < k; c++ {
		for i, v := range nearest {
			p[i] = v * s.weight(i)
		}
		if f64.Sum(p) == 0 { // every row is a center already
			p = s.weights()
		}
		running(p)
		tries := make([]float64, trials*d)
		for q := range trials {
			s.row(tries[q*d:(q+1)*d], find(p, rng.Float64()), &t)
		}
		best := 0
		if trials > 1 {
			inertia, err := s.closer(ctx, nearest, tries, false, workers)
			if err != nil {
				return nil, err
			}
			for q, v := range inertia {
				if v < inertia[best] {
					best = q
				}
			}
		}
		chosen := centers[c*d : (c+1)*d]
		copy(chosen, tries[best*d:])
		if _, err := s.closer(ctx, nearest, chosen, true, workers); err != nil {
			return nil, err
		}
	}
	return centers, nil
}

// running replaces p by its running sums.
func running(p []float64) {
	sum := 0.0
	for i, v := range p {
		sum += v
		p[i] = sum
	}
}

// find is draw for running sums.
func find(sums []float64, u float64) int {
	last := len(sums) - 1
	i := sort.Search(last, func(i int) bool { return sums[i] > u*sums[last] })
	for i > 0 && sums[i] == sums[i-1] { // never a row of no weight
		i--
	}
	return i
}

// closer returns the inertia that each center, with those that nearest stands for,
// leaves; of a single center it updates nearest if keep is set.
func (s *rows) closer(ctx context.Context, nearest, centers []float64, keep bool, workers int) ([]float64, error) {
	k := len(centers) / s.d
	c := linalg.NewDense(k, s.d, centers)
	lengths := squares(c)
	total, err := sums(ctx, s, workers, blockRows(s.d+k), k, func() *vector { return newVector(k) }, (*vector).merge,
		func(sum *vector, lo, hi int, t *scratch) {
			z := grow(&t.z, (hi-lo)*s.d)
			s.block(z, lo, hi, t)
			dist := grow(&t.y, (hi-lo)*k)
			distances(dist, linalg.NewDense(hi-lo, s.d, z), c, lengths)
			for i := lo; i < hi; i++ {
				w := s.weight(i)
				for q, v := range dist[(i-lo)*k : (i-lo+1)*k] {
					v = min(v, nearest[i])
					sum.v[q] += w * v
					if keep {
						nearest[i] = v
					}
				}
			}
		})
	if err != nil {
		return nil, err
	}
	return total.v, nil
}

// vector is a sum of vectors.
type vector struct{ v []float64 }

func newVector(n int) *vector { return &vector{make([]float64, n)} }

func (v *vector) merge(o *vector) { f64.Axpy(1, o.v, v.v) }

// squares returns the squared length of each row.
func squares(m *linalg.Dense[float64]) []float64 {
	out := make([]float64, m.Rows)
	for i := range out {
		out[i] = f64.SumSquares(m.Row(i))
	}
	return out
}

// distances sets dst to the squared distances of the rows of z from those of c,
// whose squared lengths are given, as ‖z‖² − 2z·c + ‖c‖². Their error is some eps
// times the squared lengths, which the origin keeps small.
func distances(dst []float64, z, c *linalg.Dense[float64], lengths []float64) {
	relative(dst, z, c, lengths)
	for i := range z.Rows {
		zz := f64.SumSquares(z.Row(i))
		row := dst[i*c.Rows : (i+1)*c.Rows]
		for j, v := range row {
			row[j] = max(0, v+zz)
		}
	}
}

// relative is distances less ‖z‖², which is enough to tell what is nearest.
func relative(dst []float64, z, c *linalg.Dense[float64], lengths []float64) {
	linalg.Gemm(blas.NoTrans, blas.Trans, -2, z, c, 0, linalg.NewDense(z.Rows, c.Rows, dst))
	for i := range z.Rows {
		f64.Axpy(1, lengths, dst[i*c.Rows:(i+1)*c.Rows])
	}
}
