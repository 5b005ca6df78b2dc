package mixture

import (
	"context"
	"math"
	"slices"

	"github.com/gram-ml/gram/internal/kernel"
	"github.com/gram-ml/gram/internal/kernel/f64"
	"github.com/gram-ml/gram/internal/par"
)

// Neighbours are the centers around one of them.
type neighbours struct {
	half float64 // half the distance of the next one: a row closer than that is nearest to this center
	// The nearest, itself the first, as points of [f64.Nearest], and which they are.
	points []float64
	center []int32
	// Lower bounds of the distance from all others but the first few and all of these, which
	// have moved at most so far.
	beyondFew, beyond   float64
	movedFew, movedNear float64
}

// How many centers a row is compared with at first, and then, before it is with all.
const (
	fewNear = 8
	allNear = 32
)

// A neighbour is another center and a lower bound of its distance.
type neighbour struct {
	gap    float64
	center int32
}

// locate packs the centers and finds their neighbours, unless the centers are so many
// for the rows that this would outweigh the distances that it spares.
func (l *lloyd) locate(ctx context.Context) error {
	scaled := slices.Clone(l.centers.Data)
	f64.Scal(-2, scaled) // values of points are squared distances less the squared length of the row
	l.all = kernel.PackPoints(l.all[:0], l.lengths, scaled, l.d)
	l.longest = slices.Max(l.lengths)
	const perCenter = 512 // elements of the data
	count := min(l.k, allNear+1)
	if l.s.n*l.d < perCenter*l.k {
		count = min(l.k, 2)
	}
	dist := make([]float64, l.k*l.k)
	distances(dist, l.centers, l.centers, l.lengths)
	if l.near == nil {
		l.near = make([]neighbours, l.k)
	}
	const size = 16 // centers
	return par.For(ctx, l.Workers, l.k, size, func(_, lo, hi int) {
		found := make([]neighbour, 0, count)
		var t scratch
		for c := lo; c < hi; c++ {
			found = l.closest(found[:0], dist[c*l.k:(c+1)*l.k], c)
			l.near[c].set(l, found, scaled, &t)
		}
	})
}

// closest appends center c and those nearest to it, in the order of their distances, up to the
// capacity of found.
func (l *lloyd) closest(found []neighbour, dist []float64, c int) []neighbour {
	found = append(found, neighbour{0, int32(c)})
	for o, v := range dist {
		if o == c {
			continue
		}
		gap := math.Sqrt(max(0, v-roundoff*(l.lengths[c]+l.lengths[o])))
		at := len(found)
		if at < cap(found) {
			found = append(found, neighbour{})
		} else if at--; at == 0 || gap >= found[at].gap {
			continue
		}
		for ; at > 1 && gap < found[at-1].gap; at-- {
			found[at] = found[at-1]
		}
		found[at] = neighbour{gap, int32(o)}
	}
	return found
}

// set takes the centers found around one, with scaled all of them times −2.
func (b *neighbours) set(l *lloyd, found []neighbour, scaled []float64, t *scratch) {
	b.half = math.Inf(1)
	if len(found) > 1 {
		b.half = found[1].gap / 2
	}
	beyond := func(count int) float64 {
		switch {
		case count < len(found):
			return found[count].gap
		case len(found) == l.k:
			return math.Inf(1)
		}
		return math.Inf(-1)
	}
	b.beyondFew, b.beyond = beyond(fewNear), beyond(allNear)
	b.movedFew, b.movedNear = 0, 0
	for r, o := range found[1:min(len(found), allNear)] {
		b.movedNear = max(b.movedNear, l.moved[o.center])
		if r+1 < fewNear {
			b.movedFew = b.movedNear
		}
	}
	if len(found) < l.k && len(found) <= allNear {
		b.points, b.center = nil, nil // they are not looked for
		return
	}
	b.center = b.center[:0]
	lengths, points := t.p[:0], t.y[:0]
	for _, o := range found[:min(len(found), allNear)] {
		c := int(o.center)
		b.center = append(b.center, o.center)
		lengths = append(lengths, l.lengths[c])
		points = append(points, scaled[c*l.d:(c+1)*l.d]...)
	}
	b.points = kernel.PackPoints(b.points[:0], lengths, points, l.d)
	t.p, t.y = lengths, points
}

// loosened returns a lower bound of the distance of a row from all other centers than this one,
// from which it is at most upper away, after the centers have moved, the others by at most
// moved. Those near to this one may have come as much nearer as they have moved themselves; the
// rest is beyond them.
func (b *neighbours) loosened(lower, upper, moved float64) float64 {
	return max(lower-moved, min(lower-b.movedFew, b.beyondFew-upper), min(lower-b.movedNear, b.beyond-upper))
}

