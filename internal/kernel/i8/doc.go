// Package i8 multiplies matrices of bytes exactly, in 32-bit sums, and converts between
// bytes, sums and float32. Results have the same bits at every instruction level:
// AVX-512 with VNNI, AVX-512 without, AVX2 and Go.
//
// # Layout
//
// The left factor A is of unsigned bytes, the right factor B of signed ones. Both are
// packed in quads, four bytes that are consecutive in depth, which is filled up with
// zeros to a multiple of four: a group of r rows of A as [quad][r][4], and B in panels
// of up to [PanelCols] columns, the last filled up to a multiple of 16, as
// [quad][column][4]. The layout of B is that of all levels.
//
// Signed bytes A come in as A+128, by flipping the sign bit when packing; callers
// subtract 128 times the column sums of B. Sums wrap modulo 2³², so a result that
// fits 32 bits is right even if a sum on the way does not.
package i8
