package prep

import (
	"context"
	"fmt"
	"testing"

	"github.com/gram-ml/gram/linalg"
)

// BenchmarkStandard fits and transforms in place; a row is read in a fit and read and
// written in a transform.
func BenchmarkStandard(b *testing.B) {
	for _, n := range []int{1e4, 1e6} {
		const d = 50
		b.Run(fmt.Sprintf("%d×%d", n, d), func(b *testing.B) {
			X := linalg.NewDense[float64](n, d, nil)
			for i := range X.Data {
				X.Data[i] = float64(i*7919%1000) / 10
			}
			b.SetBytes(int64(3 * 8 * n * d))
			for b.Loop() {
				m, err := Standard{Workers: 1}.Fit(context.Background(), X, nil)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := m.Transform(X.Data, X); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
