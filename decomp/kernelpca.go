package decomp

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// KernelPCA is PCA after the rows have been mapped to a space in which their inner product is
// a kernel: components that are curved in the data's own space (B. Schölkopf, A. Smola and
// K.-R. Müller, Nonlinear component analysis as a kernel eigenvalue problem, Neural
// Computation 10 (1998)). The zero value is the linear kernel, which is PCA itself, with 2
// components.
//
// A model keeps its landmarks, which are all the training rows unless Landmarks is set, and a
// fit the kernel between all of them, n² numbers.
type KernelPCA struct {
	// Components is k, ≥ 1; 0 means 2.
	Components int
	// Kernel is the inner product, unless Custom is given.
	Kernel Kernel
	// Gamma is γ > 0 of RBF, Polynomial and Sigmoid; 0 means 1/d.
	Gamma float64
	// Coef0 is c of Polynomial and Sigmoid; 0 makes the polynomial homogeneous.
	Coef0 float64
	// Degree is that of Polynomial, 1 to 1000; 0 means 3.
	Degree int
	// Custom is a kernel of your own: symmetric, finite, and called from several goroutines.
	// Models with one cannot be saved.
	Custom func(x, y []float64) float64
	// Landmarks, if above 0 and below the number of rows, draws as many rows and takes the
	// kernel of what these say about all rows, by the method of Nyström: O(n·m·(d + m))
	// and memory of m² in place of n² (C. Williams and M. Seeger, Using the Nyström method
	// to speed up kernel machines, NIPS 2001).
	Landmarks int
	// Inverse also learns to return from scores to rows, for InverseTransform: by ridge
	// regression of the landmarks on their scores with the same kernel, O(m³) (G. Bakır,
	// J. Weston and B. Schölkopf, Learning to find pre-images, NIPS 2003).
	Inverse bool
	// Ridge is its penalty > 0; 0 means 1.
	Ridge float64
	// Tolerance bounds, where few components of many rows are found by products with the
	// kernel, the residual of each in units of the largest eigenvalue: values have errors of
	// about its square. 0 means 1e-6.
	Tolerance float64
	// Seed chooses the landmarks, and the vectors that such products begin with.
	Seed uint64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on it.
	Workers int
}

var _ gram.TransformerTrainer = KernelPCA{}

func (t KernelPCA) withDefaults(d int) KernelPCA {
	if t.Components == 0 {
		t.Components = 2
	}
	if t.Gamma == 0 {
		t.Gamma = 1 / float64(d)
	}
	if t.Degree == 0 {
		t.Degree = 3
	}
	if t.Ridge == 0 {
		t.Ridge = 1
	}
	if t.Tolerance == 0 {
		t.Tolerance = 1e-6
	}
	if t.Custom != nil {
		t.Kernel = customKernel
	}
	return t
}

func (t KernelPCA) check(s *data) error {
	rows := s.positive
	if t.Landmarks > 0 {
		rows = min(rows, t.Landmarks)
	}
	switch {
	case t.Components < 1 || t.Components >= rows:
		return fmt.Errorf("%d components of %d rows: %w", t.Components, rows, gram.ErrParam)
	case t.Kernel < LinearKernel || t.Kernel > customKernel || t.Kernel == customKernel && t.Custom == nil:
		return fmt.Errorf("%v: %w", t.Kernel, gram.ErrParam)
	case !(t.Gamma > 0) || math.IsInf(t.Gamma, 1):
		return fmt.Errorf("Gamma is %v: %w", t.Gamma, gram.ErrParam)
	case t.Coef0-t.Coef0 != 0:
		return fmt.Errorf("Coef0 is %v: %w", t.Coef0, gram.ErrParam)
	case t.Degree < 1 || t.Degree > maxDegree:
		return fmt.Errorf("Degree is %d: %w", t.Degree, gram.ErrParam)
	case t.Landmarks < 0:
		return fmt.Errorf("Landmarks is %d: %w", t.Landmarks, gram.ErrParam)
	case !(t.Tolerance > 0 && t.Tolerance < 1):
		return fmt.Errorf("Tolerance is %v: %w", t.Tolerance, gram.ErrParam)
	case !(t.Ridge > 0) || math.IsInf(t.Ridge, 1):
		return fmt.Errorf("Ridge is %v: %w", t.Ridge, gram.ErrParam)
	}
	return nil
}

