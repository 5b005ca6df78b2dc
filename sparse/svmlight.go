package sparse

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"

	"golang.org/x/exp/constraints"

	"github.com/gram-ml/gram"
)

// An SVMLight is what a file in the format of svmlight and libsvm holds.
type SVMLight[T constraints.Float] struct {
	// X has a row for each line with a target.
	X *CSR[T]
	// Y holds the targets.
	Y []float64
	// QID holds the query of each row, nil if the file names none.
	QID []int64
}

// ReadSVMLight reads lines of the form
//
//	target [qid:query] index:value … [# comment]
//
// as they stream in. base, 0 or 1, is the index of the first feature in the file,
// which no reader can know from the data; features is the number of columns, 0 for
// as many as the largest index needs. Indices of a line must increase. Blank lines and
// those of comments alone are passed over. Values and targets may be NaN and
// infinities; explicit zeros stay entries.
//
// A malformed line gives a *[FormatError] with its number; so does a line without qid
// in a file of lines with it, and the other way round. A base or number of features
// out of range gives an error that wraps gram.ErrParam. Memory follows what arrives.
func ReadSVMLight[T constraints.Float](r io.Reader, base, features int) (*SVMLight[T], error) {
	if err := checkBase(base); err != nil {
		return nil, err
	}
	if features < 0 || int64(features) > maxDim {
		return nil, fmt.Errorf("sparse: %d features, want 0 to 2³²: %w", features, gram.ErrParam)
	}
	p := &svmParser[T]{lines: newLines(r), base: uint64(base), max: maxDim - 1, X: &CSR[T]{Cols: features, Ptr: []int64{0}}}
	if features > 0 {
		p.max = uint64(features) - 1
	}
	for {
		line, err := p.next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = p.parse(line)
		}
		if err != nil {
			return nil, err
		}
	}
	if features == 0 {
		p.X.Cols = p.cols
	}
	return &SVMLight[T]{p.X, p.y, p.qid}, nil
}

func checkBase(base int) error {
	if base != 0 && base != 1 {
		return fmt.Errorf("sparse: index base is %d, want 0 or 1: %w", base, gram.ErrParam)
	}
	return nil
}

type svmParser[T constraints.Float] struct {
	*lines
	X         *CSR[T]
	y         []float64
	qid       []int64
	base, max uint64 // index of the first column, largest column
	cols      int    // that the entries so far need
}

// parse reads a line.
func (p *svmParser[T]) parse(line []byte) error {
	if k := bytes.IndexByte(line, '#'); k >= 0 {
		line = line[:k]
	}
	target, line := word(skip(line))
	if len(target) == 0 {
		return nil
	}
	y, err := parseFloat[float64](target)
	if err != nil {
		return p.fail("target %s is %v", quoted(target), err)
	}
	line = skip(line)
	if bytes.HasPrefix(line, []byte("qid:")) {
		var text []byte
		text, line = word(line[4:])
		q, ok := parseUint(text, math.MaxInt64)
		if !ok {
			return p.fail("query %s is not a number from 0 to 2⁶³−1", quoted(text))
		}
		if len(p.qid) != len(p.y) {
			return p.fail("a query, and earlier lines have none")
		}
		p.qid = append(p.qid, int64(q))
	} else if p.qid != nil {
		return p.fail("no query, and earlier lines have one")
	}
	p.y = append(p.y, y)
	if err := p.entries(line); err != nil {
		return err
	}
	p.X.Ptr = append(p.X.Ptr, int64(len(p.X.Col)))
	p.X.Rows++
	return nil
}

// entries reads the features of a line.
func (p *svmParser[T]) entries(b []byte) error {
	last := int64(-1)
	for b = skip(b); len(b) > 0; b = skip(b) {
		i, index := 0, uint64(0)
		for i < len(b) && b[i]-'0' <= 9 {
			index = index*10 + uint64(b[i]-'0')
			i++
		}
		if i == 0 || i > 18 || i == len(b) || b[i] != ':' {
			w, _ := word(b)
			return p.fail("%s is not index:value", quoted(w))
		}
		if index < p.base || index-p.base > p.max {
			return p.fail("index %d is not one of %d to %d", index, p.base, p.max+p.base)
		}
		col := int64(index - p.base)
		if col <= last {
			return p.fail("index %d does not come after %d", index, last+int64(p.base))
		}
		last = col
		text, rest := word(b[i+1:])
		v, err := parseFloat[T](text)
		if err != nil {
			return p.fail("value %s of index %d is %v", quoted(text), index, err)
		}
		p.X.Col, p.X.Val = append(p.X.Col, uint32(col)), append(p.X.Val, v)
		b = rest
	}
	p.cols = max(p.cols, int(last+1))
	return nil
}

// WriteSVMLight writes the rows of X with their targets, and queries unless qid is
// nil, in the format of [ReadSVMLight], which reads back the same bits; the number of
// columns is not part of the format. The error wraps gram.ErrShape or gram.ErrParam for
// lengths, a negative query or a base that do not fit, or is w's.
func WriteSVMLight[T constraints.Float](w io.Writer, base int, X *CSR[T], y []float64, qid []int64) error {
	if err := checkBase(base); err != nil {
		return err
	}
	if len(y) != X.Rows || qid != nil && len(qid) != X.Rows {
		return shapeError("%d targets and %d queries for %d rows", len(y), len(qid), X.Rows)
	}
	out := bufio.NewWriterSize(w, 1<<16)
	var b []byte
	for i := range X.Rows {
		b = appendFloat(b[:0], y[i])
		if qid != nil {
			if qid[i] < 0 {
				return fmt.Errorf("sparse: query %d of row %d is negative: %w", qid[i], i, gram.ErrParam)
			}
			b = strconv.AppendInt(append(b, " qid:"...), qid[i], 10)
		}
		col, val := X.Row(i)
		for k, c := range col {
			b = strconv.AppendUint(append(b, ' '), uint64(c)+uint64(base), 10)
			b = appendFloat(append(b, ':'), val[k])
		}
		if _, err := out.Write(append(b, '\n')); err != nil {
			return err
		}
	}
	return out.Flush()
}
