// Package prep holds what happens to X and y before a fit.
//
// # What to use when
//
//	Standard           columns to mean 0, variance 1: penalized linear models, distances,
//	                   principal components, gradient descent; not needed by trees
//	MinMax             columns to an interval: bounded inputs, images
//	MaxAbs             columns to [−1, 1] with zeros kept: counts, sparse data
//	Robust             as Standard, by median and quartiles: data with outliers
//	Normalizer         rows to length 1: where direction matters and not size
//	Quantile           columns to a uniform or normal distribution: long tails
//	KBins              columns to the numbers of bins: steps for a linear model
//	Polynomial         products of columns: curves and interactions for a linear model
//	Imputer            missing values, which are NaN, to means, medians, modes, a constant
//	OneHot             categories to columns of 0 and 1: few categories, linear models
//	Ordinal            categories to 0, 1, 2: trees, or before another encoder
//	Target             categories to means of the target: many categories
//	LabelEncoder       labels of any ordered type to the classes 0..K−1
//	VarianceThreshold  drops columns that are (nearly) constant
//	SelectKBest        keeps the columns that tell most of the target by themselves
//	SMOTE, OverSample  add rows to rare classes; weights are often the better choice
//	UnderSample        leaves out rows of frequent classes: when there are too many to fit
//	ColumnTransformer  different columns to different transformers, by name
//	Schema             rows of a Go struct to a matrix and its column names
//
// All but LabelEncoder, the three samplers and Schema are transformers: a trainer, whose
// zero value works, and an immutable model that saves and loads.
//
// # No leaks
//
// Learn from training rows only, and apply what was learned to both sides. In a pipeline,
// and so in a cross-validation of one, this happens by itself. Two kinds need more than
// that. [Target] learns from targets, so the rows of training must not see their
// own: it is a gram.CrossFitter, which pipelines know. A [Resampler] must not touch rows
// that are predicted: [Resampled] wraps it around a classifier.
//
// # Formulas
//
//	Standard  z = (x − μ)/σ,   μ = Σ wᵢxᵢ / Σ wᵢ,   σ² = Σ wᵢ(xᵢ − μ)² / Σ wᵢ
//	MinMax    z = (x − min)/(max − min)·(high − low) + low
//	Robust    z = (x − median)/(q₇₅ − q₂₅)
//	Target    z = λ·m + (1 − λ)·mean(y),   λ = n/(n + s)
//	ANOVA     F = (Σ nₖ(mₖ − m)² / (K−1)) / (Σ wᵢ(xᵢ − m of its class)² / (n−K))
//	χ²        Σₖ (oₖ − eₖ)²/eₖ,   o the sums of x in the classes, e their share of the total
//
// Weights that are whole numbers count as repeated rows everywhere. Quantiles
// interpolate linearly between order statistics.
//
// # Streams
//
// [Moments] and [Ranges] are the accumulators under Standard, MinMax and MaxAbs. They take
// data in pieces, from a stream or from many machines, and give a scaling without a
// second look at them.
//
// # Accuracy
//
// Moments are taken block by block: within a block around one of its rows and then
// around its mean with a correction for that mean's rounding, and between blocks by
// the update of Chan, Golub and LeVeque. The textbook form E[x²] − E[x]² is never used,
// so data far from zero keep their variance.
//
// # Sources
//
//   - T. F. Chan, G. H. Golub, R. J. LeVeque, "Algorithms for computing the sample variance:
//     analysis and recommendations", The American Statistician 37 (1983), 242–247.
//   - R. J. Hyndman, Y. Fan, "Sample quantiles in statistical packages", The American
//     Statistician 50 (1996), 361–365. Type 7.
//   - D. Micci-Barreca, "A preprocessing scheme for high-cardinality categorical attributes
//     in classification and prediction problems", SIGKDD Explorations 3 (2001), 27–32.
//   - N. V. Chawla, K. W. Bowyer, L. O. Hall, W. P. Kegelmeyer, "SMOTE: synthetic minority
//     over-sampling technique", Journal of Artificial Intelligence Research 16 (2002),
//     321–357.
package prep
