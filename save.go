package gram

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"reflect"
	"sync"
)

// The container, all integers little endian:
//
//	"gram"                magic
//	uint8                 version of the container, 1
//	record                the model
//	uint32                CRC-32C of everything before it
//
// and a record, which is also how a model is nested in the payload of another:
//
//	uint8, bytes          length of the format's name, 1 to 255, and the name
//	uint32                version of the format, from 1
//	uint64                features of the model
//	uint64                length of the payload
//	bytes                 payload, written and read by the format's own functions
const (
	magic            = "gram"
	containerVersion = 1
	recordFixed      = 4 + 8 + 8 // what follows the name in a record's header
	minRecord        = 1 + 1 + recordFixed
	checksumLen      = 4
	maxName          = 255
	maxDepth         = 32 // of models within models
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A format is what a call of Register adds.
type format struct {
	name    string
	version int
	encode  func(*Encoder, Model)
	decode  func(*Decoder, int) Model
}

var registry struct {
	sync.RWMutex
	byName map[string]*format
	byType map[reflect.Type]*format
}

// Register makes [Save] and [Load] know the concrete type M, in the way
// image.RegisterFormat does. A package of models calls it in an init function, once
// for each type.
//
// The format is named for the package and the type, such as "linear.Softmax", at
// most 255 bytes. Its version counts from 1 and is raised when the encoding
// changes; decode gets the version it has to read, from 1 to the registered one.
//
// encode writes the model and decode reads it back in the same order. What decode
// reads may come from anywhere: see [Decoder] for what it has to check. The model
// it returns is used only if the decoder holds no error.
//
// Register panics if the name or M is registered already, the name is empty or too
// long, the version is below 1, or M is an interface.
func Register[M Model](name string, version int, encode func(*Encoder, M), decode func(d *Decoder, version int) M) {
	t := reflect.TypeFor[M]()
	switch {
	case name == "" || len(name) > maxName:
		panic(fmt.Sprintf("gram: Register of a format with a name of %d bytes, want 1 to %d", len(name), maxName))
	case version < 1 || int64(version) > math.MaxUint32:
		panic(fmt.Sprintf("gram: Register of %q with version %d", name, version))
	case t.Kind() == reflect.Interface:
		panic(fmt.Sprintf("gram: Register of %q for the interface %v", name, t))
	}
	registry.Lock()
	defer registry.Unlock()
	if registry.byName[name] != nil {
		panic(fmt.Sprintf("gram: Register called twice for format %q", name))
	}
	if registry.byType[t] != nil {
		panic(fmt.Sprintf("gram: Register called twice for type %v", t))
	}
	if registry.byName == nil {
		registry.byName = make(map[string]*format)
		registry.byType = make(map[reflect.Type]*format)
	}
	f := &format{
		name:    name,
		version: version,
		encode:  func(e *Encoder, m Model) { encode(e, m.(M)) },
		decode:  func(d *Decoder, version int) Model { return decode(d, version) },
	}
	registry.byName[name] = f
	registry.byType[t] = f
}

func formatOf(m Model) *format {
	registry.RLock()
	defer registry.RUnlock()
	return registry.byType[reflect.TypeOf(m)]
}

func formatNamed(name string) *format {
	registry.RLock()
	defer registry.RUnlock()
	return registry.byName[name]
}

// Save writes m to w, exactly: [Load] returns a model that predicts the same bits.
// The type of m and of every model inside it must be registered, which the packages
// of gram do for theirs; if one is not, or is nil, the error names it and nothing
// is written. The same model always gives the same bytes. O(size of the model)
// time and memory.
func Save(w io.Writer, m Model) error {
	e := &Encoder{buf: append([]byte(magic), containerVersion)}
	e.Model(m)
	if e.err != nil {
		return fmt.Errorf("gram: saving: %w", e.err)
	}
	buf := binary.LittleEndian.AppendUint32(e.buf, crc32.Checksum(e.buf, castagnoli))
	if _, err := w.Write(buf); err != nil {
		return fmt.Errorf("gram: saving: %w", err)
	}
	return nil
}

// Load reads one model that [Save] wrote. The package that registers its format must
// be imported, if only for its side effect, as with image.Decode:
//
//	import _ "github.com/gram-ml/gram/linear"
//
// It reads exactly the bytes that Save wrote, so models can follow each other in one
// stream, at the end of which the error also wraps io.EOF.
//
// It is safe on bytes from anywhere: they give a model that its package finds
// consistent or an error that wraps ErrFormat, never a panic, and the memory used
// is a small multiple of the bytes present, whatever lengths they announce. Errors
// of r other than its end are returned wrapped, without ErrFormat. The checksum
// finds damage, not forgery.
func Load(r io.Reader) (Model, error) {
	c, err := readContainer(r)
	if err != nil {
		return nil, fmt.Errorf("gram: loading: %w", err)
	}
	d := &Decoder{buf: c}
	m := d.record(0)
	if d.err != nil {
		return nil, fmt.Errorf("gram: loading: %w", d.err)
	}
	return m, nil
}

// readContainer reads one container, verifies its checksum and returns its record.
func readContainer(r io.Reader) ([]byte, error) {
	var buf bytes.Buffer
	if err := readN(&buf, r, int64(len(magic)+2)); err != nil {
		if buf.Len() == 0 && errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("no data: %w: %w", ErrFormat, io.EOF)
		}
		return nil, err
	}
	head := buf.Bytes()
	if string(head[:len(magic)]) != magic {
		return nil, fmt.Errorf("not a saved model, its first bytes are %q: %w", head[:len(magic)], ErrFormat)
	}
	if v := head[len(magic)]; v != containerVersion {
		return nil, fmt.Errorf("container has version %d, this program reads %d: %w", v, containerVersion, ErrFormat)
	}
	if err := readN(&buf, r, int64(head[len(magic)+1])+recordFixed); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint64(buf.Bytes()[buf.Len()-8:])
	if size > math.MaxInt-checksumLen {
		return nil, fmt.Errorf("payload announces %d bytes: %w", size, ErrFormat)
	}
	if err := readN(&buf, r, int64(size)+checksumLen); err != nil {
		return nil, err
	}
	all := buf.Bytes()
	body, sum := all[:len(all)-checksumLen], binary.LittleEndian.Uint32(all[len(all)-checksumLen:])
	if got := crc32.Checksum(body, castagnoli); got != sum {
		return nil, fmt.Errorf("checksum is %08x, the data's is %08x: %w", sum, got, ErrFormat)
	}
	return body[len(magic)+1:], nil
}

// readN appends n bytes of r to buf, which grows with what arrives, not with n.
func readN(buf *bytes.Buffer, r io.Reader, n int64) error {
	got, err := buf.ReadFrom(io.LimitReader(r, n))
	if err != nil {
		return err
	}
	if got < n {
		return fmt.Errorf("data ends after %d of at least %d bytes: %w: %w",
			buf.Len(), int64(buf.Len())-got+n, ErrFormat, io.ErrUnexpectedEOF)
	}
	return nil
}
