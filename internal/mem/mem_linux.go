package mem

import (
	"syscall"
	"unsafe"
)

const hugePage = 2 << 20

// advise asks for huge pages for those that lie within the memory at p. It comes
// before the memory is first written, while the system has not yet given it any
// pages. It is advice: if it is refused nothing is lost, so its error is not looked at.
func advise(p unsafe.Pointer, bytes uintptr) {
	skip := -uintptr(p) & (hugePage - 1)
	if bytes < skip+hugePage {
		return
	}
	whole := (bytes - skip) &^ (hugePage - 1)
	_ = syscall.Madvise(unsafe.Slice((*byte)(unsafe.Add(p, skip)), whole), syscall.MADV_HUGEPAGE)
}
