// Package prep holds what happens to X before a fit.
//
// [Standard] brings every column to mean 0 and variance 1:
//
//	z = (x − μ)/σ,   μ = Σ wᵢxᵢ / Σ wᵢ,   σ² = Σ wᵢ(xᵢ − μ)² / Σ wᵢ
//
// Standardize before methods whose result depends on the units of the columns:
// penalized linear models, principal components, distances, gradient descent.
// Trees and forests do not need it.
//
// Learn the scaling from training rows only and apply it to both sides; in a
// pipeline, and so in a cross-validation of one, this happens by itself.
//
// [Moments] is the accumulator underneath. It takes data in pieces, from a
// stream or from many machines, and gives a scaling without a second look at them.
//
// # Accuracy
//
// Moments are taken block by block: within a block around one of its rows and then
// around its mean with a correction for that mean's rounding, and between blocks by
// the update of Chan, Golub and LeVeque. The textbook form E[x²] − E[x]² is never used,
// so data far from zero keep their variance.
//
// Source: T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample
// variance: analysis and recommendations", The American Statistician 37 (1983), 242–247.
package prep