// Fit finds the components of X, n×d, with weights w ≥ 0 that count rows, nil for all ones.
//
// Errors: ErrShape, ErrNonFinite and ErrWeights for X and w; ErrParam for a field out of its
// range; ErrSingular if the rows span fewer directions than Components; ErrNonFinite also for a
// kernel that is; that of ctx. O(n²·d) for the kernel and O(n²·k) for few components,
// O(n³) for many or fewer than 500 rows.
func (t KernelPCA) Fit(ctx context.Context, X gram.Matrix, w []float64) (*KernelPCAModel, error) {
	s, err := sample(ctx, X, w, t.Workers)
	if err != nil {
		return nil, err
	}
	if _, _, err := gram.CheckMatrix(X); err != nil {
		return nil, err
	}
	t = t.withDefaults(s.d)
	if err := t.check(s); err != nil {
		return nil, err
	}
	f, err := t.prepare(ctx, s)
	if err != nil {
		return nil, err
	}
	m := &KernelPCAModel{kernel: f.kernelMap}
	if t.Landmarks > 0 && t.Landmarks < s.positive {
		err = f.nystrom(ctx, m)
	} else {
		err = f.whole(ctx, m)
	}
	if err != nil {
		return nil, err
	}
	m.init()
	if t.Inverse {
		if err := f.learnInverse(ctx, m); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// TrainTransformer calls Fit; y is not used.
func (t KernelPCA) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := t.Fit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// kernelFit is the state of a fit.
type kernelFit struct {
	KernelPCA
	kernelMap
	s *data
	// index lists the rows that are landmarks, and share their parts of the weight.
	index []int
	share []float64
}

// prepare chooses the landmarks and copies them. Kernels that do not change when all rows move
// have their origin in the mean.
func (t KernelPCA) prepare(ctx context.Context, s *data) (*kernelFit, error) {
	f := &kernelFit{KernelPCA: t, s: s}
	f.kernelMap = kernelMap{kind: t.Kernel, gamma: t.Gamma, coef0: t.Coef0, degree: t.Degree, custom: t.Custom}
	if t.Kernel == LinearKernel || t.Kernel == RBF {
		mean, err := s.means(ctx)
		if err != nil {
			return nil, err
		}
		f.origin = mean
	}
	for i := range s.n {
		if s.w == nil || s.w[i] > 0 {
			f.index = append(f.index, i)
		}
	}
	if t.Landmarks > 0 && t.Landmarks < len(f.index) {
		f.draw(t.Landmarks)
	}
	total := 0.0
	for _, i := range f.index {
		root := s.root(i)
		f.share = append(f.share, root*root)
		total += root * root
	}
	f64.Scal(1/total, f.share)
	rows := linalg.NewDense[float64](len(f.index), s.d, nil)
	chosen := linalg.AsOperator(linalg.Rows(s.X, f.index))
	err := par.For(ctx, s.workers, rows.Rows, 256, func(_, lo, hi int) {
		copy(rows.Data[lo*s.d:hi*s.d], f.rowsOf(chosen, lo, hi).Data)
	})
	if err != nil {
		return nil, stopped(err)
	}
	f.setLandmarks(rows)
	return f, nil
}

// draw leaves m of the rows, drawn by weight: those of the largest u^(1/w) for random u
// (P. Efraimidis and P. Spirakis, Weighted random sampling with a reservoir, IPL 97 (2006)).
func (f *kernelFit) draw(m int) {
	rng := rand.New(rand.NewPCG(f.Seed, 0))
	keys := make([]float64, f.s.n)
	for _, i := range f.index {
		root := f.s.root(i)
		keys[i] = rng.ExpFloat64() / (root * root)
	}
	slices.SortStableFunc(f.index, func(a, b int) int {
		switch {
		case keys[a] < keys[b]:
			return -1
		case keys[a] > keys[b]:
			return 1
		}
		return 0
	})
	f.index = f.index[:m]
	slices.Sort(f.index)
}

// gramMatrix returns the kernel between all landmarks.
func (f *kernelFit) gramMatrix(ctx context.Context) (*strips, error) {
	m := f.landmarks.Rows
	size := blockRows(m)
	out := newStrips(m, size)
	finite := make([]bool, len(out.parts))
	err := par.For(ctx, f.s.workers, m, size, func(b, lo, hi int) {
		later := f.kernelMap
		later.landmarks, later.squares = f.landmarks.Slice(lo, m, 0, f.s.d), f.squares[lo:]
		later.block(out.parts[b], f.landmarks.Slice(lo, hi, 0, f.s.d))
		finite[b] = out.finite(b)
	})
	if err != nil {
		return nil, stopped(err)
	}
	if slices.Contains(finite, false) {
		return nil, fmt.Errorf("the kernel overflows: %w", gram.ErrNonFinite)
	}
	return out, nil
}

// blockRows returns how many rows of m kernels make a block: enough for the landmarks, which
// products read once a block, to cost little.
func blockRows(m int) int { return min(256, max(64, m/8)) }

// whole finds the components from the kernel between all rows.
func (f *kernelFit) whole(ctx context.Context, m *KernelPCAModel) error {
	k, err := f.gramMatrix(ctx)
	if err != nil {
		return err
	}
	means, err := f.centre(ctx, k)
	if err != nil {
		return err
	}
	total := 0.0
	for i := range k.n {
		total += k.At(i, i)
	}
	e, err := f.eigen(ctx, k)
	if err != nil {
		return err
	}
	if err := f.enough(e.Values, float64(k.n)*0x1p-52*4*max(total, 0)); err != nil {
		return err
	}
	divisor := f.s.weight - 1
	m.total = total / divisor
	// A component is Σᵢ √wᵢ·uᵢ/√λ·φ(xᵢ), of length 1; the scores are √λ·uᵢ/√wᵢ, the largest of
	// them positive.
	m.coef = transposed(e.Vectors.Slice(0, k.n, 0, f.Components))
	f.scaleRows(m.coef, func(root float64) float64 { return 1 / root })
	fixSigns(m.coef)
	f.scaleRows(m.coef, func(root float64) float64 { return root * root })
	for j, v := range e.Values[:f.Components] {
		m.variance = append(m.variance, v/divisor)
		f64.Scal(1/math.Sqrt(v), m.coef.Row(j))
	}
	m.shift = make([]float64, f.Components)
	f64.DotRows(m.shift, m.coef.Data, m.coef.Stride, means)
	return nil
}

// scaleRows multiplies the columns of a, one for each row of X, by a function of the roots of
// their weights.
func (f *kernelFit) scaleRows(a *linalg.Dense[float64], by func(root float64) float64) {
	for i, r := range f.index {
		c := by(f.s.root(r))
		for j := range a.Rows {
			a.Row(j)[i] *= c
		}
	}
}

// centre subtracts from the kernel what takes its mean to zero in both directions, multiplies
// it by the roots of weights, and returns the means that it had.
func (f *kernelFit) centre(ctx context.Context, k *strips) ([]float64, error) {
	means := make([]float64, k.n)
	err := par.For(ctx, f.s.workers, k.n, k.size, func(_, lo, hi int) {
		k.MulRows(means[lo:hi], lo, hi, f.share, 1)
	})
	if err != nil {
		return nil, stopped(err)
	}
	grand := f64.Dot(f.share, means)
	err = par.For(ctx, f.s.workers, k.n, k.size, func(b, lo, hi int) {
		later, index := means[lo:], f.index[lo:]
		for i := lo; i < hi; i++ {
			row, by := k.parts[b].Row(i-lo), grand-means[i]
			for j, v := range row {
				row[j] = v + (by - later[j])
			}
			if f.s.w != nil {
				root := f.s.root(f.index[i])
				for j, r := range index {
					row[j] *= root * f.s.root(r)
				}
			}
		}
	})
	if err != nil {
		return nil, stopped(err)
	}
	return means, nil
}

// eigen finds the largest eigenvalues of the centred kernel: those of largest magnitude by
// products with it, unless some are negative, there are many of them or few rows.
func (f *kernelFit) eigen(ctx context.Context, k *strips) (*linalg.SymEigen, error) {
	if k.n >= 500 && 20*f.Components <= k.n {
		e, err := linalg.LeadingEigen{Tolerance: f.Tolerance, Seed: f.Seed, Workers: f.Workers}.Decompose(ctx, k, f.Components)
		if err == nil && e.Values[f.Components-1] > 0 {
			return e, nil
		}
		if ctx.Err() != nil {
			return nil, stopped(ctx.Err())
		}
	}
	e, err := linalg.NewSymEigen(f.Workers, k.dense(), f.Components)
	if err != nil {
		return nil, fmt.Errorf("the centred kernel: %w", err)
	}
	return e, nil
}

// enough fails if fewer values than components are above rounding.
func (f *kernelFit) enough(values []float64, rounding float64) error {
	for j, v := range values[:min(len(values), f.Components)] {
		if !(v > rounding) {
			return fmt.Errorf("%d components of rows of rank %d: %w", f.Components, j, gram.ErrSingular)
		}
	}
	if len(values) < f.Components {
		return fmt.Errorf("%d components of landmarks of rank %d: %w", f.Components, len(values), gram.ErrSingular)
	}
	return nil
}

// nystrom finds the components of features φ̃(x) = W^(−½)·k(x, landmarks), where W is the kernel
// between the landmarks: their inner products are the kernel as far as the landmarks tell.
func (f *kernelFit) nystrom(ctx context.Context, m *KernelPCAModel) error {
	triangle, err := f.gramMatrix(ctx)
	if err != nil {
		return err
	}
	k := triangle.dense()
	e, err := linalg.NewSymEigen(f.Workers, k, k.Rows)
	if err != nil {
		return fmt.Errorf("the kernel of the landmarks: %w", err)
	}
	rank := 0
	for rank < k.Rows && e.Values[rank] > 1e-12*e.Values[0] && e.Values[rank] > 0 {
		rank++
	}
	if err := f.enough(e.Values[:rank], 0); err != nil {
		return err
	}
	root := linalg.CopyOf[float64](e.Vectors.Slice(0, k.Rows, 0, rank))
	for i := range root.Rows {
		for j := range rank {
			root.Row(i)[j] /= math.Sqrt(e.Values[j])
		}
	}
	features := &kernelRows{f: f, root: root}
	c, err := momentsOf(ctx, linalg.AsOperator(features), f.s.w, f.s.workers)
	if err != nil {
		return err
	}
	top, err := linalg.NewSymEigen(f.Workers, c.Scatter, f.Components)
	if err != nil {
		return fmt.Errorf("the scatter of the features: %w", err)
	}
	total := 0.0
	for j := range rank {
		total += c.Scatter.At(j, j)
	}
	if err := f.enough(top.Values, float64(rank)*0x1p-52*4*total); err != nil {
		return err
	}
	divisor := f.s.weight - 1
	m.total = total / divisor
	for _, v := range top.Values {
		m.variance = append(m.variance, v/divisor)
	}
	m.coef = transposed(product(f.Workers, root, top.Vectors))
	fixSigns(m.coef)
	m.shift = make([]float64, f.Components)
	mean := make([]float64, k.Rows) // the kernel that has the mean of the features
	f64.DotRows(mean, root.Data, root.Stride, c.Mean)
	f64.DotRows(mean, k.Data, k.Stride, slices.Clone(mean))
	f64.DotRows(m.shift, m.coef.Data, m.coef.Stride, mean)
	return nil
}

// kernelRows is the matrix of the features of all rows, made block by block.
type kernelRows struct {
	f    *kernelFit
	root *linalg.Dense[float64]
}

func (r *kernelRows) Dims() (rows, cols int) { return r.f.s.n, r.root.Cols }

func (r *kernelRows) At(i, j int) float64 {
	row, _ := r.RowBlock(make([]float64, r.root.Cols), i, i+1)
	return row[j]
}

func (r *kernelRows) RowBlock(buf []float64, lo, hi int) ([]float64, int) {
	cols, first := r.root.Cols, lo
	size := blockRows(r.root.Rows)
	for ; lo < hi; lo += size {
		end := min(hi, lo+size)
		x := r.f.rowsOf(r.f.s.op, lo, end)
		k := linalg.NewDense[float64](end-lo, r.root.Rows, nil)
		r.f.block(k, x)
		out := linalg.NewDense(end-lo, cols, buf[(lo-first)*cols:(end-first)*cols])
		linalg.Gemm(blas.NoTrans, blas.NoTrans, 1, k, r.root, 0, out)
	}
	return buf, cols
}

// learnInverse finds, by ridge regression with the kernel of the scores, what takes the scores of
// the landmarks back to their rows less the mean.
func (f *kernelFit) learnInverse(ctx context.Context, m *KernelPCAModel) error {
	if err := ctx.Err(); err != nil {
		return stopped(err)
	}
	rows := linalg.Rows(f.s.X, f.index)
	scores, err := m.Transform(nil, rows)
	if err != nil {
		return err
	}
	back := &kernelMap{kind: f.kind, gamma: f.gamma, coef0: f.coef0, degree: f.degree, custom: f.custom}
	z := linalg.NewDense(len(f.index), f.Components, scores)
	for i := range z.Rows {
		back.prepare(z.Row(i), slices.Clone(z.Row(i)))
	}
	back.setLandmarks(z)
	inner := &kernelFit{kernelMap: *back, s: &data{d: f.Components, workers: f.s.workers}}
	triangle, err := inner.gramMatrix(ctx)
	if err != nil {
		return err
	}
	k := triangle.dense()
	for i, r := range f.index {
		root := f.s.root(r)
		k.Row(i)[i] += f.Ridge / (root * root)
	}
	c, err := linalg.NewCholesky(f.Workers, k)
	if err != nil {
		return fmt.Errorf("the kernel of the scores: %w", err)
	}
	targets := denseCopy(rows)
	mean, err := f.s.means(ctx)
	if err != nil {
		return err
	}
	for i := range targets.Rows {
		f64.Axpy(-1, mean, targets.Row(i))
	}
	m.setInverse(back, c.Solve(f.Workers, targets, targets), mean)
	return nil
}
