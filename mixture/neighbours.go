package mixture

import (
	"cmp"
	"math"
	"slices"

	"github.com/gram-ml/gram/internal/kernel/f64"
)

// A neighbour is another center and a lower bound of its distance.
type neighbour struct {
	gap    float64
	center int32
}

// neighbours holds for each center the others, the nearest first, or only the nearest.
type neighbours [][]neighbour

// neighbours sorts the centers around each other, unless they are so many for the rows
// that sorting would outweigh the distances that it spares.
func (l *lloyd) neighbours() neighbours {
	const perCenter = 512 // elements of the data
	sorted := l.s.n*l.d >= perCenter*l.k
	near := make(neighbours, l.k)
	dist := make([]float64, l.k*l.k)
	distances(dist, l.centers, l.centers, l.lengths)
	for c := range near {
		others := make([]neighbour, 0, l.k-1)
		for o, v := range dist[c*l.k : (c+1)*l.k] {
			if o != c {
				slack := roundoff * (l.lengths[c] + l.lengths[o])
				others = append(others, neighbour{math.Sqrt(max(0, v-slack)), int32(o)})
			}
		}
		if sorted {
			slices.SortFunc(others, neighbour.compare)
		} else if len(others) > 1 {
			others = []neighbour{slices.MinFunc(others, neighbour.compare)}
		}
		near[c] = others
	}
	return near
}

func (a neighbour) compare(b neighbour) int {
	return cmp.Or(cmp.Compare(a.gap, b.gap), cmp.Compare(a.center, b.center))
}

// half returns half the distance of center c from the next one: a row closer to c than
// that is nearest to it.
func (near neighbours) half(c int) float64 {
	if len(near[c]) == 0 {
		return math.Inf(1)
	}
	return near[c][0].gap / 2
}

// around returns the centers that may be as near to a row as center c, from which it is
// at most dist away, or second to it, and a lower bound of the distance from all others: by
// the triangle inequality that is their gap less dist. It returns false if they are too many to be looked at one by one.
func (near neighbours) around(c int, dist float64) (some []neighbour, beyond float64, ok bool) {
	const share = 4 // single distances cost as much more than those of a product
	all := near[c]
	radius := 2*dist + all[0].gap
	for m, o := range all {
		if o.gap >= radius {
			return all[:m], o.gap - dist, true
		}
		if m == len(near)/share {
			return nil, 0, false
		}
	}
	return all, math.Inf(1), len(all) == len(near)-1
}

// closest looks for the nearest center of row i, which is z, among its own, c, and some
// others. Those left out are at least beyond away.
func (l *lloyd) closest(sum *clusterSums, i, c int, z []float64, some []neighbour, beyond, slack float64) {
	first, second := l.own[i], math.Inf(1)
	best := c
	zz := l.norms[i]
	for _, o := range some {
		at := int(o.center)
		v := max(0, zz+l.lengths[at]-2*f64.Dot(z, l.centers.Data[at*l.d:(at+1)*l.d]))
		switch {
		case v < first || v == first && at < best:
			best, first, second = at, v, first
		case v < second:
			second = v
		}
	}
	if best != c {
		l.label[i] = int32(best)
		sum.changed++
	}
	l.own[i] = first
	l.lower[i] = min(beyond, math.Sqrt(max(0, second-slack)))
}
