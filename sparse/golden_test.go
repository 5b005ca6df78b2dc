package sparse_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram"
	"github.com/gram-ml/gram/internal/floattest"
	"github.com/gram-ml/gram/sparse"
)

// A stored is a matrix of the golden file.
type stored struct {
	Shape [2]int
	Ptr   []int64
	Col   []uint32
	Val   []float64
}

func (s stored) csr(t *testing.T) *sparse.CSR[float64] {
	t.Helper()
	m, err := sparse.NewCSR(s.Shape[0], s.Shape[1], s.Ptr, s.Col, s.Val)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// golden is testdata/golden.json, which make_golden.py beside it writes.
type golden struct {
	A, B, AB, AAT, AT, COO             stored
	Row, ColOf                         []uint32
	ValOf                              []float64
	Tokens                             [][]string
	Hashed, Unsigned, TFIDF, Sublinear stored
	Vocabulary                         []string
	NPZ                                map[string][]byte
}

func readGolden(t *testing.T) *golden {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	g := &golden{}
	if err := json.Unmarshal(data, g); err != nil {
		t.Fatal(err)
	}
	return g
}

// near fails the test unless both have the same entries, of values within rounding.
func near(t *testing.T, what string, got *sparse.CSR[float64], want stored) {
	t.Helper()
	check(t, got)
	if !slices.Equal(got.Ptr, want.Ptr) || !slices.Equal(got.Col, want.Col) || got.Rows != want.Shape[0] || got.Cols != want.Shape[1] {
		t.Fatalf("%s: %d×%d with columns %v, want %v with %v", what, got.Rows, got.Cols, got.Col, want.Shape, want.Col)
	}
	for k, v := range want.Val {
		if math.Abs(got.Val[k]-v) > 1e-14*(1+math.Abs(v)) {
			t.Fatalf("%s: entry %d is %v, want %v", what, k, got.Val[k], v)
		}
	}
}

func TestGolden(t *testing.T) {
	g := readGolden(t)
	a, b := g.A.csr(t), g.B.csr(t)
	near(t, "A·B", sparse.Mul(a, b), g.AB)
	near(t, "Aᵀ", a.Transpose(), g.AT)
	near(t, "A·Aᵀ", sparse.Syrk(2, a), g.AAT)
	coo, err := sparse.NewCOO(9, 11, g.Row, g.ColOf, g.ValOf)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "COO", coo.ToCSR(sparse.SumDuplicates), g.COO)
}

func TestGoldenText(t *testing.T) {
	g := readGolden(t)
	hashed, err := sparse.FeatureHasher{Features: 16}.Transform(g.Tokens)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "hashed", hashed.Prune(0), mustStored(t, g.Hashed))
	unsigned, err := sparse.FeatureHasher{Features: 1000, Unsigned: true}.Transform(g.Tokens)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "unsigned", unsigned, g.Unsigned)
	ctx := context.Background()
	m, err := sparse.TFIDF{}.Fit(ctx, g.Tokens)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.Vocabulary(), g.Vocabulary) || m.Features() != len(g.Vocabulary) || len(m.IDF()) != m.Features() {
		t.Errorf("vocabulary %q, want %q", m.Vocabulary(), g.Vocabulary)
	}
	near(t, "TFIDF", m.Transform(g.Tokens), g.TFIDF)
	m, err = sparse.TFIDF{MinDF: 2, Sublinear: true, Unsmoothed: true, Unscaled: true}.Fit(ctx, g.Tokens)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "sublinear TFIDF", m.Transform(g.Tokens), g.Sublinear)

	var file bytes.Buffer
	if err := gram.Save(&file, m); err != nil {
		t.Fatal(err)
	}
	again, err := gram.Load(&file)
	if err != nil {
		t.Fatal(err)
	}
	identical(t, "loaded", again.(*sparse.TFIDFModel).Transform(g.Tokens), m.Transform(g.Tokens))
}

// mustStored is s without explicit zeros.
func mustStored(t *testing.T, s stored) stored {
	m := s.csr(t).Prune(0)
	return stored{s.Shape, m.Ptr, m.Col, m.Val}
}

func TestTextErrors(t *testing.T) {
	if _, err := (sparse.FeatureHasher{Features: -1}).Transform(nil); !errors.Is(err, gram.ErrParam) || !strings.Contains(err.Error(), "Features is -1") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := (sparse.TFIDF{MinDF: -1}).Fit(ctx, nil); !errors.Is(err, gram.ErrParam) {
		t.Error(err)
	}
	if _, err := (sparse.TFIDF{MinDF: 2}).Fit(ctx, [][]string{{"a"}, {"b"}}); !errors.Is(err, gram.ErrShape) || !strings.Contains(err.Error(), "none of 2 tokens is in 2 of 2") {
		t.Error(err)
	}
	cancel()
	if _, err := (sparse.TFIDF{}).Fit(ctx, [][]string{{"a"}}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestMinHash(t *testing.T) {
	r := floattest.Rand(40)
	h := sparse.MinHash{Hashes: 512, Seed: 3}
	for _, shared := range []int{0, 100, 250, 400, 500} {
		a, b := make([]uint32, 500), make([]uint32, 500)
		for k := range a {
			a[k], b[k] = r.Uint32(), r.Uint32()
			if k < shared {
				b[k] = a[k]
			}
		}
		want := float64(shared) / float64(1000-shared)
		if got := sparse.Similarity(h.Signature(a), h.Signature(b)); math.Abs(got-want) > 4*0.5/math.Sqrt(512) || shared == 500 && got != 1 {
			t.Errorf("similarity %v, want about %v", got, want)
		}
	}
	if s := (sparse.MinHash{}).Signature(nil); len(s) != 128 || s[0] != 1<<32-1 {
		t.Errorf("signature of the empty set: %v", s)
	}
	panics(t, "MinHash with -1 hashes", func() { sparse.MinHash{Hashes: -1}.Signature(nil) })
	panics(t, "Similarity of signatures of 1 and 2", func() { sparse.Similarity(make([]uint32, 1), make([]uint32, 2)) })
}

func TestNearDuplicates(t *testing.T) {
	m := randomCSR[float64](floattest.Rand(41), 40, 1000, 60)
	m = sparse.VStack(m, m.SelectRows([]int{7, 3}))
	var signatures [][]uint32
	for i := range m.Rows {
		col, _ := m.Row(i)
		signatures = append(signatures, sparse.MinHash{}.Signature(col))
	}
	if got := sparse.NearDuplicates(signatures, 8); !slices.Equal(got, [][2]int{{3, 41}, {7, 40}}) {
		t.Errorf("near duplicates %v", got)
	}
	if got := sparse.NearDuplicates(nil, 1); got != nil {
		t.Errorf("of nothing: %v", got)
	}
	panics(t, "signatures of 128 hashes in 3 bands", func() { sparse.NearDuplicates(signatures, 3) })
	panics(t, "signature 1 has 2 hashes", func() { sparse.NearDuplicates([][]uint32{{1}, {1, 2}}, 1) })
}
