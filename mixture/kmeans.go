package mixture

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/kernel"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/linalg"
)

// A KMeansInit names the way in which [KMeans] draws its first centers.
type KMeansInit int

const (
	// PlusPlus draws each next row with a probability in proportion to the square of
	// its distance to the nearest center so far.
	PlusPlus KMeansInit = iota
	// GreedyPlusPlus does so 2 + ⌊ln K⌋ times for each center and keeps the draw that
	// leaves the smallest inertia: better starts at that many times the price.
	GreedyPlusPlus
	// Random takes different rows at random.
	Random
)

// String returns "k-means++", "greedy k-means++" or "random".
func (i KMeansInit) String() string {
	switch i {
	case PlusPlus:
		return "k-means++"
	case GreedyPlusPlus:
		return "greedy k-means++"
	case Random:
		return "random"
	}
	return fmt.Sprintf("KMeansInit(%d)", int(i))
}

// KMeans finds K centers that minimise the inertia Σ wᵢ·minₖ‖xᵢ − cₖ‖², by Lloyd's
// iteration or from mini-batches. The zero value has 8 centers, started by
// k-means++.
//
// Lloyd's iteration looks only at rows whose nearest center may have changed, by the bounds of
// G. Hamerly, Making k-means even faster, SDM 2010, and computes their distances only from
// centers near the one they had (J. Newling, F. Fleuret, Fast k-means with accurate bounds,
// ICML 2016), sixteen rows of a cluster at a time; the result is that of computing them all. A cluster that loses its last row
// gets the row that is farthest from its own center.
type KMeans struct {
	// Clusters is K, ≥ 1; 0 means 8.
	Clusters int
	// Init draws the first centers, unless Centers are given.
	Init KMeansInit
	// Centers are the first centers, K×d row-major, or nil.
	Centers []float64
	// NInit is the number of starts, of which the one of least inertia is kept; 0
	// means 1. With Centers there is only one.
	NInit int
	// Seed determines the random numbers.
	Seed uint64
	// BatchSize, if above 0, trains from random batches of as many rows, drawn by
	// weight, which is faster for very many rows and not as good (D. Sculley,
	// Web-scale k-means clustering, WWW 2010). An iteration is then one batch.
	BatchSize int
	// MaxIter limits the iterations, ≥ 1; 0 means 300, or 1000 batches.
	MaxIter int
	// Tol is the tolerance, ≥ 0; 0 means 1e-4. A fit has converged when the squares of
	// the distances that the centers move sum to at most Tol times the mean variance of
	// the columns, or when no row changes its cluster. For batches it is the mean over the
	// last batches, weighted with a half-life of 10, that is looked at.
	Tol float64
	// Workers limits the goroutines, 0 means GOMAXPROCS. The model does not depend on it.
	Workers int
	// Progress, if not nil, is called after every iteration; the objective is the inertia,
	// that of the batch for batches.
	Progress func(gram.Progress)
}

var _ gram.TransformerTrainer = KMeans{}

func (t KMeans) withDefaults() KMeans {
	if t.Clusters == 0 {
		t.Clusters = 8
	}
	if t.NInit == 0 || t.NInit > 1 && t.Centers != nil {
		t.NInit = 1
	}
	if t.MaxIter == 0 {
		t.MaxIter = 300
		if t.BatchSize > 0 {
			t.MaxIter = 1000
		}
	}
	if t.Tol == 0 {
		t.Tol = 1e-4
	}
	return t
}

