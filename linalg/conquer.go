package linalg

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/lapack"
	lapackgonum "gonum.org/v1/gonum/lapack/gonum"

	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/par"
)

// A conquest is a divide and conquer of a tridiagonal matrix. Rows of q become its
// eigenvectors; old has room for those of the halves.
type conquest struct {
	workers int
	q, old  *Dense[float64]
}

// conquestLeaf is the order up to which the QL iteration takes over.
const conquestLeaf = 32

// divide decomposes rows and columns lo ≤ i < hi, with the diagonal d and e beside it.
// It puts eigenvalues into d and eigenvectors into the diagonal block of q, in an order
// that is not sorted, and returns the indices, from lo, that sort them. It tells whether
// the leaves' iterations converged.
func (c *conquest) divide(d, e []float64, lo, hi int) (order []int, ok bool) {
	n := hi - lo
	if n <= conquestLeaf {
		return c.leaf(d[lo:hi], e[lo:hi], lo)
	}
	mid := lo + n/2
	beta := e[mid-1]
	d[mid-1] -= math.Abs(beta)
	d[mid] -= math.Abs(beta)
	first, ok1 := c.divide(d, e, lo, mid)
	second, ok2 := c.divide(d, e, mid, hi)
	if !ok1 || !ok2 {
		return nil, false
	}
	for _, i := range second {
		first = append(first, i+mid-lo)
	}
	slices.SortStableFunc(first, func(i, j int) int { return compare(d[lo+i], d[lo+j]) })
	m := merge{
		workers: c.workers, n: n, n1: mid - lo, d: d[lo:hi], order: first,
		q: c.q.Slice(lo, hi, lo, hi), old: c.old.Slice(lo, hi, lo, hi),
	}
	m.run(beta)
	return m.order, true
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (c *conquest) leaf(d, e []float64, lo int) ([]int, bool) {
	n := len(d)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	z, off := make([]float64, n*n), append([]float64(nil), e[:n-1]...)
	if ok := (lapackgonum.Implementation{}).Dsteqr(lapack.EVTridiag, n, d, off, z, n, make([]float64, max(1, 2*n-2))); !ok {
		return nil, false
	}
	for i := range n {
		row := c.q.Row(lo + i)[lo : lo+n]
		for j := range row {
			row[j] = z[j*n+i]
		}
	}
	return order, true
}

// A merge makes the decomposition of D + rho·z·zᵀ out of those of two halves, whose
// eigenvectors are the rows of q, the first n1 in its first n1 columns and the others
// in the other columns.
type merge struct {
	workers, n, n1 int
	d              []float64 // eigenvalues by row of q
	order          []int     // sorts them
	q, old         *Dense[float64]

	kind            []int // of each row: in the first columns, in both, in the second
	poles, z, roots []float64
	rows            []int           // the row of q of each pole
	gaps            *Dense[float64] // pole j minus root i
}

const (
	inFirst = iota
	inBoth
	inSecond
	deflated
)

// run merges halves that the element beta couples.
func (m *merge) run(beta float64) {
	z := make([]float64, m.n)
	m.kind = make([]int, m.n)
	for i := range m.n {
		if i < m.n1 {
			z[i] = m.q.Row(i)[m.n1-1]
		} else {
			z[i] = math.Copysign(1, beta) * m.q.Row(i)[m.n1]
			m.kind[i] = inSecond
		}
	}
	m.deflate(z, math.Abs(beta))
	k := len(m.poles)
	if k == 0 {
		m.sort()
		return
	}
	s := borrow[float64]()
	defer s.giveBack()
	m.gaps = NewDense(k, k, grow(&s.c, k*k))
	m.roots = make([]float64, k)
	ones := make([]float64, k)
	for i := range ones {
		ones[i] = 1
	}
	par.For(nil, m.forSize(k*k), k, 16, func(_, lo, hi int) {
		delta := make([]float64, k)
		for i := lo; i < hi; i++ {
			m.root(i, delta, ones)
		}
	})
	m.vectors()
	m.multiply()
	m.sort()
}

func (m *merge) forSize(work int) int {
	if work < 1<<14 {
		return 1
	}
	return m.workers
}

// deflate finds the poles that take part: it leaves out those where z is negligible
// and, after a rotation, one of each two that are too close. z becomes √rho·z.
func (m *merge) deflate(z []float64, rho float64) {
	var size float64
	for _, v := range m.d {
		size = max(size, math.Abs(v))
	}
	// rho·z·zᵀ is of norm 2·rho.
	tol := 8 * epsilon * max(size, 2*rho)
	Scal(math.Sqrt(rho), z)
	last := -1 // the row of the pole that may still be left out
	take := func() {
		if last >= 0 {
			m.poles, m.z, m.rows = append(m.poles, m.d[last]), append(m.z, z[last]), append(m.rows, last)
		}
	}
	weight := math.Sqrt(2 * rho) // of the whole of z
	for _, i := range m.order {
		if weight*math.Abs(z[i]) <= tol {
			m.kind[i] = deflated
			continue
		}
		if last >= 0 {
			r := math.Hypot(z[i], z[last])
			c, s := z[i]/r, z[last]/r
			if gap := m.d[i] - m.d[last]; math.Abs(gap*c*s) <= tol {
				m.rotate(last, i, c, s)
				z[i] = r
				m.kind[last] = deflated
				last = i
				continue
			}
		}
		take()
		last = i
	}
	take()
}

// rotate moves all of z from row p to row i of q.
func (m *merge) rotate(p, i int, c, s float64) {
	if m.kind[p] != m.kind[i] {
		m.kind[i] = inBoth
	}
	f64.Rot(m.q.Row(i), m.q.Row(p), c, s)
	dp, di := m.d[p], m.d[i]
	m.d[p], m.d[i] = dp*c*c+di*s*s, dp*s*s+di*c*c
}

// root finds root i of the secular equation 1 + Σ z²/(pole − x) = 0, which lies between
// pole i and the next, as a distance from the nearer of them, and fills row i of gaps.
//
// The steps are those of R.-C. Li, Solving secular equations stably and efficiently,
// LAPACK Working Note 89 (1993), within a bracket that halves where they fail.
func (m *merge) root(i int, delta, ones []float64) {
	k := len(m.poles)
	left := min(i, max(0, k-2)) // the poles of the interpolation are left and left+1
	gap := 0.0
	if i+1 < k {
		gap = m.poles[i+1] - m.poles[i]
	} else {
		gap = Dot(m.z, m.z)
	}
	value := func(tau float64) (f, slope1, slope2, size float64) {
		s1, slope1, size1 := f64.Secular(m.z[:left+1], delta[:left+1], ones[:left+1], tau, 0)
		s2, slope2, size2 := f64.Secular(m.z[left+1:], delta[left+1:], ones[left+1:], tau, 0)
		return 1 + (s1 + s2), slope1, slope2, 1 + size1 + size2
	}
	from := func(origin int) {
		for j, p := range m.poles {
			delta[j] = p - m.poles[origin]
		}
	}
	origin, lo, hi := i, 0.0, gap
	from(origin)
	tau := gap / 2
	f, slope1, slope2, size := value(tau)
	if f < 0 && i+1 < k { // nearer to the next pole
		origin, lo, hi = i+1, -gap/2, 0
		from(origin)
		tau = -gap / 2
	}
	for range 200 {
		if math.Abs(f) <= 4*epsilon*size || f != f {
			break
		}
		if f < 0 {
			lo = max(lo, tau)
		} else {
			hi = min(hi, tau)
		}
		next := tau
		if k > 1 {
			next += step(f, slope1, slope2, delta[left]-tau, delta[left+1]-tau)
		} else {
			next -= f / slope1
		}
		if !(lo < next && next < hi) {
			next = lo + (hi-lo)/2
			if lo > 0 && hi > 4*lo {
				next = math.Sqrt(lo) * math.Sqrt(hi)
			} else if hi < 0 && lo < 4*hi {
				next = -math.Sqrt(-lo) * math.Sqrt(-hi)
			}
		}
		if next == tau || next == lo || next == hi {
			break
		}
		tau = next
		f, slope1, slope2, size = value(tau)
	}
	if tau == 0 { // a pole itself would divide by zero
		tau = math.Copysign(math.SmallestNonzeroFloat64, float64(i-origin)+0.5)
	}
	m.roots[i] = m.poles[origin] + tau
	row := m.gaps.Row(i)
	for j := range row {
		row[j] = delta[j] - tau
	}
}

// step returns the way to the root of the function with two poles, at distances d1 and
// d2, that agrees with f and with the slopes of the sums on either side.
func step(f, slope1, slope2, d1, d2 float64) float64 {
	a := (d1+d2)*f - d1*d2*(slope1+slope2)
	b := d1 * d2 * f
	c := f - d1*slope1 - d2*slope2
	root := math.Sqrt(max(0, a*a-4*b*c))
	if a <= 0 {
		return (a - root) / (2 * c)
	}
	return 2 * b / (a + root)
}

// vectors turns gaps into the eigenvectors of diag(poles) + z·zᵀ, for the z of which the
// computed roots are exact, which makes them orthogonal.
func (m *merge) vectors() {
	k := len(m.poles)
	zs := make([]float64, k)
	par.For(nil, m.forSize(k*k), k, 32, func(_, lo, hi int) {
		z := zs[lo:hi]
		for j := range z {
			z[j] = -m.gaps.Row(lo + j)[lo+j]
		}
		for i := range k {
			row := m.gaps.Row(i)
			for j := lo; j < hi; j++ {
				if i != j {
					z[j-lo] *= row[j] / (m.poles[j] - m.poles[i])
				}
			}
		}
		for j, v := range z {
			z[j] = math.Copysign(math.Sqrt(math.Abs(v)), m.z[lo+j])
		}
	})
	// Rows in the order of their kinds: the columns of the eigenvectors must be so too.
	at := m.grouped()
	par.For(nil, m.forSize(k*k), k, 32, func(_, lo, hi int) {
		x := make([]float64, k)
		for i := lo; i < hi; i++ {
			row := m.gaps.Row(i)
			for j, p := range at {
				x[j] = zs[p] / row[p]
			}
			Scal(1/Nrm2(x), x)
			copy(row, x)
		}
	})
}

// grouped returns the poles whose rows are in the first columns, in both, and in the
// second, in this order.
func (m *merge) grouped() []int {
	var at []int
	for kind := inFirst; kind <= inSecond; kind++ {
		for p, row := range m.rows {
			if m.kind[row] == kind {
				at = append(at, p)
			}
		}
	}
	return at
}

// multiply replaces the rows of q that take part by the eigenvectors of the whole, and
// the others by themselves, after them.
func (m *merge) multiply() {
	k := len(m.poles)
	var count [deflated + 1]int
	for _, kind := range m.kind {
		count[kind]++
	}
	to := 0
	d := make([]float64, 0, m.n)
	d = append(d, m.roots...)
	for _, p := range m.grouped() {
		copy(m.old.Row(to), m.q.Row(m.rows[p]))
		to++
	}
	for i, kind := range m.kind {
		if kind == deflated {
			copy(m.old.Row(to), m.q.Row(i))
			d = append(d, m.d[i])
			to++
		}
	}
	copy(m.d, d)
	for i := k; i < m.n; i++ {
		copy(m.q.Row(i), m.old.Row(i))
	}
	n1, n12 := count[inFirst], count[inFirst]+count[inBoth]
	GemmParallel(m.workers, blas.NoTrans, blas.NoTrans, 1, m.gaps.Slice(0, k, 0, n12), m.old.Slice(0, n12, 0, m.n1), 0, m.q.Slice(0, k, 0, m.n1))
	GemmParallel(m.workers, blas.NoTrans, blas.NoTrans, 1, m.gaps.Slice(0, k, n1, k), m.old.Slice(n1, k, m.n1, m.n), 0, m.q.Slice(0, k, m.n1, m.n))
}

func (m *merge) sort() {
	for i := range m.order {
		m.order[i] = i
	}
	slices.SortStableFunc(m.order, func(i, j int) int { return compare(m.d[i], m.d[j]) })
}
