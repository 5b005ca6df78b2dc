package ensemble

import "github.com/gram-ml/gram/internal/kernel/hist"

// A packed number holds the gradient and the Hessian of a row, or sums of them, as
// whole numbers: the Hessian, positive, in the low bits and the gradient above. Sums
// of packed numbers are exact, so that they have the same bits in whatever order they
// are added, and differences as well.
//
// Of few rows the lowest bits of the Hessian count them, which is no more than a last
// rounding to it and tells how many rows a sum is of.
//
// scales says what the whole numbers mean.
type scales struct {
	low      uint    // bits of the Hessian
	count    uint    // bits of the count in it, 0 if there is none
	gradient float64 // a gradient of 1; a power of 2
	hessian  float64
	whole    bool // whether whole weights are repetitions to the last bit
	unit     bool // whether Hessians are numbers of rows
}

func (s *scales) split(packed int64) (gradient, hessian int64) {
	return packed >> s.low, packed & (1<<s.low - 1)
}

// histogram holds sums of packed numbers by bin: 8 columns to a word of bins.
type histogram []hist.Word

func (h histogram) column(j int) *[maxBins + 1]int64 { return &h[j/8][j%8] }

// histogramRows is how many rows are added to the histogram of one word before the next
// word's turn comes: while both the rows and that histogram are in the first cache.
const histogramRows = 512

// lineWords is how many words a cache line has.
const lineWords = 8

// add adds the packed numbers of some rows to h.
func (m *binned) add(h histogram, rows []int32, packed []int64) {
	for len(rows) > 0 {
		n := min(histogramRows, len(rows))
		for word := range h {
			half := word == len(h)-1 && (m.columns-1)%8 < 4
			hist.Add(&h[word], m.bins[word:], m.words, rows, n, packed, half, word%lineWords == 0)
		}
		rows = rows[n:]
	}
}

// subtract takes x from h.
func (h histogram) subtract(x histogram) {
	for word := range h {
		hist.Subtract(&h[word], &x[word])
	}
}

// merge adds x to h.
func (h histogram) merge(x histogram) {
	for word := range h {
		for j := range h[word] {
			to, from := &h[word][j], &x[word][j]
			for b, v := range from {
				to[b] += v
			}
		}
	}
}