func (t KMeans) check(s *rows) error {
	switch {
	case t.Clusters < 1:
		return fmt.Errorf("%d clusters: %w", t.Clusters, gram.ErrParam)
	case t.Clusters > s.positive():
		return fmt.Errorf("%d clusters of %d rows of positive weight: %w", t.Clusters, s.positive(), gram.ErrParam)
	case t.Init < PlusPlus || t.Init > Random:
		return fmt.Errorf("%v: %w", t.Init, gram.ErrParam)
	case t.NInit < 1 || t.MaxIter < 1 || t.BatchSize < 0:
		return fmt.Errorf("NInit %d, MaxIter %d and BatchSize %d must not be negative: %w", t.NInit, t.MaxIter, t.BatchSize, gram.ErrParam)
	case !(t.Tol >= 0) || math.IsInf(t.Tol, 1):
		return fmt.Errorf("Tol is %v: %w", t.Tol, gram.ErrParam)
	}
	if t.Centers == nil {
		return nil
	}
	if len(t.Centers) != t.Clusters*s.d {
		return fmt.Errorf("Centers has length %d, want %d×%d: %w", len(t.Centers), t.Clusters, s.d, gram.ErrShape)
	}
	return finiteParams("Centers", t.Centers)
}

func finiteParams(name string, v []float64) error {
	for i, x := range v {
		if x-x != 0 {
			return fmt.Errorf("%s[%d] is %v: %w", name, i, x, gram.ErrParam)
		}
	}
	return nil
}

// Fit finds the centers of X, n×d, with weights w ≥ 0, nil for all ones.
//
// Errors: ErrShape, ErrNonFinite and ErrWeights for X and w; ErrParam for a field out of
// its range or more clusters than rows of positive weight; that of ctx. At MaxIter the
// model comes with an error that wraps ErrNotConverged. An iteration takes at most
// O(n·d·K).
func (t KMeans) Fit(ctx context.Context, X gram.Matrix, w []float64) (*KMeansModel, error) {
	s, err := newRows(ctx, X, w, t.Workers)
	if err != nil {
		return nil, err
	}
	if t = t.withDefaults(); t.BatchSize == 0 {
		return t.best(ctx, s, (*lloyd).run)
	}
	return t.best(ctx, s, (*lloyd).runBatches)
}

// TrainTransformer calls Fit; y is not used.
func (t KMeans) TrainTransformer(ctx context.Context, X gram.Matrix, y, w []float64) (gram.Transformer, error) {
	m, err := t.Fit(ctx, X, w)
	if m == nil {
		return nil, err
	}
	return m, err
}

// best runs every start and returns the model of the least inertia.
func (t KMeans) best(ctx context.Context, s *rows, run func(*lloyd, context.Context) error) (*KMeansModel, error) {
	if err := t.check(s); err != nil {
		return nil, err
	}
	var best *lloyd
	for start := range t.NInit {
		l := newLloyd(t, s)
		if err := l.start(ctx, start); err != nil {
			return nil, err
		}
		if err := run(l, ctx); err != nil {
			return nil, err
		}
		if best == nil || l.inertia < best.inertia {
			best = l
		}
	}
	return best.model()
}

// lloyd is the state of one start of k-means.
type lloyd struct {
	KMeans
	s       *rows
	k, d    int
	centers *linalg.Dense[float64] // less the origin
	lengths []float64              // squared, of the centers
	// The centers in panels of [f64.Nearest], what is near to each, and the largest of lengths.
	all     []float64
	near    []neighbours
	longest float64
	// For each row: its cluster, an upper bound of the distance from that center, a lower bound
	// of that from every other one, and its squared length.
	label               []int32
	upper, lower, norms []float64
	// How far each center has moved since, and how far any other one.
	moved, others []float64

	sum  *clusterSums // of the rows
	most []float64    // the largest weights since sum was last taken of all rows, nil if it has to be
	own  []float64    // squared distances of the rows from their centers, once measured
	used sync.Pool    // of *clusterSums

	inertia     float64
	convergence gram.Convergence
}

func newLloyd(t KMeans, s *rows) *lloyd {
	return &lloyd{KMeans: t, s: s, k: t.Clusters, d: s.d, convergence: gram.Convergence{Solver: "lloyd", Tolerance: t.Tol}}
}

