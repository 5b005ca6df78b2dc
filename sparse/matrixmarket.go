package sparse

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/exp/constraints"
)

// ReadMatrixMarket reads a matrix in the Matrix Market exchange format: coordinate or
// array; real, integer or pattern, whose entries are 1; general, symmetric or
// skew-symmetric, of which both triangles are returned. Complex and Hermitian
// matrices are refused. Of an array the elements that are not zero become entries.
//
// A malformed line, an index out of range, a count of entries that is not the
// header's, or a diagonal entry of a skew-symmetric matrix gives a *[FormatError]
// with the line's number. Memory follows what arrives, whatever the header promises.
//
// R. F. Boisvert, R. Pozo and K. A. Remington, The Matrix Market exchange formats,
// NISTIR 5935 (1996).
func ReadMatrixMarket[T constraints.Float](r io.Reader) (*COO[T], error) {
	p := &marketParser[T]{lines: newLines(r), m: &COO[T]{}}
	if err := p.header(); err != nil {
		return nil, err
	}
	if err := p.size(); err != nil {
		return nil, err
	}
	read := p.entry
	if p.array {
		read = p.element
	}
	n := uint64(0)
	for {
		line, err := p.data()
		if err == io.EOF {
			break
		}
		if err == nil && n == p.entries {
			err = p.fail("more than the %d entries of the header", p.entries)
		}
		if err == nil {
			err = read(line)
		}
		if err != nil {
			return nil, err
		}
		n++
	}
	if n != p.entries {
		return nil, p.fail("the file ends after %d of %d entries", n, p.entries)
	}
	return p.m, nil
}

type marketParser[T constraints.Float] struct {
	*lines
	m                        *COO[T]
	array, pattern           bool
	symmetric, skew, integer bool
	entries                  uint64
	i, j                     uint64 // array: where the next element goes
}

// data returns the next line that is neither blank nor a comment.
func (p *marketParser[T]) data() ([]byte, error) {
	for {
		line, err := p.next()
		if err != nil {
			return nil, err
		}
		if line = skip(line); len(line) > 0 && line[0] != '%' {
			return line, nil
		}
	}
}

// header reads the first line.
func (p *marketParser[T]) header() error {
	line, err := p.next()
	if err == io.EOF {
		p.number = 1
		return p.fail("the file is empty")
	}
	if err != nil {
		return err
	}
	f := strings.Fields(strings.ToLower(string(line)))
	if len(f) != 5 || f[0] != "%%matrixmarket" || f[1] != "matrix" {
		return p.fail("%s is not %%%%MatrixMarket matrix format field symmetry", quoted(line))
	}
	p.array, p.pattern, p.integer = f[2] == "array", f[3] == "pattern", f[3] == "integer"
	p.symmetric, p.skew = f[4] != "general", f[4] == "skew-symmetric"
	switch {
	case !p.array && f[2] != "coordinate":
		return p.fail("format %q is neither coordinate nor array", f[2])
	case !p.pattern && !p.integer && f[3] != "real" && f[3] != "double":
		return p.fail("field %q is none of real, integer and pattern", f[3])
	case p.symmetric && !p.skew && f[4] != "symmetric":
		return p.fail("symmetry %q is none of general, symmetric and skew-symmetric", f[4])
	case p.pattern && (p.array || p.skew):
		return p.fail("a pattern is neither an array nor skew-symmetric")
	}
	return nil
}

