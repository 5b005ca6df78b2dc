package prep_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"math"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linalg"
	"github.com/gram-ml/gram/prep"
)

var ctx = context.Background()

// must returns v, for examples that have no one to hand an error to.
func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

// column returns a matrix of one column.
func column(x ...float64) *linalg.Dense[float64] { return linalg.NewDense(len(x), 1, x) }

func ExampleRanges() {
	var r prep.Ranges
	for _, piece := range [][]float64{{3, 5}, {-1, 4}} {
		if err := r.Add(column(piece...), nil); err != nil {
			log.Fatal(err)
		}
	}
	m := must(prep.MinMax{}.FromRanges(&r))
	fmt.Println(r.Min, r.Max, m.Scale())
	// Output:
	// [-1] [5] [6]
}

func ExampleMinMax() {
	m := must(prep.MinMax{Low: -1, High: 1, Clip: true}.Fit(ctx, column(0, 5, 10), nil))
	fmt.Println(must(m.Transform(nil, column(0, 7.5, 10, 99))))
	// Output:
	// [-1 0.5 1 1]
}

func ExampleMinMaxModel() {
	m := must(prep.MinMax{}.Fit(ctx, column(2, 6), nil))
	fmt.Println(m.Min(), m.Max())
	fmt.Println(must(m.InverseTransform(nil, column(0.25))))
	// Output:
	// [2] [6]
	// [3]
}

func ExampleMaxAbs() {
	m := must(prep.MaxAbs{}.Fit(ctx, column(1, 0, -4), nil))
	fmt.Println(must(m.Transform(nil, column(1, 0, -4))))
	// Output:
	// [0.25 0 -1]
}

func ExampleMaxAbsModel() {
	m := must(prep.MaxAbs{}.Fit(ctx, column(1, 0, -4), nil))
	fmt.Println(m.MaxAbs())
	// Output:
	// [4]
}

// An outlier moves a mean and a variance, but not a median and quartiles.
func ExampleRobust() {
	m := must(prep.Robust{}.Fit(ctx, column(1, 2, 3, 4, 1000), nil))
	fmt.Println(must(m.Transform(nil, column(1, 2, 3, 4, 1000))))
	// Output:
	// [-1 -0.5 0 0.5 498.5]
}

func ExampleRobustModel() {
	m := must(prep.Robust{}.Fit(ctx, column(1, 2, 3, 4, 1000), nil))
	fmt.Println(m.Center(), m.Scale())
	// Output:
	// [3] [2]
}

func ExampleNormalizer() {
	X := linalg.NewDense(2, 2, []float64{3, 4, 30, 40})
	m := must(prep.Normalizer{}.Fit(ctx, X, nil))
	fmt.Println(must(m.Transform(nil, X)))
	// Output:
	// [0.6 0.8 0.6 0.8]
}

func ExampleNormalizerModel() {
	m := must(prep.Normalizer{Norm: prep.MaxNorm}.Fit(ctx, linalg.NewDense(1, 2, []float64{3, 4}), nil))
	row := []float64{-2, 1}
	if err := m.TransformRow(row, row); err != nil {
		log.Fatal(err)
	}
	fmt.Println(row)
	// Output:
	// [-1 0.5]
}

func ExampleNorm() {
	fmt.Println(prep.L2, prep.L1, prep.MaxNorm)
	// Output:
	// L2 L1 MaxNorm
}

func ExampleImputer() {
	X := column(1, math.NaN(), 2, 9)
	m := must(prep.Imputer{Strategy: prep.Median, Indicator: true}.Fit(ctx, X, nil))
	fmt.Println(must(m.Transform(nil, X)))
	// Output:
	// [1 0 2 1 2 0 9 0]
}

func ExampleImputerModel() {
	m := must(prep.Imputer{Indicator: true}.Fit(ctx, column(1, math.NaN(), 2), nil))
	fmt.Println(m.Fill(), m.Indicators(), m.FeatureNames([]string{"age"}))
	// Output:
	// [1.5] [0] [age missing_age]
}

func ExampleStrategy() {
	fmt.Println(prep.Mean, prep.Median, prep.MostFrequent, prep.Constant)
	// Output:
	// Mean Median MostFrequent Constant
}

