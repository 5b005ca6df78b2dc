package ensemble

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram/linalg"
)

// randomGrown returns a tree that nothing was learned from: any thresholds, sets and
// directions of missing values.
func randomGrown(rng *rand.Rand, d, leaves int, threshold func() float64, categorical bool) *grown {
	g := newGrown(1)
	for open := []int32{0}; len(open) < leaves; {
		at := rng.IntN(len(open))
		i := open[at]
		c := &cut{feature: rng.IntN(d), threshold: threshold(), missingLeft: rng.IntN(2) == 0}
		if categorical && c.feature == 0 {
			c.set = &categorySet{rng.Uint64(), rng.Uint64(), rng.Uint64(), rng.Uint64()}
		}
		g.split(i, c)
		open[at] = g.nodes[i].left
		open = append(open, g.nodes[i].left+1)
	}
	return g
}

// served returns g and others as a flat whose leaves say the number of their node.
func served(trees []*grown, d int) *flat {
	var plain []*plainTree
	var values []float64
	for _, g := range trees {
		plain = append(plain, compile(g, d, nil, func(node int32) uint32 {
			values = append(values, float64(node))
			return uint32(len(values) - 1)
		}))
	}
	nodes, sets := join(d, plain)
	return newFlat(d, 1, 1, nodes, sets, values)
}

// Trees of a forest may be packed alone: all, some or none of them.
func TestFlatOfShortTrees(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	short := func() float64 { return float64(float32(rng.NormFloat64())) }
	for name, long := range map[string]int{"all": 0, "some": 3, "none": 10} {
		var trees []*grown
		var plain []*plainTree
		var values [][]float64
		var memory []plainNode
		number := 0
		for i := range 10 {
			threshold := short
			if i < long {
				threshold = rng.NormFloat64
			}
			g := randomGrown(rng, 3, 1+3*i, threshold, false)
			for node := range g.nodes {
				g.values[node] = float64(number)
				number++
			}
			p, v := plainLeaves(g, 3, memory)
			if memory = p.nodes; !p.shorten(3) {
				p.nodes = slices.Clone(p.nodes)
			}
			trees, plain, values = append(trees, g), append(plain, p), append(values, v)
		}
		f := forestOf(3, 1, plain, values)
		if _, is := f.walker.(*packed[uint32]); is != (long <= 1) {
			t.Errorf("%s: short form is %v", name, is)
		}
		for range 300 {
			x := []float64{short(), rng.NormFloat64(), math.NaN()}
			want, got := 0.0, []float64{0}
			for _, g := range trees {
				want += g.values[g.leafOf(x)]
			}
			if f.sumRow(f, got, x); got[0] != want {
				t.Fatalf("%s: %v, want %v", name, got[0], want)
			}
		}
	}
}

// awkward returns numbers at which decisions are close: thresholds, their neighbours in
// float64 and float32, and what is no number.
func awkward(trees []*grown, rng *rand.Rand) []float64 {
	x := []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64, 5e-324, -5e-324, math.MaxFloat32, 3, 254, 255, 2.9999999999}
	for _, g := range trees {
		for _, n := range g.nodes {
			for _, to := range []float64{math.Inf(1), math.Inf(-1)} {
				x = append(x, n.threshold, math.Nextafter(n.threshold, to), float64(math.Nextafter32(float32(n.threshold), float32(to))))
			}
		}
	}
	rng.Shuffle(len(x), func(i, j int) { x[i], x[j] = x[j], x[i] })
	return x
}

// Rows end in the leaves they end in when the trees are walked as they were grown, alone or
// in batches of any size.
func TestFlatDecides(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	exact := func() float64 { return math.Round(rng.NormFloat64()*8) / 8 }
	any64 := func() float64 { return rng.NormFloat64() * math.Pow(10, float64(rng.IntN(70)-35)) }
	any32 := func() float64 { return float64(float32(any64())) }
	for name, c := range map[string]struct {
		threshold   func() float64
		categorical bool
	}{"eighths": {exact, false}, "float32": {any32, false}, "float64": {any64, false}, "sets": {any32, true}, "sets and float64": {any64, true}} {
		for _, d := range []int{1, 3, 40} {
			var trees []*grown
			for i := range 19 {
				trees = append(trees, randomGrown(rng, d, 1+i*i/3, c.threshold, c.categorical))
			}
			f := served(trees, d)
			if _, short := f.walker.(*packed[uint32]); short == strings.Contains(name, "float64") && (d > 1 || !c.categorical) {
				t.Fatalf("%s: short form is %v", name, short)
			}
			checkFlat(t, name, f, trees, awkward(trees, rng), rng)
		}
	}
}

func checkFlat(t *testing.T, name string, f *flat, trees []*grown, numbers []float64, rng *rand.Rand) {
	t.Helper()
	d := f.features
	n := 1 + rng.IntN(200)
	x := make([]float64, n*d)
	for i := range x {
		x[i] = numbers[rng.IntN(len(numbers))]
	}
	leaves, sums := make([]uint32, n*len(trees)), make([]float64, n)
	f.eachLeaf(f, x, n, d, nil, func(k int, rows []int, of []uint32) {
		for l, i := range rows {
			leaves[i*len(trees)+k] = of[l]
		}
	})
	f.sum(sums, linalg.NewDense(n, d, x))
	for i := range n {
		row, want := x[i*d:(i+1)*d], 0.0
		for k, g := range trees {
			leaf := float64(g.leafOf(row))
			want += leaf
			if got := f.values[leaves[i*len(trees)+k]]; got != leaf {
				t.Fatalf("%s: tree %d sends %v to leaf %v, want %v", name, k, row, got, leaf)
			}
		}
		got := []float64{0}
		f.sumRow(f, got, row)
		if got[0] != want || sums[i] != want {
			t.Fatalf("%s: sums %v and %v, want %v", name, got[0], sums[i], want)
		}
	}
}

// What was compiled can be read again, and packs to the same nodes.
func TestFlatPlain(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for _, threshold := range []func() float64{rng.NormFloat64, func() float64 { return float64(float32(rng.NormFloat64())) }} {
		g := randomGrown(rng, 4, 50, threshold, true)
		want := []*plainTree{compile(g, 4, nil, func(node int32) uint32 { return uint32(node) }), compile(randomGrown(rng, 4, 9, threshold, true), 4, nil, func(int32) uint32 { return 1 })}
		nodes, sets := join(4, want)
		f := newFlat(4, 1, 1, nodes, sets, make([]float64, len(g.nodes)))
		for tree := range 2 {
			if got := f.plain(f, f.roots[tree], f.roots[tree+1]); !slices.Equal(got, nodes[tree]) {
				t.Fatalf("tree %d is %v, want %v", tree, got, nodes[tree])
			}
		}
	}
}