// start sets the first centers.
func (l *lloyd) start(ctx context.Context, start int) error {
	var centers []float64
	rng := stream(l.Seed, start)
	switch {
	case l.Centers != nil:
		centers = make([]float64, len(l.Centers))
		for c := range l.k {
			subtract(centers[c*l.d:(c+1)*l.d], l.Centers[c*l.d:], l.s.origin)
		}
	case l.Init == Random:
		centers = l.s.randomRows(rng, l.k)
	default:
		trials := 1
		if l.Init == GreedyPlusPlus {
			trials = 2 + int(math.Log(float64(l.k)))
		}
		var err error
		if centers, err = l.s.plusPlus(ctx, rng, l.k, trials, l.Workers); err != nil {
			return err
		}
	}
	l.centers = linalg.NewDense(l.k, l.d, centers)
	l.lengths = squares(l.centers)
	return nil
}

// run is Lloyd's iteration. After it, labels and inertia are those of the centers.
func (l *lloyd) run(ctx context.Context) error {
	l.forget()
	if _, err := l.assign(ctx); err != nil {
		return err
	}
	variance := f64.Sum(l.s.spread) / float64(l.d)
	for i := 1; i <= l.MaxIter; i++ {
		if err := l.relocate(ctx); err != nil {
			return err
		}
		shift := l.move()
		changed, err := l.assign(ctx)
		if err != nil {
			return err
		}
		c := &l.convergence
		c.Iterations = i
		if c.Residual = ratio(shift, variance); changed == 0 {
			c.Residual = 0
		}
		c.Converged = c.Residual <= l.Tol
		if l.Progress != nil {
			if err := l.measure(ctx); err != nil {
				return err
			}
			l.Progress(gram.Progress{Iteration: i, Limit: l.MaxIter, Objective: l.inertia, Residual: c.Residual, Tolerance: l.Tol})
		}
		if c.Converged {
			break
		}
		if err := ctx.Err(); err != nil {
			return stopped(err)
		}
	}
	return l.measure(ctx)
}

// forget leaves every row without a cluster.
func (l *lloyd) forget() {
	n := l.s.n
	l.label, l.upper, l.lower, l.norms = make([]int32, n), make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range l.label {
		l.label[i] = -1
	}
	l.moved, l.others, l.most = make([]float64, l.k), make([]float64, l.k), nil
}

// ratio returns a/b, and 0 for 0/0.
func ratio(a, b float64) float64 {
	if a == 0 {
		return 0
	}
	return a / b
}

// clusterSums are the sums that the next centers are made of.
type clusterSums struct {
	k, d    int
	weight  []float64
	sum     []float64 // k×d
	changed int       // rows that changed their cluster
}

// freshSums returns sums of no rows.
func (l *lloyd) freshSums() *clusterSums {
	if a, ok := l.used.Get().(*clusterSums); ok {
		a.changed = 0
		clear(a.weight)
		clear(a.sum)
		return a
	}
	return &clusterSums{k: l.k, d: l.d, weight: make([]float64, l.k), sum: make([]float64, l.k*l.d)}
}

func (a *clusterSums) merge(o *clusterSums) {
	f64.Axpy(1, o.weight, a.weight)
	f64.Axpy(1, o.sum, a.sum)
	a.changed += o.changed
}

func (a *clusterSums) add(cluster int32, w float64, z []float64) {
	c := int(cluster)
	a.weight[c] += w
	f64.Axpy(w, z, a.sum[c*a.d:(c+1)*a.d])
}

