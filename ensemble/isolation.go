package ensemble

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"sort"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// IsolationForest finds anomalies: rows that few random cuts set apart from all others (F. T.
// Liu, K. M. Ting, Z.-H. Zhou, Isolation forest, ICDM 2008). Each tree takes a small sample
// of the rows and cuts random features at random places until rows are alone; a row's
// score is 2^(−E h/c), h being the depth of its leaf and c what is usual for that many
// rows.
//
// It needs no distances and no scaling, and time and memory do not depend on the number of
// rows. Anomalies that lie within the range of every single feature, such as those in the
// hole of a ring, it finds badly: see package mixture for densities.
type IsolationForest struct {
	// Estimators is the number of trees, ≥ 1; 0 means 100.
	Estimators int
	// MaxSamples is the number of rows in a sample, ≥ 2; 0 means 256, and no more than
	// there are rows. More rows do not help: they hide anomalies that lie together.
	MaxSamples int
	// Seed determines the samples and the cuts.
	Seed uint64
	// Workers limits the trees that grow at one time, 0 means GOMAXPROCS.
	Workers int
	// Progress, if not nil, is called after every tree.
	Progress func(gram.Progress)
}

var _ gram.ScorerTrainer = IsolationForest{}

// Fit trains on the n×d matrix X and sample weights w ≥ 0, nil for all ones. A weight of
// 2 is the same as a repeated row; samples are drawn without replacement from Σw rows.
//
// Errors: gram.ErrShape, gram.ErrNonFinite, gram.ErrWeights, gram.ErrParam; ctx's error.
// O(n·d) to look at X, and O(MaxSamples·log MaxSamples) for a tree.
func (t IsolationForest) Fit(ctx context.Context, X gram.Matrix, w []float64) (*IsolationForestModel, error) {
	if t.Estimators == 0 {
		t.Estimators = 100
	}
	if t.Estimators < 1 || t.MaxSamples < 0 || t.MaxSamples == 1 {
		return nil, fmt.Errorf("ensemble: Estimators is %d and MaxSamples %d, want at least 1 and 2, or 0: %w", t.Estimators, t.MaxSamples, gram.ErrParam)
	}
	n, d, err := gram.CheckMatrix(X)
	if err != nil {
		return nil, err
	}
	if _, err := gram.CheckWeights(w, n); err != nil {
		return nil, err
	}
	if t.MaxSamples == 0 {
		t.MaxSamples = 256
	}
	s := newSlots(n, w)
	size := min(t.MaxSamples, s.count)
	trees, values := make([]*plainTree, t.Estimators), make([][]float64, t.Estimators)
	_, err = each(ctx, t.Workers, t.Estimators, "tree", t.Progress, func(_ context.Context, i int) error {
		rng := rand.New(rand.NewPCG(t.Seed, uint64(i)))
		rows := s.draw(rng, size)
		g := isolate(rng, linalg.AsOperator(linalg.Rows(X, rows)), len(rows), d)
		trees[i], values[i] = plainLeaves(g, d, nil)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &IsolationForestModel{forestOf(d, 1, trees, values), usualDepth(float64(size))}, nil
}

// TrainScorer calls Fit.
func (t IsolationForest) TrainScorer(ctx context.Context, X gram.Matrix, w []float64) (gram.Scorer, error) {
	m, err := t.Fit(ctx, X, w)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// slots are equal parts of the weight of all rows, which samples are drawn from: a row
// each if there are no weights.
type slots struct {
	count int
	width float64   // in weight
	sums  []float64 // cumulative weights, nil for ones
}

func newSlots(n int, w []float64) slots {
	if w == nil {
		return slots{n, 1, nil}
	}
	s := slots{width: 1}
	total, rows := 0.0, 0
	for _, v := range w {
		total += v
		s.sums = append(s.sums, total)
		if v > 0 {
			rows++
		}
	}
	s.width = min(1, total/float64(rows)) // weights that sum to 1 do not starve samples
	s.count = int(total/s.width + 0.5)
	return s
}

// draw returns the rows of size different slots. A row of a large weight may be there
// several times.
func (s *slots) draw(rng *rand.Rand, size int) []int {
	taken := make(map[int]bool, size)
	rows := make([]int, 0, size)
	for len(rows) < size {
		slot := rng.IntN(s.count)
		if taken[slot] {
			continue
		}
		taken[slot] = true
		row := slot
		if s.sums != nil {
			at := (float64(slot) + 0.5) * s.width
			row = sort.Search(len(s.sums)-1, func(i int) bool { return s.sums[i] > at })
		}
		rows = append(rows, row)
	}
	return rows
}

// isolate grows a tree on n rows of X. The value of a leaf is the depth of rows there, with
// what is usual beyond it if they are several.
func isolate(rng *rand.Rand, X gram.Operator, n, d int) *grown {
	x, stride := X.RowBlock(make([]float64, n*d), 0, n)
	g := newGrown(1)
	limit := int32(bits.Len(uint(max(n-1, 0)))) // ⌈log₂ n⌉
	features, all, buf := ascending(d), iota32(n), make([]int32, n)
	for todo := []span{{hi: n}}; len(todo) > 0; {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		items := all[s.lo:s.hi]
		c := noCut()
		if s.depth < limit {
			c = randomCut(rng, features, func(j int, i int32) float64 { return x[int(i)*stride+j] }, items)
		}
		if c.gain < 0 {
			g.values[s.node] = float64(s.depth) + usualDepth(float64(len(items)))
			continue
		}
		g.split(s.node, &c)
		count := moveLeft(items, buf, func(i int32) bool { return x[int(i)*stride+c.feature] <= c.threshold })
		left := g.nodes[s.node].left
		g.nodes[s.node].missingLeft = 2*count >= len(items)
		todo = append(todo, span{node: left + 1, depth: s.depth + 1, lo: s.lo + count, hi: s.hi}, span{node: left, depth: s.depth + 1, lo: s.lo, hi: s.lo + count})
	}
	return g
}

// randomCut cuts a random one of the features that differ among items.
func randomCut(rng *rand.Rand, features []int, at func(j int, i int32) float64, items []int32) cut {
	for k := range features {
		other := k + rng.IntN(len(features)-k)
		features[k], features[other] = features[other], features[k]
		lo, hi := inf, -inf
		for _, i := range items {
			lo, hi = min(lo, at(features[k], i)), max(hi, at(features[k], i))
		}
		if lo < hi {
			return cut{feature: features[k], threshold: between(lo, hi, rng.Float64())}
		}
	}
	return noCut()
}

// usualDepth is c(n), the mean depth at which a row is alone among n in a random tree: that
// of an unsuccessful search in a binary search tree.
func usualDepth(n float64) float64 {
	const euler = 0.57721566490153286060651209008240243104215933593992
	switch {
	case n <= 1:
		return 0
	case n == 2:
		return 1
	}
	return 2*(math.Log(n-1)+euler) - 2*(n-1)/n
}

// IsolationForestModel is what [IsolationForest] fits. Missing values go with the larger
// part of the sample.
type IsolationForestModel struct {
	flat  *flat
	usual float64 // depth of a row
}

var _ gram.Scorer = (*IsolationForestModel)(nil)

// Features returns d.
func (m *IsolationForestModel) Features() int { return m.flat.features }

// LogDensity returns −log of the anomaly score of each of the n rows: ln 2 times the mean
// depth over the usual one. It orders rows as a log-density does, the least usual first,
// but is not normalised. len(dst) is n. O(n·trees·log MaxSamples).
func (m *IsolationForestModel) LogDensity(dst []float64, X gram.Matrix) ([]float64, error) {
	n, err := gram.CheckFeatures(X, m.flat.features)
	if err != nil {
		return nil, err
	}
	if dst, err = gram.Dst(dst, n); err != nil {
		return nil, err
	}
	clear(dst)
	m.flat.sum(dst, X)
	for i, depths := range dst {
		dst[i] = m.logDensity(depths)
	}
	return dst, nil
}

func (m *IsolationForestModel) logDensity(depths float64) float64 {
	if m.usual == 0 {
		return math.Ln2 // a sample of one row says nothing
	}
	return math.Ln2 * (depths / float64(m.flat.trees())) / m.usual
}

// LogDensityRow is LogDensity for one row.
func (m *IsolationForestModel) LogDensityRow(x []float64) (float64, error) {
	if err := gram.CheckRow(x, m.flat.features); err != nil {
		return 0, err
	}
	b := borrow(1)
	defer b.back()
	b.x[0] = 0
	m.flat.sumRow(m.flat, b.x, x)
	return m.logDensity(b.x[0]), nil
}

// Anomaly returns the anomaly score of each of the n rows, in (0, 1]: well above ½ for an
// anomaly, and below for what is usual; if all are near ½, there is none to be seen.
func (m *IsolationForestModel) Anomaly(dst []float64, X gram.Matrix) ([]float64, error) {
	dst, err := m.LogDensity(dst, X)
	for i, v := range dst {
		dst[i] = math.Exp(-v)
	}
	return dst, err
}

// AnomalyRow is Anomaly for one row.
func (m *IsolationForestModel) AnomalyRow(x []float64) (float64, error) {
	v, err := m.LogDensityRow(x)
	if err != nil {
		return 0, err
	}
	return math.Exp(-v), nil
}

func init() {
	gram.Register("ensemble.IsolationForest", 1,
		func(e *gram.Encoder, m *IsolationForestModel) {
			encodeFlat(e, m.flat)
			e.Float(m.usual)
		},
		func(d *gram.Decoder, _ int) *IsolationForestModel {
			m := &IsolationForestModel{decodeFlat(d), d.Float()}
			if d.Err() == nil && (m.flat.outputs != 1 || !(m.usual >= 0) || m.usual > math.MaxFloat64) {
				d.Fail("%d outputs and a usual depth of %v", m.flat.outputs, m.usual)
			}
			return m
		})
}
