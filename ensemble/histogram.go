package ensemble

// A packed number holds the gradient and the Hessian of a row, or sums of them, as
// whole numbers: the Hessian, positive, in the low bits and the gradient above. Sums
// of packed numbers are exact, so that they have the same bits in whatever order they
// are added, and differences as well.
//
// scales says what the whole numbers mean.
type scales struct {
	low      uint    // bits of the Hessian
	gradient float64 // a gradient of 1; a power of 2
	hessian  float64
	whole    bool // whether whole weights are repetitions to the last bit
}

func (s *scales) split(packed int64) (gradient, hessian int64) {
	return packed >> s.low, packed & (1<<s.low - 1)
}

// histogram holds sums of packed numbers by bin: 8 features to a word of bins.
type histogram []wordHistogram

type wordHistogram [8][maxBins + 1]int64

func (h histogram) feature(j int) *[maxBins + 1]int64 { return &h[j/8][j%8] }

// histogramRows is how many rows are added to the histogram of one word before the next
// word's turn comes: while both the rows and that histogram are in the first cache.
const histogramRows = 512

// add adds the packed numbers of some rows to h.
func (m *binned) add(h histogram, rows []int32, packed []int64) {
	for len(rows) > 0 {
		block := rows[:min(histogramRows, len(rows))]
		rows = rows[len(block):]
		for word := range h {
			if word == len(h)-1 && (m.d-1)%8 < 4 {
				addHalfWord(&h[word], m.bins[word:], m.words, block, packed)
				break
			}
			addWord(&h[word], m.bins[word:], m.words, block, packed)
		}
	}
}

// addWord adds rows to the histograms of the eight features of a word.
func addWord(h *wordHistogram, bins []uint64, words int, rows []int32, packed []int64) {
	for _, r := range rows {
		p := packed[r]
		b := bins[int(r)*words]
		h[0][uint8(b)] += p
		h[1][uint8(b>>8)] += p
		h[2][uint8(b>>16)] += p
		h[3][uint8(b>>24)] += p
		h[4][uint8(b>>32)] += p
		h[5][uint8(b>>40)] += p
		h[6][uint8(b>>48)] += p
		h[7][uint8(b>>56)] += p
	}
}

// addHalfWord is addWord for the first four features alone.
func addHalfWord(h *wordHistogram, bins []uint64, words int, rows []int32, packed []int64) {
	for _, r := range rows {
		p := packed[r]
		b := bins[int(r)*words]
		h[0][uint8(b)] += p
		h[1][uint8(b>>8)] += p
		h[2][uint8(b>>16)] += p
		h[3][uint8(b>>24)] += p
	}
}

// subtract takes x from h.
func (h histogram) subtract(x histogram) {
	for word := range h {
		for j := range h[word] {
			to, from := &h[word][j], &x[word][j]
			for b, v := range from {
				to[b] -= v
			}
		}
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
