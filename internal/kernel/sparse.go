package kernel

// The sparse kernels work on rows in compressed form: row i of A has the entries
// ptr[i] ≤ p < ptr[i+1], of value val[p] in column col[p]. Every column must lie
// within the other operand; assembly does not look.

// SpMulVec sets dst[i] to the inner product of row i of A with x, i < len(dst).
func SpMulVec[T Float](dst []T, ptr []int64, col []uint32, val, x []T) {
	for i := range dst {
		c, v := col[ptr[i]:ptr[i+1]], val[ptr[i]:ptr[i+1]]
		v = v[:len(c)]
		var s0, s1, s2, s3 T
		k := 0
		for ; k+4 <= len(c); k += 4 {
			s0 += v[k] * x[c[k]]
			s1 += v[k+1] * x[c[k+1]]
			s2 += v[k+2] * x[c[k+2]]
			s3 += v[k+3] * x[c[k+3]]
		}
		for ; k < len(c); k++ {
			s0 += v[k] * x[c[k]]
		}
		dst[i] = (s0 + s1) + (s2 + s3)
	}
}

// SpMulDense sets the rows×n matrix dst, of rows ldd apart, to A·B, the rows of B
// being ldb apart.
func SpMulDense[T Float](dst []T, ldd, rows, n int, ptr []int64, col []uint32, val, b []T, ldb int) {
	for i := range rows {
		row := dst[i*ldd : i*ldd+n]
		clear(row)
		for p := ptr[i]; p < ptr[i+1]; p++ {
			at := int(col[p]) * ldb
			Axpy(val[p], b[at:at+n], row)
		}
	}
}

// SpAddTrans adds Aᵀ·G to dst, for rows of A, and of G, of length n and ldg apart;
// the rows of dst are ldd apart.
func SpAddTrans[T Float](dst []T, ldd, rows, n int, ptr []int64, col []uint32, val, g []T, ldg int) {
	for i := range rows {
		row := g[i*ldg : i*ldg+n]
		for p := ptr[i]; p < ptr[i+1]; p++ {
			at := int(col[p]) * ldd
			Axpy(val[p], row, dst[at:at+n])
		}
	}
}

// SpList is the first pass of a row of a sparse product. It puts the columns col[p],
// spans[2k] ≤ p < spans[2k+1], for each span k, in list, in order of appearance, but for
// those that are used, marks them as used, and returns how many they are. used has 0 or
// 1 for each column, and list room for one more.
func SpList(spans []int64, col []uint32, used []uint8, list []uint32) int {
	n := 0
	for k := 0; k+1 < len(spans); k += 2 {
		for _, c := range col[spans[k]:spans[k+1]] {
			list[n] = c
			n += 1 - int(used[c])
			used[c] = 1
		}
	}
	return n
}

// SpAdd is SpList that also adds factor[k]·val[p] to sums[col[p]].
func SpAdd[T Float](spans []int64, factor []T, col []uint32, val, sums []T, used []uint8, list []uint32) int {
	n := 0
	for k, s := range factor {
		c, v := col[spans[2*k]:spans[2*k+1]], val[spans[2*k]:spans[2*k+1]]
		v = v[:len(c)]
		for p, c := range c {
			sums[c] += s * v[p]
			list[n] = c
			n += 1 - int(used[c])
			used[c] = 1
		}
	}
	return n
}

// SpRank sets rank[i] to how many columns are below col[i], i < n. Both slices reach to
// the next multiple of 32; what they hold past n does not matter.
func SpRank(n int, col, rank []uint32) {
	for i, c := range col[:n] {
		r := 0
		for _, d := range col[:n] {
			r += int((uint64(d) - uint64(c)) >> 63)
		}
		rank[i] = uint32(r)
	}
}

// SpTake moves the sums of columns to val and marks the columns as not used.
func SpTake[T Float](col []uint32, val, sums []T, used []uint8) {
	for k, c := range col {
		val[k] = sums[c]
		sums[c], used[c] = 0, 0
	}
}

// SpTerms copies the terms of spans, factor[k]·val[p] in column col[p], to toCol and toVal
// and returns how many they are.
func SpTerms[T Float](spans []int64, factor []T, col []uint32, val []T, toCol []uint32, toVal []T) int {
	at := 0
	for k, s := range factor {
		c, v := col[spans[2*k]:spans[2*k+1]], val[spans[2*k]:spans[2*k+1]]
		to := toVal[at : at+len(c)]
		at += copy(toCol[at:at+len(c)], c)
		for p, v := range v {
			to[p] = s * v
		}
	}
	return at
}

// SpPlace puts terms in the places that rank says, adding up those of the same place,
// and returns the sum of the ranks.
func SpPlace[T Float](rank, fromCol []uint32, fromVal []T, col []uint32, val []T) int {
	sum := 0
	for k, r := range rank {
		col[r] = fromCol[k]
		val[r] += fromVal[k]
		sum += int(r)
	}
	return sum
}

// SpSpans sets spans to the bounds ptr[j] and ptr[j+1] of each row j of of.
func SpSpans(spans []int64, of []uint32, ptr []int64) {
	for k, j := range of {
		spans[2*k], spans[2*k+1] = ptr[j], ptr[j+1]
	}
}
