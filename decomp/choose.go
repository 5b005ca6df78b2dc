package decomp

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
)

// A Rule finds a number of components from the variances of all of them.
type Rule int

const (
	// AllComponents keeps all.
	AllComponents Rule = iota
	// Elbow keeps those up to the bend of the scree plot; see [ElbowComponents].
	Elbow
	// BrokenStick keeps those that exceed what chance would give; see [BrokenStickComponents].
	BrokenStick
	// Kaiser keeps those above the mean; see [KaiserComponents].
	Kaiser
	// Minka maximises the evidence of the number; see [MinkaComponents].
	Minka
)

// String returns "all", "elbow", "broken stick", "Kaiser" or "Minka".
func (r Rule) String() string {
	switch r {
	case AllComponents:
		return "all"
	case Elbow:
		return "elbow"
	case BrokenStick:
		return "broken stick"
	case Kaiser:
		return "Kaiser"
	case Minka:
		return "Minka"
	}
	return fmt.Sprintf("Rule(%d)", int(r))
}

// Components returns what the rule finds for the variances of all components, the largest
// first, of rows of the given weight.
func (r Rule) Components(variances []float64, weight float64) int {
	switch r {
	case Elbow:
		return ElbowComponents(variances)
	case BrokenStick:
		return BrokenStickComponents(variances)
	case Kaiser:
		return KaiserComponents(variances)
	case Minka:
		return MinkaComponents(variances, weight)
	}
	return len(variances)
}

// ComponentsForRatio returns the least number of components that together explain at
// least the given share, in (0, 1], of the variance. The variances are those of all
// components, the largest first.
func ComponentsForRatio(variances []float64, ratio float64) int {
	total := f64.Sum(variances)
	sum := 0.0
	for j, v := range variances {
		// A share of 1 is reached when only rounding is left.
		if sum += v; sum >= ratio*total*(1-1e-15*float64(len(variances))) {
			return j + 1
		}
	}
	return len(variances)
}

// ComponentsForError returns the least number of components, 0 or more, that leave at most
// the given variance to the others: the mean squared distance of a row from its
// reconstruction, but for the factor n/(n−1).
func ComponentsForError(variances []float64, left float64) int {
	k, sum := len(variances), 0.0
	for k > 0 {
		if sum += variances[k-1]; sum > left {
			break
		}
		k--
	}
	return k
}

// ElbowComponents returns the number of components up to the bend of the scree plot: those
// before the point that lies farthest below the line from the first variance to the
// last (V. Satopää and others, Finding a "kneedle" in a haystack, ICDCSW 2011). It is a
// rule of the eye; 1 for fewer than three variances or a straight line.
func ElbowComponents(variances []float64) int {
	p := len(variances)
	if p < 3 {
		return min(1, p)
	}
	first, last := variances[0], variances[p-1]
	best, at := 1e-12*(first-last), 1
	for j, v := range variances {
		line := first + (last-first)*float64(j)/float64(p-1)
		if below := line - v; below > best {
			best, at = below, j
		}
	}
	return at
}

// BrokenStickComponents returns how many leading components have a larger share of the
// variance than the pieces of a stick broken at random: the k-th largest of p has the
// expected length Σᵢ₌ₖᵖ 1/i / p (D. Jackson, Stopping rules in principal components
// analysis, Ecology 74 (1993)). It is careful, and may return 0.
func BrokenStickComponents(variances []float64) int {
	p := len(variances)
	total := f64.Sum(variances)
	expected := 0.0
	for i := 1; i <= p; i++ {
		expected += 1 / float64(i)
	}
	for k, v := range variances {
		if v*float64(p) <= expected*total {
			return k
		}
		expected -= 1 / float64(k+1)
	}
	return p
}

// KaiserComponents returns how many variances exceed their mean, which is 1 for
// standardized columns, for which the rule is meant (H. Kaiser, The application of electronic
// computers to factor analysis, 1960). It keeps too many where there are many columns.
func KaiserComponents(variances []float64) int {
	mean := f64.Sum(variances) / float64(len(variances))
	k := 0
	for k < len(variances) && variances[k] > mean {
		k++
	}
	return k
}

// MinkaComponents returns the number of components of the largest evidence under
// probabilistic PCA, from 1 to one less than there are variances: T. Minka, Automatic choice
// of dimensionality for PCA, NIPS 2000, by Laplace's approximation. n is the number
// of rows, or their weight. O(p³) for p variances.
func MinkaComponents(variances []float64, n float64) int {
	p := len(variances)
	best, at := math.Inf(-1), min(1, p)
	for k := 1; k < p; k++ {
		if v := minkaEvidence(variances, k, n); v > best {
			best, at = v, k
		}
	}
	return at
}

