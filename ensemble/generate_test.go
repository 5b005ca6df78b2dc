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
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/ensemble"
)

// Generated source is formatted, compiles, and says of every row what the model says, bit
// for bit.
func TestGenerateGo(t *testing.T) {
	X, y, labels := noisy(300, 4, true, 3)
	coded(X, 2)
	for i := range labels {
		if y[i] > 1.5 {
			labels[i] = 2
		}
	}
	tree := ensemble.Tree{MaxDepth: 6, Categorical: []int{2}}
	forest := ensemble.Forest{Estimators: 7, MaxDepth: 6, Categorical: []int{2}}
	tc := must(tree.FitClassifier(background, X, labels, nil))(t)
	tr := must(ensemble.Tree{MaxDepth: 6}.FitRegressor(background, X, y, nil))(t)
	fc := must(forest.FitClassifier(background, X, labels, nil))(t)
	fr := must(forest.FitRegressor(background, X, y, nil))(t)
	dir := t.TempDir()
	for name, generate := range map[string]func(w io.Writer, pkg, name string) error{
		"TreeProba": tc.GenerateGo, "TreeValue": tr.GenerateGo, "ForestProba": fc.GenerateGo, "ForestValue": fr.GenerateGo,
	} {
		var source bytes.Buffer
		if err := generate(&source, "main", name); err != nil {
			t.Fatal(err)
		}
		formatted, err := format.Source(source.Bytes())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !bytes.Equal(formatted, source.Bytes()) {
			t.Errorf("%s is not formatted", name)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".go"), source.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, bad := range [][2]string{{"", "F"}, {"p", "2x"}, {"p", "func"}} {
			if err := generate(io.Discard, bad[0], bad[1]); !errors.Is(err, gram.ErrParam) || !strings.Contains(err.Error(), "is no name") {
				t.Errorf("%q: %v", bad, err)
			}
		}
	}
	goTool, err := exec.LookPath("go")
	if err != nil || testing.Short() || runtime.GOOS != "linux" {
		t.Skip("compiles only where there is a go command, and time")
	}
	main := fmt.Sprintf("package main\n\nimport (\n\t\"encoding/binary\"\n\t\"os\"\n)\n\nfunc main() {\n\tvar x [%d][4]float64\n\tbinary.Read(os.Stdin, binary.LittleEndian, &x)\n\tfor _, r := range x {\n\t\tbinary.Write(os.Stdout, binary.LittleEndian, TreeProba(r[:]))\n\t\tbinary.Write(os.Stdout, binary.LittleEndian, TreeValue(r[:]))\n\t\tbinary.Write(os.Stdout, binary.LittleEndian, ForestProba(r[:]))\n\t\tbinary.Write(os.Stdout, binary.LittleEndian, ForestValue(r[:]))\n\t}\n}\n", X.Rows)
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
	got := make([]float64, 8*X.Rows)
	if err := binary.Read(&out, binary.LittleEndian, got); err != nil {
		t.Fatal(err)
	}
	for i := range X.Rows {
		want := make([]float64, 8)
		if err := errors.Join(tc.PredictProbaRow(want[:3], X.Row(i)), fc.PredictProbaRow(want[4:7], X.Row(i))); err != nil {
			t.Fatal(err)
		}
		want[3], _ = tr.PredictRow(X.Row(i))
		want[7], _ = fr.PredictRow(X.Row(i))
		for k, v := range want {
			if math.Float64bits(got[8*i+k]) != math.Float64bits(v) {
				t.Fatalf("row %d: %v, want %v", i, got[8*i:8*i+8], want)
			}
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
