// Package mle fits single distributions by maximum likelihood and says how far the
// estimates can be trusted.
//
//	e, err := mle.Fit(ctx, mle.Gamma{}, x, nil)
//	e.Params()                   // shape and rate
//	e.StdErr()                   // their standard errors
//	e.Profile(ctx, 0, 0.95)      // an interval for the shape
//
// # Families
//
// A [Family] is [Normal], [LogNormal], [Exponential], [Gamma], [Weibull], [Beta], [StudentT]
// or [Laplace] for measurements, [Bernoulli], [Binomial], [Poisson], [NegativeBinomial]
// or [Categorical] for counts and classes. [MultivariateNormal] is a trainer of models of
// rows. Their densities, distribution functions and random numbers are those of
// gonum's distuv and distmv, which [Estimate.Dist] returns.
//
// Measurements without bounds: Normal; StudentT if there are outliers; Laplace if the peak is sharp.
// Positive ones: Gamma and LogNormal for amounts and durations, Weibull for times to failure,
// Exponential for times between events that know nothing of each other. Shares: Beta. Counts:
// Poisson; NegativeBinomial if the variance exceeds the mean. [Choose] compares several by AIC.
//
// # Theory
//
// The estimate θ̂ maximises ℓ(θ) = Σ wᵢ·log p(xᵢ; θ). Near it the log-likelihood is a
// parabola, whose curvature is the observed information J = −∂²ℓ/∂θ∂θᵀ. In large samples
// θ̂ is normal around the true θ with covariance J⁻¹, and 2(ℓ(θ̂) − ℓ(θ)) has the χ²
// distribution (Wilks, 1938). That gives two intervals:
//
//	Wald      θ̂ⱼ ± z·√(J⁻¹)ⱼⱼ
//	profile   all v with 2(ℓ(θ̂) − max{ℓ(θ): θⱼ = v}) ≤ χ²₁
//
// The profile interval follows the likelihood where it is not a parabola, stays within the
// range of the parameter and does not depend on how the family is parametrised; prefer it for
// small samples. Both presume that the family is right: test that, with
// [KolmogorovSmirnov], [AndersonDarling] or [ChiSquared], and with [BootstrapP] when the
// parameters come from the same data.
//
// A weight of 2 is a value that is there twice, so weights are counts. Weights that only
// say how much a value matters give right estimates, but standard errors for a sample of
// size Σw.
//
// # Statistics
//
// [Statistics] are what a fit needs to know of the data; parts merge. For Normal, LogNormal,
// Exponential, Gamma, Beta and the families of counts these are a few sums. Weibull,
// StudentT, Laplace and NegativeBinomial have none smaller than the sample, so there
// the distinct values are kept with their weights.
//
// # Numerics
//
// Sums are centred before they are squared or logarithms are taken, so that data far from
// zero and shapes of 10⁸ fit as well as others. Where there is no closed form, Newton's
// method runs on the logarithms of positive parameters until the step is below 10⁻¹⁰
// of a single value's standard error. Samples whose likelihood has no maximum, such as
// equal values for a normal distribution, are refused with a reason.
//
// # Sources
//
// E. Lehmann, G. Casella, Theory of Point Estimation, 1998. S. Wilks, The large-sample distribution
// of the likelihood ratio, Annals of Mathematical Statistics 9 (1938). T. Minka, Estimating a
// Gamma distribution, 2002. G. Marsaglia, W. W. Tsang, J. Wang, Evaluating Kolmogorov's distribution,
// Journal of Statistical Software 8 (2003). T. Anderson, D. Darling, A test of goodness of
// fit, JASA 49 (1954). C. Liu, D. Rubin, ML estimation of the t distribution using EM and its
// extensions, Statistica Sinica 5 (1995).
package mle
