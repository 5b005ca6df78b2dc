package mixture

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/mat"

	"github.com/gram-ml/gram/internal/kernel"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// A Covariance names the shape of the components' covariance matrices.
type Covariance int

const (
	// Full gives each component a matrix of its own: K·d(d+1)/2 parameters.
	Full Covariance = iota
	// Tied gives all components the same matrix: d(d+1)/2 parameters.
	Tied
	// Diagonal gives each component a variance for each column: K·d parameters.
	Diagonal
	// Spherical gives each component one variance: K parameters.
	Spherical
)

// String returns "full", "tied", "diagonal" or "spherical".
func (c Covariance) String() string {
	switch c {
	case Full:
		return "full"
	case Tied:
		return "tied"
	case Diagonal:
		return "diagonal"
	case Spherical:
		return "spherical"
	}
	return fmt.Sprintf("Covariance(%d)", int(c))
}

func (c Covariance) valid() bool { return c >= Full && c <= Spherical }

// matrices tells whether covariances are matrices and not variances.
func (c Covariance) matrices() bool { return c == Full || c == Tied }

// size returns the number of elements that hold k covariances.
func (c Covariance) size(k, d int) int {
	switch c {
	case Full:
		return k * d * d
	case Tied:
		return d * d
	case Diagonal:
		return k * d
	}
	return k
}

// parameters returns the number of free parameters of a mixture.
func (c Covariance) parameters(k, d int) int {
	free := k - 1 + k*d
	switch c {
	case Full:
		return free + k*d*(d+1)/2
	case Tied:
		return free + d*(d+1)/2
	case Diagonal:
		return free + k*d
	}
	return free + k
}

// components are the parameters of a Gaussian mixture and what evaluates them: for
// each component the factor L of its covariance LLᵀ and its inverse, which takes
// z − mean to a vector y of unit covariance.
type components struct {
	kind    Covariance
	k, d    int
	weights []float64 // K
	means   []float64 // K×d, less the origin
	cov     []float64 // in the layout of kind
	// For Full and Tied: L and U = L⁻ᵀ, K×d×d. For the others: the standard
	// deviations and their inverses, K×d.
	factor, inverse []float64
	logs            []float64 // log(weight·|U|·(2π)^(−d/2))

	// Full and Tied: y = [z 1]·maps, (d+1)×(K·d), and the same for each component as
	// f64.PanelNorms reads it.
	maps      *linalg.Dense[float64]
	triangles [][]float64
	// The others: log(weight·density) = [z z² 1]·theta, with zeros below it, joint(d)×K.
	theta *linalg.Dense[float64]
	// direct tells that [z z² 1]·theta would cancel.
	direct bool
}

// newComponents factors the covariances. It fails with a component whose covariance
// is not positive definite, or with a conditional variance not above floor[j].
func newComponents(kind Covariance, weights, means, cov, floor []float64) (*components, *CollapseError) {
	k := len(weights)
	c := &components{kind: kind, k: k, d: len(means) / k, weights: weights, means: means, cov: cov}
	var err *CollapseError
	if kind.matrices() {
		err = c.factorMatrices(floor)
	} else {
		err = c.factorVariances(floor)
	}
	if err != nil {
		return nil, err
	}
	c.prepare()
	return c, nil
}

func (c *components) factorMatrices(floor []float64) *CollapseError {
	size := c.d * c.d
	c.factor, c.inverse = make([]float64, c.k*size), make([]float64, c.k*size)
	for k := range c.k {
		l, u := c.factor[k*size:(k+1)*size], c.inverse[k*size:(k+1)*size]
		if k > 0 && c.kind == Tied {
			copy(l, c.factor)
			copy(u, c.inverse)
			continue
		}
		if j := cholesky(l, u, c.cov[k*size:(k+1)*size], c.d, floor); j >= 0 {
			return &CollapseError{Component: k, Weight: c.weights[k], Cause: Degenerate, Column: j}
		}
	}
	return nil
}

// cholesky sets l to the lower factor of a, d×d, and u to the inverse of its transpose.
// It returns the first column whose pivot is not above the floor, or −1.
func cholesky(l, u, a []float64, d int, floor []float64) int {
	for i, v := range a {
		if v-v != 0 {
			return i % d
		}
	}
	var f mat.Cholesky
	ok := f.Factorize(mat.NewSymDense(d, a))
	if !ok {
		return firstBadPivot(a, d)
	}
	var lower, upper mat.TriDense
	f.LTo(&lower)
	for j := range d {
		if v := lower.At(j, j); !(v > 0) || floor != nil && v*v <= floor[j] {
			return j
		}
	}
	f.UTo(&upper)
	var inv mat.TriDense
	if err := inv.InverseTri(&upper); err != nil {
		if _, conditioned := err.(mat.Condition); !conditioned {
			return 0
		}
	}
	for i := range d {
		for j := range i + 1 {
			l[i*d+j] = lower.At(i, j)
			if u[j*d+i] = inv.At(j, i); u[j*d+i]-u[j*d+i] != 0 {
				return i
			}
		}
	}
	return -1
}