func ExampleOrdinal() {
	m := must(prep.Ordinal{IgnoreUnknown: true}.Fit(ctx, column(10, 30, 20, 10), nil))
	fmt.Println(must(m.Transform(nil, column(10, 20, 30, 40))))
	// Output:
	// [0 1 2 -1]
}

func ExampleOrdinalModel() {
	m := must(prep.Ordinal{}.Fit(ctx, column(10, 30, 20, 10), nil))
	fmt.Println(m.Categories())
	_, err := m.Transform(nil, column(10, 40))
	fmt.Println(err)
	// Output:
	// [[10 20 30]]
	// row 1: column 0 is 40, none of 3 categories: unknown category
}

func ExampleOneHot() {
	X := column(1, 3, 2)
	m := must(prep.OneHot{}.Fit(ctx, X, nil))
	fmt.Println(must(m.Transform(nil, X)))
	// Output:
	// [1 0 0 0 0 1 0 1 0]
}

func ExampleOneHotModel() {
	m := must(prep.OneHot{DropFirst: true}.Fit(ctx, column(1, 3, 2), nil))
	fmt.Println(m.FeatureNames([]string{"size"}))
	fmt.Println(must(m.InverseTransform(nil, linalg.NewDense(2, 2, []float64{0, 0, 0, 1}))))
	// Output:
	// [size=2 size=3]
	// [1 3]
}

