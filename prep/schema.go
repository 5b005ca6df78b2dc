package prep

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
)

// A Schema says how the fields of a struct become the columns of a matrix: their names,
// their order and, for strings, their categories. [SchemaOf] makes one from rows of
// training; [EncodeRows] and [EncodeRow] apply it.
//
//	type Passenger struct {
//		Age  *float64                // nil is missing: NaN
//		Fare float64 `gram:"fare"`   // a column by another name
//		Sex  string                  // categories
//		Name string  `gram:"-"`      // no column
//	}
//
// Columns are the exported fields of floating-point, integer and boolean types, of
// strings, and of pointers to those. A number is itself, true is 1 and false 0. A
// string is its place among those of training in ascending order, and −1 if it is not
// among them, which encoders take for an unknown category. A nil pointer is NaN.
//
// A Schema learns words and not values of a target, so it can be made of all the
// rows there are before they are split. It is immutable, safe for concurrent use, and
// a gram.Model: it saves and loads, alone or inside a [ColumnModel].
type Schema struct {
	names    []string
	words    [][]string // ascending, of columns of strings
	isString []bool     // a column of strings may have no words
	bindings sync.Map   // from reflect.Type to []binding
}

// A binding is where a column is found in a struct.
type binding struct {
	field   int
	pointer bool
	words   []string
	get     func(v reflect.Value) float64 // of what is not a string
}

// SchemaOf returns the schema of a struct type, with the categories that the rows have.
// Errors: ErrParam if T is not a struct, has no columns, has two of one name, or has an
// exported field of another type. O(n·log n) for each column of strings.
func SchemaOf[T any](rows []T) (*Schema, error) {
	t := reflect.TypeFor[T]()
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("rows are of type %v, not a struct: %w", t, gram.ErrParam)
	}
	s := &Schema{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, ok := columnName(f)
		if !ok {
			continue
		}
		if slices.Contains(s.names, name) {
			return nil, fmt.Errorf("type %v has two columns %q: %w", t, name, gram.ErrParam)
		}
		base := baseType(f.Type)
		if base.Kind() != reflect.String && getter(base.Kind()) == nil {
			return nil, fmt.Errorf("field %s of type %v is no number, boolean or string; the tag `gram:\"-\"` leaves it out: %w", f.Name, f.Type, gram.ErrParam)
		}
		s.names = append(s.names, name)
		s.isString = append(s.isString, base.Kind() == reflect.String)
		var words []string
		if base.Kind() == reflect.String {
			words = wordsOf(rows, i)
		}
		s.words = append(s.words, words)
	}
	if s.names == nil {
		return nil, fmt.Errorf("type %v has no columns: %w", t, gram.ErrParam)
	}
	return s, nil
}

// columnName returns the name of a field's column, and whether it has one.
func columnName(f reflect.StructField) (string, bool) {
	tag := f.Tag.Get("gram")
	if !f.IsExported() || tag == "-" {
		return "", false
	}
	if tag != "" {
		return tag, true
	}
	return f.Name, true
}

func baseType(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// wordsOf returns the distinct strings of a field, ascending.
func wordsOf[T any](rows []T, field int) []string {
	seen := map[string]bool{}
	for i := range rows {
		if v := reflect.Indirect(reflect.ValueOf(&rows[i]).Elem().Field(field)); v.IsValid() {
			seen[v.String()] = true
		}
	}
	words := make([]string, 0, len(seen))
	for w := range seen {
		words = append(words, strings.Clone(w))
	}
	slices.Sort(words)
	return words
}

// getter returns the function that reads a number, nil for other kinds.
func getter(kind reflect.Kind) func(reflect.Value) float64 {
	switch kind {
	case reflect.Float32, reflect.Float64:
		return reflect.Value.Float
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(v reflect.Value) float64 { return float64(v.Int()) }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return func(v reflect.Value) float64 { return float64(v.Uint()) }
	case reflect.Bool:
		return func(v reflect.Value) float64 {
			if v.Bool() {
				return 1
			}
			return 0
		}
	}
	return nil
}

// Features returns the number of columns.
func (s *Schema) Features() int { return len(s.names) }

// Names returns a copy of the names of the columns.
func (s *Schema) Names() []string { return slices.Clone(s.names) }

// Index returns the number of the column of that name, and whether there is one.
func (s *Schema) Index(name string) (column int, ok bool) {
	column = slices.Index(s.names, name)
	return column, column >= 0
}

// Categories returns a copy of the strings of column j, ascending: that of code k is at
// k. Nil for a column of numbers.
func (s *Schema) Categories(j int) []string { return slices.Clone(s.words[j]) }

// word returns the string of column j with code v, if it has one.
func (s *Schema) word(j int, v float64) (string, bool) {
	if k := int(v); v == float64(k) && k >= 0 && k < len(s.words[j]) {
		return s.words[j][k], true
	}
	return "", false
}

// bind finds the columns in a struct type, which need not be the one that the schema was
// made from, as after loading: names and strings must agree.
func (s *Schema) bind(t reflect.Type) ([]binding, error) {
	if b, ok := s.bindings.Load(t); ok {
		return b.([]binding), nil
	}
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("rows are of type %v, not a struct: %w", t, gram.ErrParam)
	}
	found := make([]binding, len(s.names))
	for j := range found {
		found[j].field = -1
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, ok := columnName(f)
		j := slices.Index(s.names, name)
		if !ok || j < 0 {
			continue
		}
		kind := baseType(f.Type).Kind()
		if (kind == reflect.String) != s.isString[j] || kind != reflect.String && getter(kind) == nil {
			return nil, fmt.Errorf("field %s has type %v, which is not that of column %q: %w", f.Name, f.Type, name, gram.ErrParam)
		}
		found[j] = binding{i, f.Type.Kind() == reflect.Pointer, s.words[j], getter(kind)}
	}
	for j, b := range found {
		if b.field < 0 {
			return nil, fmt.Errorf("type %v has no column %q: %w", t, s.names[j], gram.ErrParam)
		}
	}
	s.bindings.Store(t, found)
	return found, nil
}

