//go:build amd64 && !purego

package cpu

import "golang.org/x/sys/cpu"

// VNNI tells whether the byte dot products of AVX-512 VNNI are there.
var VNNI = cpu.X86.HasAVX512VNNI

var best = detect()

// detect goes through x/sys/cpu so that GODEBUG=cpu.avx512f=off and the like work.
func detect() Level {
	x := &cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasFMA:
		return Go
	case x.HasAVX512F && x.HasAVX512BW && x.HasAVX512DQ && x.HasAVX512VL:
		return AVX512
	}
	return AVX2
}
