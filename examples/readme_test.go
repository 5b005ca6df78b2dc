package examples

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/linear"
	"github.com/gram-ml/gram/prep"
	"gonum.org/v1/gonum/mat"
)

// The README's lines, as they stand there.
func Example() {
	file := new(bytes.Buffer)
	X := mat.NewDense(6, 2, []float64{1.4, 0.2, 1.3, 0.3, 1.7, 0.4, 4.7, 1.4, 4.5, 1.5, 3.9, 1.1})
	y := []int{0, 0, 0, 1, 1, 1}
	trainer := gram.ClassifierPipeline{
		Steps: []gram.TransformerTrainer{prep.Standard{}},
		Last:  linear.Softmax{C: 10},
	}
	m, err := trainer.Fit(context.Background(), X, y, nil)
	if err != nil {
		log.Fatal(err)
	}
	class, err := m.PredictRow([]float64{4.2, 1.2})
	if err != nil {
		log.Fatal(err)
	}
	err = gram.Save(file, m) // gram.Load reads it back
	fmt.Println(class, err)
	// Output: 1 <nil>
}

func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("readme_test.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(readme, -1)
	if len(blocks) == 0 {
		t.Fatal("the README has no code")
	}
	for _, b := range blocks {
		indented := strings.ReplaceAll("\n"+string(b[1]), "\n", "\n\t")
		if !bytes.Contains(source, []byte(strings.TrimRight(indented, "\n\t"))) {
			t.Errorf("no example has these lines of the README:\n%s", b[1])
		}
	}
}
