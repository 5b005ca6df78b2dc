package modeltest

import (
	"fmt"
	"reflect"
	"strings"
)

// with returns a copy of the trainer with a field set to value, and whether it has
// such a field.
func with(trainer any, field string, value any) (copied any, ok bool) {
	v := reflect.ValueOf(trainer)
	pointer := v.Kind() == reflect.Pointer
	if pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return nil, false
	}
	c := reflect.New(v.Type())
	c.Elem().Set(v)
	f := c.Elem().FieldByName(field)
	if !f.IsValid() || !f.CanSet() || !reflect.TypeOf(value).AssignableTo(f.Type()) {
		return nil, false
	}
	f.Set(reflect.ValueOf(value))
	if pointer {
		return c.Interface(), true
	}
	return c.Elem().Interface(), true
}

// describe returns a text of everything that can be reached from v, unexported fields
// included; functions and channels are as good as their address.
func describe(v any) string {
	var b strings.Builder
	write(&b, reflect.ValueOf(v), 0)
	return b.String()
}

func write(b *strings.Builder, v reflect.Value, depth int) {
	const deepest = 50 // further down there must be a cycle
	if depth > deepest {
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			b.WriteString("nil")
			return
		}
		b.WriteString("&")
		write(b, v.Elem(), depth+1)
	case reflect.Struct:
		b.WriteString(v.Type().String() + "{")
		for i := range v.NumField() {
			b.WriteString(v.Type().Field(i).Name + ": ")
			write(b, v.Field(i), depth+1)
			b.WriteString(", ")
		}
		b.WriteString("}")
	case reflect.Slice, reflect.Array:
		b.WriteString("[")
		for i := range v.Len() {
			write(b, v.Index(i), depth+1)
			b.WriteString(" ")
		}
		b.WriteString("]")
	case reflect.Map:
		// The printer sorts the keys; values behind pointers are not followed.
		fmt.Fprintf(b, "%v", v)
	default:
		fmt.Fprintf(b, "%v", v)
	}
}
