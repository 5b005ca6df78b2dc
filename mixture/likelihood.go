package mixture

import (
	"math"
	"slices"
)

// likelihood is how well a mixture fits the rows that it was trained on.
type likelihood struct {
	evidence
	history    []float64
	parameters int
}

// LogLikelihood returns the mean log-likelihood of the training rows, Σ wᵢ·log p(xᵢ) / Σ wᵢ.
// For a model of [GaussianMixture.FromStatistics] it is that under the models which took
// the statistics.
func (l *likelihood) LogLikelihood() float64 { return l.logLik / l.total }

// History returns a copy of the mean log-likelihoods, at the start and after every iteration.
func (l *likelihood) History() []float64 { return slices.Clone(l.history) }

// Parameters returns the number of free parameters.
func (l *likelihood) Parameters() int { return l.parameters }

// BIC returns the Bayesian information criterion of the training rows, −2·log L +
// p·log Σw, with p the number of parameters: the smaller the better.
func (l *likelihood) BIC() float64 {
	return -2*l.logLik + float64(l.parameters)*math.Log(l.total)
}

// AIC returns Akaike's information criterion of the training rows, −2·log L + 2p.
func (l *likelihood) AIC() float64 { return -2*l.logLik + 2*float64(l.parameters) }

// ICL returns the integrated completed likelihood of the training rows: BIC plus twice
// the entropy of the responsibilities (C. Biernacki, G. Celeux and G. Govaert, 2000). It
// asks for clusters apart from each other, where BIC asks for a good density.
func (l *likelihood) ICL() float64 { return l.BIC() + 2*l.entropy }