// firstBadPivot returns the column at which the factorization of a breaks down.
func firstBadPivot(a []float64, d int) int {
	for j := range d {
		lead := mat.NewSymDense(j+1, nil)
		for r := range j + 1 {
			for c := r; c <= j; c++ {
				lead.SetSym(r, c, a[r*d+c])
			}
		}
		var f mat.Cholesky
		if !f.Factorize(lead) {
			return j
		}
	}
	return d - 1
}

func (c *components) factorVariances(floor []float64) *CollapseError {
	c.factor, c.inverse = make([]float64, c.k*c.d), make([]float64, c.k*c.d)
	for k := range c.k {
		for j := range c.d {
			v := c.variance(k, j)
			sd := math.Sqrt(v)
			if !(v > 0) || sd-sd != 0 || 1/sd-1/sd != 0 || floor != nil && v <= floor[j] {
				return &CollapseError{Component: k, Weight: c.weights[k], Cause: Degenerate, Column: j}
			}
			c.factor[k*c.d+j], c.inverse[k*c.d+j] = sd, 1/sd
		}
	}
	return nil
}

// variance returns a variance of Diagonal or Spherical.
func (c *components) variance(k, j int) float64 {
	if c.kind == Spherical {
		return c.cov[k]
	}
	return c.cov[k*c.d+j]
}

// joint returns the number of columns of [z z² 1], with zeros up to a whole number of
// vectors.
func joint(d int) int { return (2*d + 4) &^ 3 }

// maxCancel is the largest square of a mean in its component's standard deviations
// for which expanding the square loses too few digits to show.
const maxCancel = 1e4

// prepare sets what evaluates the densities.
func (c *components) prepare() {
	c.logs = make([]float64, c.k)
	for k := range c.logs {
		c.logs[k] = math.Log(c.weights[k]) + c.logDet(k) - float64(c.d)/2*math.Log(2*math.Pi)
	}
	if c.kind.matrices() {
		c.prepareMaps()
		return
	}
	c.theta = linalg.NewDense[float64](joint(c.d), c.k, nil)
	last := c.theta.Row(2 * c.d)
	copy(last, c.logs)
	for k := range c.k {
		for j := range c.d {
			inv := c.inverse[k*c.d+j]
			m := c.means[k*c.d+j]
			if a := m * inv; a*a > maxCancel || !(a*a >= 0) {
				c.direct = true
			}
			c.theta.Set(j, k, m*inv*inv)
			c.theta.Set(c.d+j, k, -inv*inv/2)
			last[k] -= m * inv * m * inv / 2
		}
	}
}

// setLogs replaces the logarithms that the densities start from.
func (c *components) setLogs(logs []float64) {
	if c.theta != nil {
		last := c.theta.Row(2 * c.d)
		for k := range last {
			last[k] += logs[k] - c.logs[k]
		}
	}
	c.logs = logs
}

// without returns the components with one at which no row arrives any more.
func (c *components) without(k int) *components {
	const none = -1e300 // a logarithm that 0 can be multiplied by
	o := *c
	if c.theta != nil {
		o.theta = linalg.CopyOf[float64](c.theta)
	}
	logs := slices.Clone(c.logs)
	logs[k] = none
	o.setLogs(logs)
	return &o
}

// logDet returns log|U| of component k.
func (c *components) logDet(k int) float64 {
	sum := 0.0
	for j := range c.d {
		if c.kind.matrices() {
			sum += math.Log(c.inverse[k*c.d*c.d+j*c.d+j])
		} else {
			sum += math.Log(c.inverse[k*c.d+j])
		}
	}
	return sum
}

func (c *components) prepareMaps() {
	d := c.d
	c.maps = linalg.NewDense[float64](d+1, c.k*d, nil)
	last := c.maps.Row(d)
	for k := range c.k {
		for i := range d {
			u := c.inverse[(k*d+i)*d : (k*d+i+1)*d]
			copy(c.maps.Row(i)[k*d:], u)
			f64.Axpy(-c.means[k*d+i], u, last[k*d:(k+1)*d])
		}
		c.triangles = append(c.triangles, kernel.PackTriangle(last[k*d:(k+1)*d], c.inverse[k*d*d:(k+1)*d*d]))
	}
}

func (c *components) size() (k, d int) { return c.k, c.d }

// width returns how many numbers of scratch a row takes.
func (c *components) width() int { return 4*c.d + 4*c.k }

// norms sets p, n×K, to start[k] + scale·‖y‖², with y the rows in the coordinates of the
// components. z has the n rows, and room for a whole panel at its end, as p has; nil
// stands for zeros.
func (c *components) norms(p, z []float64, n int, start []float64, scale float64, t *scratch) {
	if start == nil {
		start = make([]float64, c.k)
	}
	if !c.kind.matrices() {
		y := grow(&t.y, c.d)
		for i := range n {
			for k, from := range start {
				c.standardize(y, z[i*c.d:], k)
				p[i*c.k+k] = from + scale*f64.SumSquares(y)
			}
		}
		return
	}
	m := len(z) / c.d
	clear(z[n*c.d:])
	y := grow(&t.y, len(z)+m*c.k)
	panels, columns := y[:len(z)], y[len(z):]
	inPanels(panels, z, m, c.d)
	for k, from := range start {
		f64.PanelNorms(c.d, from, scale, panels, c.triangles[k], columns[k*m:(k+1)*m])
	}
	f64.Gemm().Transpose(c.k, m, columns, m, p, c.k)
}

