// Package hist has the innermost loops over rows of bins: sums of whole numbers by bin,
// and the division of a list of rows.
//
// A row has stride words, each of eight bins of 8 bits, the first in the low bits. As
// kernels do, the functions trust their arguments: rows must be rows of bins and of packed.
package hist

// A Word is the sums of the eight features of a word, by bin.
type Word = [8][256]int64