// minkaEvidence is the logarithm of the evidence of k components, up to a constant.
func minkaEvidence(variances []float64, k int, n float64) float64 {
	const tiny = 1e-15
	p := len(variances)
	if variances[k-1] < tiny*variances[0] {
		return math.Inf(-1) // a component without variance is no component
	}
	noise := max(tiny*variances[0], f64.Sum(variances[k:])/float64(p-k))
	// The prior of the directions, uniform on the Stiefel manifold.
	e := -float64(k) * math.Ln2
	for i := 1; i <= k; i++ {
		a := float64(p-i+1) / 2
		lg, _ := math.Lgamma(a)
		e += lg - a*math.Log(math.Pi)
	}
	for _, v := range variances[:k] {
		e -= math.Log(v) * n / 2
	}
	e -= math.Log(noise) * n * float64(p-k) / 2
	params := float64(p*k) - float64(k*(k+1))/2
	e += math.Log(2*math.Pi)*(params+float64(k))/2 - math.Log(n)*float64(k)/2
	// The determinant of the Hessian.
	at := func(i int) float64 {
		if i < k {
			return variances[i]
		}
		return noise
	}
	for i := range k {
		for j := i + 1; j < p; j++ {
			gap := (variances[i] - variances[j]) * (1/at(j) - 1/at(i))
			e -= (math.Log(max(gap, math.SmallestNonzeroFloat64)) + math.Log(n)) / 2
		}
	}
	return e
}

// Choose compares ways to choose the number of components. The zero value works. The
// best number for what comes after, a classifier for example, is none of these: search it
// with eval.ClassifierSearch over a pipeline.
type Choose struct {
	// Ratios are the shares of variance to explain, each in (0, 1]; nil means 0.80, 0.90
	// and 0.95.
	Ratios []float64
	// MaxError is the budget of the mean squared error of reconstruction of a row, in the
	// squared units of the data; 0 means 0.01 of what reconstruction by the mean has.
	MaxError float64
	// Permutations is the number of data sets of parallel analysis; 0 means 20.
	Permutations int
	// Quantile, in (0, 1), of the variances of permuted data that a component has to
	// exceed; 0 means 0.95.
	Quantile float64
	// Folds is the number of parts of the cross-validation, 2 to the number of rows; 0
	// means 5, or as many as there are rows.
	Folds int
	// Seed determines permutations and folds.
	Seed uint64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The result does not depend on it.
	Workers int
}

// Choices holds what each way finds.
type Choices struct {
	// Variances of all min(n, d) components, the largest first, and Cumulative the share
	// of the first 1, 2, … of them in their sum.
	Variances, Cumulative []float64
	// ByRatio holds the components that explain each of Ratios.
	Ratios  []float64
	ByRatio []int
	// What the rules of the same names find.
	Elbow, BrokenStick, Kaiser, Minka int
	// ByError is the number within MaxError.
	ByError  int
	MaxError float64
	// Parallel is the number of parallel analysis: how many variances exceed Permuted, the
	// quantiles of those of data whose columns are permuted one by one, which leaves
	// only the correlations of chance (J. Horn, Psychometrika 30 (1965); A. Buja and N.
	// Eyuboglu, Remarks on parallel analysis, 1992).
	Parallel int
	Permuted []float64
	// CrossValidated is the number of the least PRESS. PRESS[k] is the mean squared error,
	// per element, of elements predicted from the others of their row by k components
	// of the other folds (R. Bro and others, Cross-validation of component models, Anal.
	// Bioanal. Chem. 390 (2008)). Unlike the error of whole rows, it rises again when
	// components fit noise.
	CrossValidated int
	PRESS          []float64
}

// String returns a table of the choices.
func (c *Choices) String() string {
	var b strings.Builder
	line := func(name string, k int) { fmt.Fprintf(&b, "%-24s%d\n", name, k) }
	for i, r := range c.Ratios {
		line(fmt.Sprintf("%.3g %% of the variance", 100*r), c.ByRatio[i])
	}
	line("elbow", c.Elbow)
	line("broken stick", c.BrokenStick)
	line("Kaiser", c.Kaiser)
	line("parallel analysis", c.Parallel)
	line("Minka's evidence", c.Minka)
	line("error budget", c.ByError)
	line("cross-validation", c.CrossValidated)
	return b.String()
}

