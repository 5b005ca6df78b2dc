package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/gram-ml/gram/internal/kernel/ruler"
	"github.com/gram-ml/gram/internal/mem"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/sparse"
)

//go:embed peers/scipy_sparse_peer.py
var scipySparsePy []byte

//go:embed peers/graphblas.c
var graphblasC []byte

func scipySparse(dir string) *peer {
	return &peer{ready: true, start: func() (*exec.Cmd, error) {
		src := filepath.Join(dir, "scipy_sparse_peer.py")
		if err := os.WriteFile(src, scipySparsePy, 0o644); err != nil {
			return nil, err
		}
		cmd := exec.Command("/usr/bin/python3", src, dir)
		cmd.Env = environment()
		return cmd, nil
	}}
}

// column reads an array that the peer has written.
func column[T any](dir, name, part string, convert func(uint64) T) ([]T, error) {
	_, _, bits, err := npy(filepath.Join(dir, name+"_"+part+".npy"))
	if err != nil {
		return nil, err
	}
	out := mem.Make[T](len(bits))
	for i, b := range bits {
		out[i] = convert(b)
	}
	return out, nil
}

// square asks the peer for a square matrix.
func square(dir string, sp *peer, name string) (*sparse.CSR[float64], error) {
	if _, err := sp.ask("data %s", name); err != nil {
		return nil, err
	}
	ptr, err := column(dir, name, "ptr", func(b uint64) int64 { return int64(b) })
	if err != nil {
		return nil, err
	}
	col, err := column(dir, name, "col", func(b uint64) uint32 { return uint32(b) })
	if err != nil {
		return nil, err
	}
	val, err := column(dir, name, "val", math.Float64frombits)
	if err != nil {
		return nil, err
	}
	return sparse.NewCSR(len(ptr)-1, len(ptr)-1, ptr, col, val)
}

// entriesOf is the peer's list of the entries of "random", in no order.
func entriesOf(dir string, sp *peer, n int) (*sparse.COO[float64], error) {
	if _, err := sp.ask("data entries"); err != nil {
		return nil, err
	}
	index := func(b uint64) uint32 { return uint32(b) }
	row, err := column(dir, "entries", "row", index)
	if err != nil {
		return nil, err
	}
	col, err := column(dir, "entries", "col", index)
	if err != nil {
		return nil, err
	}
	val, err := column(dir, "entries", "val", math.Float64frombits)
	if err != nil {
		return nil, err
	}
	return sparse.NewCOO(n, n, row, col, val)
}

// prepared times one call of what prepare returns at the first.
func prepared(prepare func() (func() error, error)) func() (float64, error) {
	var f func() error
	return func() (float64, error) {
		if f == nil {
			var err error
			if f, err = prepare(); err != nil {
				return 0, err
			}
		}
		start := time.Now()
		err := f()
		return time.Since(start).Seconds(), err
	}
}

// onMatrix is prepared for work on a matrix of the peer's.
func onMatrix(dir string, sp *peer, name string, work func(m *sparse.CSR[float64]) func()) func() (float64, error) {
	return prepared(func() (func() error, error) {
		m, err := square(dir, sp, name)
		if err != nil {
			return nil, err
		}
		f := work(m)
		return func() error { f(); return nil }, nil
	})
}

func mulVecWork(m *sparse.CSR[float64]) func() {
	x, y := random[float64](1, m.Cols).Data, mem.Make[float64](m.Rows)
	return func() { m.MulVec(y, x) }
}

// bandedStream times a plain read of the bytes that the product of the banded matrix by
// a vector reads.
func bandedStream() func() (float64, error) {
	return prepared(func() (func() error, error) {
		x := random[float64](1, (10_000_000*12+1_000_000*24)/8/64*64).Data
		return func() error { ruler.Read(x); return nil }, nil
	})
}

// longDot times the inner product of a short vector and a long one.
func longDot(short, long int) func() (float64, error) {
	const n = 10_000_000
	r := rand.New(rand.NewPCG(1, 2))
	vector := func(entries int) *sparse.Vector[float64] {
		v := &sparse.Vector[float64]{N: n}
		for k := range entries {
			v.Ind = append(v.Ind, uint32(k*(n/entries)+r.IntN(n/entries)))
			v.Val = append(v.Val, 1)
		}
		return v
	}
	var a, b *sparse.Vector[float64]
	return timed(func() {
		if a == nil {
			a, b = vector(short), vector(long)
		}
		a.Dot(b)
	})
}

