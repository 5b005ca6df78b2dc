package linear

import (
	"context"
	"math"

	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/mem"
	"github.com/gram-ml/gram/internal/par"
	"github.com/gram-ml/gram/linalg"
	"gonum.org/v1/gonum/blas"
)

// A columnSet holds columns of √W·(X − means), which are added a few at a time. Dense
// columns are rows of blocks; of sparse ones there are the entries, and the means
// apart.
type columnSet struct {
	p    *problem
	root []float64 // √W
	size int

	blocks []*linalg.Dense[float64]
	room   int // columns more that the last block has memory for

	sparse []column
	mean   []float64
	slot   []int // of each feature in the order of coming, or −1; for sparse columns
}

func newColumnSet(p *problem) *columnSet {
	n, d := p.x.Dims()
	c := &columnSet{p: p, root: make([]float64, n)}
	for i, w := range p.w {
		c.root[i] = math.Sqrt(w)
	}
	if p.sparse != nil {
		c.slot = make([]int, d)
		for j := range c.slot {
			c.slot[j] = -1
		}
	}
	return c
}

// add appends the columns of a set of features.
func (c *columnSet) add(ctx context.Context, set []int) error {
	if c.p.sparse != nil {
		c.addSparse(set)
		return ctx.Err()
	}
	n, _ := c.p.x.Dims()
	var rows [][]float64
	for range set {
		if c.room == 0 {
			const most = 512
			c.room = max(len(set)-len(rows), min(most, max(c.size, 16)))
			block := linalg.NewDense[float64](c.room, n, nil)
			block.Rows = 0
			c.blocks = append(c.blocks, block)
		}
		last := c.blocks[len(c.blocks)-1]
		last.Rows++
		c.room--
		c.size++
		rows = append(rows, last.Row(last.Rows-1))
	}
	return par.ForWorker(ctx, c.p.workers, len(c.p.spans), 1, func(worker, _, lo, hi int) {
		for _, s := range c.p.spans[lo:hi] {
			block, stride := denseBlock(c.p.x, s, &c.p.work[worker].a)
			for k, j := range set {
				mean, dst := c.p.std.mean[j], rows[k][s.lo:s.hi]
				for i := range dst {
					dst[i] = c.root[s.lo+i] * (block[i*stride+j] - mean)
				}
			}
		}
	})
}

func (c *columnSet) addSparse(set []int) {
	for _, j := range set {
		c.slot[j] = c.size
		c.size++
		c.mean = append(c.mean, c.p.std.mean[j])
	}
	for _, col := range c.p.sparseColumns(set) {
		for e, i := range col.rows {
			col.vals[e] *= c.root[i]
		}
		c.sparse = append(c.sparse, col)
	}
}

// subtract takes the product of the columns and coef from r.
func (c *columnSet) subtract(r, coef []float64) {
	if c.p.sparse == nil {
		k := 0
		for _, b := range c.blocks {
			for i := range b.Rows {
				if v := coef[k]; v != 0 {
					f64.Axpy(-v, b.Row(i), r)
				}
				k++
			}
		}
		return
	}
	shift := 0.0
	for k := range c.sparse {
		v := coef[k]
		if v == 0 {
			continue
		}
		c.sparse[k].add(-v, r)
		shift += v * c.mean[k]
	}
	f64.Axpy(shift, c.root, r)
}

// dot returns the product of column k and y, whose product with √W is sum.
func (c *columnSet) dot(k int, y []float64, sum float64) float64 {
	if c.p.sparse != nil {
		return c.sparse[k].dot(y) - c.mean[k]*sum
	}
	for _, b := range c.blocks {
		if k < b.Rows {
			return f64.Dot(b.Row(k), y)
		}
		k -= b.Rows
	}
	panic("linear: no such column")
}

// products sets the rows and columns of g from old on to the inner products of columns.
func (c *columnSet) products(ctx context.Context, g *linalg.Dense[float64], old int) error {
	if c.p.sparse != nil {
		if err := c.sparseProducts(ctx, g, old); err != nil {
			return err
		}
	} else {
		c.denseProducts(g, old)
	}
	for k := old; k < c.size; k++ {
		for l, v := range g.Row(k)[:k] {
			g.Data[l*g.Stride+k] = v
		}
	}
	return ctx.Err()
}

func (c *columnSet) denseProducts(g *linalg.Dense[float64], old int) {
	lo := 0
	for _, fresh := range c.blocks {
		hi := lo + fresh.Rows
		if from := max(lo, old); from < hi {
			rows := fresh.Slice(from-lo, hi-lo, 0, fresh.Cols)
			at := 0
			for _, b := range c.blocks {
				if at >= hi {
					break
				}
				linalg.GemmParallel(c.p.workers, blas.NoTrans, blas.Trans, 1, rows, b, 0, g.Slice(from, hi, at, at+b.Rows))
				at += b.Rows
			}
		}
		lo = hi
	}
}

// sparseProducts goes along the rows that a column has entries in.
func (c *columnSet) sparseProducts(ctx context.Context, g *linalg.Dense[float64], old int) error {
	const block = 8
	return par.ForWorker(ctx, c.p.workers, c.size-old, block, func(worker, _, lo, hi int) {
		t := &c.p.work[worker]
		for k := old + lo; k < old+hi; k++ {
			row := g.Row(k)[:c.size]
			for l, m := range c.mean {
				row[l] = -c.p.weight * c.mean[k] * m
			}
			for e, i := range c.sparse[k].rows {
				v := c.sparse[k].vals[e] * c.root[i]
				col, val := c.p.sparse.row(int(i), &t.a)
				for f, j := range col {
					if l := c.slot[j]; l >= 0 {
						row[l] += v * val[f]
					}
				}
			}
		}
	})
}

// sparseColumns returns the columns of a set of features by their entries.
func (p *problem) sparseColumns(set []int) []column {
	n, d := p.x.Dims()
	at := make([]int, d)
	for k, j := range set {
		at[j] = k + 1
	}
	count := make([]int, len(set))
	var buf []float64
	for i := range n {
		col, _ := p.sparse.row(i, &buf)
		for _, j := range col {
			if k := at[j]; k > 0 {
				count[k-1]++
			}
		}
	}
	total := 0
	for _, c := range count {
		total += c
	}
	rows, vals := mem.Make[uint32](total), mem.Make[float64](total)
	out := make([]column, len(set))
	for k, size := range count {
		out[k] = column{rows[:size:size], vals[:size:size]}
		rows, vals = rows[size:], vals[size:]
	}
	clear(count)
	for i := range n {
		col, val := p.sparse.row(i, &buf)
		for e, j := range col {
			if k := at[j] - 1; k >= 0 {
				to := count[k]
				out[k].rows[to], out[k].vals[to] = uint32(i), val[e]
				count[k]++
			}
		}
	}
	return out
}
