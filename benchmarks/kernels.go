package main

import (
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram/internal/kernel/ruler"
	"github.com/gram-ml/gram/linalg"
)

func random[T float32 | float64](rows, cols int) *linalg.Dense[T] {
	r := rand.New(rand.NewPCG(uint64(rows), uint64(cols)))
	m := linalg.NewDense[T](rows, cols, nil)
	for i := range m.Data {
		m.Data[i] = T(r.Float64() - 0.5)
	}
	return m
}

func gemm[T float32 | float64](workers, m, n, k int) func() (float64, error) {
	var a, b, c *linalg.Dense[T]
	once := func() {
		if a == nil {
			a, b, c = random[T](m, k), random[T](k, n), random[T](m, n)
		}
		linalg.GemmParallel(workers, blas.NoTrans, blas.NoTrans, 1, a, b, 0, c)
	}
	return timed(once)
}

func flop(m, n, k int) float64 { return 2 * float64(m) * float64(n) * float64(k) }

// gemmRows compares products with OpenBLAS and with the peak of the core.
func gemmRows(dir string) []row {
	blas := openblas(dir)
	compare := func(name, kind string, m, n, k int, target float64, ours func() (float64, error)) row {
		return row{
			name: name, peer: "OpenBLAS", target: target, amount: flop(m, n, k), unit: "GFLOP/s", gram: ours,
			other: func() (float64, error) { return blas.seconds("%s %d %d %d", kind, m, n, k) },
		}
	}
	const peakLoops = 1e5
	peak := timed(func() { ruler.Peak(peakLoops) })
	perLoop := ruler.Peak(1) * peakLoops
	ofPeak := func(name string, n int, target, width float64, ours func() (float64, error)) row {
		return row{
			name: name, peer: "FMA peak", target: target, amount: flop(n, n, n), unit: "GFLOP/s", gram: ours, other: peak,
			scale: flop(n, n, n) / (perLoop * width),
		}
	}
	var out []row
	for _, n := range []int{32, 64, 128, 256, 512, 1024, 2048} {
		target := 1.0
		if n >= 512 {
			target = 1.1
		}
		out = append(out, compare(fmt.Sprintf("Gemm f64 n=%d", n), "dgemm", n, n, n, target, gemm[float64](1, n, n, n)))
	}
	for _, k := range []int{8, 16, 32, 64} {
		out = append(out, compare(fmt.Sprintf("Gemm f64 m=n=1024 k=%d", k), "dgemm", 1024, 1024, k, 1, gemm[float64](1, 1024, 1024, k)))
	}
	for _, n := range []int{512, 1024, 2048} {
		out = append(out, compare(fmt.Sprintf("Gemm f32 n=%d", n), "sgemm", n, n, n, 1, gemm[float32](1, n, n, n)))
	}
	for _, n := range []int{512, 1024, 2048} {
		out = append(out, ofPeak(fmt.Sprintf("Gemm f64 n=%d of peak", n), n, 0.88, 1, gemm[float64](1, n, n, n)))
		out = append(out, ofPeak(fmt.Sprintf("Gemm f32 n=%d of peak", n), n, 0.90, 2, gemm[float32](1, n, n, n)))
	}
	return out
}

// scalingRows compares several threads with one.
func scalingRows(threads int) []row {
	const n = 2048
	return []row{{
		name: fmt.Sprintf("Gemm f64 n=%d on %d threads", n, threads), peer: "1 thread", target: 0.9 * float64(threads),
		amount: flop(n, n, n), unit: "GFLOP/s", gram: gemm[float64](threads, n, n, n), other: gemm[float64](1, n, n, n),
	}}
}

// memoryRows compares operations on vectors that no cache holds with plain loops
// over the same memory, by the bytes that each moves.
func memoryRows() []row {
	const (
		n    = 1 << 24
		cols = 1 << 12
	)
	x, y := random[float64](1, n).Data, random[float64](1, n).Data
	a := linalg.NewDense(n/cols, cols, x)
	short, long := make([]float64, n/cols), make([]float64, cols)
	read := timed(func() { ruler.Read(x) })
	readBoth := timed(func() { ruler.Read(x); ruler.Read(y) })
	clone := timed(func() { ruler.Copy(y, x) })
	var sink float64
	plain := func(name, peer string, ours func(), other func() (float64, error), bytes float64) row {
		return row{name: name, peer: peer, target: 0.95, amount: bytes, unit: "GB/s", gram: timed(ours), other: other}
	}
	return []row{
		plain("Gemv f64, A 4096×4096", "read loop", func() { linalg.Gemv(blas.NoTrans, 1, a, long, 0, short) }, read, 8*n),
		plain("Gemv f64, Aᵀ 4096×4096", "read loop", func() { linalg.Gemv(blas.Trans, 1, a, short, 0, long) }, read, 8*n),
		plain("Dot f64 n=2^24", "read loop", func() { sink += linalg.Dot(x, y) }, readBoth, 16*n),
		plain("Axpy f64 n=2^24", "copy loop", func() { linalg.Axpy(1e-9, x, y) }, clone, 16*n),
	}
}
