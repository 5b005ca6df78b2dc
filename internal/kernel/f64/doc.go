// Package f64 holds the kernels for float64: each function picks the
// fastest form that the machine runs. Kernels trust their arguments: lengths and
// strides are the caller's to check.
//
// The choice is a switch on cpu.Current and not a table of functions, so that the
// compiler sees that slices do not escape. Tiles alone are handed out as a table:
// the frame around them calls thousands of them for a choice.
package f64