func (b *binding) value(row reflect.Value) float64 {
	v := row.Field(b.field)
	if b.pointer {
		if v.IsNil() {
			return math.NaN()
		}
		v = v.Elem()
	}
	if b.get != nil {
		return b.get(v)
	}
	if k, ok := slices.BinarySearch(b.words, v.String()); ok {
		return float64(k)
	}
	return -1
}

// EncodeRows returns the rows as a matrix of the schema's columns. There is ErrShape if
// there are no rows, and ErrParam if T lacks a column or has it of another type.
// O(n·columns).
func EncodeRows[T any](s *Schema, rows []T) (*linalg.Dense[float64], error) {
	if len(rows) == 0 {
		return nil, fmt.Errorf("no rows: %w", gram.ErrShape)
	}
	X := linalg.NewDense[float64](len(rows), len(s.names), nil)
	for i := range rows {
		if err := EncodeRow(s, X.Row(i), &rows[i]); err != nil {
			return nil, err
		}
	}
	return X, nil
}

// EncodeRow sets dst, of length s.Features(), to one row. Errors are ErrShape for
// another length and those of EncodeRows. It allocates nothing after its first call
// for a type.
func EncodeRow[T any](s *Schema, dst []float64, row *T) error {
	if err := gram.CheckDst(dst, len(s.names)); err != nil {
		return err
	}
	columns, err := s.bind(reflect.TypeFor[T]())
	if err != nil {
		return err
	}
	v := reflect.ValueOf(row).Elem()
	for j := range columns {
		dst[j] = columns[j].value(v)
	}
	return nil
}

func init() { gram.Register("prep.Schema", 1, encodeSchema, decodeSchema) }

func encodeSchema(e *gram.Encoder, s *Schema) {
	e.Int(len(s.names))
	for j, name := range s.names {
		e.String(name)
		e.Bool(s.isString[j])
		e.Int(len(s.words[j]))
		for _, w := range s.words[j] {
			e.String(w)
		}
	}
}

func decodeSchema(d *gram.Decoder, _ int) *Schema {
	s := &Schema{}
	for range d.Count() {
		name, isString := d.String(), d.Bool()
		var words []string
		for range d.Count() {
			words = append(words, d.String())
		}
		if d.Err() != nil {
			return nil
		}
		s.names, s.isString, s.words = append(s.names, name), append(s.isString, isString), append(s.words, words)
	}
	if err := s.valid(); err != nil {
		d.Fail("%v", err)
	}
	return s
}

// valid returns what no schema of SchemaOf has.
func (s *Schema) valid() error {
	if len(s.names) == 0 {
		return errors.New("no columns")
	}
	seen := map[string]bool{}
	for j, name := range s.names {
		if seen[name] {
			return fmt.Errorf("two columns %q", name)
		}
		seen[name] = true
		if !s.isString[j] && s.words[j] != nil {
			return fmt.Errorf("column %q has words and numbers", name)
		}
		for k := 1; k < len(s.words[j]); k++ {
			if s.words[j][k-1] >= s.words[j][k] {
				return fmt.Errorf("column %q has word %q after %q", name, s.words[j][k], s.words[j][k-1])
			}
		}
	}
	return nil
}
