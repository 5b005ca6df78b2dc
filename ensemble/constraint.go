package ensemble

import (
	"fmt"
	"math"
	"slices"

	"github.com/gram-ml/gram"
)

// bounds limits the value of a node, so that it keeps to the monotone constraints of
// the splits above it.
type bounds struct{ lo, hi float64 }

func unbounded() bounds { return bounds{math.Inf(-1), math.Inf(1)} }

func (b bounds) clip(v float64) float64 { return min(max(v, b.lo), b.hi) }

// children returns the bounds of the two children of a node after a split on a
// feature with the given sense, for children of values l and r: a value halfway
// keeps everything below them apart.
func (b bounds) children(sense int8, l, r float64) (left, right bounds) {
	left, right = b, b
	mid := l/2 + r/2
	switch {
	case sense > 0:
		left.hi, right.lo = mid, mid
	case sense < 0:
		left.lo, right.hi = mid, mid
	}
	return left, right
}

// ordered tells whether values l and r of two children follow the sense.
func ordered(sense int8, l, r float64) bool {
	return sense == 0 || sense > 0 && l <= r || sense < 0 && l >= r
}

// constraints are what a trainer says about features, checked.
type constraints struct {
	categorical []bool
	monotone    []int8 // nil if there are none
	groups      [][]bool
}

// newConstraints checks the fields of a trainer against the number of features.
func newConstraints(d int, categorical []int, monotone []int, interactions [][]int) (*constraints, error) {
	c := &constraints{categorical: make([]bool, d)}
	for _, j := range categorical {
		if j < 0 || j >= d {
			return nil, fmt.Errorf("categorical feature %d of %d: %w", j, d, gram.ErrParam)
		}
		c.categorical[j] = true
	}
	if monotone != nil {
		if len(monotone) != d {
			return nil, fmt.Errorf("Monotone has length %d, X has %d features: %w", len(monotone), d, gram.ErrParam)
		}
		for j, v := range monotone {
			if v < -1 || v > 1 || v != 0 && c.categorical[j] {
				return nil, fmt.Errorf("Monotone of feature %d is %d, want -1, 0 or 1, and 0 if it is categorical: %w", j, v, gram.ErrParam)
			}
			c.monotone = append(c.monotone, int8(v))
		}
		if !slices.ContainsFunc(monotone, func(v int) bool { return v != 0 }) {
			c.monotone = nil
		}
	}
	return c, c.setGroups(d, interactions)
}

// setGroups makes a set of each group and one of the features that are in none.
func (c *constraints) setGroups(d int, interactions [][]int) error {
	if interactions == nil {
		return nil
	}
	rest := make([]bool, d)
	for j := range rest {
		rest[j] = true
	}
	for _, g := range interactions {
		set := make([]bool, d)
		for _, j := range g {
			if j < 0 || j >= d {
				return fmt.Errorf("Interactions name feature %d of %d: %w", j, d, gram.ErrParam)
			}
			set[j], rest[j] = true, false
		}
		c.groups = append(c.groups, set)
	}
	c.groups = append(c.groups, rest)
	return nil
}

// sense returns the monotone constraint of feature j.
func (c *constraints) sense(j int) int8 {
	if c.monotone == nil {
		return 0
	}
	return c.monotone[j]
}

// An interaction is the set of groups that the features above a node are all in.
type interaction []int

// root returns all groups, nil if interactions are free.
func (c *constraints) root() interaction {
	if c.groups == nil {
		return nil
	}
	all := make(interaction, len(c.groups))
	for g := range all {
		all[g] = g
	}
	return all
}

// below returns the groups that remain after a split on feature j.
func (c *constraints) below(at interaction, j int) interaction {
	if c.groups == nil {
		return nil
	}
	var out interaction
	for _, g := range at {
		if c.groups[g][j] {
			out = append(out, g)
		}
	}
	return out
}

// allows tells whether feature j may follow.
func (c *constraints) allows(at interaction, j int) bool {
	if c.groups == nil {
		return true
	}
	return slices.ContainsFunc(at, func(g int) bool { return c.groups[g][j] })
}
