package sparse

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/gram-ml/gram"
)

// A TFIDF learns which tokens there are and how rare each is. Its zero value learns
// with the defaults of scikit-learn's TfidfVectorizer:
//
//	weight = count · idf,  idf = ln((1 + n)/(1 + df)) + 1
//
// for n documents of which df hold the token, each row then scaled to length 1.
type TFIDF struct {
	// MinDF is the least number of documents that a token must be in; 0 means 1.
	MinDF int
	// Sublinear replaces the count by 1 + ln(count).
	Sublinear bool
	// Unsmoothed takes idf = ln(n/df) + 1.
	Unsmoothed bool
	// Unscaled leaves rows at the length they have.
	Unscaled bool
}

// Fit returns the model of the documents, which are lists of tokens. The errors wrap
// gram.ErrShape, if no token is in MinDF documents, gram.ErrParam, if MinDF is
// negative, or are ctx's. O(bytes of the tokens + vocabulary·log).
func (t TFIDF) Fit(ctx context.Context, docs [][]string) (*TFIDFModel, error) {
	if t.MinDF < 0 {
		return nil, fmt.Errorf("sparse: MinDF is %d, want ≥ 0: %w", t.MinDF, gram.ErrParam)
	}
	df, last := map[string]int{}, map[string]int{}
	for i, doc := range docs {
		if i%1024 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		for _, token := range doc {
			if last[token] != i+1 {
				last[token] = i + 1
				df[token]++
			}
		}
	}
	least := max(t.MinDF, 1)
	maps.DeleteFunc(df, func(_ string, n int) bool { return n < least })
	if len(df) == 0 {
		return nil, shapeError("none of %d tokens is in %d of %d documents", len(last), least, len(docs))
	}
	m := &TFIDFModel{tokens: slices.Sorted(maps.Keys(df)), sublinear: t.Sublinear, scaled: !t.Unscaled}
	smooth := 1.0
	if t.Unsmoothed {
		smooth = 0
	}
	for _, token := range m.tokens {
		m.idf = append(m.idf, math.Log((smooth+float64(len(docs)))/(smooth+float64(df[token])))+1)
	}
	m.index()
	return m, nil
}

// A TFIDFModel weighs tokens. It is a gram.Model that [gram.Save] can write, and
// safe for concurrent use.
type TFIDFModel struct {
	tokens            []string // sorted
	idf               []float64
	sublinear, scaled bool
	column            map[string]int
}

func (m *TFIDFModel) index() {
	m.column = make(map[string]int, len(m.tokens))
	for j, token := range m.tokens {
		m.column[token] = j
	}
}

// Features returns the number of tokens of the vocabulary, the columns.
func (m *TFIDFModel) Features() int { return len(m.tokens) }

// Vocabulary returns the tokens by column, in the order of their bytes.
func (m *TFIDFModel) Vocabulary() []string { return slices.Clone(m.tokens) }

// IDF returns the factor of each column.
func (m *TFIDFModel) IDF() []float64 { return slices.Clone(m.idf) }

// Transform returns a row of weights for each document. Tokens outside the vocabulary
// do not count. O(bytes of the tokens).
func (m *TFIDFModel) Transform(docs [][]string) *CSR[float64] {
	b := &Builder[float64]{m: CSR[float64]{Cols: len(m.tokens), Ptr: []int64{0}}}
	for _, doc := range docs {
		for _, token := range doc {
			if j, ok := m.column[token]; ok {
				b.m.Col, b.m.Val = append(b.m.Col, uint32(j)), append(b.m.Val, 1)
			}
		}
		b.EndRow()
	}
	out := b.Matrix()
	if m.sublinear {
		for k, v := range out.Val {
			out.Val[k] = 1 + math.Log(v)
		}
	}
	out.ScaleCols(m.idf)
	if m.scaled {
		out.NormalizeRows(2)
	}
	return out
}

func init() { gram.Register("sparse.TFIDF", 1, encodeTFIDF, decodeTFIDF) }

func encodeTFIDF(e *gram.Encoder, m *TFIDFModel) {
	e.Floats(m.idf)
	for _, token := range m.tokens {
		e.String(token)
	}
	e.Bool(m.sublinear)
	e.Bool(m.scaled)
}

func decodeTFIDF(d *gram.Decoder, _ int) *TFIDFModel {
	m := &TFIDFModel{idf: d.Floats()}
	for j, v := range m.idf {
		token := d.String()
		if d.Err() != nil {
			return m
		}
		if v-v != 0 || j > 0 && token <= m.tokens[j-1] {
			d.Fail("token %d, %q, of factor %v is out of order or not finite", j, token, v)
			return m
		}
		m.tokens = append(m.tokens, token)
	}
	m.sublinear, m.scaled = d.Bool(), d.Bool()
	if len(m.tokens) == 0 {
		d.Fail("a vocabulary of no tokens")
	}
	m.index()
	return m
}