// assign finds the nearest center of each row and brings the sums up to date. It returns how
// many rows have changed their cluster.
func (l *lloyd) assign(ctx context.Context) (changed int, err error) {
	if err := l.locate(ctx); err != nil {
		return 0, stopped(err)
	}
	whole := l.lost()
	sum, err := sums(ctx, l.s, l.Workers, l.assignRows(), l.k*l.d,
		l.freshSums, func(into, from *clusterSums) { into.merge(from); l.used.Put(from) },
		func(sum *clusterSums, lo, hi int, t *scratch) { l.assignBlock(sum, lo, hi, whole, t) })
	if err != nil {
		return 0, err
	}
	changed = sum.changed
	if whole {
		l.sum, l.most = sum, slices.Clone(sum.weight)
		return changed, nil
	}
	l.sum.merge(sum)
	l.used.Put(sum)
	for c, w := range l.sum.weight {
		l.most[c] = max(l.most[c], w)
	}
	return changed, nil
}

// lost tells whether the sums have to be taken of all rows again: those to which changes
// are added keep the rounding errors of a cluster that was larger.
func (l *lloyd) lost() bool {
	for c, most := range l.most {
		if l.sum.weight[c] < most/2 {
			return true
		}
	}
	return l.most == nil
}

// assignBlock takes in all rows lo ≤ i < hi, or the changes among them.
func (l *lloyd) assignBlock(sum *clusterSums, lo, hi int, whole bool, t *scratch) {
	doubtful := l.doubtful(lo, hi, t)
	if !whole && len(doubtful) == 0 {
		return
	}
	raw, stride := l.s.x.RowBlock(grow(&t.raw, (hi-lo)*l.d), lo, hi)
	z := grow(&t.z, (len(doubtful)+kernel.PanelRows)*l.d)
	doubts := grow(&t.doubts, len(doubtful))
	at := places(doubtful, l.label, l.k, t)
	from := grow(&t.from, len(doubtful)+kernel.GatherAhead)
	clear(from[len(doubtful):])
	for r, i := range doubtful {
		doubts[at[r]] = doubt{i, l.label[i], l.norms[i], l.upper[i]}
		from[r] = (i - lo) * stride
		at[r] *= l.d
	}
	f64.GatherRows(z, raw, l.s.origin, from, at)
	if l.label[lo] < 0 { // no row is known yet
		for r := range doubts {
			v := &doubts[r]
			v.norm = f64.SumSquares(z[r*l.d : (r+1)*l.d])
			l.norms[v.row] = v.norm
		}
	}
	q := search{l, t, doubts, z, sum, !whole}
	q.run()
	if !whole {
		return
	}
	for i := lo; i < hi; i++ {
		subtract(z[:l.d], raw[(i-lo)*stride:], l.s.origin)
		sum.add(l.label[i], l.s.weight(i), z[:l.d])
	}
}

// doubtful loosens the bounds of rows lo ≤ i < hi by what the centers have moved, and returns
// those whose nearest center may be another one now.
func (l *lloyd) doubtful(lo, hi int, t *scratch) []int {
	out, count := grow(&t.shown, hi-lo), 0
	for i := lo; i < hi; i++ {
		out[count] = i
		c := l.label[i]
		if c < 0 {
			count++
			continue
		}
		near := &l.near[c]
		upper := l.upper[i] + l.moved[c]
		lower := near.loosened(l.lower[i], upper, l.others[c])
		l.upper[i], l.lower[i] = upper, lower
		if upper > max(near.half, lower) {
			count++
		}
	}
	return out[:count]
}

// places returns for each of some rows its place among them when they are sorted by their
// labels, −1 ≤ label < k.
func places(rows []int, label []int32, k int, t *scratch) []int {
	buf := grow(&t.places, len(rows)+k+2)
	at, start := buf[:len(rows)], buf[len(rows):]
	clear(start)
	for _, i := range rows {
		start[label[i]+2]++
	}
	for c := range k {
		start[c+1] += start[c]
	}
	for r, i := range rows {
		c := label[i] + 1
		at[r] = start[c]
		start[c]++
	}
	return at
}

// assignRows returns how many rows a block of assign has: so many that several are of one
// cluster, but still some blocks for every goroutine.
func (l *lloyd) assignRows() int {
	const elements = 1 << 17
	return max(256, min(elements/l.d, l.s.n/64))
}

