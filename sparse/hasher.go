package sparse

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/gram-ml/gram"
)

// A FeatureHasher turns documents, which are lists of tokens, into rows of fixed
// width with no vocabulary: a token goes to the column |h| mod Features, where h is
// the signed 32-bit MurmurHash3 of its UTF-8 bytes with seed 0, and counts with the
// sign of h, so that collisions cancel on average. scikit-learn's hasher gives the
// same numbers. The zero value is ready to use.
//
// K. Weinberger et al., Feature hashing for large scale multitask learning, ICML 2009.
type FeatureHasher struct {
	// Features is the number of columns, 1 to 2³¹−1; 0 means 2²⁰.
	Features int
	// Unsigned has every token count +1.
	Unsigned bool
}

// Transform returns a row of counts for each document. The error wraps gram.ErrParam:
// Features is out of range. O(bytes of the tokens).
func (f FeatureHasher) Transform(docs [][]string) (*CSR[float64], error) {
	n := f.Features
	if n == 0 {
		n = 1 << 20
	}
	if n < 0 || int64(n) > 1<<31-1 {
		return nil, fmt.Errorf("sparse: Features is %d, want 1 to 2³¹−1: %w", f.Features, gram.ErrParam)
	}
	b, err := NewBuilder[float64](n)
	if err != nil {
		return nil, err
	}
	for _, doc := range docs {
		for _, token := range doc {
			h, sign := int64(int32(murmur3(token, 0))), 1.0
			if h < 0 {
				h = -h
				if !f.Unsigned {
					sign = -1
				}
			}
			if err := b.Set(int(h%int64(n)), sign); err != nil {
				return nil, err
			}
		}
		b.EndRow()
	}
	return b.Matrix(), nil
}

// murmur3 is MurmurHash3_x86_32 of A. Appleby, which is in the public domain.
func murmur3(s string, seed uint32) uint32 {
	h, n := seed, len(s)
	mix := func(k uint32) uint32 { return bits.RotateLeft32(k*0xcc9e2d51, 15) * 0x1b873593 }
	for ; len(s) >= 4; s = s[4:] {
		h ^= mix(binary.LittleEndian.Uint32([]byte(s[:4])))
		h = bits.RotateLeft32(h, 13)*5 + 0xe6546b64
	}
	var k uint32
	for i := len(s) - 1; i >= 0; i-- {
		k = k<<8 | uint32(s[i])
	}
	h ^= mix(k)
	h ^= uint32(n)
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}
