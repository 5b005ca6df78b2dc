package sparse_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"gonum.org/v1/gonum/mat"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/sparse"
)

func TestReadSVMLight(t *testing.T) {
	const text = "# header\n1 1:0.5 3:-2e1 # comment\r\n\n-1\n+2.5e-3\t2:1 \n"
	for _, r := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
		d, err := sparse.ReadSVMLight[float64](r, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		check(t, d.X)
		equal(t, "X", d.X, mat.NewDense(3, 3, []float64{0.5, 0, -20, 0, 0, 0, 0, 1, 0}))
		same(t, "Y", d.Y, []float64{1, -1, 2.5e-3})
		if d.QID != nil {
			t.Errorf("queries %v", d.QID)
		}
	}
	d, err := sparse.ReadSVMLight[float32](strings.NewReader("0 qid:7 0:1\n1 qid:9 4:nan 5:-inf"), 0, 9)
	if err != nil {
		t.Fatal(err)
	}
	if d.X.Cols != 9 || len(d.QID) != 2 || d.QID[0] != 7 || d.QID[1] != 9 || !math.IsNaN(d.X.At(1, 4)) || !math.IsInf(d.X.At(1, 5), -1) {
		t.Errorf("read %+v", d)
	}
}

func TestReadSVMLightErrors(t *testing.T) {
	for _, c := range []struct {
		text           string
		base, features int
		line           int64
		want           string
	}{
		{"x", 1, 0, 1, `target "x" is not a number`},
		{"1 1:2\n1e999", 1, 0, 2, `target "1e999" is out of range`},
		{"1 0:2", 1, 0, 1, "index 0 is not one of 1 to 4294967296"},
		{"1 4294967296:2", 0, 0, 1, "index 4294967296 is not one of 0 to 4294967295"},
		{"1 5:2", 1, 4, 1, "index 5 is not one of 1 to 4"},
		{"\n\n1 2:1 2:1", 1, 0, 3, "index 2 does not come after 2"},
		{"1 3:1 2:1", 1, 0, 1, "index 2 does not come after 3"},
		{"1 2", 1, 0, 1, `"2" is not index:value`},
		{"1 2:", 1, 0, 1, `value "" of index 2 is not a number`},
		{"1 2:0x10", 1, 0, 1, `value "0x10" of index 2 is not a number`},
		{"1 2:1_0", 1, 0, 1, `"1_0"`},
		{"1 a:1", 1, 0, 1, `"a:1" is not index:value`},
		{"1 99999999999999999999:1", 1, 0, 1, "is not index:value"},
		{"1 -1:1", 1, 0, 1, `"-1:1" is not index:value`},
		{"1 qid:x 1:1", 1, 0, 1, `query "x"`},
		{"1 qid:1\n1 1:1", 1, 0, 2, "no query, and earlier lines have one"},
		{"1 1:1\n1 qid:1 1:1", 1, 0, 2, "a query, and earlier lines have none"},
	} {
		_, err := sparse.ReadSVMLight[float64](strings.NewReader(c.text), c.base, c.features)
		var f *sparse.FormatError
		if !errors.As(err, &f) || !errors.Is(err, gram.ErrFormat) || f.Line != c.line || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want line %d: %s", c.text, err, c.line, c.want)
		}
	}
	for _, bad := range [][2]int{{2, 0}, {-1, 0}, {0, -1}} {
		if _, err := sparse.ReadSVMLight[float64](strings.NewReader(""), bad[0], bad[1]); !errors.Is(err, gram.ErrParam) {
			t.Error(err)
		}
	}
	broken := iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("1 1:1\n2 2:2\n")))
	if _, err := sparse.ReadSVMLight[float64](broken, 1, 0); !errors.Is(err, iotest.ErrTimeout) || errors.Is(err, gram.ErrFormat) {
		t.Errorf("error %v", err)
	}
}

// Writers write what readers read back to the bit.
func TestRoundTrip(t *testing.T) {
	testRoundTrip[float64](t)
	testRoundTrip[float32](t)
}

func testRoundTrip[T floattest.Float](t *testing.T) {
	r := floattest.Rand(30)
	X := randomCSR[T](r, 50, 1<<32, 5)
	for k := range X.Val {
		X.Val[k] = T(r.NormFloat64() * math.Pow(10, float64(r.IntN(60)-30)))
	}
	X.Val[0] = 0 // explicit
	y, qid := floattest.Normals(r, make([]float64, X.Rows)), make([]int64, X.Rows)
	for _, base := range []int{0, 1} {
		var b bytes.Buffer
		if err := sparse.WriteSVMLight(&b, base, X, y, qid); err != nil {
			t.Fatal(err)
		}
		d, err := sparse.ReadSVMLight[T](&b, base, X.Cols)
		if err != nil {
			t.Fatal(err)
		}
		identical(t, "svmlight", d.X, X)
		same(t, "targets", d.Y, y)
	}
	var b bytes.Buffer
	if err := sparse.WriteMatrixMarket(&b, X); err != nil {
		t.Fatal(err)
	}
	m, err := sparse.ReadMatrixMarket[T](&b)
	if err != nil {
		t.Fatal(err)
	}
	identical(t, "Matrix Market", m.ToCSR(sparse.SumDuplicates), X)
}

