package sparse

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"golang.org/x/exp/constraints"

	"github.com/gram-ml/gram"
)

// A FormatError tells which line of a text file is malformed, and why. It wraps
// gram.ErrFormat.
type FormatError struct {
	// Line counts from 1.
	Line int64
	// Reason says what is wrong, with the text at fault.
	Reason string
}

// Error returns the line and the reason.
func (e *FormatError) Error() string { return fmt.Sprintf("sparse: line %d: %s", e.Line, e.Reason) }

// Unwrap returns gram.ErrFormat.
func (e *FormatError) Unwrap() error { return gram.ErrFormat }

// lines reads a text line by line.
type lines struct {
	r      *bufio.Reader
	number int64
	long   []byte // a line that the reader's buffer does not hold
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, 1<<17)} }

// next returns the next line without its end, valid until the next call, or the
// error of the reader, io.EOF at its end.
func (l *lines) next() ([]byte, error) {
	line, err := l.r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		l.long = l.long[:0]
		for err == bufio.ErrBufferFull {
			l.long = append(l.long, line...)
			line, err = l.r.ReadSlice('\n')
		}
		l.long = append(l.long, line...)
		line = l.long
	}
	if err != nil && (err != io.EOF || len(line) == 0) {
		if err != io.EOF {
			err = fmt.Errorf("sparse: after line %d: %w", l.number, err)
		}
		return nil, err
	}
	l.number++
	line = bytes.TrimSuffix(line, []byte{'\n'})
	return bytes.TrimSuffix(line, []byte{'\r'}), nil
}

func (l *lines) fail(format string, args ...any) error {
	return &FormatError{l.number, fmt.Sprintf(format, args...)}
}

// quoted shows the start of a text in an error.
func quoted(b []byte) string {
	if len(b) > 40 {
		return strconv.Quote(string(b[:40])) + "…"
	}
	return strconv.Quote(string(b))
}

func space(c byte) bool { return c == ' ' || c == '\t' }

// skip returns b without its leading blanks.
func skip(b []byte) []byte {
	for len(b) > 0 && space(b[0]) {
		b = b[1:]
	}
	return b
}

// word cuts the first word, which ends at a blank, off b.
func word(b []byte) (w, rest []byte) {
	n := 0
	for n < len(b) && !space(b[n]) {
		n++
	}
	return b[:n], b[n:]
}

var errNumber = errors.New("not a number")

// parseUint reads a number of digits alone, at most max.
func parseUint(b []byte, max uint64) (uint64, bool) {
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	var n uint64
	for _, c := range b {
		d := c - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + uint64(d)
	}
	return n, n <= max
}

// Powers of ten that are exact.
var (
	pow10 = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}
	pow10f = [...]float32{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10}
)

// parseFloat reads a decimal number, correctly rounded. Where digits and power of
// ten are both exact in T, one rounding gives the result; other numbers, and the
// words of strconv.ParseFloat for infinities and NaN, go to that function.
//
// W. D. Clinger, How to read floating point numbers accurately, PLDI 1990.
func parseFloat[T constraints.Float](b []byte) (T, error) {
	digits, exp, neg, ok := decimal(b)
	if !ok {
		return parseSlow[T](b)
	}
	var v T
	switch {
	case is64[T]() && digits < 1<<53 && -22 <= exp && exp <= 22:
		if exp < 0 {
			v = T(float64(digits) / pow10[-exp])
		} else {
			v = T(float64(digits) * pow10[exp])
		}
	case !is64[T]() && digits < 1<<24 && -10 <= exp && exp <= 10:
		if exp < 0 {
			v = T(float32(digits) / pow10f[-exp])
		} else {
			v = T(float32(digits) * pow10f[exp])
		}
	default:
		return parseSlow[T](b)
	}
	if neg {
		v = -v
	}
	return v, nil
}

// decimal splits a number into digits·10^exp. It refuses more than 19 digits, long
// exponents and everything else that is not plain.
func decimal(b []byte) (digits uint64, exp int, neg, ok bool) {
	i := 0
	if i < len(b) && (b[i] == '-' || b[i] == '+') {
		neg = b[i] == '-'
		i++
	}
	first := i
	for i < len(b) && b[i]-'0' <= 9 {
		digits = digits*10 + uint64(b[i]-'0')
		i++
	}
	n := i - first
	if i < len(b) && b[i] == '.' {
		i++
		point := i
		for i < len(b) && b[i]-'0' <= 9 {
			digits = digits*10 + uint64(b[i]-'0')
			i++
		}
		exp = point - i
		n -= exp
	}
	if n == 0 || n > 19 {
		return 0, 0, false, false
	}
	if i < len(b) && b[i]|' ' == 'e' {
		i++
		negExp := i < len(b) && b[i] == '-'
		if i < len(b) && (b[i] == '-' || b[i] == '+') {
			i++
		}
		e, ok := parseUint(b[i:], 999)
		if !ok {
			return 0, 0, false, false
		}
		if negExp {
			return digits, exp - int(e), neg, true
		}
		return digits, exp + int(e), neg, true
	}
	return digits, exp, neg, i == len(b)
}

func parseSlow[T constraints.Float](b []byte) (T, error) {
	if len(b) == 0 || bytes.ContainsAny(b, "xX_") {
		return 0, errNumber
	}
	size := 32
	if is64[T]() {
		size = 64
	}
	v, err := strconv.ParseFloat(string(b), size)
	if err != nil && !math.IsInf(v, 0) {
		return 0, errNumber
	}
	if err != nil {
		return 0, errors.New("out of range")
	}
	return T(v), nil
}

// appendFloat appends the shortest text that reads back as v.
func appendFloat[T constraints.Float](b []byte, v T) []byte {
	if is64[T]() {
		return strconv.AppendFloat(b, float64(v), 'g', -1, 64)
	}
	return strconv.AppendFloat(b, float64(v), 'g', -1, 32)
}