func (c Choose) withDefaults(s *data) Choose {
	if c.Ratios == nil {
		c.Ratios = []float64{0.80, 0.90, 0.95}
	}
	if c.Permutations == 0 {
		c.Permutations = 20
	}
	if c.Quantile == 0 {
		c.Quantile = 0.95
	}
	if c.Folds == 0 {
		c.Folds = min(5, s.positive)
	}
	return c
}

func (c Choose) check(s *data) error {
	for _, r := range c.Ratios {
		if !(r > 0 && r <= 1) {
			return fmt.Errorf("a ratio of %v is not in (0, 1]: %w", r, gram.ErrParam)
		}
	}
	switch {
	case !(c.MaxError >= 0) || !finite(c.MaxError):
		return fmt.Errorf("MaxError is %v: %w", c.MaxError, gram.ErrParam)
	case c.Permutations < 1:
		return fmt.Errorf("%d permutations: %w", c.Permutations, gram.ErrParam)
	case !(c.Quantile > 0 && c.Quantile < 1):
		return fmt.Errorf("Quantile is %v, not in (0, 1): %w", c.Quantile, gram.ErrParam)
	case c.Folds < 2 || c.Folds > s.positive:
		return fmt.Errorf("%d folds of %d rows: %w", c.Folds, s.positive, gram.ErrParam)
	}
	return nil
}

// Components compares the choices for X, n×d with n ≥ 2, and weights w that count rows, nil
// for ones.
//
// Errors are those of PCA.Fit, and ErrParam for the fields of c. It takes the time of
// Permutations + Folds + 1 exact fits and holds a copy of X for each goroutine.
func (c Choose) Components(ctx context.Context, X gram.Matrix, w []float64) (*Choices, error) {
	s, err := sample(ctx, X, w, c.Workers)
	if err != nil {
		return nil, err
	}
	c = c.withDefaults(s)
	if err := c.check(s); err != nil {
		return nil, err
	}
	all, err := s.exact(ctx, Auto, s.least())
	if err != nil {
		return nil, err
	}
	out := &Choices{Variances: all.variances, Ratios: slices.Clone(c.Ratios), MaxError: c.MaxError}
	sum, total := 0.0, f64.Sum(all.variances)
	for _, v := range all.variances {
		if sum += v; total > 0 {
			v = min(1, sum/total)
		}
		out.Cumulative = append(out.Cumulative, v)
	}
	for _, r := range c.Ratios {
		out.ByRatio = append(out.ByRatio, ComponentsForRatio(all.variances, r))
	}
	share := 1 - 1/s.weight
	if out.MaxError == 0 {
		out.MaxError = 0.01 * total * share
	}
	out.ByError = ComponentsForError(all.variances, out.MaxError/share)
	out.Elbow, out.BrokenStick = ElbowComponents(all.variances), BrokenStickComponents(all.variances)
	out.Kaiser, out.Minka = KaiserComponents(all.variances), MinkaComponents(all.variances, s.weight)
	if err := c.parallel(ctx, s, out); err != nil {
		return nil, err
	}
	return out, c.validate(ctx, s, out)
}

// kept returns the rows of positive weight and their weights.
func (s *data) kept() (*linalg.Dense[float64], []float64) {
	out := denseCopy(s.X)
	if s.w == nil {
		return out, nil
	}
	rows := 0
	var w []float64
	for i, v := range s.w {
		if v > 0 {
			copy(out.Row(rows), out.Row(i))
			w = append(w, v)
			rows++
		}
	}
	return out.Slice(0, rows, 0, s.d), w
}

// stream returns the random numbers of one task.
func stream(seed uint64, task int) *rand.Rand {
	return rand.New(rand.NewPCG(seed, uint64(task)))
}

