package decomp_test

import (
	"testing"

	"gonum.org/v1/gonum/blas"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/decomp"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/sparse"
)

func TestTruncatedSVDGolden(t *testing.T) {
	for _, c := range golden[[]struct {
		Data                                        string
		Components, Step                            int
		Basis, Singular, Variance, Ratio, Transform []float64
	}](t, "tsvd") {
		X, _ := readData(t, c.Data)
		test := every(X, c.Step)
		s, err := sparse.FromDense[float64](X, 0)
		if err != nil {
			t.Fatal(err)
		}
		for name, x := range map[string]gram.Matrix{"dense": X, "CSR": s} {
			t.Run(c.Data+"/"+name, func(t *testing.T) {
				m, err := decomp.TruncatedSVD{Components: c.Components, PowerIterations: 30, Tolerance: 1e-14}.Fit(background, x, nil)
				if err != nil {
					t.Fatal(err)
				}
				near(t, "basis", m.Basis(), alignRows(m.Basis(), c.Basis, X.Cols), 1e-8)
				near(t, "singular values", m.SingularValues(), c.Singular, 1e-12)
				near(t, "variance", m.ExplainedVariance(), c.Variance, 1e-9)
				near(t, "ratio", m.ExplainedVarianceRatio(), c.Ratio, 1e-9)
				z := must(t)(m.Transform(nil, test))
				near(t, "transform", z, alignCols(z, c.Transform, c.Components), 1e-8)
				// The best reconstruction of rows: their projection on the basis.
				basis := linalg.NewDense(c.Components, X.Cols, m.Basis())
				want := mul(blas.NoTrans, blas.NoTrans, linalg.NewDense(test.Rows, c.Components, z), basis)
				near(t, "inverse", must(t)(m.InverseTransform(nil, linalg.NewDense(test.Rows, c.Components, z))), want.Data, 1e-12)
				row := make([]float64, X.Cols)
				if err := m.InverseTransformRow(row, z[:c.Components]); err != nil {
					t.Fatal(err)
				}
				near(t, "inverse of a row", row, want.Row(0), 1e-12)
			})
		}
	}
}

func TestTruncatedSVDErrors(t *testing.T) {
	_, err := decomp.TruncatedSVD{Components: 4}.Fit(background, normals(1, 10, 3), nil)
	errorIs(t, err, gram.ErrParam, "4 components of 10 rows of 3 columns")
	_, err = decomp.TruncatedSVD{Components: -1}.Fit(background, normals(1, 10, 3), nil)
	errorIs(t, err, gram.ErrParam, "-1")
	_, err = decomp.TruncatedSVD{}.Fit(background, normals(1, 10, 1), nil)
	errorIs(t, err, gram.ErrParam, "2 components of 10 rows of 1 columns")
}