// around returns some of the centers near to center c as points of [f64.Nearest], which they
// are, and a lower bound of the distance of c from all others; no points if it does not pay.
func (l *lloyd) around(c int32, few bool) (points []float64, center []int32, beyond float64) {
	if c < 0 || len(l.near[c].points) == 0 {
		return nil, nil, 0
	}
	near := &l.near[c]
	if few {
		return near.points[:min(len(near.points), fewNear*(l.d+1))], near.center, near.beyondFew
	}
	return near.points, near.center, near.beyond
}

// A doubt is about the cluster of a row: which row and cluster, the squared length of the
// row, and how far the center is at most.
type doubt struct {
	row         int
	from        int32
	norm, upper float64
}

// A search finds the nearest centers of some rows.
type search struct {
	*lloyd
	t      *scratch
	doubts []doubt   // those about a cluster side by side
	z      []float64 // the rows, less the origin, and room for a panel
	sum    *clusterSums
	// delta tells that sum gets the rows that change their cluster.
	delta bool
}

// run looks among the few centers nearest to the one that a row had, among more, and among
// all, until no other can be nearer.
func (q *search) run() {
	for _, few := range []bool{true, false} {
		open := 0
		for lo, hi := 0, 0; lo < len(q.doubts); lo = hi {
			c := q.doubts[lo].from
			for hi = lo + 1; hi < len(q.doubts) && q.doubts[hi].from == c; {
				hi++
			}
			points, center, beyond := q.around(c, few)
			open = q.look(lo, hi, open, points, center, beyond)
		}
		q.doubts = q.doubts[:open]
	}
	q.look(0, len(q.doubts), 0, q.all, nil, math.Inf(1))
}

// look compares the rows at lo ≤ r < hi with points, which are some centers or, with nil, all;
// gap is how far the others are from the center that the rows had. It moves rows that stay
// open to place open and on, and returns the end of those.
func (q *search) look(lo, hi, open int, points []float64, center []int32, gap float64) int {
	if len(points) == 0 || lo == hi {
		if open < lo {
			copy(q.doubts[open:], q.doubts[lo:hi])
			copy(q.z[open*q.d:], q.z[lo*q.d:hi*q.d])
		}
		return open + hi - lo
	}
	first, second, place := q.nearest(points, lo, hi)
	for r, v := range q.doubts[lo:hi] {
		slack := roundoff * (v.norm + q.longest)
		upper := math.Sqrt(max(0, first[r]+v.norm) + slack)
		// By the triangle inequality all others are at least this far away.
		beyond := gap - v.upper
		z := q.z[(lo+r)*q.d : (lo+r+1)*q.d]
		// Of equal distances that of the first center counts, which may be another one.
		if upper > beyond || center != nil && first[r] == second[r] {
			q.doubts[open] = v
			copy(q.z[open*q.d:], z)
			open++
			continue
		}
		best := int32(place[r])
		if center != nil {
			best = center[best]
		}
		if best != v.from {
			q.change(v, best, z)
		}
		q.upper[v.row], q.lower[v.row] = upper, min(beyond, math.Sqrt(max(0, second[r]+v.norm-slack)))
	}
	return open
}

// nearest compares the rows at lo ≤ r < hi with points.
func (q *search) nearest(points []float64, lo, hi int) (first, second, place []float64) {
	m := par.Blocks(hi-lo, kernel.PanelRows) * kernel.PanelRows
	panels, found := grow(&q.t.y, m*q.d), grow(&q.t.s, 3*m)
	first, second, place = found[:m], found[m:2*m], found[2*m:]
	inPanels(panels, q.z[lo*q.d:], m, q.d)
	f64.Nearest(q.d, panels, points, first, second, place)
	return first, second, place
}

// inPanels sets panels to n rows z of d columns, n a multiple of kernel.PanelRows.
func inPanels(panels, z []float64, n, d int) {
	tiles := f64.Gemm()
	for i := 0; i < n; i += kernel.PanelRows {
		tiles.Transpose(kernel.PanelRows, d, z[i*d:], d, panels[i*d:], kernel.PanelRows)
	}
}

// change moves a row, which is z, to another cluster.
func (q *search) change(v doubt, to int32, z []float64) {
	q.label[v.row] = to
	q.sum.changed++
	if q.delta {
		w := q.s.weight(v.row)
		q.sum.add(v.from, -w, z)
		q.sum.add(to, w, z)
	}
}
