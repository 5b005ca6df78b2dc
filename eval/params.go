package eval

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"

	"github.com/gram-ml/gram"
)

// A Param is the value of a hyperparameter of a candidate.
type Param struct {
	Name  string
	Value any
}

// Params hands values to the function that describes a space of hyperparameters, one
// combination a call:
//
//	func(p *eval.Params) gram.ClassifierTrainer {
//		return linear.Softmax{C: eval.Choose(p, "C", 0.1, 1, 10)}
//	}
//
// It is plain Go: values have the types of the fields they go to, a branch may ask for
// what only it needs, and a pipeline is built like any other. The function must ask for
// the same things whenever it is given the same values.
//
// A grid calls it for every combination of the values of Choose and Int, the last one
// asked for changing fastest; a random search with values drawn independently.
type Params struct {
	list []Param
	rng  *rand.Rand // nil for a grid
	// Of a grid: which value each question gets, and how many values it has.
	path, sizes []int
	err         error
}

// Choose returns one of the values. None at all are gram.ErrParam, from the search.
func Choose[T any](p *Params, name string, values ...T) T {
	var v T
	if i := p.choice(name, len(values)); i >= 0 {
		v = values[i]
	}
	p.list = append(p.list, Param{name, v})
	return v
}

// Int returns an integer from lo to hi, both included. lo > hi is gram.ErrParam.
func (p *Params) Int(name string, lo, hi int) int {
	v := lo
	if i := p.choice(name, hi-lo+1); i >= 0 {
		v += i
	}
	p.list = append(p.list, Param{name, v})
	return v
}

// Uniform returns a number drawn evenly between lo and hi, which must be finite with
// lo ≤ hi. In a grid it is gram.ErrParam: there is no end to the values.
func (p *Params) Uniform(name string, lo, hi float64) float64 {
	v := lo
	if p.continuous(name, lo, hi) {
		v += p.rng.Float64() * (hi - lo)
	}
	p.list = append(p.list, Param{name, v})
	return v
}

// LogUniform returns a number between lo and hi, 0 < lo ≤ hi, whose logarithm is drawn
// evenly: the choice for strengths and rates. In a grid it is gram.ErrParam.
func (p *Params) LogUniform(name string, lo, hi float64) float64 {
	v := lo
	if lo <= 0 {
		p.fail("%s: bounds %v and %v are not above 0", name, lo, hi)
	} else if p.continuous(name, lo, hi) {
		v = min(hi, max(lo, lo*math.Exp(p.rng.Float64()*math.Log(hi/lo))))
	}
	p.list = append(p.list, Param{name, v})
	return v
}

// choice returns which of n values the question gets, −1 after an error.
func (p *Params) choice(name string, n int) int {
	if n < 1 {
		p.fail("%s: nothing to choose from", name)
		return -1
	}
	if p.rng != nil {
		return p.rng.IntN(n)
	}
	at := len(p.sizes)
	p.sizes = append(p.sizes, n)
	if at == len(p.path) {
		p.path = append(p.path, 0)
	}
	if p.path[at] >= n {
		p.fail("%s: the space asked for other things, given the same values", name)
		return -1
	}
	return p.path[at]
}

// continuous tells whether a number can be drawn between the bounds.
func (p *Params) continuous(name string, lo, hi float64) bool {
	switch {
	case !(lo <= hi) || hi-lo > math.MaxFloat64:
		p.fail("%s: bounds %v and %v", name, lo, hi)
	case p.rng == nil:
		p.fail("%s: a grid cannot hold every number between %v and %v; set Samples or use Choose", name, lo, hi)
	default:
		return true
	}
	return false
}

func (p *Params) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format+": %w", append(args, gram.ErrParam)...)
	}
}

// next moves a grid to the next combination, and tells whether there is one.
func (p *Params) next() bool {
	path, sizes := p.path[:len(p.sizes)], p.sizes
	for i := len(path) - 1; i >= 0; i-- {
		if path[i]++; path[i] < sizes[i] {
			*p = Params{path: path[:i+1]}
			return true
		}
	}
	return false
}

// enumerate returns the candidates of a grid if samples is 0, and otherwise that many
// at random.
func enumerate[T any](space func(*Params) T, samples int, seed uint64) ([]Candidate[T], error) {
	if space == nil {
		return nil, fmt.Errorf("search has no Space: %w", gram.ErrParam)
	}
	if samples < 0 {
		return nil, fmt.Errorf("%d samples: %w", samples, gram.ErrParam)
	}
	var out []Candidate[T]
	add := func(p *Params) error {
		t := space(p)
		if p.err != nil {
			return p.err
		}
		if any(t) == nil {
			return fmt.Errorf("Space returned no trainer for %v: %w", paramsString(p.list), gram.ErrParam)
		}
		out = append(out, Candidate[T]{Params: p.list, Trainer: t})
		return nil
	}
	if samples > 0 {
		for i := range samples {
			if err := add(&Params{rng: rand.New(rand.NewPCG(seed, uint64(i)))}); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	for p := (&Params{}); ; {
		if err := add(p); err != nil {
			return nil, err
		}
		if !p.next() {
			return out, nil
		}
	}
}

// paramsString returns "C=0.1 solver=lbfgs". Structs, trainers say, are named by type.
func paramsString(params []Param) string {
	parts := make([]string, len(params))
	for i, p := range params {
		_, named := p.Value.(fmt.Stringer)
		if t := reflect.TypeOf(p.Value); t != nil && !named && (t.Kind() == reflect.Struct || t.Kind() == reflect.Func) {
			parts[i] = fmt.Sprintf("%s=%v", p.Name, t)
		} else {
			parts[i] = fmt.Sprintf("%s=%v", p.Name, p.Value)
		}
	}
	return strings.Join(parts, " ")
}