// measure sets the distances of the rows from their centers, and the inertia.
func (l *lloyd) measure(ctx context.Context) error {
	if l.own == nil {
		l.own = make([]float64, l.s.n)
	}
	total, err := sums(ctx, l.s, l.Workers, blockRows(l.d), 1, func() *vector { return newVector(1) }, (*vector).merge,
		func(sum *vector, lo, hi int, t *scratch) {
			rows := grow(&t.z, (hi-lo)*l.d)
			l.s.block(rows, lo, hi, t)
			for i := lo; i < hi; i++ {
				c := int(l.label[i])
				dot := f64.Dot(rows[(i-lo)*l.d:(i-lo+1)*l.d], l.centers.Data[c*l.d:(c+1)*l.d])
				l.own[i] = max(0, l.norms[i]+l.lengths[c]-2*dot)
				sum.v[0] += l.s.weight(i) * l.own[i]
			}
		})
	if err != nil {
		return err
	}
	l.inertia = total.v[0]
	l.convergence.Objective = l.inertia
	return nil
}

// roundoff bounds the error of a squared distance relative to the squared lengths.
const roundoff = 1e-13

// twoLeast returns the index of the least element, the first of equal ones, and the
// two least; the second is +Inf if there is one element.
func twoLeast(x []float64) (index int, first, second float64) {
	first, second = math.Inf(1), math.Inf(1)
	for j, v := range x {
		if v < second {
			if v < first {
				index, first, second = j, v, first
			} else {
				second = v
			}
		}
	}
	return index, first, second
}

// relocate gives clusters without weight the rows that add most to the inertia.
func (l *lloyd) relocate(ctx context.Context) error {
	if slices.Min(l.sum.weight) > 0 {
		return nil
	}
	if err := l.measure(ctx); err != nil {
		return err
	}
	sum := l.sum
	var taken []int
	var t scratch
	z := make([]float64, l.d)
	for c, w := range sum.weight {
		if w > 0 {
			continue
		}
		far, most := -1, 0.0
		for i, v := range l.own {
			if v *= l.s.weight(i); v > most && sum.weight[l.label[i]] > l.s.weight(i) && !slices.Contains(taken, i) {
				far, most = i, v
			}
		}
		if far < 0 { // fewer different rows than clusters
			continue
		}
		taken = append(taken, far)
		l.most = nil // labels know nothing of it
		l.s.row(z, far, &t)
		sum.add(l.label[far], -l.s.weight(far), z)
		sum.add(int32(c), l.s.weight(far), z)
	}
	return nil
}

// move sets the centers to the means of the clusters and returns the sum of the squared
// shifts. A cluster without weight stays.
func (l *lloyd) move() float64 {
	clear(l.moved)
	total := 0.0
	next := make([]float64, l.d)
	for c, w := range l.sum.weight {
		if w <= 0 {
			continue
		}
		for j, v := range l.sum.sum[c*l.d : (c+1)*l.d] {
			next[j] = v / w
		}
		row := l.centers.Row(c)
		shift := 0.0
		for j, v := range next {
			shift += (v - row[j]) * (v - row[j])
		}
		copy(row, next)
		total += shift
		l.moved[c] = math.Sqrt(shift) * (1 + roundoff)
	}
	l.lengths = squares(l.centers)
	most, first, second := farthest(l.moved)
	for c := range l.others {
		l.others[c] = first
	}
	l.others[most] = second
	return total
}

// farthest returns the largest element, its index, and the second largest.
func farthest(x []float64) (index int, first, second float64) {
	for j, v := range x {
		if v > first {
			index, first, second = j, v, first
		} else {
			second = max(second, v)
		}
	}
	return index, first, second
}

