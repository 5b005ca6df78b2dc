package modeltest

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"testing"

	"github.com/gram-ml/gram"
)

// An Option changes what [Check] does.
type Option func(*options)

type options struct {
	tolerance float64
	classes   int
	generate  func(rows int) Data
	skips     map[string]string
}

// Tolerance sets how far results may differ where they need not have the same bits:
// |a−b| ≤ tol·(1+|b|). The default is 1e-8.
func Tolerance(tol float64) Option { return func(o *options) { o.tolerance = tol } }

// Classes sets the number of classes of the default data. It is 3 by default.
func Classes(k int) Option { return func(o *options) { o.classes = k } }

// Generate replaces the default data, which are overlapping normal classes in four
// features and a noisy linear target. f is asked for 60 to 3000 rows and must return
// the same each time, with memory of its own. It may return another number of rows
// than it is asked for, but not fewer than 20. X is rounded to float32, so that
// matrices of either precision can hold it.
func Generate(f func(rows int) Data) Option { return func(o *options) { o.generate = f } }

// Skip leaves out a property, one of those listed above. The reason is shown in the
// test's output.
func Skip(property, reason string) Option {
	return func(o *options) { o.skips[property] = reason }
}

// Check tests every property of the trainer and its models, as each kind of trainer
// that it is. trainer must satisfy one of gram's trainer interfaces at least. It
// changes GOMAXPROCS while it runs, so the test that calls it should not be parallel.
func Check(t *testing.T, trainer any, opts ...Option) {
	t.Helper()
	suites, err := newSuites(trainer, opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range suites {
		t.Run(s.kind.name, func(t *testing.T) {
			for _, p := range s.properties() {
				t.Run(p.name, func(t *testing.T) { report(t, s.run(p)) })
			}
		})
	}
}

// reporter is the part of testing.T that a property's outcome goes to.
type reporter interface {
	Error(args ...any)
	Skip(args ...any)
}

func report(t reporter, err error) {
	var s skipped
	switch {
	case errors.As(err, &s):
		t.Skip(string(s))
	case err != nil:
		t.Error(err)
	}
}

// skipped is the outcome of a property that was not tested, and why.
type skipped string

func (s skipped) Error() string { return "skipped: " + string(s) }

// A property is something that holds for a trainer; test returns how it does not.
type property struct {
	name string
	test func(*suite) error
}

// A suite is a trainer seen as one kind.
type suite struct {
	trainer any
	kind    kind
	options
}

func newSuites(trainer any, opts []Option) ([]*suite, error) {
	o := options{tolerance: 1e-8, classes: 3, skips: map[string]string{}}
	for _, opt := range opts {
		opt(&o)
	}
	if o.generate == nil {
		o.generate = func(rows int) Data { return blobs(rows, o.classes) }
	}
	for name := range o.skips {
		if !known(name) {
			return nil, fmt.Errorf("modeltest: Skip of %q, which is no property", name)
		}
	}
	var suites []*suite
	for _, k := range kindsOf(trainer) {
		suites = append(suites, &suite{trainer, k, o})
	}
	if suites == nil {
		return nil, fmt.Errorf("modeltest: %T satisfies no trainer interface of gram", trainer)
	}
	return suites, nil
}

// run tests one property. A panic is a violation, not the end of the test.
func (s *suite) run(p property) (err error) {
	if reason, ok := s.skips[p.name]; ok {
		return skipped(reason)
	}
	return try(func() error { return p.test(s) })
}

// try calls f and returns a panic of it as an error.
func try(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return f()
}

// universal are the properties of every kind.
var universal = []property{
	{"fit", fits},
	{"trainer", trainerUnchanged},
	{"inputs", inputsUnchanged},
	{"references", noReferences},
	{"matrices", matricesAlike},
	{"workers", workersAlike},
	{"repeats", weightsRepeat},
	{"dropped", zeroWeightsDrop},
	{"ones", unitWeights},
	{"batch", batchIsRows},
	{"dst", dstRule},
	{"rows", noRows},
	{"features", featureCount},
	{"nan", nanRow},
	{"allocs", rowsDoNotAllocate},
	{"concurrent", concurrentUse},
	{"save", savedIsSame},
	{"damage", damageIsFound},
	{"hostile", hostileIsSafe},
	{"cancelled", cancelledEnds},
	{"progress", progressIsCalled},
	{"limit", limitIsReported},
	{"empty", emptyX},
	{"ragged", raggedData},
	{"nonfinite", nonFiniteX},
	{"weights", badWeights},
}

// Properties of one kind.
var (
	ofClassifiers = []property{
		{"proba", probabilities},
		{"argmax", argmaxIsPredicted},
		{"labels", badLabels},
	}
	ofRegressors = []property{
		{"targets", badTargets},
	}
)

func (s *suite) properties() []property {
	return append(universal[:len(universal):len(universal)], s.kind.properties...)
}

func known(name string) bool {
	for _, list := range [][]property{universal, ofClassifiers, ofRegressors} {
		for _, p := range list {
			if p.name == name {
				return true
			}
		}
	}
	return false
}

// fit trains on d, without weights.
func (s *suite) fit(d Data) (gram.Model, error) { return s.fitWith(s.trainer, d, nil) }

func (s *suite) fitWith(trainer any, d Data, w []float64) (gram.Model, error) {
	m, err := s.kind.train(background, trainer, d.X, d, w)
	if err != nil {
		return nil, fmt.Errorf("fit: %w", err)
	}
	return m, nil
}

// small returns the data of most properties, freshly made.
func (s *suite) small() Data { return s.data(60) }

// large returns data that fall into several blocks.
func (s *suite) large() Data { return s.data(3000) }

// data returns generated data with X rounded to float32.
func (s *suite) data(rows int) Data {
	d := s.generate(rows)
	X := d.dense()
	for i, v := range X.Data {
		X.Data[i] = float64(float32(v))
	}
	d.X = X
	return d
}

// background is what fits run under that are not to be cancelled.
var background = context.Background()