// In training the rows of a fold get the means of the other folds; in use rows get
// those of all of training.
func ExampleTarget() {
	X := column(0, 0, 0, 1, 1, 1)
	y := []float64{1, 1, 0, 0, 0, 1}
	s := prep.Target{Smooth: 1, Folds: 3}
	m, Z, err := s.CrossFit(ctx, X, y, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("training %.3f\n", Z)
	fmt.Printf("later    %.3f\n", must(m.Transform(nil, X)))
	// Output:
	// training [0.500 0.417 0.917 0.583 0.500 0.083]
	// later    [0.625 0.625 0.625 0.375 0.375 0.375]
}

func ExampleTargetModel() {
	m := must(prep.Target{Smooth: 1}.Fit(ctx, column(0, 0, 0, 1), []float64{1, 1, 0, 0}, nil))
	fmt.Println(m.Categories(), m.Overall())
	fmt.Println(must(m.Transform(nil, column(0, 1, 7))))
	// Output:
	// [[0 1]] [0.5]
	// [0.625 0.25 0.5]
}

func ExamplePolynomial() {
	X := linalg.NewDense(1, 2, []float64{2, 3})
	m := must(prep.Polynomial{}.Fit(ctx, X, nil))
	fmt.Println(must(m.Transform(nil, X)))
	// Output:
	// [2 3 4 6 9]
}

func ExamplePolynomialModel() {
	X := linalg.NewDense(1, 3, []float64{2, 3, 5})
	m := must(prep.Polynomial{Degree: 3, InteractionOnly: true, Bias: true}.Fit(ctx, X, nil))
	fmt.Println(m.FeatureNames([]string{"a", "b", "c"}))
	fmt.Println(m.Powers()[:12])
	// Output:
	// [1 a b c a*b a*c b*c a*b*c]
	// [0 0 0 1 0 0 0 1 0 0 0 1]
}

func ExampleQuantile() {
	X := column(1, 10, 100, 1000, 10000)
	m := must(prep.Quantile{}.Fit(ctx, X, nil))
	fmt.Println(must(m.Transform(nil, X)))
	// Output:
	// [0 0.25 0.5 0.75 1]
}

func ExampleQuantileModel() {
	m := must(prep.Quantile{Normal: true}.Fit(ctx, column(1, 10, 100, 1000, 10000), nil))
	fmt.Println(m.Quantiles(0))
	fmt.Println(must(m.InverseTransform(nil, column(-9, 0, 9))))
	// Output:
	// [1 10 100 1000 10000]
	// [1 100 10000]
}

func ExampleKBins() {
	X := column(1, 2, 3, 4, 50, 60)
	m := must(prep.KBins{Bins: 3}.Fit(ctx, X, nil))
	fmt.Println(must(m.Transform(nil, X)))
	// Output:
	// [0 0 1 1 2 2]
}

func ExampleKBinsModel() {
	m := must(prep.KBins{Bins: 4, Uniform: true}.Fit(ctx, column(0, 3, 8), nil))
	fmt.Println(m.Edges(0))
	fmt.Println(must(m.InverseTransform(nil, column(0, 3))))
	// Output:
	// [0 2 4 6 8]
	// [1 7]
}

func ExampleVarianceThreshold() {
	X := linalg.NewDense(3, 2, []float64{1, 7, 2, 7, 3, 7})
	m := must(prep.VarianceThreshold{}.Fit(ctx, X, nil))
	fmt.Println(m.Support())
	// Output:
	// [0]
}

func ExampleSelectKBest() {
	X := linalg.NewDense(4, 3, []float64{
		1, 0, 5,
		2, 0, 4,
		1, 9, 5,
		3, 8, 6,
	})
	m := must(prep.SelectKBest{K: 1}.Fit(ctx, X, []float64{0, 0, 1, 1}, nil))
	fmt.Println(must(m.Transform(nil, X)))
	// Output:
	// [0 0 9 8]
}

func ExampleSelectModel() {
	X := linalg.NewDense(4, 2, []float64{1, 5, 2, 4, 8, 5, 9, 6})
	m := must(prep.SelectKBest{K: 1}.Fit(ctx, X, []float64{0, 0, 1, 1}, nil))
	fmt.Printf("scores %.4g, p %.3f, kept %v\n", m.Scores(), m.PValues(), m.FeatureNames([]string{"a", "b"}))
	// Output:
	// scores [98 2], p [0.010 0.293], kept [a]
}

func ExampleScore() {
	// A column that copies the labels tells all there is to know of them: log 2.
	m := must(prep.SelectKBest{Score: prep.MutualInformation}.Fit(ctx, column(0, 1, 0, 1), []float64{0, 1, 0, 1}, nil))
	fmt.Printf("%v %.4f\n", prep.MutualInformation, m.Scores())
	// Output:
	// MutualInformation [0.6931]
}

func ExampleLabelEncoder() {
	species := []string{"virginica", "setosa", "versicolor", "setosa"}
	labels := must(prep.LabelEncoder[string]{}.Fit(species))
	fmt.Println(must(labels.Transform(nil, species)))
	// Output:
	// [2 0 1 0]
}

func ExampleLabelModel() {
	labels := must(prep.LabelEncoder[string]{}.Fit([]string{"no", "yes"}))
	class, ok := labels.Encode("maybe")
	fmt.Println(class, ok)
	fmt.Println(must(labels.InverseTransform(nil, []int{1, 1, 0})))
	// Output:
	// 0 false
	// [yes yes no]
}

func ExampleOverSample() {
	X, y, _, err := prep.OverSample{}.Resample(ctx, column(1, 2, 3, 4), []int{0, 0, 0, 1}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(X.Data, y)
	// Output:
	// [1 2 3 4 4 4] [0 0 0 1 1 1]
}

func ExampleUnderSample() {
	X, y, _, err := prep.UnderSample{}.Resample(ctx, column(1, 2, 3, 4), []int{0, 0, 0, 1}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(X.Rows, "rows", y)
	// Output:
	// 2 rows [0 1]
}

func ExampleSMOTE() {
	X := column(0, 1, 2, 3, 10, 20)
	Z, y, _, err := prep.SMOTE{Seed: 1}.Resample(ctx, X, []int{0, 0, 0, 0, 1, 1}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(y)
	for i := 6; i < Z.Rows; i++ {
		fmt.Println(Z.At(i, 0) >= 10 && Z.At(i, 0) <= 20)
	}
	// Output:
	// [0 0 0 0 1 1 1 1]
	// true
	// true
}

// A trainer that says how many rows of each class it was given.
type counting struct{}

func (counting) TrainClassifier(_ context.Context, X gram.Matrix, y []int, _ []float64) (gram.Classifier, error) {
	counts := make([]int, 2)
	for _, c := range y {
		counts[c]++
	}
	fmt.Println(counts)
	return nil, nil
}

func ExampleResampled() {
	trainer := prep.Resampled{Sampler: prep.UnderSample{Ratio: 0.5}, Last: counting{}}
	if _, err := trainer.TrainClassifier(ctx, column(1, 2, 3, 4, 5, 6), []int{0, 0, 0, 0, 0, 1}, nil); err != nil {
		log.Fatal(err)
	}
	// Output:
	// [2 1]
}

// A resampler can be anything that returns rows.
func ExampleResampler() {
	for _, s := range []prep.Resampler{prep.OverSample{}, prep.UnderSample{}} {
		_, y, _, err := s.Resample(ctx, column(1, 2, 3), []int{0, 0, 1}, nil)
		fmt.Println(y, err)
	}
	// Output:
	// [0 0 1 1] <nil>
	// [0 1] <nil>
}

type passenger struct {
	Age  *float64
	Fare float64 `gram:"fare"`
	Sex  string
	Name string `gram:"-"`
}

func passengers() []passenger {
	age := []float64{22, 38, 26}
	return []passenger{
		{&age[0], 7.25, "male", "Owen"},
		{&age[1], 71.25, "female", "Florence"},
		{&age[2], 8, "female", "Laina"},
		{nil, 8.5, "male", "James"},
	}
}

func ExampleSchema() {
	s := must(prep.SchemaOf(passengers()))
	fmt.Println(s.Names(), s.Categories(2))
	X := must(prep.EncodeRows(s, passengers()))
	fmt.Println(X.Row(0), X.Row(3))
	// Output:
	// [Age fare Sex] [female male]
	// [22 7.25 1] [NaN 8.5 1]
}

func ExampleColumnTransformer() {
	rows := passengers()
	s := must(prep.SchemaOf(rows))
	X := must(prep.EncodeRows(s, rows))
	m := must(prep.ColumnTransformer{
		Schema: s,
		Parts: []prep.Part{
			{Columns: []string{"Age"}, Trainer: gram.TransformerPipeline{
				Steps: []gram.TransformerTrainer{prep.Imputer{}, prep.Standard{}},
			}},
			{Columns: []string{"Sex"}, Trainer: prep.OneHot{}},
		},
	}.Fit(ctx, X, nil, nil))
	fmt.Println(m.FeatureNames(nil))
	z := must(m.Transform(nil, X))
	fmt.Printf("%.2f\n%.2f\n", z[:4], z[12:])
	// Output:
	// [Age Sex=female Sex=male fare]
	// [-1.13 0.00 1.00 7.25]
	// [0.00 0.00 1.00 8.50]
}

// A model that is loaded encodes rows as they come in, by the schema in it.
func ExampleColumnModel() {
	s := must(prep.SchemaOf(passengers()))
	X := must(prep.EncodeRows(s, passengers()))
	trained := must(prep.ColumnTransformer{
		Schema:   s,
		Parts:    []prep.Part{{Columns: []string{"Sex"}, Trainer: prep.OneHot{IgnoreUnknown: true}}},
		DropRest: true,
	}.Fit(ctx, X, nil, nil))
	var file bytes.Buffer
	if err := gram.Save(&file, trained); err != nil {
		log.Fatal(err)
	}

	m := must(gram.Load(&file)).(*prep.ColumnModel)
	x, z := make([]float64, m.Features()), make([]float64, m.OutFeatures())
	for _, sex := range []string{"female", "unknown"} {
		if err := prep.EncodeRow(m.Schema(), x, &passenger{Sex: sex}); err != nil {
			log.Fatal(err)
		}
		if err := m.TransformRow(z, x); err != nil {
			log.Fatal(err)
		}
		fmt.Println(m.FeatureNames(nil), z)
	}
	// Output:
	// [Sex=female Sex=male] [1 0]
	// [Sex=female Sex=male] [0 0]
}

func ExamplePart() {
	p := prep.Part{Columns: []string{"age", "fare"}, Trainer: prep.Robust{}}
	fmt.Println(len(p.Columns), "columns")
	// Output:
	// 2 columns
}