// runBatches is the iteration on batches: each row moves its center towards itself
// by the inverse of the weight that the center has seen.
func (l *lloyd) runBatches(ctx context.Context) error {
	l.convergence.Solver = "mini-batch"
	rng := stream(l.Seed, -1)
	p := l.s.weights()
	running(p)
	seen := make([]float64, l.k)
	z := linalg.NewDense[float64](l.BatchSize, l.d, nil)
	dist := make([]float64, l.BatchSize*l.k)
	variance := f64.Sum(l.s.spread) / float64(l.d)
	var t scratch
	mean := math.Inf(1)
	for i := 1; i <= l.MaxIter; i++ {
		for r := range l.BatchSize {
			l.s.row(z.Row(r), find(p, rng.Float64()), &t)
		}
		distances(dist, z, l.centers, l.lengths)
		before := slices.Clone(l.centers.Data)
		inertia := 0.0
		for r := range l.BatchSize {
			c, least, _ := twoLeast(dist[r*l.k : (r+1)*l.k])
			inertia += least
			seen[c]++
			row := l.centers.Row(c)
			for j, v := range z.Row(r) {
				row[j] += (v - row[j]) / seen[c]
			}
		}
		l.lengths = squares(l.centers)
		f64.Axpy(-1, l.centers.Data, before)
		shift := ratio(f64.SumSquares(before), variance)
		if mean = decay*mean + (1-decay)*shift; i == 1 {
			mean = shift
		}
		c := &l.convergence
		c.Iterations, c.Residual, c.Converged = i, mean, mean <= l.Tol
		if l.Progress != nil {
			l.Progress(gram.Progress{Iteration: i, Limit: l.MaxIter, Objective: inertia, Residual: mean, Tolerance: l.Tol})
		}
		if err := ctx.Err(); err != nil {
			return stopped(err)
		}
		if c.Converged {
			break
		}
	}
	return l.finish(ctx)
}

// decay has a half-life of 10 batches.
const decay = 0.933

// finish computes labels and inertia of the centers.
func (l *lloyd) finish(ctx context.Context) error {
	l.forget()
	if _, err := l.assign(ctx); err != nil {
		return err
	}
	return l.measure(ctx)
}

// model returns the model, with an error if the fit did not converge.
func (l *lloyd) model() (*KMeansModel, error) {
	m := newKMeansModel(l.s.origin, l.centers.Data, l.inertia, l.convergence)
	return m, notConverged("k-means", l.convergence)
}

// notConverged is the error of a fit that reached its limit.
func notConverged(what string, c gram.Convergence) error {
	if c.Converged {
		return nil
	}
	return fmt.Errorf("%s after %d iterations: residual %.3g, tolerance %.3g: %w", what, c.Iterations, c.Residual, c.Tolerance, gram.ErrNotConverged)
}

// KMeansModel is a fitted [KMeans]: a gram.Transformer to the distances from the K
// centers, and a quantizer by the nearest one. Batch methods take O(n·d·K), row methods
// O(d·K) and no memory. A row with a NaN has distances NaN and cluster 0.
type KMeansModel struct {
	origin      []float64
	centers     *linalg.Dense[float64] // less the origin
	lengths     []float64
	inertia     float64
	convergence gram.Convergence
	pool        sync.Pool
}

var _ gram.Transformer = (*KMeansModel)(nil)

func newKMeansModel(origin, centers []float64, inertia float64, c gram.Convergence) *KMeansModel {
	d := len(origin)
	m := &KMeansModel{origin: origin, centers: linalg.NewDense(len(centers)/d, d, centers), inertia: inertia, convergence: c}
	m.lengths = squares(m.centers)
	m.pool.New = func() any { return new(scratch) }
	return m
}

// Features returns d.
func (m *KMeansModel) Features() int { return len(m.origin) }

// OutFeatures returns K.
func (m *KMeansModel) OutFeatures() int { return m.centers.Rows }

// Clusters returns K.
func (m *KMeansModel) Clusters() int { return m.centers.Rows }

