package sparse

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
)

// A MinHash summarizes sets, the columns that rows of a matrix have, by signatures:
// the share of places where two signatures agree estimates the Jaccard similarity
// |A∩B|/|A∪B| with a standard error of at most ½/√Hashes. The zero value is ready to use.
//
// A. Z. Broder, On the resemblance and containment of documents, SEQUENCES 1997.
type MinHash struct {
	// Hashes is the length of a signature; 0 means 128. It must not be negative.
	Hashes int
	// Seed selects the hash functions.
	Seed uint64
}

func (h MinHash) hashes() int {
	if h.Hashes < 0 {
		panic(fmt.Sprintf("sparse: MinHash with %d hashes", h.Hashes))
	}
	if h.Hashes == 0 {
		return 128
	}
	return h.Hashes
}

// Signature returns the signature of a set, in any order; that of the empty set is
// all ones. It panics if Hashes is negative. O(Hashes·len(set)).
func (h MinHash) Signature(set []uint32) []uint32 {
	out := make([]uint32, h.hashes())
	for k := range out {
		out[k] = 1<<32 - 1
	}
	for _, x := range set {
		// The functions are h₁ + k·h₂ mod 2⁶⁴, of which the upper half is taken.
		a := scramble(uint64(x) ^ scramble(h.Seed))
		b := scramble(a) | 1
		for k := range out {
			a += b
			out[k] = min(out[k], uint32(scramble(a)>>32))
		}
	}
	return out
}

// scramble is the finalizer of SplitMix64: a bijection with every bit of the input in
// every bit of the result.
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Similarity returns the share of places where two signatures agree. It panics if
// their lengths differ or are 0.
func Similarity(a, b []uint32) float64 {
	if len(a) != len(b) || len(a) == 0 {
		panic(fmt.Sprintf("sparse: Similarity of signatures of %d and %d hashes", len(a), len(b)))
	}
	n := 0
	for k, x := range a {
		if x == b[k] {
			n++
		}
	}
	return float64(n) / float64(len(a))
}

// NearDuplicates returns the pairs i < j, sorted, of signatures that agree in all
// places of at least one of the given number of bands of equal length: locality-
// sensitive hashing. With r places a band, sets of similarity s are found with
// probability 1 − (1 − sʳ)^bands, so the threshold is near (1/bands)^(1/r); check what
// is found by [Similarity]. It panics unless the signatures have the same length, a
// multiple of bands ≥ 1. O(total length + n·log n·bands + pairs), but k equal
// signatures are k²/2 pairs.
//
// J. Leskovec, A. Rajaraman and J. Ullman, Mining of Massive Datasets, chapter 3.
func NearDuplicates(signatures [][]uint32, bands int) [][2]int {
	if len(signatures) == 0 {
		return nil
	}
	size := len(signatures[0])
	if bands < 1 || size%bands != 0 {
		panic(fmt.Sprintf("sparse: signatures of %d hashes in %d bands", size, bands))
	}
	for i, s := range signatures {
		if len(s) != size {
			panic(fmt.Sprintf("sparse: signature %d has %d hashes, the first %d", i, len(s), size))
		}
	}
	r := size / bands
	var pairs [][2]int
	order := make([]int, len(signatures))
	keys := make([]uint64, len(signatures))
	for lo := 0; lo < size; lo += r {
		for i, s := range signatures {
			order[i], keys[i] = i, 0
			for _, x := range s[lo : lo+r] {
				keys[i] = scramble(bits.RotateLeft64(keys[i], 32) ^ uint64(x))
			}
		}
		slices.SortFunc(order, func(i, j int) int { return cmp.Or(cmp.Compare(keys[i], keys[j]), i-j) })
		for p, i := range order {
			for _, j := range order[p+1:] {
				if keys[j] != keys[i] {
					break
				}
				if slices.Equal(signatures[i][lo:lo+r], signatures[j][lo:lo+r]) {
					pairs = append(pairs, [2]int{i, j})
				}
			}
		}
	}
	slices.SortFunc(pairs, func(a, b [2]int) int { return cmp.Or(a[0]-b[0], a[1]-b[1]) })
	return slices.Compact(pairs)
}
