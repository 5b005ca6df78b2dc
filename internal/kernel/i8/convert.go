package i8

import (
	"math"
	"unsafe"

	"github.com/gram-ml/gram/internal/cpu"
)

// A Byte is a type of quantized values.
type Byte interface{ int8 | uint8 }

// block is the number of elements that assembly takes at a time.
const block = 32

// bytes returns the address of p as that of unsigned bytes.
func bytes[T Byte](p []T) *uint8 { return (*uint8)(unsafe.Pointer(&p[0])) }

// Quantize sets dst to clamp(roundHalfEven(x/scale) + zero) over len(x) elements,
// clamped so that low ≤ q − zero ≤ high; NaN becomes zero. |low|, |high| ≤ 255.
func Quantize[T Byte](dst []T, x []float32, scale float32, low, high, zero int32) {
	n := 0
	// Within these bounds 1/scale and the rest of it are normal numbers.
	if scale >= 0x1p-60 && scale <= 0x1p60 && len(x) >= block && cpu.Current() != cpu.Go {
		n = len(x) / block
		quantizeBlocks(n, dst, x, scale, low, high, zero)
	}
	lo, hi := float32(low), float32(high)
	for i := n * block; i < len(x); i++ {
		v := min(max(x[i]/scale, lo), hi)
		if v != v {
			v = 0
		}
		dst[i] = T(round(v) + zero)
	}
}

// quantizeBlocks is the assembly for n blocks: fast ones, and between them the blocks
// that need the exact quotients.
func quantizeBlocks[T Byte](n int, dst []T, x []float32, scale float32, low, high, zero int32) {
	var t T
	first := int32(0)
	if ^t < 0 {
		first = -128
	}
	inv := 1 / scale
	rest := float32(1/float64(scale) - float64(inv))
	exact := func(i, n int) {
		if cpu.Current() == cpu.AVX512 {
			quantizeAVX512(n, &x[i*block], scale, inv, rest, float32(low)*scale, float32(high)*scale, zero, bytes(dst[i*block:]))
		} else {
			quantizeAVX2(n, &x[i*block], scale, inv, rest, float32(low)*scale, float32(high)*scale, zero, bytes(dst[i*block:]))
		}
	}
	if low+zero != first || high+zero != first+255 { // where fast blocks end
		exact(0, n)
		return
	}
	words := (zero - first - 128) & 0xffff
	flip := (first + 128) * 0x01010101
	for i := 0; i < n; i++ {
		left := quantizeNearAVX2(n-i, &x[i*block], inv, words|words<<16, flip, bytes(dst[i*block:]))
		if i = n - left; left > 0 {
			exact(i, 1)
		}
	}
}

// round rounds half to even.
func round(v float32) int32 { return int32(math.RoundToEven(float64(v))) }

// Dequantize sets dst to (q − zero)·scale over len(q) elements.
func Dequantize[T Byte](dst []float32, q []T, scale float32, zero int32) {
	n := len(q) / block
	if n > 0 && cpu.Current() != cpu.Go {
		dequantize(n, q, scale, zero, dst)
		dst, q = dst[n*block:], q[n*block:]
	}
	for i, v := range q {
		dst[i] = float32(int32(v)-zero) * scale
	}
}

// dequantize is the assembly for n blocks.
func dequantize[T Byte](n int, q []T, scale float32, zero int32, dst []float32) {
	var t T
	signed, wide := ^t < 0, cpu.Current() == cpu.AVX512
	p := unsafe.Pointer(&q[0])
	switch {
	case signed && wide:
		dequantizeSignedAVX512(n, (*int8)(p), scale, zero, &dst[0])
	case signed:
		dequantizeSignedAVX2(n, (*int8)(p), scale, zero, &dst[0])
	case wide:
		dequantizeUnsignedAVX512(n, (*uint8)(p), scale, zero, &dst[0])
	default:
		dequantizeUnsignedAVX2(n, (*uint8)(p), scale, zero, &dst[0])
	}
}

// Scale sets dst to min(max(float32(acc)·scale + bias, low), high) over len(acc)
// elements, product and sum rounded each.
func Scale(dst []float32, acc []int32, scale, bias []float32, low, high float32) {
	n := len(acc) / block
	if n > 0 {
		switch cpu.Current() {
		case cpu.AVX512:
			scaleAVX512(n, &acc[0], &scale[0], &bias[0], low, high, &dst[0])
		case cpu.AVX2:
			scaleAVX2(n, &acc[0], &scale[0], &bias[0], low, high, &dst[0])
		default:
			n = 0
		}
	}
	for i := n * block; i < len(acc); i++ {
		p := float32(float32(acc[i]) * scale[i]) // a conversion keeps it from being fused
		dst[i] = min(max(p+bias[i], low), high)
	}
}

// Requantize sets dst to roundHalfEven(float32(acc)·scale) + zero over len(acc)
// elements, clamped so that low ≤ q − zero ≤ high.
func Requantize[T Byte](dst []T, acc []int32, scale []float32, low, high, zero int32) {
	n := len(acc) / block
	lo, hi := float32(low), float32(high)
	if n > 0 {
		switch cpu.Current() {
		case cpu.AVX512:
			requantizeAVX512(n, &acc[0], &scale[0], lo, hi, zero, bytes(dst))
		case cpu.AVX2:
			requantizeAVX2(n, &acc[0], &scale[0], lo, hi, zero, bytes(dst))
		default:
			n = 0
		}
	}
	for i := n * block; i < len(acc); i++ {
		dst[i] = T(round(min(max(float32(acc[i])*scale[i], lo), hi)) + zero)
	}
}
