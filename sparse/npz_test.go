package sparse_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/sparse"
)

func readNPZ[T floattest.Float](data []byte) (*sparse.CSR[T], error) {
	return sparse.ReadNPZ[T](bytes.NewReader(data), int64(len(data)))
}

// What scipy has written.
func TestReadNPZ(t *testing.T) {
	g := readGolden(t)
	a := g.A.csr(t)
	for name, want := range map[string]func(float64) float64{
		"float64": func(x float64) float64 { return x },
		"wide":    func(x float64) float64 { return x },
		"float32": func(x float64) float64 { return float64(float32(x)) },
		"int16":   func(x float64) float64 { return math.Trunc(100*x) + 0 },
		"bool":    func(float64) float64 { return 1 },
	} {
		m, err := readNPZ[float64](g.NPZ[name])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		w := a.Clone()
		for k, x := range w.Val {
			w.Val[k] = want(x)
		}
		identical(t, name, m, w)
		single, err := readNPZ[float32](g.NPZ[name])
		if err != nil || !slices.Equal(single.Col, m.Col) || single.Val[0] != float32(m.Val[0]) {
			t.Errorf("%s as float32: %v", name, err)
		}
	}
	m, err := readNPZ[float64](g.NPZ["unsorted"])
	if err != nil {
		t.Fatal(err)
	}
	check(t, m)
	for i := range m.Rows {
		for j := range m.Cols {
			if m.At(i, j) != a.At(m.Rows-1-i, j) {
				t.Fatalf("unsorted: element (%d, %d) is %v", i, j, m.At(i, j))
			}
		}
	}
	_, err = readNPZ[float64](g.NPZ["csc"])
	if !errors.Is(err, gram.ErrFormat) || !strings.Contains(err.Error(), `format "csc", want csr`) {
		t.Errorf("csc: error %v", err)
	}
}

func TestNPZRoundTrip(t *testing.T) {
	r := floattest.Rand(13)
	for _, m := range []*sparse.CSR[float64]{
		{Ptr: []int64{0}}, randomCSR[float64](r, 1, 1, 1), randomCSR[float64](r, 50, 1<<32, 5),
		randomCSR[float64](r, 20000, 30, 3), randomCSR[float64](r, 60, 40, 4).SliceRows(20, 50),
	} {
		floattest.Normals(r, m.Val)
		var b bytes.Buffer
		if err := sparse.WriteNPZ(&b, m); err != nil {
			t.Fatal(err)
		}
		again, err := readNPZ[float64](b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		identical(t, "read again", again, m)
	}
	m := randomCSR[float32](r, 30, 30, 4)
	var b bytes.Buffer
	if err := sparse.WriteNPZ(&b, m); err != nil {
		t.Fatal(err)
	}
	again, err := readNPZ[float32](b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	identical(t, "float32 read again", again, m)
}

// npy returns an array of a text header and data.
func npy(header, data string) string {
	return fmt.Sprintf("\x93NUMPY\x01\x00%c%c%s%s", len(header)%256, len(header)/256, header, data)
}

// archive returns an npz file of a 2×3 matrix of bytes in which some arrays are others.
func archive(t testing.TB, other map[string]string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	array := func(descr, shape, data string) string {
		return npy("{'descr': '"+descr+"', 'fortran_order': False, 'shape': ("+shape+"), }\n", data)
	}
	for name, text := range map[string]string{
		"format": array("|S3", "", "csr"), "shape": array("|u1", "2,", "\x02\x03"), "indptr": array("|u1", "3,", "\x00\x02\x03"),
		"indices": array("|i1", "3,", "\x02\x00\x01"), "data": array("|i1", "3,", "\x01\xff\x03"),
	} {
		if o, ok := other[name]; ok {
			text = o
		}
		if text == "" {
			continue
		}
		w, err := z.Create(name + ".npy")
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadNPZErrors(t *testing.T) {
	m, err := readNPZ[float64](archive(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(*m); got != "{2 3 [0 2 3] [0 2 1] [-1 1 3]}" {
		t.Fatalf("read %s", got)
	}
	bytesArray := func(n, data string) string {
		return npy("{'descr': '|u1', 'fortran_order': False, 'shape': ("+n+",), }", data)
	}
	for _, c := range []struct{ name, text, want string }{
		{"format", "", "format.npy"},
		{"format", npy("{'descr': '<U3', 'fortran_order': False, 'shape': (), }", "b\x00\x00\x00s\x00\x00\x00r\x00\x00\x00"), `format "bsr"`},
		{"format", bytesArray("1", "c"), "format is no text"},
		{"shape", bytesArray("3", "\x02\x03\x04"), "shape has 3 elements"},
		{"shape", bytesArray("2", "\x05\x03"), "3 row pointers for 5 rows"},
		{"shape", npy("{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }", strings.Repeat("\xff", 16)), "shape has -1"},
		{"shape", npy("{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }", "\x02"+strings.Repeat("\x00", 14)+"\x10"), "2³²"},
		{"indptr", bytesArray("3", "\x00\x03\x02"), "row 1"},
		{"indptr", bytesArray("3", "\x00\x02\x09"), "9"},
		{"indices", bytesArray("3", "\x02\x00\x03"), "indices has 3 for 3"},
		{"indices", bytesArray("3", "\x02\x02\x01"), "twice"},
		{"indices", bytesArray("999999999999999999", "\x02"), "indices has less than 999999999999999999 elements"},
		{"indices", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }", ""), "indices has elements of kind f and 8 bytes"},
		{"data", npy("{'descr': '>f8', 'fortran_order': False, 'shape': (3,), }", ""), "data: header"},
		{"data", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 1), }", ""), "data: header"},
		{"data", npy("{'descr': '<f2', 'fortran_order': False, 'shape': (3,), }", ""), "kind f and 2 bytes"},
		{"data", bytesArray("2", "\x01\x02"), "2 values"},
		{"data", "PK", "data: unexpected EOF"},
		{"data", "\x93NUMPX\x01\x00\x00\x00", "data: begins with"},
		{"data", "\x93NUMPY\x02\x00\x00\x00\x01\x00", "data: header of 65536 bytes"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := readNPZ[float64](archive(t, map[string]string{c.name: c.text}))
		runtime.ReadMemStats(&after)
		if !errors.Is(err, gram.ErrFormat) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
			t.Errorf("%s: %d bytes were allocated", c.want, got)
		}
	}
	if _, err := readNPZ[float64]([]byte("no archive")); !errors.Is(err, gram.ErrFormat) {
		t.Errorf("error %v", err)
	}
}

func FuzzReadNPZ(f *testing.F) {
	f.Add(archive(f, nil))
	var b bytes.Buffer
	if err := sparse.WriteNPZ(&b, sparse.Identity[float64](3)); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := readNPZ[float64](data)
		if err != nil {
			if !errors.Is(err, gram.ErrFormat) {
				t.Fatal(err)
			}
			return
		}
		check(t, m)
	})
}

func ExampleWriteNPZ() {
	var file bytes.Buffer // in Python: scipy.sparse.load_npz(file)
	if err := sparse.WriteNPZ(&file, sparse.Identity[float32](3)); err != nil {
		panic(err)
	}
	m, err := sparse.ReadNPZ[float64](bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		panic(err)
	}
	fmt.Println(m.Rows, m.Cols, m.Col, m.Val)
	// Output: 3 3 [0 1 2] [1 1 1]
}
