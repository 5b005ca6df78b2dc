package gram_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/gram-ml/gram"
)

// everything holds one value of each kind that a payload can.
type everything struct {
	i      int
	is     []int
	f      float64
	fs     []float64
	yes    bool
	bytes  []byte
	text   string
	conv   gram.Convergence
	nested []gram.Model
}

func (m *everything) Features() int { return len(m.fs) }

func newEverything(nested ...gram.Model) *everything {
	return &everything{
		i:     math.MinInt32,
		is:    []int{-1, 0, 7},
		f:     math.Float64frombits(0x7ff8_0000_dead_beef), // a NaN with a message
		fs:    []float64{math.Copysign(0, -1), 5e-324, math.MaxFloat64, math.Inf(-1), 0.1},
		yes:   true,
		bytes: []byte{0, 255},
		text:  "größe",
		conv: gram.Convergence{
			Solver: "newton", Iterations: 4, Objective: 31.4, Residual: 1e-13, Tolerance: 1e-12, Converged: true,
		},
		nested: nested,
	}
}

func init() {
	gram.Register("gram_test.everything", 2,
		func(e *gram.Encoder, m *everything) {
			e.Int(m.i)
			e.Ints(m.is)
			e.Float(m.f)
			e.Floats(m.fs)
			e.Bool(m.yes)
			e.Bytes(m.bytes)
			e.String(m.text)
			e.Convergence(m.conv)
			gram.EncodeModels(e, m.nested)
		},
		func(d *gram.Decoder, version int) *everything {
			return &everything{
				i:      d.Int(),
				is:     d.Ints(),
				f:      d.Float(),
				fs:     d.Floats(),
				yes:    d.Bool(),
				bytes:  d.Bytes(),
				text:   d.String(),
				conv:   d.Convergence(),
				nested: gram.DecodeModels[gram.Model](d),
			}
		})
}

func save(t testing.TB, m gram.Model) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := gram.Save(&buf, m); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// seal recomputes the checksum at the end of a container.
func seal(b []byte) []byte {
	body := b[:len(b)-4]
	return binary.LittleEndian.AppendUint32(slices.Clone(body), crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
}

func TestSaveLoadExact(t *testing.T) {
	want := newEverything(newEverything(), &everything{})
	data := save(t, want)
	m, err := gram.Load(iotest.OneByteReader(bytes.NewReader(data)))
	if err != nil {
		t.Fatal(err)
	}
	got := m.(*everything)
	if math.Float64bits(got.f) != math.Float64bits(want.f) {
		t.Errorf("NaN came back as %x", math.Float64bits(got.f))
	}
	for i := range want.fs {
		if math.Float64bits(got.fs[i]) != math.Float64bits(want.fs[i]) {
			t.Errorf("float %d: %v, want %v", i, got.fs[i], want.fs[i])
		}
	}
	if got.i != want.i || !slices.Equal(got.is, want.is) || !got.yes || !bytes.Equal(got.bytes, want.bytes) ||
		got.text != want.text || got.conv != want.conv || len(got.nested) != 2 {
		t.Errorf("got %+v, want %+v", got, want)
	}
	empty := got.nested[1].(*everything)
	if empty.is != nil || empty.fs != nil || empty.bytes != nil || len(empty.nested) != 0 {
		t.Errorf("empty slices came back as %+v", empty)
	}
	if again := save(t, m); !bytes.Equal(again, data) {
		t.Error("saving what was loaded gives other bytes")
	}
}

func TestLoadStream(t *testing.T) {
	r := bytes.NewReader(slices.Concat(save(t, newEverything()), save(t, &everything{}), []byte("rest")))
	for range 2 {
		if _, err := gram.Load(r); err != nil {
			t.Fatal(err)
		}
	}
	if r.Len() != len("rest") {
		t.Errorf("%d bytes left unread, want 4", r.Len())
	}
	_, err := gram.Load(strings.NewReader(""))
	if !errors.Is(err, io.EOF) || !errors.Is(err, gram.ErrFormat) {
		t.Errorf("at the end of the stream: %v", err)
	}
}

func TestLoadTruncated(t *testing.T) {
	data := save(t, newEverything(newEverything()))
	for n := range data {
		m, err := gram.Load(bytes.NewReader(data[:n]))
		if m != nil || !errors.Is(err, gram.ErrFormat) {
			t.Fatalf("first %d of %d bytes: model %v, error %v", n, len(data), m, err)
		}
		if n > 0 && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("first %d of %d bytes: error %v", n, len(data), err)
		}
	}
}

func TestLoadTampered(t *testing.T) {
	data := save(t, newEverything(newEverything()))
	for i := range data {
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			bad := slices.Clone(data)
			bad[i] ^= flip
			if m, err := gram.Load(bytes.NewReader(bad)); m != nil || !errors.Is(err, gram.ErrFormat) {
				t.Fatalf("byte %d xor %#x: model %v, error %v", i, flip, m, err)
			}
			// With the right checksum only the decoder stands in the way.
			if m, err := gram.Load(bytes.NewReader(seal(bad))); err == nil == (m == nil) || err != nil && !errors.Is(err, gram.ErrFormat) {
				t.Fatalf("byte %d xor %#x, resealed: model %v, error %v", i, flip, m, err)
			}
		}
	}
}
