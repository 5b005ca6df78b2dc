package linear

import "github.com/gram-ml/gram"

func init() {
	gram.Register("linear.Logistic", 1, encodeLogistic, decodeLogistic)
	gram.Register("linear.Softmax", 1, encodeSoftmax, decodeSoftmax)
}

func encodeLogistic(e *gram.Encoder, m *LogisticModel) {
	e.Floats(m.coef)
	e.Float(m.intercept)
	e.Convergence(m.convergence)
}

func decodeLogistic(d *gram.Decoder, _ int) *LogisticModel {
	m := &LogisticModel{coef: d.Floats(), intercept: d.Float(), convergence: d.Convergence()}
	checkFloats(d, m.coef, []float64{m.intercept})
	if len(m.coef) == 0 {
		d.Fail("logistic model of no features")
	}
	return m
}

func encodeSoftmax(e *gram.Encoder, m *SoftmaxModel) {
	e.Floats(m.intercept)
	e.Int(m.features)
	e.Floats(m.coef)
	e.Convergence(m.convergence)
}

func decodeSoftmax(d *gram.Decoder, _ int) *SoftmaxModel {
	m := &SoftmaxModel{intercept: d.Floats(), features: d.Count()}
	m.coef = d.Floats(len(m.intercept), m.features)
	m.convergence = d.Convergence()
	checkFloats(d, m.coef, m.intercept)
	if len(m.intercept) < 2 || m.features == 0 {
		d.Fail("softmax model of %d classes and %d features", len(m.intercept), m.features)
	}
	if d.Err() == nil {
		m.transpose()
	}
	return m
}

// checkFloats fails for parameters that are not finite.
func checkFloats(d *gram.Decoder, values ...[]float64) {
	for _, v := range values {
		for _, x := range v {
			if x-x != 0 {
				d.Fail("parameter is %v", x)
				return
			}
		}
	}
}
