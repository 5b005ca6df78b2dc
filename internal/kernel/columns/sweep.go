package columns

import (
	"math/bits"
	"unsafe"

	"github.com/gram-ml/gram/internal/cpu"
)

// SweepPlaces is how many places an Order may have.
const SweepPlaces = 1 << 10

// sweepFew is up to how many items the kernel does not pay.
const sweepFew = 10

// A SweepBuffer is memory of a Sweep.
type SweepBuffer struct {
	w, wy [SweepPlaces + 8]float64
	ranks [SweepPlaces + 16]uint32
}

// An Order is items in the order of a value: their weights w, their products w·y, and the ranks of
// their values.
type Order struct {
	W, WY []float64
	Ranks []uint32
}

// Limits are what cuts of a node are judged by.
type Limits struct {
	W, WY   float64 // sums over the node
	MinLeaf float64 // least weight of a side
}

// order is an Order as the kernel takes it.
type order struct {
	w, wy     *float64
	ranks     *uint32
	toW, toWY *float64
	toRanks   *uint32
	limits    Limits
}

// A Swept is the best cut of a Sweep.
type Swept struct {
	Gain     float64 // −1 if there is none
	W        float64 // weight on the left
	From, To uint32  // the ranks on both sides
	Several  bool    // whether there is more than one rank
}

// Sweep returns the cut between two marked items next to each other, of different ranks, with the
// largest gain
//
//	(Σwy·W' − Σwy'·W)²/(W·W'·(W + W')),
//
// the first of equals, where W and Σwy are of the marked items on the left and W' and Σwy' of those on the
// right. It clears the marks, bit i%64 of word i/64 for item i, of which n ≥ 1 are set. buf may be used by
// one call at a time.
func Sweep(o *Order, marks []uint64, n int, limits Limits, buf *SweepBuffer) Swept {
	if n <= sweepFew || cpu.Current() < cpu.AVX512 {
		return sweepPortable(o, marks, limits)
	}
	in := order{
		&o.W[0], &o.WY[0], &o.Ranks[0],
		&buf.w[0], &buf.wy[0], &buf.ranks[0], limits,
	}
	var state struct {
		gains  [8]float64
		groups [8]int64
		lefts  [8]float64
	}
	sweepAVX512((*float64)(unsafe.Pointer(&in)), &marks[0], len(marks), &state.gains[0])
	out, at := Swept{Gain: -1, Several: buf.ranks[0] < buf.ranks[n-1]}, int64(0)
	for i, g := range state.gains {
		if turn := state.groups[i]*8 + int64(i); g > out.Gain || g == out.Gain && turn < at {
			out.Gain, out.W, at = g, state.lefts[i], turn
		}
	}
	out.From, out.To = buf.ranks[at], buf.ranks[at+1]
	return out
}

// sweepPortable is Sweep in Go.
func sweepPortable(o *Order, marks []uint64, limits Limits) Swept {
	out := Swept{Gain: -1}
	w, wy := 0.0, 0.0
	var before, lowest uint32
	for word, mark := range marks {
		marks[word] = 0
		for ; mark != 0; mark &= mark - 1 {
			i := word<<6 + bits.TrailingZeros64(mark)
			rank := o.Ranks[i]
			if rw := limits.W - w; w >= limits.MinLeaf && rw >= limits.MinLeaf && w > 0 && rw > 0 && rank != before {
				diff := float64(wy*rw) - float64((limits.WY-wy)*w)
				if g := diff * diff / (w * rw * limits.W); g > out.Gain {
					out.Gain, out.W, out.From, out.To = g, w, before, rank
				}
			}
			if w == 0 {
				lowest = rank
			}
			w += o.W[i]
			wy += o.WY[i]
			before = rank
		}
	}
	out.Several = lowest < before
	return out
}