// Centers returns a copy of the centers, K×d row-major.
func (m *KMeansModel) Centers() []float64 { return addOrigin(m.centers.Data, m.origin) }

// addOrigin returns rows of len(origin) columns, with it added.
func addOrigin(rows, origin []float64) []float64 {
	out := slices.Clone(rows)
	for i := range out {
		out[i] += origin[i%len(origin)]
	}
	return out
}

// Inertia returns Σ wᵢ·minₖ‖xᵢ − cₖ‖² over the training rows.
func (m *KMeansModel) Inertia() float64 { return m.inertia }

// Convergence tells how the fit ended. The objective is the inertia.
func (m *KMeansModel) Convergence() gram.Convergence { return m.convergence }

// Transform sets dst, n×K row-major, to the distances of the rows from the centers.
func (m *KMeansModel) Transform(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, m.Features())
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n*m.Clusters()); err != nil {
		return nil, err
	}
	m.eachBlock(X, n, func(lo, hi int, dist []float64) {
		out := dst[lo*m.Clusters() : hi*m.Clusters()]
		for i, v := range dist {
			out[i] = math.Sqrt(v)
		}
	})
	return dst, nil
}

// eachBlock calls f with the squared distances of rows lo ≤ i < hi.
func (m *KMeansModel) eachBlock(X gram.Matrix, n int, f func(lo, hi int, dist []float64)) {
	d, k := m.Features(), m.Clusters()
	s := scoredRows(X, n, m.origin)
	t := m.pool.Get().(*scratch)
	defer m.pool.Put(t)
	size := blockRows(d + k)
	for lo := 0; lo < n; lo += size {
		hi := min(n, lo+size)
		z := linalg.NewDense(hi-lo, d, grow(&t.z, (hi-lo)*d))
		s.block(z.Data, lo, hi, t)
		dist := grow(&t.y, (hi-lo)*k)
		distances(dist, z, m.centers, m.lengths)
		f(lo, hi, dist)
	}
}

// TransformRow sets dst, of length K, to the distances of x from the centers.
func (m *KMeansModel) TransformRow(dst, x []float64) error {
	if err := gram.CheckRow(x, m.Features()); err != nil {
		return err
	}
	if err := gram.CheckDst(dst, m.Clusters()); err != nil {
		return err
	}
	m.rowDistances(dst, x)
	for j, v := range dst {
		dst[j] = math.Sqrt(v)
	}
	return nil
}

// rowDistances sets dst to the squared distances of x.
func (m *KMeansModel) rowDistances(dst, x []float64) {
	t := m.pool.Get().(*scratch)
	z := grow(&t.z, m.Features())
	subtract(z, x, m.origin)
	f64.DotRows(dst, m.centers.Data, m.centers.Stride, z)
	zz := f64.SumSquares(z)
	for j, v := range m.lengths[:len(dst)] {
		dst[j] = max(0, zz+v-2*dst[j])
	}
	m.pool.Put(t)
}

// Predict sets dst, of length n, to the nearest center of each row; ties go to the
// smaller.
func (m *KMeansModel) Predict(dst []int, X gram.Matrix) ([]int, error) {
	n, err := gram.CheckFeatures(X, m.Features())
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	k := m.Clusters()
	m.eachBlock(X, n, func(lo, hi int, dist []float64) {
		for i := lo; i < hi; i++ {
			dst[i], _, _ = twoLeast(dist[(i-lo)*k : (i-lo+1)*k])
		}
	})
	return dst, nil
}

// PredictRow returns the nearest center of x.
func (m *KMeansModel) PredictRow(x []float64) (int, error) {
	if err := gram.CheckRow(x, m.Features()); err != nil {
		return 0, err
	}
	t := m.pool.Get().(*scratch)
	dist := grow(&t.p, m.Clusters())
	m.rowDistances(dist, x)
	c, _, _ := twoLeast(dist)
	m.pool.Put(t)
	return c, nil
}
