package sparse

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/exp/constraints"

	"github.com/gram-ml/gram"
)

// ReadNPZ reads a matrix that scipy.sparse.save_npz wrote in the format csr; others are
// refused, and tocsr makes it of them. r has size bytes, for a file those that os.Stat
// tells. Values may be float32, float64, integers or booleans. Rows need not be sorted;
// entries that are there twice are an error.
//
// Errors wrap gram.ErrFormat and name the array at fault. Memory follows what is there,
// whatever the headers promise.
func ReadNPZ[T constraints.Float](r io.ReaderAt, size int64) (*CSR[T], error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, npzError("%v", err)
	}
	format, err := npzText(z, "format")
	if err != nil {
		return nil, err
	}
	if format != "csr" {
		return nil, npzError("format %q, want csr", format)
	}
	shape, err := npzInts(z, "shape")
	if err != nil {
		return nil, err
	}
	if len(shape) != 2 {
		return nil, npzError("shape has %d elements, want 2", len(shape))
	}
	m := &CSR[T]{Rows: int(shape[0]), Cols: int(shape[1])}
	if m.Ptr, err = npzInts(z, "indptr"); err != nil {
		return nil, err
	}
	err = npzEach(z, "indices", func(a *npyArray, b []byte) error {
		c := a.int(b)
		if c < 0 || c >= shape[1] || c >= maxDim {
			return npzError("indices has %d for %d", c, shape[1])
		}
		m.Col = append(m.Col, uint32(c))
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = npzEach(z, "data", func(a *npyArray, b []byte) error {
		m.Val = append(m.Val, T(a.float(b)))
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := m.sortUnchecked(); err != nil {
		return nil, npzError("%v", err)
	}
	return m, nil
}

// sortUnchecked sorts the rows of a matrix that comes from elsewhere, and checks it.
func (m *CSR[T]) sortUnchecked() error {
	if len(m.Ptr) != m.Rows+1 || len(m.Col) != len(m.Val) || m.Ptr[0] != 0 {
		return m.Check()
	}
	for i, p := range m.Ptr[1:] {
		if p < m.Ptr[i] || p > int64(len(m.Col)) {
			return m.Check()
		}
	}
	m.SortRows()
	return m.Check()
}

func npzError(format string, args ...any) error {
	return fmt.Errorf("sparse: npz: %s: %w", fmt.Sprintf(format, args...), gram.ErrFormat)
}

// An npyArray is an array of at most one dimension in numpy's format. kind and size, in
// bytes, are those of an element.
type npyArray struct {
	kind byte
	size int
	n    int64
}

var npyFields = [3]*regexp.Regexp{
	regexp.MustCompile(`'descr': '[<|]([biufSU])([0-9]{1,3})'`),
	regexp.MustCompile(`'fortran_order': (?:True|False)`),
	regexp.MustCompile(`'shape': \(([0-9]{0,18}),?\)`),
}

// header reads what comes before the elements.
func (a *npyArray) header(r io.Reader) error {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:10]); err != nil {
		return err
	}
	n := int(binary.LittleEndian.Uint16(head[8:]))
	if string(head[:6]) != "\x93NUMPY" || head[6] < 1 || head[6] > 3 {
		return fmt.Errorf("begins with %q", head[:8])
	}
	if head[6] > 1 { // the length has four bytes
		if _, err := io.ReadFull(r, head[10:]); err != nil {
			return err
		}
		if binary.LittleEndian.Uint16(head[10:]) != 0 {
			return fmt.Errorf("header of %d bytes", binary.LittleEndian.Uint32(head[8:]))
		}
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return err
	}
	var fields [3][][]byte
	for i, f := range npyFields {
		if fields[i] = f.FindSubmatch(text); fields[i] == nil {
			return fmt.Errorf("header %s", quoted(text))
		}
	}
	a.kind = fields[0][1][0]
	a.size, _ = strconv.Atoi(string(fields[0][2]))
	a.n = 1
	if s := string(fields[2][1]); s != "" {
		a.n, _ = strconv.ParseInt(s, 10, 64)
	}
	if a.kind == 'U' { // of four bytes a letter
		a.size *= 4
	}
	return nil
}

// number tells whether elements are integers or, if that will do, floats.
func (a *npyArray) number(float bool) bool {
	switch a.kind {
	case 'i', 'u':
		return a.size == 1 || a.size == 2 || a.size == 4 || a.size == 8
	case 'b':
		return a.size == 1
	case 'f':
		return float && (a.size == 4 || a.size == 8)
	}
	return false
}

// int returns an integer.
func (a *npyArray) int(b []byte) int64 {
	var u uint64
	for i, c := range b[:a.size] {
		u |= uint64(c) << (8 * i)
	}
	if a.kind == 'i' {
		shift := 64 - 8*a.size
		return int64(u<<shift) >> shift
	}
	return int64(u)
}

// float returns a number.
func (a *npyArray) float(b []byte) float64 {
	switch {
	case a.kind != 'f':
		return float64(a.int(b))
	case a.size == 4:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

// npzEach calls f with each element of an array of numbers.
func npzEach(z *zip.Reader, name string, f func(a *npyArray, b []byte) error) error {
	return npzOpen(z, name, func(a *npyArray, r io.Reader) error {
		if !a.number(name == "data") {
			return npzError("%s has elements of kind %c and %d bytes", name, a.kind, a.size)
		}
		buf := make([]byte, 8192*a.size)
		for left := a.n; left > 0; {
			part := buf[:min(left, 8192)*int64(a.size)]
			if _, err := io.ReadFull(r, part); err != nil {
				return npzError("%s has less than %d elements: %v", name, a.n, err)
			}
			for at := 0; at < len(part); at += a.size {
				if err := f(a, part[at:at+a.size]); err != nil {
					return err
				}
			}
			left -= int64(len(part) / a.size)
		}
		return nil
	})
}

// npzOpen calls f with an array and what follows its header.
func npzOpen(z *zip.Reader, name string, f func(a *npyArray, r io.Reader) error) error {
	file, err := z.Open(name + ".npy")
	if err != nil {
		return npzError("%v", err)
	}
	defer file.Close()
	a := &npyArray{}
	if err := a.header(file); err != nil {
		return npzError("%s: %v", name, err)
	}
	return f(a, file)
}

// npzInts reads an array of integers from 0 on.
func npzInts(z *zip.Reader, name string) (out []int64, err error) {
	err = npzEach(z, name, func(a *npyArray, b []byte) error {
		v := a.int(b)
		if v < 0 {
			return npzError("%s has %d", name, v)
		}
		out = append(out, v)
		return nil
	})
	return out, err
}

// npzText reads one string.
func npzText(z *zip.Reader, name string) (text string, err error) {
	err = npzOpen(z, name, func(a *npyArray, r io.Reader) error {
		if a.kind != 'S' && a.kind != 'U' || a.n != 1 {
			return npzError("%s is no text", name)
		}
		b := make([]byte, a.size)
		if _, err := io.ReadFull(r, b); err != nil {
			return npzError("%s: %v", name, err)
		}
		text = strings.ReplaceAll(string(b), "\x00", "")
		return nil
	})
	return text, err
}

// WriteNPZ writes a matrix as scipy.sparse.save_npz does, in the format csr, compressed.
// [ReadNPZ] reads back the same bits.
func WriteNPZ[T constraints.Float](w io.Writer, m *CSR[T]) error {
	first, end := m.Ptr[0], m.Ptr[m.Rows]
	z := zip.NewWriter(w)
	index, wide := "<i4", int64(m.Cols) > math.MaxInt32 || end-first > math.MaxInt32
	if wide {
		index = "<i8"
	}
	appendIndex := func(b []byte, v int64) []byte {
		if wide {
			return binary.LittleEndian.AppendUint64(b, uint64(v))
		}
		return binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	value := "<f4"
	if is64[T]() {
		value = "<f8"
	}
	for _, a := range []struct {
		name, descr string
		n           int64
		element     func(b []byte, i int64) []byte
	}{
		{"indices", index, end - first, func(b []byte, i int64) []byte { return appendIndex(b, int64(m.Col[first+i])) }},
		{"indptr", index, int64(m.Rows) + 1, func(b []byte, i int64) []byte { return appendIndex(b, m.Ptr[i]-first) }},
		{"format", "|S3", -1, func(b []byte, _ int64) []byte { return append(b, "csr"...) }},
		{"shape", "<i8", 2, func(b []byte, i int64) []byte {
			return binary.LittleEndian.AppendUint64(b, uint64([2]int{m.Rows, m.Cols}[i]))
		}},
		{"data", value, end - first, func(b []byte, i int64) []byte {
			if v := m.Val[first+i]; is64[T]() {
				return binary.LittleEndian.AppendUint64(b, math.Float64bits(float64(v)))
			} else {
				return binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
			}
		}},
	} {
		// numpy has no time in its archives but the first that zip can express.
		to, err := z.CreateHeader(&zip.FileHeader{Name: a.name + ".npy", Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err == nil {
			err = writeNPY(to, a.descr, a.n, a.element)
		}
		if err != nil {
			return err
		}
	}
	return z.Close()
}

// writeNPY writes an array of n elements, or for −1 one element of no dimension.
func writeNPY(w io.Writer, descr string, n int64, element func(b []byte, i int64) []byte) error {
	shape := ""
	if n >= 0 {
		shape = strconv.FormatInt(n, 10) + ","
	}
	head := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, shape)
	head += strings.Repeat(" ", 63-(10+len(head))%64) + "\n" // the elements begin at a multiple of 64
	b := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(head)))
	b = append(b, head...)
	for i := range max(n, -n) {
		if len(b) > 1<<16 {
			if _, err := w.Write(b); err != nil {
				return err
			}
			b = b[:0]
		}
		b = element(b, i)
	}
	_, err := w.Write(b)
	return err
}
