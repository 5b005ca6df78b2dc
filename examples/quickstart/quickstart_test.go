package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/eval"
)

func TestDigits(t *testing.T) {
	X, y, err := digits()
	if err != nil {
		t.Fatal(err)
	}
	if X.Rows != 1797 || X.Cols != 64 || len(y) != 1797 {
		t.Fatalf("%d×%d, %d labels", X.Rows, X.Cols, len(y))
	}
	counts := make([]int, 10)
	for i, c := range y {
		counts[c]++
		for j, v := range X.Row(i) {
			if v < 0 || v > 16 || v != float64(int(v)) {
				t.Fatalf("pixel %d of image %d is %v", j, i, v)
			}
		}
	}
	if want := []int{178, 182, 177, 183, 181, 182, 181, 179, 174, 180}; fmt.Sprint(counts) != fmt.Sprint(want) {
		t.Errorf("digits %v, want %v", counts, want)
	}
}

func TestReadDigitsErrors(t *testing.T) {
	line := strings.Repeat("1,", 64)
	for in, text := range map[string]string{
		"1,2\n":                                 "wrong number of fields",
		line + "x\n":                            "digit of image 0",
		"x," + strings.Repeat("1,", 63) + "1\n": "image 0",
	} {
		if _, _, err := readDigits(strings.NewReader(in)); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("error %v, want %q", err, text)
		}
	}
}

// The program reaches the accuracy it is there to show.
func TestTrain(t *testing.T) {
	if testing.Short() {
		t.Skip("trains six times")
	}
	path := filepath.Join(t.TempDir(), "digits.gram")
	var out bytes.Buffer
	m, err := train(context.Background(), &out, path)
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^accuracy (0\.\d{3})$`).FindStringSubmatch(out.String())
	if line == nil {
		t.Fatalf("no line of accuracy in\n%s", &out)
	}
	if acc, _ := strconv.ParseFloat(line[1], 64); acc < 0.95 {
		t.Errorf("accuracy %v", acc)
	}
	for _, want := range []string{"label   0   1", "the same predictions, bit for bit", "\ntime "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if kept, err := gram.Load(f); err != nil || kept.Features() != m.Features() {
		t.Errorf("the file holds %v, %v", kept, err)
	}
}

// quick returns a classifier trained on the first images, and those images.
func quick(t *testing.T) (gram.Classifier, gram.Matrix, []int) {
	t.Helper()
	X, y, err := digits()
	if err != nil {
		t.Fatal(err)
	}
	first := make([]int, 100)
	for i := range first {
		first[i] = i
	}
	Xs, ys, err := subset(X, y, first)
	if err != nil {
		t.Fatal(err)
	}
	m, err := trainer.Fit(context.Background(), Xs, ys, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m, Xs, ys
}

func image(X gram.Matrix, i int) []float64 {
	x := make([]float64, pixels)
	for j := range x {
		x[j] = X.At(i, j)
	}
	return x
}

func post(t *testing.T, h http.Handler, body string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/predict", strings.NewReader(body)))
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("content type %q", got)
	}
	return w.Code, strings.TrimSpace(w.Body.String())
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPredict(t *testing.T) {
	m, X, y := quick(t)
	h := handler(m)
	want := make([]float64, 10)
	if err := m.PredictProbaRow(want, image(X, 3)); err != nil {
		t.Fatal(err)
	}
	status, body := post(t, h, marshal(t, map[string]any{"x": image(X, 3)}))
	var one prediction
	if err := json.Unmarshal([]byte(body), &one); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	if one.Class != y[3] || fmt.Sprint(one.Probabilities) != fmt.Sprint(want) {
		t.Errorf("answer %+v, want class %d with %v", one, y[3], want)
	}

	rows := make([][]float64, 100)
	for i := range rows {
		rows[i] = image(X, i)
	}
	status, body = post(t, h, marshal(t, map[string]any{"rows": rows}))
	var all predictions
	if err := json.Unmarshal([]byte(body), &all); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	got := make([]int, len(all.Predictions))
	for i, p := range all.Predictions {
		got[i] = p.Class
	}
	if acc, err := eval.Accuracy(y, got, nil); err != nil || acc < 0.99 {
		t.Errorf("accuracy %v on the training images, %v", acc, err)
	}
	if status, body = post(t, h, `{"rows": []}`); status != http.StatusOK || body != `{"predictions":[]}` {
		t.Errorf("no rows: %d %s", status, body)
	}
}

func TestPredictRefuses(t *testing.T) {
	m, X, _ := quick(t)
	h := handler(m)
	good := marshal(t, image(X, 0))
	huge := "[" + strings.Repeat("1e308,", 63) + "1e308]"
	for _, c := range []struct {
		body   string
		status int
		text   string
	}{
		{``, 400, "the request is empty"},
		{`nonsense`, 400, "invalid character"},
		{`{"x": ` + good, 400, "unexpected EOF"},
		{`{"x": ` + good + `} {}`, 400, "something follows the request"},
		{`{}`, 400, `give either \"x\", an array of numbers, or \"rows\"`},
		{`{"x": ` + good + `, "rows": []}`, 400, "give either"},
		{`{"y": 1}`, 400, `unknown field \"y\"`},
		{`{"x": "7"}`, 400, "expected arrays of finite numbers, found string"},
		{`{"x": [1, null]}`, 400, "number 1 is null"},
		{`{"rows": 5}`, 400, "expected arrays of finite numbers, found number"},
		{`{"x": [1e999]}`, 400, "expected arrays of finite numbers, found number 1e999"},
		{`{"x": [1, 2, 3]}`, 400, "x: x has 3 features, the model 64"},
		{`{"rows": [` + good + `, [1]]}`, 400, "row 1: x has 1 features, the model 64"},
		{`{"rows": [null]}`, 400, "row 0: x has 0 features"},
		{`{"x": ` + huge + `}`, 400, "value is not finite"},
		{`{"x": [` + strings.Repeat(" ", maxBody) + `]}`, 413, "larger than 1048576 bytes"},
	} {
		status, body := post(t, h, c.body)
		if status != c.status || !strings.Contains(body, c.text) || !strings.HasPrefix(body, `{"error":"`) {
			t.Errorf("%.40s: %d %s, want %d with %q", c.body, status, body, c.status, c.text)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/predict", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", w.Code)
	}
	w = httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("another path: %d", w.Code)
	}
}

// The whole program serves until it is told to stop, and then ends without an error.
func TestRunServes(t *testing.T) {
	if testing.Short() {
		t.Skip("trains six times")
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	in, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, out, "", "127.0.0.1:0")
		out.Close()
		ended <- err
	}()
	addr := ""
	lines := bufio.NewScanner(in)
	for addr == "" && lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			addr, _, _ = strings.Cut(rest, ": ")
		}
	}
	if addr == "" {
		t.Fatalf("it does not listen: %v", <-ended)
	}
	X, _, err := digits()
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.Post("http://"+addr+"/predict", "application/json",
		strings.NewReader(marshal(t, map[string]any{"x": image(X, 0)})))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var p prediction
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil || p.Class != 0 || len(p.Probabilities) != 10 {
		t.Errorf("answer %+v, %v", p, err)
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("it ends with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("it does not end")
	}
}

func TestRunErrors(t *testing.T) {
	m, X, _ := quick(t)
	if _, err := saveAndLoad(io.Discard, m, filepath.Join(t.TempDir(), "no", "such", "directory"), X); err == nil {
		t.Error("a model is saved nowhere")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := run(ctx, io.Discard, "", ""); err == nil || !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("cancelled: error %v", err)
	}
}
