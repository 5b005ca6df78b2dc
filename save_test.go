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

// unregistered is a model that no format knows.
type unregistered struct{}

func (unregistered) Features() int { return 0 }

// broken is a model whose saving or loading goes wrong as how says.
type broken struct{ how string }

func (m *broken) Features() int { return 0 }

func init() {
	gram.Register("gram_test.shaped", 1,
		func(e *gram.Encoder, m *shaped) { e.Floats(m.v) },
		func(d *gram.Decoder, _ int) *shaped { return &shaped{d.Floats(shape...)} })
	gram.Register("gram_test.broken", 3,
		func(e *gram.Encoder, m *broken) {
			if m.how == "encode" {
				e.Fail("cannot encode %d", 7)
				e.Fail("a second error")
			}
			e.String(m.how)
		},
		func(d *gram.Decoder, version int) *broken {
			m := &broken{d.String()}
			switch m.how {
			case "nil":
				return nil
			case "fail":
				d.Fail("%d is too odd", 7)
				d.Fail("a second error")
			case "short":
				d.Int()
			case "later": // zero values after an error
				d.Fail("first")
				if d.Int() != 0 || d.Ints() != nil || d.Float() != 0 || d.Floats(2) != nil || d.Bool() ||
					d.Bytes() != nil || d.String() != "" || d.Count() != 0 || d.Model() != nil ||
					d.Convergence() != (gram.Convergence{}) || gram.DecodeModels[gram.Model](d) != nil ||
					gram.DecodeModel[*broken](d) != nil {
					panic("not zero after an error")
				}
			}
			return m
		})
}

// failingWriter fails at once.
type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestSaveErrors(t *testing.T) {
	deep := newEverything()
	for range 32 {
		deep = newEverything(deep)
	}
	for _, c := range []struct {
		m    gram.Model
		text string
	}{
		{nil, "gram: saving: model is nil"},
		{(*everything)(nil), "gram: saving: model is nil"},
		{unregistered{}, "gram: saving: type gram_test.unregistered is not registered"},
		{newEverything(newEverything(), unregistered{}), "type gram_test.unregistered is not registered"},
		{newEverything(nil), "model is nil"},
		{&broken{"encode"}, "gram: saving: cannot encode 7"},
		{deep, "models are nested deeper than 32"},
	} {
		var buf bytes.Buffer
		err := gram.Save(&buf, c.m)
		if err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("error %v, want %q", err, c.text)
		}
		if buf.Len() > 0 {
			t.Errorf("%q: %d bytes were written", c.text, buf.Len())
		}
	}
	if err := gram.Save(failingWriter{}, newEverything()); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a writer that fails: %v", err)
	}
}

func TestLoadDeep(t *testing.T) {
	deep := newEverything()
	for range 31 {
		deep = newEverything(deep)
	}
	if _, err := gram.Load(bytes.NewReader(save(t, deep))); err != nil {
		t.Errorf("32 models deep: %v", err)
	}
	// Deeper ones cannot be saved: wrap a payload in ever more pipelines by hand.
	rec := record("gram_test.everything", 1, 0, nil)
	for range 100 {
		payload := append(make([]byte, 8), rec...) // no steps, then the last model
		rec = record("gram.PipelineRegressor", 1, 0, payload)
	}
	_, err := gram.Load(bytes.NewReader(container(rec)))
	wantErr(t, err, gram.ErrFormat, "models are nested deeper than 32")
}

// record returns the bytes of a nested model, written independently of the package.
func record(name string, version uint32, features uint64, payload []byte) []byte {
	b := append([]byte{byte(len(name))}, name...)
	b = binary.LittleEndian.AppendUint32(b, version)
	b = binary.LittleEndian.AppendUint64(b, features)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(payload)))
	return append(b, payload...)
}

// container returns a whole file around a record.
func container(rec []byte) []byte {
	return seal(slices.Concat([]byte("gram\x01"), rec, make([]byte, 4)))
}

