package ruler

import "github.com/gram-ml/gram/internal/cpu"

// PeakBytes does 12·n vector products of bytes between registers and returns the
// number of operations that is, a multiplication and an addition for each byte. It
// returns 0 where there is no AVX-512 VNNI.
func PeakBytes(n int) (ops float64) {
	if !cpu.VNNI || cpu.Current() != cpu.AVX512 {
		return 0
	}
	peakBytesVNNIAVX512(n)
	return 12 * 64 * 2 * float64(n)
}