func TestWriteErrors(t *testing.T) {
	X := sparse.Identity[float64](2)
	if err := sparse.WriteSVMLight(io.Discard, 0, X, nil, nil); !errors.Is(err, gram.ErrShape) {
		t.Error(err)
	}
	for base, qid := range map[int][]int64{3: nil, 1: {0, -1}} {
		if err := sparse.WriteSVMLight(io.Discard, base, X, []float64{1, 2}, qid); !errors.Is(err, gram.ErrParam) {
			t.Error(err)
		}
	}
	r, w := io.Pipe()
	r.Close()
	if err := sparse.WriteMatrixMarket(w, X); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
	if err := sparse.WriteSVMLight(w, 0, X, []float64{1, 2}, nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

// Numbers are read as strconv reads them, to the bit.
func TestNumbers(t *testing.T) {
	r := floattest.Rand(31)
	texts := []string{"0", "-0", "1", "+1", ".5", "5.", "1e22", "1e23", "9007199254740993", "1e-400", "123456789012345678901234567890",
		"4.9e-324", "0.1", "1.17549435e-38", "16777217", "3.4028235e38", "1E5", "1e+5", "0.000000000000000000000001", "8.5e-5"}
	for range 3000 {
		v := math.Float64frombits(r.Uint64())
		if v-v == 0 {
			texts = append(texts, strconv.FormatFloat(v, 'g', 1+r.IntN(20), 64), strconv.FormatFloat(r.NormFloat64(), 'f', r.IntN(18), 64))
		}
	}
	for _, s := range texts {
		m, err := sparse.ReadMatrixMarket[float64](strings.NewReader("%%MatrixMarket matrix coordinate real general\n1 1 1\n1 1 " + s))
		want, _ := strconv.ParseFloat(s, 64)
		if err != nil || math.Float64bits(m.Val[0]) != math.Float64bits(want) {
			t.Errorf("%s: %v, %v, want %v", s, m, err, want)
		}
		n, err := sparse.ReadMatrixMarket[float32](strings.NewReader("%%MatrixMarket matrix coordinate real general\n1 1 1\n1 1 " + s))
		want, wantErr := strconv.ParseFloat(s, 32)
		if wantErr == nil && (err != nil || math.Float32bits(n.Val[0]) != math.Float32bits(float32(want))) {
			t.Errorf("%s: %v, %v, want %v", s, n, err, want)
		}
	}
}

func TestReadMatrixMarket(t *testing.T) {
	const banner = "%%MatrixMarket matrix "
	for _, c := range []struct {
		text string
		want *mat.Dense
	}{
		{banner + "coordinate real general\n% note\n\n2 3 2\n1 1 2.5\n2 3 -1\n", mat.NewDense(2, 3, []float64{2.5, 0, 0, 0, 0, -1})},
		{banner + "coordinate integer symmetric\n2 2 2\n1 1 2\n2 1 3\n", mat.NewDense(2, 2, []float64{2, 3, 3, 0})},
		{banner + "coordinate real skew-symmetric\n2 2 1\n2 1 3\n", mat.NewDense(2, 2, []float64{0, -3, 3, 0})},
		{"%%matrixmarket MATRIX Coordinate Pattern General\n2 2 2\n1 2\n1 2\n", mat.NewDense(2, 2, []float64{0, 2, 0, 0})},
		{banner + "array real general\n2 2\n1\n2\n3\n4\n", mat.NewDense(2, 2, []float64{1, 3, 2, 4})},
		{banner + "array real symmetric\n2 2\n1\n2\n4\n", mat.NewDense(2, 2, []float64{1, 2, 2, 4})},
		{banner + "array integer skew-symmetric\n3 3\n1\n2\n3\n", mat.NewDense(3, 3, []float64{0, -1, -2, 1, 0, -3, 2, 3, 0})},
	} {
		m, err := sparse.ReadMatrixMarket[float64](strings.NewReader(c.text))
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		equal(t, c.text, m, c.want)
	}
	// A header may promise what it likes.
	_, err := sparse.ReadMatrixMarket[float64](strings.NewReader(banner + "coordinate real general\n4294967296 4294967296 4611686018427387904\n1 1 1\n"))
	if err == nil || !strings.Contains(err.Error(), "ends after 1 of 4611686018427387904 entries") {
		t.Errorf("error %v", err)
	}
}

func TestReadMatrixMarketErrors(t *testing.T) {
	const general = "%%MatrixMarket matrix coordinate real general\n"
	for _, c := range []struct {
		text string
		line int64
		want string
	}{
		{"", 1, "the file is empty"},
		{"hello\n", 1, `"hello" is not %%MatrixMarket`},
		{"%%MatrixMarket matrix list real general\n", 1, `format "list"`},
		{"%%MatrixMarket matrix coordinate complex general\n", 1, `field "complex"`},
		{"%%MatrixMarket matrix coordinate real hermitian\n", 1, `symmetry "hermitian"`},
		{"%%MatrixMarket matrix array pattern general\n", 1, "a pattern is neither"},
		{general, 1, "ends before its dimensions"},
		{general + "2 2\n", 2, `dimensions "2 2" are not 3 numbers`},
		{general + "2 2 1 1\n", 2, "are not 3 numbers"},
		{general + "4294967297 2 1\n", 2, "in range"},
		{"%%MatrixMarket matrix coordinate real symmetric\n2 3 1\n", 2, "a symmetric matrix of 2×3"},
		{"%%MatrixMarket matrix array real general\n4294967296 4294967296\n", 2, "an array of 4294967296×4294967296"},
		{general + "2 2 1\n3 1 1\n", 3, `"3" "1" is not an element of a 2×2`},
		{general + "2 2 1\n0 1 1\n", 3, "is not an element"},
		{general + "2 2 1\n1 1\n", 3, `value "" is not a number`},
		{general + "2 2 1\n1 1 1 1\n", 3, `"1" follows the entry`},
		{general + "2 2 1\n1 1 1\n% x\n2 2 2\n", 5, "more than the 1 entries"},
		{general + "2 2 2\n1 1 1\n", 3, "ends after 1 of 2 entries"},
		{"%%MatrixMarket matrix coordinate real skew-symmetric\n2 2 1\n1 1 1\n", 3, "entry (1, 1)"},
		{"%%MatrixMarket matrix coordinate integer general\n2 2 1\n1 1 1.5\n", 3, `"1.5" is not an integer`},
		{"%%MatrixMarket matrix array real general\n1 1\n1 2\n", 3, `"2" follows the value`},
		{"%%MatrixMarket matrix array real general\n0 0\n1\n", 3, "more than the 0 entries"},
	} {
		_, err := sparse.ReadMatrixMarket[float64](strings.NewReader(c.text))
		var f *sparse.FormatError
		if !errors.As(err, &f) || !errors.Is(err, gram.ErrFormat) || f.Line != c.line || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want line %d: %s", c.text, err, c.line, c.want)
		}
	}
}

// A line longer than any buffer.
func TestLongLine(t *testing.T) {
	X := randomCSR[float64](floattest.Rand(32), 2, 1<<20, 40000)
	var b bytes.Buffer
	if err := sparse.WriteSVMLight(&b, 1, X, []float64{1, 2}, nil); err != nil {
		t.Fatal(err)
	}
	d, err := sparse.ReadSVMLight[float64](&b, 1, X.Cols)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "values", d.X.Val, X.Val)
}