// TestFormatIsStable: the bytes of a model are what the documentation of the
// container says.
func TestFormatIsStable(t *testing.T) {
	got := save(t, &broken{"ok"})
	want := container(record("gram_test.broken", 3, 0, []byte("\x02\x00\x00\x00\x00\x00\x00\x00ok")))
	if !bytes.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLoadErrors(t *testing.T) {
	str := func(s string) []byte {
		return append(binary.LittleEndian.AppendUint64(nil, uint64(len(s))), s...)
	}
	brokenAs := func(how string) []byte { return container(record("gram_test.broken", 3, 0, str(how))) }
	huge := record("gram_test.broken", 3, 0, nil)
	binary.LittleEndian.PutUint64(huge[len(huge)-8:], 1<<60)
	beyond := slices.Clone(huge)
	binary.LittleEndian.PutUint64(beyond[len(huge)-8:], 1<<63)
	everythingOf := func(payload ...uint64) []byte {
		var b []byte
		for _, v := range payload {
			b = binary.LittleEndian.AppendUint64(b, v)
		}
		return container(record("gram_test.everything", 1, 0, b))
	}
	badSum := brokenAs("ok")
	badSum[len(badSum)-1] ^= 1
	for _, c := range []struct {
		name string
		data []byte
		text string
	}{
		{"empty", nil, "gram: loading: no data: invalid model data"},
		{"text", []byte("hello, world"), `not a saved model, its first bytes are "hell"`},
		{"container version", []byte("gram\x02......"), "container has version 2, this program reads 1"},
		{"header only", brokenAs("ok")[:20], "data ends after 20 of at least 42 bytes"},
		{"checksum", badSum, "checksum is "},
		{"unknown format", container(record("elsewhere.Model", 1, 0, nil)),
			`format "elsewhere.Model": unknown, import the package that registers it`},
		{"no name", container(record("", 1, 0, nil)), `format "": unknown`},
		{"version 0", container(record("gram_test.broken", 0, 0, str(""))), "version 0, this program reads 1 to 3"},
		{"version 4", container(record("gram_test.broken", 4, 0, str(""))), "version 4, this program reads 1 to 3"},
		{"payload of 2^60", container(huge), "data ends after"},
		{"payload of 2^63", container(beyond), "payload announces 9223372036854775808 bytes"},
		{"features", container(record("gram_test.broken", 3, 5, str(""))), "model has 0 features, its header says 5"},
		{"trailing", container(record("gram_test.broken", 3, 0, append(str(""), 9, 9))), "2 bytes left over in the payload"},
		{"nil model", brokenAs("nil"), "decoded to nil"},
		{"Fail", brokenAs("fail"), `format "gram_test.broken": 7 is too odd: invalid model data`},
		{"short payload", brokenAs("short"), "8 bytes where 0 are left"},
		{"after an error", brokenAs("later"), `"gram_test.broken": first`},
		{"count of 2^60", everythingOf(0, 1<<60), "count of 1152921504606846976 with 0 bytes left"},
		{"count of -1", everythingOf(0, math.MaxUint64), "count of -1 with 0 bytes left"},
		{"count beyond 8-byte elements", everythingOf(0, 3, 1, 1), "count of 3 with 16 bytes left"},
		{"boolean", container(record("gram_test.everything", 1, 0, append(make([]byte, 8*4), 2))), "boolean is 2"},
		{"nested type", container(record("gram.PipelineRegressor", 1, 0, append(make([]byte, 8),
			record("gram_test.broken", 3, 0, str(""))...))), "a nested model is a *gram_test.broken, not a gram.Regressor"},
		{"nested error", container(record("gram.PipelineRegressor", 1, 0, append(make([]byte, 8),
			record("gram_test.broken", 3, 0, str("fail"))...))),
			`format "gram.PipelineRegressor": format "gram_test.broken": 7 is too odd`},
		{"nested length", container(record("gram.PipelineRegressor", 1, 0, append(make([]byte, 8), huge...))),
			"payload of 1152921504606846976 bytes where 0 are left"},
	} {
		m, err := gram.Load(bytes.NewReader(c.data))
		if m != nil {
			t.Errorf("%s: a model beside the error", c.name)
		}
		t.Run(c.name, func(t *testing.T) { wantErr(t, err, gram.ErrFormat, c.text) })
	}
	_, err := gram.Load(iotest.ErrReader(io.ErrClosedPipe))
	if !errors.Is(err, io.ErrClosedPipe) || errors.Is(err, gram.ErrFormat) {
		t.Errorf("a reader that fails: %v", err)
	}
}

// TestDecoderShape: shapes are multiplied exactly.
func TestDecoderShape(t *testing.T) {
	const huge = math.MaxInt/2 + 1
	for _, c := range []struct {
		n     int
		shape []int
		ok    bool
	}{
		{0, nil, true}, {3, nil, true},
		{6, []int{2, 3}, true}, {6, []int{6}, true}, {6, []int{2, 2}, false},
		{0, []int{0, 5}, true}, {0, []int{5}, false}, {3, []int{0}, false},
		{0, []int{0, -1}, false}, {6, []int{-2, -3}, false},
		{0, []int{huge, huge}, false}, {4, []int{huge, huge, 4}, false}, {0, []int{huge, 4}, false},
	} {
		shape = c.shape
		data := save(t, &shaped{make([]float64, c.n)})
		_, err := gram.Load(bytes.NewReader(data))
		if c.ok != (err == nil) {
			t.Errorf("%d elements of shape %d: %v", c.n, c.shape, err)
		}
		if err != nil {
			wantErr(t, err, gram.ErrFormat, "elements for a shape of")
		}
	}
}

// shaped is decoded with whatever shape says.
type shaped struct{ v []float64 }

var shape []int

func (m *shaped) Features() int { return 0 }

func TestRegisterPanics(t *testing.T) {
	encode := func(*gram.Encoder, unregistered) {}
	decode := func(*gram.Decoder, int) unregistered { return unregistered{} }
	for _, c := range []struct {
		text     string
		register func()
	}{
		{`twice for format "gram_test.broken"`, func() { gram.Register("gram_test.broken", 1, encode, decode) }},
		{"twice for type *gram_test.broken", func() {
			gram.Register("new", 1, func(*gram.Encoder, *broken) {}, func(*gram.Decoder, int) *broken { return nil })
		}},
		{"a name of 0 bytes", func() { gram.Register("", 1, encode, decode) }},
		{"a name of 256 bytes", func() { gram.Register(strings.Repeat("x", 256), 1, encode, decode) }},
		{`"x" with version 0`, func() { gram.Register("x", 0, encode, decode) }},
		{`"x" for the interface gram.Model`, func() {
			gram.Register("x", 1, func(*gram.Encoder, gram.Model) {}, func(*gram.Decoder, int) gram.Model { return nil })
		}},
	} {
		func() {
			defer func() {
				if r := recover(); r == nil || !strings.Contains(r.(string), c.text) {
					t.Errorf("panic %v, want %q", r, c.text)
				}
			}()
			c.register()
		}()
	}
}

// FuzzLoad: whatever the bytes are, and whatever record they are inside a container
// with the right checksum, Load gives a model that can be saved or ErrFormat.
func FuzzLoad(f *testing.F) {
	X, y, targets := ramp(8, 4)
	steps := []gram.TransformerTrainer{scale{}, head{3}}
	c, err := gram.ClassifierPipeline{Steps: steps, Last: centroid{}}.Fit(ctx, X, y, nil)
	if err != nil {
		f.Fatal(err)
	}
	r, err := gram.RegressorPipeline{Steps: steps, Last: line{}}.Fit(ctx, X, targets, nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, m := range []gram.Model{c, r, c.Steps()[0], newEverything(newEverything(), r)} {
		data := save(f, m)
		f.Add(data)
		f.Add(data[:len(data)/2])
		f.Add(data[5 : len(data)-4])
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, b := range [][]byte{data, container(data)} {
			m, err := gram.Load(bytes.NewReader(b))
			switch {
			case err == nil == (m == nil):
				t.Fatalf("model %v, error %v", m, err)
			case err != nil && !errors.Is(err, gram.ErrFormat):
				t.Fatalf("error %v does not wrap ErrFormat", err)
			case err == nil:
				use(t, m)
				if err := gram.Save(io.Discard, m); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// use predicts with m, which must not panic.
func use(t *testing.T, m gram.Model) {
	if m.Features() > 1<<16 {
		return
	}
	x := make([]float64, m.Features())
	switch m := m.(type) {
	case gram.Classifier:
		if _, err := m.PredictRow(x); err != nil {
			t.Fatal(err)
		}
		if err := m.PredictProbaRow(make([]float64, m.Classes()), x); err != nil {
			t.Fatal(err)
		}
	case gram.Regressor:
		if _, err := m.PredictRow(x); err != nil {
			t.Fatal(err)
		}
	case gram.Transformer:
		if err := m.TransformRow(make([]float64, m.OutFeatures()), x); err != nil {
			t.Fatal(err)
		}
	}
}
