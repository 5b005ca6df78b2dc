// Package mixture describes rows as draws from several sources: Gaussian mixtures,
// fitted by the EM algorithm, mixtures of Student-t distributions and of counts, and k-means.
//
// [GaussianMixture] fits a density. Its model scores rows by their log-density, which
// with [Threshold] finds anomalies, gives the probability that a row comes from each
// component, draws new rows, and compares models by BIC. [SelectK] chooses the number and
// shape of the components, and [BayesianMixture] finds the number in one fit. [StudentMixture] is for data with outliers. [CountMixture] is for rows of whole numbers: what was bought,
// which words occur, which alarms went off. [KMeans] cuts the data into K clusters of about equal extent:
// faster, and enough for quantizing and for starts.
//
// # EM
//
// Each row xᵢ is thought to come from a component zᵢ that is not seen, the latent variable:
//
//	P(zᵢ = k) = πₖ,   xᵢ | zᵢ = k ~ N(μₖ, Σₖ),   p(xᵢ) = Σₖ πₖ·N(xᵢ; μₖ, Σₖ)
//
// The log-likelihood Σᵢ log Σₖ πₖ·N(xᵢ; μₖ, Σₖ) has a sum inside the logarithm, so that
// setting its derivatives to zero gives equations which hold the parameters on both
// sides: there is no closed form. Were the zᵢ known, there would be one. EM goes back and
// forth. The E-step computes the responsibilities at the current parameters,
//
//	rᵢₖ = πₖ·N(xᵢ; μₖ, Σₖ) / Σₗ πₗ·N(xᵢ; μₗ, Σₗ),
//
// and the M-step maximises the expected log-likelihood of rows and components together,
// which is closed:
//
//	Nₖ = Σᵢ wᵢrᵢₖ,   πₖ = Nₖ/Σw,   μₖ = Σᵢ wᵢrᵢₖxᵢ / Nₖ,   Σₖ = Σᵢ wᵢrᵢₖ(xᵢ−μₖ)(xᵢ−μₖ)ᵀ / Nₖ
//
// By Jensen's inequality no round lowers the likelihood (Dempster, Laird and Rubin, 1977). It
// ends at a stationary point, near which it converges linearly, the slower the more the
// components overlap.
//
//   - Local optima. The end depends on the start: use NInit, and look at the likelihoods.
//   - Singularities. The likelihood has no bound: a component on a single point, with a
//     variance that goes to 0, sends it to infinity. RegCovar keeps variances above a
//     floor, a [CovariancePrior] makes the objective bounded, and what collapses
//     nevertheless is named by a [CollapseError] or repaired, never passed over.
//   - Labels. Components have no order of their own.
//
// # Shapes
//
// Full covariances fit best with enough rows, some ten for each of the K·d²/2 parameters; Tied
// shares one matrix; Diagonal and Spherical suit many columns. The fewer parameters,
// the less can collapse.
//
// # Variational Bayes
//
// A [BayesianMixture] has priors on all parameters and looks for their posterior, among
// the distributions q(z)·q(π, μ, Λ) that make components and parameters independent, by
// climbing a lower bound of the log-evidence:
//
//	log p(X) ≥ E[log p(X, z, π, μ, Λ)] − E[log q(z)·q(π, μ, Λ)]
//
// Both halves have closed forms. With β₀, m₀, ν₀ and S₀ of the prior, the counterpart of the M-step is
//
//	βₖ = β₀ + Nₖ,   νₖ = ν₀ + Nₖ,   mₖ = (β₀m₀ + Nₖx̄ₖ)/βₖ,
//	Sₖ = S₀ + Σᵢ wᵢrᵢₖ(xᵢ−x̄ₖ)(xᵢ−x̄ₖ)ᵀ + β₀Nₖ/βₖ·(x̄ₖ−m₀)(x̄ₖ−m₀)ᵀ
//
// and in the E-step expectations of log πₖ, log|Λₖ| and of the distance take the place of their values.
// The bound pays for each component that is not its prior, so that superfluous ones
// empty; nothing is singular, and the bound itself compares shapes and numbers of components.
//
// # Outliers
//
// A [StudentMixture] has t-distributions for components. Such a row is a normal one whose
// covariance was divided by a random number u, a further latent variable, gamma distributed
// with mean 1 and variance 2/ν. At the squared distance q = (x−μ)ᵀΣ⁻¹(x−μ) it is expected to be
//
//	uᵢₖ = (νₖ + d)/(νₖ + qᵢₖ)
//
// so that a row far out of a component weighs little in its mean and its scale:
//
//	μₖ = Σᵢ wᵢrᵢₖuᵢₖxᵢ / Σᵢ wᵢrᵢₖuᵢₖ,   Σₖ = Σᵢ wᵢrᵢₖuᵢₖ(xᵢ−μₖ)(xᵢ−μₖ)ᵀ / Nₖ
//
// and νₖ solves an equation in the digamma function, by bisection. It converges more slowly than
// a Gaussian mixture; near ν = 30 and above there is hardly a difference between the two.
//
// # Counts
//
// In a [CountMixture] a component is a row of rates rₖ instead of μₖ and Σₖ, and columns are
// independent given the component:
//
//	Poisson      log p(x; r) = Σⱼ xⱼ·log rⱼ − rⱼ − log xⱼ!
//	Bernoulli    log p(x; r) = Σⱼ xⱼ·log rⱼ + (1−xⱼ)·log(1−rⱼ)
//	Multinomial  log p(x; r) = log (Σⱼxⱼ)! + Σⱼ xⱼ·log rⱼ − log xⱼ!
//
// The M-step sets rₖ to the mean of the component's share of the rows, or to its shares of
// their sum. All three are linear in x: an E-step is one product X·Θ and an M-step one
// product Xᵀ·R, which sparse matrices compute from their elements alone. Likelihoods are
// bounded, so that nothing collapses but by losing its rows; Smoothing keeps rates from 0.
//
// # Numerics and streams
//
// Data are moved by their mean first. The E-step takes rows to coordinates in which
// each component has unit covariance, by the Cholesky factors of the precisions and one
// matrix product a block; the sums of the M-step are taken in those coordinates, so that
// neither data far from zero nor narrow components lose digits. Responsibilities below
// 2⁻⁶⁴ do not enter the sums of matrices. [Statistics] are these sums, back in the
// coordinates of the data: they merge, and EM on streams, [Stepwise], stands on them.
//
// # Sources
//
// A. Dempster, N. Laird, D. Rubin, Maximum likelihood from incomplete data via the EM
// algorithm, JRSS B 39 (1977). C. Bishop, Pattern Recognition and Machine Learning, chapter
// 9. C. Fraley, A. Raftery, Bayesian regularization for normal mixture estimation and
// model-based clustering, Journal of Classification 24 (2007). D. Arthur, S. Vassilvitskii,
// k-means++, SODA 2007. G. McLachlan, D. Peel, Finite Mixture Models, 2000. D. Peel, G. McLachlan, Robust
// mixture modelling using the t distribution, Statistics and Computing 10 (2000). G. Hamerly, Making k-means even faster, SDM 2010. O. Cappé, E.
// Moulines, On-line EM algorithm for latent data models, JRSS B 71 (2009).
package mixture
