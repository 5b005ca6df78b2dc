package ensemble_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"go/format"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/ensemble"
	"github.com/gram-ml/gram/linalg"
)

// A generated is a model to be written as Go source and what its function should return.
type generated struct {
	name     string
	results  int
	generate func(w io.Writer, pkg, name string) error
	row      func(dst, x []float64) error
}

// classes returns the generated model of k classes.
func classes(name string, k int, m interface {
	GenerateGo(w io.Writer, pkg, name string) error
	PredictProbaRow(dst, x []float64) error
}) generated {
	return generated{name, k, m.GenerateGo, m.PredictProbaRow}
}

// values returns the generated model of targets.
func values(name string, m interface {
	GenerateGo(w io.Writer, pkg, name string) error
	PredictRow(x []float64) (float64, error)
}) generated {
	return generated{name, 1, m.GenerateGo, func(dst, x []float64) (err error) {
		dst[0], err = m.PredictRow(x)
		return err
	}}
}

// generatedModels are fitted to rows with missing values and a feature of codes.
func generatedModels(t *testing.T) (X *linalg.Dense[float64], models []generated) {
	X, y, labels := noisy(300, 4, true, 3)
	coded(X, 2)
	three, counts, weights := slices.Clone(labels), make([]float64, len(y)), make([]float64, len(y))
	for i, v := range y {
		if v > 1.5 {
			three[i] = 2
		} else {
			weights[i] = 1 // none of the last class
		}
		counts[i] = math.Abs(math.Round(v))
	}
	tree := ensemble.Tree{MaxDepth: 6, Categorical: []int{2}}
	forest := ensemble.Forest{Estimators: 7, MaxDepth: 6, Categorical: []int{2}}
	boost := ensemble.GradientBoosting{Rounds: 5, Categorical: []int{2}}
	plain := ensemble.GradientBoosting{Rounds: 9}
	return X, []generated{
		classes("TreeProba", 3, must(tree.FitClassifier(background, X, three, nil))(t)),
		values("TreeValue", must(ensemble.Tree{MaxDepth: 6}.FitRegressor(background, X, y, nil))(t)),
		classes("ForestProba", 3, must(forest.FitClassifier(background, X, three, nil))(t)),
		values("ForestValue", must(forest.FitRegressor(background, X, y, nil))(t)),
		classes("BoostedTwo", 2, must(boost.FitClassifier(background, X, labels, nil))(t)),
		classes("BoostedThree", 3, must(boost.FitClassifier(background, X, three, nil))(t)),
		classes("BoostedAbsent", 3, must(plain.FitClassifier(background, X, three, weights))(t)),
		values("BoostedValue", must(plain.FitRegressor(background, X, y, nil))(t)),
		values("BoostedCount", must(ensemble.GradientBoosting{Rounds: 5, Loss: ensemble.PoissonLoss}.FitRegressor(background, X, counts, nil))(t)),
	}
}