// parallel is parallel analysis. Each data set has its columns permuted one by one.
func (c Choose) parallel(ctx context.Context, s *data, out *Choices) error {
	X, w := s.kept()
	found := make([][]float64, c.Permutations)
	failed := make([]error, c.Permutations)
	err := par.For(ctx, s.workers, c.Permutations, 1, func(_, b, _ int) {
		rng := stream(c.Seed, b)
		permuted := linalg.NewDense[float64](X.Rows, X.Cols, nil)
		for j := range X.Cols {
			for to, from := range rng.Perm(X.Rows) {
				permuted.Data[to*X.Cols+j] = X.Data[from*X.Stride+j]
			}
		}
		var one *data
		if one, failed[b] = newData(ctx, permuted, w, 1); failed[b] == nil {
			var f *spectrum
			if f, failed[b] = one.exact(ctx, Auto, one.least()); failed[b] == nil {
				found[b] = f.variances
			}
		}
	})
	if err != nil {
		return stopped(err)
	}
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	sorted := make([]float64, c.Permutations)
	for j := range out.Variances {
		for b, v := range found {
			sorted[b] = v[j]
		}
		slices.Sort(sorted)
		at := c.Quantile * float64(c.Permutations-1)
		lo := int(at)
		hi := min(lo+1, c.Permutations-1)
		out.Permuted = append(out.Permuted, sorted[lo]+(at-float64(lo))*(sorted[hi]-sorted[lo]))
	}
	for out.Parallel < len(out.Permuted) && out.Variances[out.Parallel] > out.Permuted[out.Parallel] {
		out.Parallel++
	}
	return nil
}

// validate is the cross-validation. The numbers compared are 0 to one less than the
// columns or the components that all the folds have.
func (c Choose) validate(ctx context.Context, s *data, out *Choices) error {
	X, w := s.kept()
	order := stream(c.Seed, -1).Perm(X.Rows)
	fold := make([]int, X.Rows)
	for i, r := range order {
		fold[r] = i % c.Folds
	}
	most := min(s.d-1, X.Rows-(X.Rows+c.Folds-1)/c.Folds-1)
	if most < 0 || s.d == 1 {
		most = 0
	}
	parts := make([][]float64, c.Folds)
	failed := make([]error, c.Folds)
	err := par.For(ctx, s.workers, c.Folds, 1, func(_, f, _ int) {
		parts[f], failed[f] = press(ctx, X, w, fold, f, most)
	})
	if err != nil {
		return stopped(err)
	}
	out.PRESS = make([]float64, most+1)
	for f, p := range parts {
		if failed[f] != nil {
			return fmt.Errorf("fold %d: %w", f, failed[f])
		}
		f64.Axpy(1/(s.weight*float64(s.d)), p, out.PRESS)
	}
	for k, v := range out.PRESS {
		if v < out.PRESS[out.CrossValidated] {
			out.CrossValidated = k
		}
	}
	return nil
}

// press returns the sum of squared errors of the elements of one fold for 0 to most
// components of the other folds. With the components v₁…vₖ, the least-squares prediction
// of element j of row x from its other elements has the error rⱼ/(1 − hⱼ), where r is
// the residual of the whole row and hⱼ = Σ vᵢⱼ².
func press(ctx context.Context, X *linalg.Dense[float64], w []float64, fold []int, f, most int) ([]float64, error) {
	weights := make([]float64, X.Rows)
	for i := range weights {
		if fold[i] != f {
			weights[i] = 1
			if w != nil {
				weights[i] = w[i]
			}
		}
	}
	one, err := sample(ctx, X, weights, 1)
	if err != nil {
		return nil, err
	}
	p, err := one.exact(ctx, Auto, one.least())
	if err != nil {
		return nil, err
	}
	test := linalg.NewDense[float64](X.Rows, X.Cols, nil)
	rows := 0
	var testWeights []float64
	for i := range X.Rows {
		if fold[i] == f {
			row := test.Row(rows)
			copy(row, X.Row(i))
			f64.Axpy(-1, p.mean, row)
			v := 1.0
			if w != nil {
				v = w[i]
			}
			testWeights = append(testWeights, v)
			rows++
		}
	}
	r := test.Slice(0, rows, 0, X.Cols)
	basis := transposed(p.vectors)
	scores := linalg.NewDense[float64](rows, basis.Rows, nil)
	linalg.Gemm(blas.NoTrans, blas.Trans, 1, r, basis, 0, scores)
	return pressOf(r, testWeights, scores, basis, most), nil
}

func pressOf(r *linalg.Dense[float64], w []float64, scores, basis *linalg.Dense[float64], most int) []float64 {
	sums := make([]float64, most+1)
	left := make([]float64, r.Cols) // 1 − h
	for j := range left {
		left[j] = 1
	}
	for k := range sums {
		if k > 0 {
			v := basis.Row(k - 1)
			for j, x := range v {
				left[j] -= x * x
			}
			for i := range r.Rows {
				f64.Axpy(-scores.Row(i)[k-1], v, r.Row(i))
			}
		}
		for i := range r.Rows {
			for j, x := range r.Row(i) {
				x /= max(left[j], 1e-12)
				sums[k] += w[i] * x * x
			}
		}
	}
	return sums
}
