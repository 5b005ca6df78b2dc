package main

import (
	_ "embed"
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram/internal/kernel/ruler"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/quant"
)

//go:embed peers/onednn.c
var onednnC []byte

func onednn(dir string) *peer { return compiled(dir, "onednn", onednnC, "-ldnnl") }

// bytesMul multiplies m rows of uint8 with n×k packed weights.
func bytesMul(m, n, k int) func() (float64, error) {
	var a []uint8
	var w *quant.Weights
	var dst []int32
	var failed error
	once := timed(func() {
		if w == nil {
			a, w, failed = randomBytes(m, n, k)
			dst = make([]int32, m*n)
		}
		if failed == nil {
			_, failed = quant.MulInt(dst, a, 0, w)
		}
	})
	return func() (float64, error) {
		s, _ := once()
		return s, failed
	}
}

func randomBytes(m, n, k int) ([]uint8, *quant.Weights, error) {
	r := rand.New(rand.NewPCG(uint64(m), uint64(n)))
	a, b := make([]uint8, m*k), make([]int8, n*k)
	for i := range a {
		a[i] = uint8(r.Uint32())
	}
	for i := range b {
		b[i] = int8(r.Uint32())
	}
	w, err := quant.PackWeights(b, n, k, []quant.Params{{Scale: 1}})
	return a, w, err
}

func quantRows(dir string) []row {
	dnn := onednn(dir)
	var out []row
	for _, n := range []int{1024, 2048} {
		name, ours := fmt.Sprintf("Mul u8s8 n=%d", n), bytesMul(n, n, n)
		work := row{name: name, amount: flop(n, n, n), unit: "GOP/s", gram: ours}
		peer, peak, float := work, work, work
		peer.peer, peer.target = "oneDNN", 1
		peer.other = func() (float64, error) { return dnn.seconds("%d %d %d", n, n, n) }
		float.name, float.peer, float.target = name+" beside f32", "Gemm f32", 3.5
		float.other = gemm[float32](1, n, n, n)
		out = append(out, peer, float)
		const loops = 1e5
		if perLoop := ruler.PeakBytes(1) * loops; perLoop > 0 {
			peak.name, peak.peer, peak.target = name+" of peak", "VNNI peak", 0.9
			peak.other, peak.scale = timed(func() { ruler.PeakBytes(loops) }), flop(n, n, n)/perLoop
			out = append(out, peak)
		}
	}
	return append(append(out, mulVecRows(dnn)...), convertRows()...)
}

// mulVecRows compare the product of a row with 4096×4096 weights, whose 16 MiB it is
// bound to read.
func mulVecRows(dnn *peer) []row {
	const n = 4096
	work := row{name: "MulVec u8s8 4096×4096", amount: n * n, unit: "GB/s", gram: bytesMul(1, n, n)}
	peer, read, float := work, work, work
	peer.peer, peer.target = "oneDNN", 4
	peer.other = func() (float64, error) { return dnn.seconds("%d %d %d", 1, n, n) }
	weights := random[float64](1, n*n/8).Data // written, as pages of zeros share their memory
	read.name, read.peer, read.target = work.name+" of memory", "read loop", 1/1.2
	read.other = timed(func() { ruler.Read(weights) })
	a, x, y := random[float32](n, n), make([]float32, n), make([]float32, n)
	float.name, float.peer, float.target = work.name+" beside f32", "Gemv f32", 3.5
	float.other = timed(func() { linalg.Gemv(blas.NoTrans, 1, a, x, 0, y) })
	return []row{peer, read, float}
}

// convertRows compare conversions of 1 Mi values with a copy that moves as many bytes.
func convertRows() []row {
	const n = 1 << 20
	const bytes = 5 * n // 4 and 1 for each value
	x, q := random[float32](1, n).Data, make([]int8, n)
	p := quant.Params{Scale: 1. / 200, Zero: 3}
	from, to := random[float64](1, bytes/2/8).Data, make([]float64, bytes/2/8)
	clone := timed(func() { ruler.Copy(to, from) })
	work := row{peer: "copy loop", target: 1 / 1.3, amount: bytes, unit: "GB/s", other: clone}
	quantize, dequantize := work, work
	quantize.name, dequantize.name = "Quantize f32 to s8 n=2^20", "Dequantize s8 to f32 n=2^20"
	quantize.gram = timed(func() { quant.Quantize(q, x, p) })
	dequantize.gram = timed(func() { quant.Dequantize(x, q, p) })
	return []row{quantize, dequantize}
}
