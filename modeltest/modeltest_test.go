package modeltest

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// TestCheck: a trainer of all kinds that keeps every rule passes.
func TestCheck(t *testing.T) {
	Check(t, tiny{}, Classes(4))
	Check(t, &tiny{Workers: 2}, Skip("allocs", "to test Skip"), Tolerance(1e-9))
}

// flaws has at least one flaw for each property, and the property that must find it.
// damage is found by the container, whatever the model.
var flaws = []struct{ flaw, kind, property string }{
	{"fit", "Transformer", "fit"},
	{"nan fit", "Scorer", "fit"},
	{"panic", "Classifier", "fit"},
	{"trainer", "Transformer", "trainer"},
	{"inputs X", "Transformer", "inputs"},
	{"inputs w", "Regressor", "inputs"},
	{"inputs row", "Classifier", "inputs"},
	{"references", "Transformer", "references"},
	{"matrices", "Transformer", "matrices"},
	{"workers", "Transformer", "workers"},
	{"repeats", "Classifier", "repeats"},
	{"dropped", "Scorer", "dropped"},
	{"ones", "Transformer", "ones"},
	{"batch", "Transformer", "batch"},
	{"dst length", "Classifier", "dst"},
	{"dst copy", "Transformer", "dst"},
	{"dst partly", "Scorer", "dst"},
	{"dst row", "Classifier", "dst"},
	{"rows", "Regressor", "rows"},
	{"features row", "Transformer", "features"},
	{"features batch", "Transformer", "features"},
	{"features text", "Classifier", "features"},
	{"nan", "Transformer", "nan"},
	{"nan class", "Classifier", "nan"},
	{"proba", "Classifier", "proba"},
	{"argmax", "Classifier", "argmax"},
	{"allocs", "Scorer", "allocs"},
	{"concurrent", "Transformer", "concurrent"},
	{"save", "Regressor", "save"},
	{"save again", "Transformer", "save"},
	{"hostile memory", "Transformer", "hostile"},
	{"hostile panic", "Transformer", "hostile"},
	{"hostile use", "Classifier", "hostile"},
	{"cancelled", "Transformer", "cancelled"},
	{"cancelled inside", "Classifier", "cancelled"},
	{"progress", "Transformer", "progress"},
	{"progress count", "Transformer", "progress"},
	{"progress changes", "Transformer", "progress"},
	{"limit without error", "Transformer", "limit"},
	{"limit without model", "Scorer", "limit"},
	{"empty", "Transformer", "empty"},
	{"ragged w", "Scorer", "ragged"},
	{"ragged y", "Classifier", "ragged"},
	{"labels", "Classifier", "labels"},
	{"nonfinite", "Regressor", "nonfinite"},
	{"targets", "Regressor", "targets"},
	{"weights", "Transformer", "weights"},
}

// TestFlaws: each flaw is found by its property, and before that its property holds
// without the flaw.
func TestFlaws(t *testing.T) {
	for _, f := range flaws {
		t.Run(f.flaw, func(t *testing.T) {
			if raceEnabled && f.property == "allocs" {
				t.Skip("the race detector allocates")
			}
			if err := outcome(t, tiny{}, f.kind, f.property); err != nil {
				t.Fatalf("%s without a flaw: %v", f.property, err)
			}
			err := outcome(t, tiny{flaw: f.flaw, notes: new(note)}, f.kind, f.property)
			if err == nil || errors.As(err, new(skipped)) {
				t.Fatalf("%s does not find %q: %v", f.property, f.flaw, err)
			}
			first, _, _ := strings.Cut(err.Error(), "\n")
			t.Log(first)
		})
	}
}

// outcome tests one property of the trainer as one kind.
func outcome(t *testing.T, trainer any, kind, property string) error {
	t.Helper()
	suites, err := newSuites(trainer, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range suites {
		for _, p := range s.properties() {
			if s.kind.name == kind && p.name == property {
				return s.run(p)
			}
		}
	}
	t.Fatalf("%s has no property %q", kind, property)
	return nil
}

// TestEveryPropertyIsProven: each property is in the list of flaws and in the
// documentation.
func TestEveryPropertyIsProven(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	proven := map[string]bool{"damage": true}
	for _, f := range flaws {
		proven[f.property] = true
	}
	for _, list := range [][]property{universal, ofClassifiers, ofRegressors} {
		for _, p := range list {
			if !proven[p.name] {
				t.Errorf("no flaw shows that %q finds something", p.name)
			}
			if !strings.Contains(string(doc), "\n//\t"+p.name+" ") {
				t.Errorf("doc.go does not list %q", p.name)
			}
		}
	}
}

// recorder is a reporter that keeps what it is told.
type recorder struct{ errors, skips []any }

func (r *recorder) Error(args ...any) { r.errors = append(r.errors, args...) }
func (r *recorder) Skip(args ...any)  { r.skips = append(r.skips, args...) }

func TestReport(t *testing.T) {
	suites, err := newSuites(tiny{flaw: "fit"}, []Option{Skip("batch", "a reason")})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range suites[0].properties() {
		var r recorder
		switch p.name {
		case "fit":
			report(&r, suites[0].run(p))
			if len(r.errors) != 1 || len(r.skips) != 0 {
				t.Errorf("a violation is reported as %v", r)
			}
		case "batch":
			report(&r, suites[0].run(p))
			if len(r.errors) != 0 || len(r.skips) != 1 || r.skips[0] != "a reason" {
				t.Errorf("a skip is reported as %v", r)
			}
		}
	}
	var r recorder
	report(&r, nil)
	if r.errors != nil || r.skips != nil {
		t.Errorf("success is reported as %v", r)
	}
}

func TestBadArguments(t *testing.T) {
	if _, err := newSuites(struct{}{}, nil); err == nil || !strings.Contains(err.Error(), "struct {} satisfies no trainer") {
		t.Errorf("a trainer that is none: %v", err)
	}
	if _, err := newSuites(tiny{}, []Option{Skip("speed", "")}); err == nil || !strings.Contains(err.Error(), `"speed"`) {
		t.Errorf("an unknown property: %v", err)
	}
}
