package modeltest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"slices"

	"github.com/gram-ml/gram"
)

// savedModel returns a small model, its data and its saved bytes.
func (s *suite) savedModel() (gram.Model, Data, []byte, error) {
	m, d, err := s.smallModel()
	if err != nil {
		return nil, d, nil, err
	}
	var buf bytes.Buffer
	err = gram.Save(&buf, m)
	return m, d, buf.Bytes(), err
}

// savedIsSame: a model that was saved and loaded predicts the same bits, and saves to
// the same bytes.
func savedIsSame(s *suite) error {
	m, d, data, err := s.savedModel()
	if err != nil {
		return err
	}
	r := bytes.NewReader(append(slices.Clone(data), 1, 2, 3))
	loaded, err := gram.Load(r)
	if err != nil {
		return err
	}
	if r.Len() != 3 {
		return fmt.Errorf("Load read %d bytes too many", 3-r.Len())
	}
	if got, want := fmt.Sprintf("%T", loaded), fmt.Sprintf("%T", m); got != want {
		return fmt.Errorf("a %s was loaded as a %s", want, got)
	}
	want, err := s.outputsOf(m, d.X)
	if err != nil {
		return err
	}
	got, err := s.outputsOf(loaded, d.X)
	if err != nil {
		return fmt.Errorf("after loading: %w", err)
	}
	if err := sameBits(got, want); err != nil {
		return fmt.Errorf("after loading: %w", err)
	}
	for _, model := range []gram.Model{m, loaded} {
		var again bytes.Buffer
		if err := gram.Save(&again, model); err != nil {
			return err
		}
		if !bytes.Equal(again.Bytes(), data) {
			return errors.New("saving again gives other bytes")
		}
	}
	return nil
}

// damageIsFound: no part of a file loads, and no file with a wrong byte.
func damageIsFound(s *suite) error {
	_, _, data, err := s.savedModel()
	if err != nil {
		return err
	}
	for _, i := range positions(len(data)) {
		m, err := gram.Load(bytes.NewReader(data[:i]))
		if err := damaged(m, err); err != nil {
			return fmt.Errorf("cut to %d of %d bytes: %w", i, len(data), err)
		}
		if i > 0 && !errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("cut to %d of %d bytes: error %q does not wrap io.ErrUnexpectedEOF", i, len(data), err)
		}
		m, err = gram.Load(bytes.NewReader(flip(data, i, 0xff)))
		if err := damaged(m, err); err != nil {
			return fmt.Errorf("byte %d of %d inverted: %w", i, len(data), err)
		}
	}
	return nil
}

func damaged(m gram.Model, err error) error {
	if m != nil {
		return fmt.Errorf("gives a %T", m)
	}
	return wantError(err, gram.ErrFormat)
}

// hostileIsSafe: with an altered byte and a checksum that is right again, a file gives
// ErrFormat or a model that can be used, and takes memory in proportion.
func hostileIsSafe(s *suite) error {
	m, d, data, err := s.savedModel()
	if err != nil {
		return err
	}
	test := d.pick([]int{0, 1, 2})
	for _, i := range positions(len(data) - 4) {
		for _, mask := range []byte{0x01, 0x80, 0xff} {
			bad := seal(flip(data, i, mask))
			if err := try(func() error { return s.hostile(bad, m, test) }); err != nil {
				return fmt.Errorf("byte %d of %d xor %#x, with the right checksum: %w", i, len(data), mask, err)
			}
		}
	}
	return nil
}

// hostile returns how loading bad, an altered m, does harm.
func (s *suite) hostile(bad []byte, m gram.Model, test Data) error {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	loaded, err := gram.Load(bytes.NewReader(bad))
	runtime.ReadMemStats(&after)
	if taken, most := after.TotalAlloc-before.TotalAlloc, uint64(1<<20+64*len(bad)); taken > most {
		return fmt.Errorf("loading %d bytes takes %d", len(bad), taken)
	}
	if err != nil {
		return wantError(err, gram.ErrFormat)
	}
	if loaded.Features() != m.Features() || fmt.Sprintf("%T", loaded) != fmt.Sprintf("%T", m) {
		return nil // another model altogether, and the test rows are not for it
	}
	for _, f := range s.kind.methods(loaded) {
		if f.results() > len(bad) {
			return fmt.Errorf("gives a model of %d results a row", f.results())
		}
		batch, err := f.all(test.X)
		if err == nil {
			err = f.validClasses(batch, loaded)
		}
		if err == nil {
			_, err = f.row(rowsOf(test.X)[0])
		}
		if err != nil && !errors.Is(err, gram.ErrNonFinite) {
			return fmt.Errorf("gives a model, but %w", err)
		}
	}
	return nil
}

// positions returns places in n bytes to alter: all of a short file; of a long one its
// header, its end and about a thousand between.
func positions(n int) []int {
	const few, dense = 1000, 256
	var at []int
	for i := 0; i < n; i++ {
		if i >= dense && i < n-dense {
			i += n / few
		}
		at = append(at, min(i, n-1))
	}
	return at
}

// flip returns data with one byte altered.
func flip(data []byte, i int, mask byte) []byte {
	bad := slices.Clone(data)
	bad[i] ^= mask
	return bad
}

// seal puts the right checksum, CRC-32C of all before it, at the end.
func seal(data []byte) []byte {
	body := data[:len(data)-4]
	binary.LittleEndian.PutUint32(data[len(body):], crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
	return data
}