// standardize sets y to (z − mean)/sd of component k.
func (c *components) standardize(y, z []float64, k int) {
	m, inv := c.means[k*c.d:(k+1)*c.d], c.inverse[k*c.d:(k+1)*c.d]
	y, z = y[:len(m)], z[:len(m)]
	for j, v := range m {
		y[j] = (z[j] - v) * inv[j]
	}
}

// quadratic tells whether densities come from one product with [z z² 1].
func (c *components) quadratic() bool { return c.theta != nil && !c.direct }

// logDensities sets p, (hi-lo)×K, to the logarithms of weight times density of the
// rows and leaves in t.y or t.z what sums need.
func (c *components) logDensities(s *rows, lo, hi int, t *scratch) (p []float64) {
	if c.quadratic() {
		n := hi - lo
		p = grow(&t.p, n*c.k)
		f := linalg.NewDense(n, joint(c.d), grow(&t.y, n*joint(c.d)))
		s.blockSquares(f, lo, hi, t)
		linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, f, c.theta, 0, linalg.NewDense(n, c.k, p))
		return p
	}
	return c.blockNorms(s, lo, hi, c.logs, -0.5, t)
}

// blockNorms returns norms of rows lo ≤ i < hi, (hi-lo)×K, and leaves the rows, less the
// origin, in t.z.
func (c *components) blockNorms(s *rows, lo, hi int, start []float64, scale float64, t *scratch) (p []float64) {
	n := hi - lo
	whole := par.Blocks(n, kernel.PanelRows) * kernel.PanelRows
	p, z := grow(&t.p, whole*c.k), grow(&t.z, whole*c.d)
	s.block(z, lo, hi, t)
	c.norms(p, z, n, start, scale, t)
	return p[:n*c.k]
}

// blockRadii returns the squared distances of rows lo ≤ i < hi from the components,
// (hi-lo)×K, and leaves the rows, less the origin, in t.z.
func (c *components) blockRadii(s *rows, lo, hi int, t *scratch) (p []float64) {
	return c.blockNorms(s, lo, hi, nil, 1, t)
}

// fromRadii turns squared distances, n×K, into logarithms of weight times density.
func (c *components) fromRadii(p []float64) {
	for ; len(p) > 0; p = p[c.k:] {
		row := p[:c.k]
		for k, q := range row {
			row[k] = c.logs[k] - q/2
		}
	}
}

// rowLogs sets p, of length K, to the logarithms of weight times density at x.
func (c *components) rowLogs(p, x, origin []float64, t *scratch) {
	c.rowRadii(p, x, origin, t)
	c.fromRadii(p)
}

// rowRadii sets p, of length K, to the squared distances of x from the components.
func (c *components) rowRadii(p, x, origin []float64, t *scratch) {
	z := grow(&t.z, c.d)
	subtract(z, x, origin)
	y := grow(&t.y, c.k*c.d)
	if c.kind.matrices() {
		copy(y, c.maps.Row(c.d))
		f64.AxpyRows(z, c.maps.Data, c.maps.Stride, y)
	} else {
		for k := range c.k {
			c.standardize(y[k*c.d:(k+1)*c.d], z, k)
		}
	}
	for k := range p {
		p[k] = f64.SumSquares(y[k*c.d : (k+1)*c.d])
	}
}

// precisions returns the inverses of the covariances, in the same layout.
func (c *components) precisions() []float64 {
	out := make([]float64, len(c.cov))
	if !c.kind.matrices() {
		for i, v := range c.cov {
			out[i] = 1 / v
		}
		return out
	}
	d := c.d
	for i := range len(out) / d {
		k := i / d
		for j := range d {
			out[i*d+j] = f64.Dot(c.inverse[i*d:(i+1)*d], c.inverse[(k*d+j)*d:(k*d+j+1)*d])
		}
	}
	return out
}

// sample draws n rows and the component of each. stretch draws the factor by which
// the next row of a component is farther out than a normal one.
func (c *components) sample(rng *rand.Rand, n int, origin []float64, stretch func(k int) float64) (rows []float64, component []int) {
	d := c.d
	rows, component = make([]float64, n*d), make([]int, n)
	y := make([]float64, d)
	for i := range component {
		k := draw(c.weights, rng.Float64())
		component[i] = k
		factor := stretch(k)
		for j := range y {
			y[j] = rng.NormFloat64() * factor
		}
		x := rows[i*d : (i+1)*d]
		for j := range x {
			x[j] = c.means[k*d+j] + origin[j]
			if c.kind.matrices() {
				x[j] += f64.Dot(c.factor[(k*d+j)*d:(k*d+j+1)*d], y)
			} else {
				x[j] += c.factor[k*d+j] * y[j]
			}
		}
	}
	return rows, component
}
