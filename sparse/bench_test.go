package sparse_test

import (
	"bytes"
	"testing"

	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/sparse"
)

// square returns an n×n matrix of perRow entries a row, whose columns pick(i) draws.
func square(n, perRow int, pick func(i, k int) int) *sparse.CSR[float64] {
	m := &sparse.COO[float64]{Rows: n, Cols: n}
	for i := range n {
		for k := range perRow {
			m.Append(i, min(max(pick(i, k), 0), n-1), 1+float64(k))
		}
	}
	return m.ToCSR(sparse.SumDuplicates)
}

func random(n, perRow int) *sparse.CSR[float64] {
	r := floattest.Rand(1)
	return square(n, perRow, func(int, int) int { return r.IntN(n) })
}

func BenchmarkMulVec(b *testing.B) {
	const n = 1_000_000
	for _, c := range []struct {
		name string
		m    func() *sparse.CSR[float64]
	}{
		{"random", func() *sparse.CSR[float64] { return random(n, 10) }},
		{"banded", func() *sparse.CSR[float64] { return square(n, 10, func(i, k int) int { return i + k - 5 }) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			m, x, y := c.m(), make([]float64, n), make([]float64, n)
			b.SetBytes(12*m.NNZ() + 24*n)
			for b.Loop() {
				m.MulVec(y, x)
			}
		})
	}
}

func BenchmarkMul(b *testing.B) {
	const n = 100_000
	r := floattest.Rand(2)
	for _, c := range []struct {
		name string
		m    *sparse.CSR[float64]
	}{
		{"random", random(n, 10)},
		{"powerlaw", square(n, 6, func(int, int) int { f := r.Float64(); return int(f * f * f * n) })},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				sparse.Mul(c.m, c.m)
			}
		})
		b.Run(c.name+"/unsorted", func(b *testing.B) {
			for b.Loop() {
				sparse.MulUnsorted(1, c.m, c.m)
			}
		})
	}
}

func BenchmarkMulDense(b *testing.B) {
	const n = 200_000
	b.Run("k=32", func(b *testing.B) {
		m := random(n, 20)
		x, y := linalg.NewDense[float64](n, 32, nil), linalg.NewDense[float64](n, 32, nil)
		for b.Loop() {
			m.MulDense(y, x)
		}
	})
}

func BenchmarkFromCOO(b *testing.B) {
	const n = 1_000_000
	r := floattest.Rand(3)
	m := &sparse.COO[float64]{Rows: n, Cols: n}
	for range 10 * n {
		m.Append(r.IntN(n), r.IntN(n), 1)
	}
	for b.Loop() {
		m.ToCSR(sparse.SumDuplicates)
	}
}

func BenchmarkTranspose(b *testing.B) {
	m := random(1_000_000, 10)
	for b.Loop() {
		m.Transpose()
	}
}

func BenchmarkDot(b *testing.B) {
	const n = 10_000_000
	r := floattest.Rand(4)
	vector := func(entries int) *sparse.Vector[float64] {
		v := &sparse.Vector[float64]{N: n}
		for k := range entries {
			v.Ind = append(v.Ind, uint32(k*(n/entries)+r.IntN(n/entries)))
			v.Val = append(v.Val, 1)
		}
		return v
	}
	short, long := vector(1000), vector(1_000_000)
	for b.Loop() {
		short.Dot(long)
	}
}

func BenchmarkReadSVMLight(b *testing.B) {
	m := random(20_000, 30)
	floattest.Normals(floattest.Rand(5), m.Val)
	var file bytes.Buffer
	if err := sparse.WriteSVMLight(&file, 1, m, make([]float64, m.Rows), nil); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(file.Len()))
	for b.Loop() {
		if _, err := sparse.ReadSVMLight[float64](bytes.NewReader(file.Bytes()), 1, 0); err != nil {
			b.Fatal(err)
		}
	}
}