// Generated source is formatted, compiles, and says of every row what the model says, bit
// for bit.
func TestGenerateGo(t *testing.T) {
	X, models := generatedModels(t)
	dir, calls, width := t.TempDir(), "", 0
	for _, m := range models {
		var source bytes.Buffer
		if err := m.generate(&source, "main", m.name); err != nil {
			t.Fatal(err)
		}
		formatted, err := format.Source(source.Bytes())
		if err != nil {
			t.Fatalf("%s: %v", m.name, err)
		}
		if !bytes.Equal(formatted, source.Bytes()) {
			t.Errorf("%s is not formatted", m.name)
		}
		if err := os.WriteFile(filepath.Join(dir, m.name+".go"), source.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, bad := range [][2]string{{"", "F"}, {"p", "2x"}, {"p", "func"}} {
			if err := m.generate(io.Discard, bad[0], bad[1]); !errors.Is(err, gram.ErrParam) || !strings.Contains(err.Error(), "is no name") {
				t.Errorf("%q: %v", bad, err)
			}
		}
		calls += fmt.Sprintf("\t\tbinary.Write(os.Stdout, binary.LittleEndian, %s(r[:]))\n", m.name)
		width += m.results
	}
	goTool, err := exec.LookPath("go")
	if err != nil || testing.Short() || runtime.GOOS != "linux" {
		t.Skip("compiles only where there is a go command, and time")
	}
	main := fmt.Sprintf("package main\n\nimport (\n\t\"encoding/binary\"\n\t\"os\"\n)\n\nfunc main() {\n\tvar x [%d][4]float64\n\tbinary.Read(os.Stdin, binary.LittleEndian, &x)\n\tfor _, r := range x {\n%s\t}\n}\n", X.Rows, calls)
	for name, text := range map[string]string{"main.go": main, "go.mod": "module generated\n\ngo 1.24\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var in, out, stderr bytes.Buffer
	binary.Write(&in, binary.LittleEndian, X.Data)
	cmd := exec.Command(goTool, "run", ".")
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, &in, &out, &stderr
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	got, want := make([]float64, width), make([]float64, width)
	for i := range X.Rows {
		if err := binary.Read(&out, binary.LittleEndian, got); err != nil {
			t.Fatal(err)
		}
		at := 0
		for _, m := range models {
			if err := m.row(want[at:at+m.results], X.Row(i)); err != nil {
				t.Fatal(err)
			}
			for k, v := range want[at : at+m.results] {
				if math.Float64bits(got[at+k]) != math.Float64bits(v) {
					t.Fatalf("%s of row %d: %v, want %v", m.name, i, got[at:at+m.results], want[at:at+m.results])
				}
			}
			at += m.results
		}
	}
}

// A drawing has every node once, names and escapes features, and is well formed.
func TestTreeDrawings(t *testing.T) {
	X, y, labels := noisy(200, 3, true, 8)
	coded(X, 1)
	m := must(ensemble.Tree{MaxDepth: 4, Categorical: []int{1}}.FitClassifier(background, X, labels, nil))(t)
	names := []string{"a<b", "kind", "c"}
	var text, dot, svg bytes.Buffer
	if err := errors.Join(m.WriteText(&text, names), m.WriteDOT(&dot, names), m.WriteSVG(&svg, names)); err != nil {
		t.Fatal(err)
	}
	inner := m.Nodes() - m.Leaves()
	for what, c := range map[string][2]int{
		"tests in text":  {strings.Count(text.String(), "if "), inner},
		"leaves in text": {strings.Count(text.String(), "class "), m.Leaves()},
		"else in text":   {strings.Count(text.String(), "else\n"), inner},
		"edges in DOT":   {strings.Count(dot.String(), "->"), 2 * inner},
		"nodes in DOT":   {strings.Count(dot.String(), "shape=box") + strings.Count(dot.String(), "[label=\"") - 2*inner, m.Nodes() + 1},
		"boxes in SVG":   {strings.Count(svg.String(), "<rect"), m.Nodes()},
		"lines in SVG":   {strings.Count(svg.String(), "<path"), 2 * inner},
	} {
		if c[0] != c[1] {
			t.Errorf("%d %s, want %d", c[0], what, c[1])
		}
	}
	if !strings.Contains(svg.String(), "a&lt;b") || strings.Contains(svg.String(), "a<b") || !strings.Contains(text.String(), "kind in ") {
		t.Errorf("names: %s %s", text.String(), svg.String())
	}
	dec := must(ensemble.Tree{MaxDepth: 2}.FitRegressor(background, X, y, nil))(t)
	if err := dec.WriteText(&text, nil); err != nil || !strings.Contains(text.String(), "x") {
		t.Errorf("without names: %v", err)
	}
	for _, draw := range []func(io.Writer, []string) error{m.WriteText, m.WriteDOT, m.WriteSVG} {
		if err := draw(io.Discard, []string{"one"}); !errors.Is(err, gram.ErrShape) || !strings.Contains(err.Error(), "1 names for 3 features") {
			t.Errorf("one name: %v", err)
		}
		if err := draw(full{}, nil); !errors.Is(err, errFull) {
			t.Errorf("a writer that fails: %v", err)
		}
	}
}

type full struct{}

var errFull = errors.New("full")

func (full) Write([]byte) (int, error) { return 0, errFull }