// size reads the line of dimensions.
func (p *marketParser[T]) size() error {
	line, err := p.data()
	if err == io.EOF {
		return p.fail("the file ends before its dimensions")
	}
	if err != nil {
		return err
	}
	var n [3]uint64
	want := 3
	if p.array {
		want = 2
	}
	rest := line
	for k := range want {
		var w []byte
		limit := uint64(maxDim)
		if k == 2 {
			limit = 1<<63 - 1
		}
		var ok bool
		w, rest = word(skip(rest))
		if n[k], ok = parseUint(w, limit); !ok {
			return p.fail("dimensions %s are not %d numbers in range", quoted(line), want)
		}
	}
	if len(skip(rest)) > 0 {
		return p.fail("dimensions %s are not %d numbers in range", quoted(line), want)
	}
	if p.symmetric && n[0] != n[1] {
		return p.fail("a symmetric matrix of %d×%d", n[0], n[1])
	}
	p.m.Rows, p.m.Cols, p.entries = int(n[0]), int(n[1]), n[2]
	if !p.array {
		return nil
	}
	if n[0] > 1<<31 || n[1] > 1<<31 {
		return p.fail("an array of %d×%d", n[0], n[1])
	}
	switch {
	case p.skew:
		p.entries, p.i = n[0]*(max(n[0], 1)-1)/2, 1
	case p.symmetric:
		p.entries = n[0] * (n[0] + 1) / 2
	default:
		p.entries = n[0] * n[1]
	}
	return nil
}

// entry reads a line of coordinates and a value.
func (p *marketParser[T]) entry(line []byte) error {
	a, rest := word(line)
	b, rest := word(skip(rest))
	i, ok := parseUint(a, uint64(p.m.Rows))
	j, ok2 := parseUint(b, uint64(p.m.Cols))
	if !ok || !ok2 || i == 0 || j == 0 {
		return p.fail("%s %s is not an element of a %d×%d matrix", quoted(a), quoted(b), p.m.Rows, p.m.Cols)
	}
	v := T(1)
	if !p.pattern {
		var err error
		if v, rest, err = p.value(skip(rest)); err != nil {
			return err
		}
	}
	if len(skip(rest)) > 0 {
		return p.fail("%s follows the entry", quoted(skip(rest)))
	}
	return p.put(i-1, j-1, v)
}

// element reads the next value of an array, which goes by columns.
func (p *marketParser[T]) element(line []byte) error {
	v, rest, err := p.value(line)
	if err != nil {
		return err
	}
	if len(skip(rest)) > 0 {
		return p.fail("%s follows the value", quoted(skip(rest)))
	}
	if v != 0 {
		if err := p.put(p.i, p.j, v); err != nil {
			return err
		}
	}
	if p.i++; p.i == uint64(p.m.Rows) {
		p.j++
		p.i = 0
		if p.symmetric {
			p.i = p.j
		}
		if p.skew {
			p.i++
		}
	}
	return nil
}

func (p *marketParser[T]) value(b []byte) (v T, rest []byte, err error) {
	w, rest := word(b)
	v, err = parseFloat[T](w)
	if err != nil {
		return 0, nil, p.fail("value %s is %v", quoted(w), err)
	}
	if p.integer && strings.ContainsAny(string(w), ".eEnN") {
		return 0, nil, p.fail("value %s is not an integer", quoted(w))
	}
	return v, rest, nil
}

// put adds an entry, and its mirror image if the matrix is symmetric.
func (p *marketParser[T]) put(i, j uint64, v T) error {
	p.m.Append(int(i), int(j), v)
	switch {
	case p.skew && i == j:
		return p.fail("a skew-symmetric matrix with entry (%d, %d)", i+1, j+1)
	case p.skew:
		p.m.Append(int(j), int(i), -v)
	case p.symmetric && i != j:
		p.m.Append(int(j), int(i), v)
	}
	return nil
}

// WriteMatrixMarket writes m in the Matrix Market format: coordinate, real, general,
// by rows. [ReadMatrixMarket] reads back the same bits, explicit zeros included. The
// error is w's.
func WriteMatrixMarket[T constraints.Float](w io.Writer, m *CSR[T]) error {
	out := bufio.NewWriterSize(w, 1<<16)
	fmt.Fprintf(out, "%%%%MatrixMarket matrix coordinate real general\n%d %d %d\n", m.Rows, m.Cols, m.NNZ())
	var b []byte
	for i := range m.Rows {
		col, val := m.Row(i)
		for k, c := range col {
			b = strconv.AppendInt(b[:0], int64(i)+1, 10)
			b = strconv.AppendUint(append(b, ' '), uint64(c)+1, 10)
			b = appendFloat(append(b, ' '), val[k])
			if _, err := out.Write(append(b, '\n')); err != nil {
				return err
			}
		}
	}
	return out.Flush()
}