func FuzzReadSVMLight(f *testing.F) {
	for _, s := range []string{"1 1:2 3:4.5e-3 # x\n-1 qid:3 2:1\n", "1 4294967295:1", "+1 1:nan\r\n", "0 0:1 0:1"} {
		f.Add([]byte(s), 1)
	}
	f.Fuzz(func(t *testing.T, data []byte, base int) {
		d, err := sparse.ReadSVMLight[float64](bytes.NewReader(data), base, 0)
		if err != nil {
			if !errors.Is(err, gram.ErrFormat) && !errors.Is(err, gram.ErrParam) {
				t.Fatal(err)
			}
			return
		}
		if err := d.X.Check(); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := sparse.WriteSVMLight(&b, base, d.X, d.Y, d.QID); err != nil {
			t.Fatal(err)
		}
		again, err := sparse.ReadSVMLight[float64](&b, base, d.X.Cols)
		if err != nil {
			t.Fatal(err)
		}
		identical(t, "read again", again.X, d.X)
	})
}

func FuzzReadMatrixMarket(f *testing.F) {
	for _, s := range []string{"coordinate real general\n2 2 1\n1 1 1\n", "array integer skew-symmetric\n3 3\n1\n2\n3\n",
		"coordinate pattern symmetric\n9 9 2\n1 2\n9 9\n", "coordinate real general\n1 1 4611686018427387904\n"} {
		f.Add([]byte("%%MatrixMarket matrix " + s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := sparse.ReadMatrixMarket[float64](bytes.NewReader(data))
		if err != nil {
			if !errors.Is(err, gram.ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		if err := m.Check(); err != nil {
			t.Fatal(err)
		}
		if m.Rows > 1<<16 {
			return
		}
		s := m.ToCSR(sparse.SumDuplicates)
		var b bytes.Buffer
		if err := sparse.WriteMatrixMarket(&b, s); err != nil {
			t.Fatal(err)
		}
		again, err := sparse.ReadMatrixMarket[float64](&b)
		if err != nil {
			t.Fatal(err)
		}
		identical(t, "read again", again.ToCSR(sparse.SumDuplicates), s)
	})
}
