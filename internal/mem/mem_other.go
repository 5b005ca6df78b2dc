//go:build !linux

package mem

import "unsafe"

// advise does nothing: there is no such advice here.
func advise(unsafe.Pointer, uintptr) {}