// sparseRows compares with scipy.sparse, SuiteSparse:GraphBLAS, and reading with
// scikit-learn's.
func sparseRows(dir string) []row {
	sp, gb := scipySparse(dir), compiled(dir, "graphblas", graphblasC, "-lgraphblas", dir)
	compare := func(name, work string, target float64, ours func() (float64, error)) row {
		return row{name: name, peer: "scipy", target: target, gram: ours,
			other: func() (float64, error) { return sp.seconds("%s", work) }}
	}
	out := []row{
		compare("sparse MulVec random 1e6×1e6, 10 a row", "mulvec/random", 1.5, onMatrix(dir, sp, "random", mulVecWork)),
		compare("sparse MulVec banded 1e6×1e6, 10 a row", "mulvec/banded", 1.5, onMatrix(dir, sp, "banded", mulVecWork)),
		{name: "sparse MulVec banded 1e6×1e6, 10 a row", peer: "read of the bytes", target: 1 / 1.3,
			gram: onMatrix(dir, sp, "banded", mulVecWork), other: bandedStream()},
		{name: "sparse Dot of 1,000 and 1,000,000 entries", peer: "limit", target: 1,
			gram: longDot(1000, 1_000_000), other: func() (float64, error) { return 40e-6, nil }},
		compare("sparse MulDense k=32, 2e5×2e5, 20 a row", "muldense", 4, onMatrix(dir, sp, "tall", func(m *sparse.CSR[float64]) func() {
			b, c := random[float64](m.Cols, 32), random[float64](m.Rows, 32)
			return func() { m.MulDense(c, b) }
		})),
	}
	for _, kind := range [][2]string{{"random", "product"}, {"powerlaw", "powerlaw"}} {
		out = append(out,
			compare("sparse Mul "+kind[0], "mul/"+kind[0], 1.3, onMatrix(dir, sp, kind[1], func(m *sparse.CSR[float64]) func() {
				return func() { sparse.Mul(m, m) }
			})),
			compare("sparse MulUnsorted "+kind[0], "mul/"+kind[0], 1.8, onMatrix(dir, sp, kind[1], func(m *sparse.CSR[float64]) func() {
				return func() { sparse.MulUnsorted(1, m, m) }
			})),
			// The peer reads the files that our side has asked for.
			row{name: "sparse Mul " + kind[0], peer: "GraphBLAS", target: 5, gram: onMatrix(dir, sp, kind[1], func(m *sparse.CSR[float64]) func() {
				return func() { sparse.Mul(m, m) }
			}), other: func() (float64, error) { return gb.seconds("%s", kind[1]) }})
	}
	return append(out,
		compare("sparse FromCOO 1e7", "fromcoo", 2, prepared(func() (func() error, error) {
			m, err := entriesOf(dir, sp, 1_000_000)
			return func() error { m.ToCSR(sparse.SumDuplicates); return nil }, err
		})),
		compare("sparse Transpose 1e7", "transpose", 2, onMatrix(dir, sp, "random", func(m *sparse.CSR[float64]) func() {
			return func() { m.Transpose() }
		})),
		svmLightRow(dir, sp),
	)
}

// svmLightRow reads the same bytes on both sides.
func svmLightRow(dir string, sp *peer) row {
	var text []byte
	r := row{name: "sparse ReadSVMLight", peer: "sklearn", target: 5,
		other: func() (float64, error) { return sp.seconds("svmlight") }}
	var last float64
	read := prepared(func() (func() error, error) {
		_, err := sp.ask("file")
		if err == nil {
			text, err = os.ReadFile(filepath.Join(dir, "text.svm"))
		}
		return func() error {
			_, err := sparse.ReadSVMLight[float64](bytes.NewReader(text), 1, 20_000)
			return err
		}, err
	})
	r.gram = func() (s float64, err error) {
		last, err = read()
		return last, err
	}
	r.note = func() string { return fmt.Sprintf("%.0f MB/s", float64(len(text))/last/1e6) }
	return r
}

// sparseScalingRows compares several threads with one.
func sparseScalingRows(dir string, threads int) []row {
	sp := scipySparse(dir)
	compare := func(name, matrix string, work func(m *sparse.CSR[float64], workers int) func()) row {
		on := func(workers int) func() (float64, error) {
			return onMatrix(dir, sp, matrix, func(m *sparse.CSR[float64]) func() { return work(m, workers) })
		}
		return row{name: fmt.Sprintf("sparse %s on %d threads", name, threads), peer: "1 thread",
			target: 0.85 * float64(threads), gram: on(threads), other: on(1)}
	}
	return []row{
		compare("Mul random", "product", func(m *sparse.CSR[float64], workers int) func() {
			return func() { sparse.MulParallel(workers, m, m) }
		}),
		compare("MulDense k=32", "tall", func(m *sparse.CSR[float64], workers int) func() {
			b, c := random[float64](m.Cols, 32), linalg.NewDense[float64](m.Rows, 32, nil)
			return func() { m.MulDenseParallel(workers, c, b) }
		}),
		compare("MulVec random", "random", func(m *sparse.CSR[float64], workers int) func() {
			x, y := random[float64](1, m.Cols).Data, make([]float64, m.Rows)
			return func() { m.MulVecParallel(workers, y, x) }
		}),
	}
}
