// Package decomp finds what lies behind many columns: principal components and their
// relatives.
//
// # Principal components
//
// [PCA] finds orthonormal directions v₁, v₂, … such that the scores z = V·(x − μ) of rows
// have the largest variances that there can be, λ₁ ≥ λ₂ ≥ …. They are the eigenvectors and
// eigenvalues of the covariance matrix,
//
//	Σwᵢ(xᵢ−μ)(xᵢ−μ)ᵀ / (Σw − 1) = Σⱼ λⱼ·vⱼvⱼᵀ,
//
// and the first k of them lose less of the squared length of the rows than any other
// k directions (C. Eckart and G. Young, 1936). PCA looks at nothing but variance: columns
// of other units belong through prep.Standard first, and a direction of small variance
// may be the one that tells the classes apart.
//
// The covariance is summed up in one pass and decomposed, O(n·d² + d³), which is right for
// n ≫ d. Squares lose standard deviations below 1e-5 of the largest, and PCA then
// turns to singular values by itself. For a few components of many columns, Randomized takes
// products with X alone, which may be sparse and stays so. [IncrementalPCA] takes rows as
// they come, with the same result.
//
// # How many components
//
// [Choose] answers by all of these ways at once:
//
//	80, 90, 95 % of the variance   simple, for compression; says nothing about noise
//	error budget                   the same in the units of the data
//	elbow                          the bend of the scree plot, as an eye would see it
//	broken stick                   above chance; careful
//	Kaiser                         above the mean; for few standardized columns
//	parallel analysis              above permuted data: the best of the classical ones
//	Minka's evidence               by probabilistic PCA; for n ≫ d and noise alike in all columns
//	cross-validation               the least error for elements that were not seen
//
// For what comes after, as a classifier, none of them is meant: search the number by
// cross-validation over the pipeline.
//
// # Parts
//
// [NMF] writes rows that are not negative as sums of parts that are not negative, X ≈ Z·H,
// at the least loss that its start leads to:
//
//	Frobenius          ½·Σ(x − q)²            with q the elements of Z·H
//	Kullback-Leibler   Σ x·ln(x/q) − x + q    for counts
//
// Nothing cancels, and so parts can be read: topics of words, spectra of mixtures, notes
// of a sound. Against PCA of the same k it loses more of the squared length.
//
// # Kernels
//
// [KernelPCA] takes the components of the rows' images φ(x) in a space where they may bend:
// with K the kernel k(x, y) = φ(x)·φ(y) between all rows, centred, and K·u = λ·u, a score is
// √λ·uᵢ. It costs n² memory, or n·m with m landmarks; RBF with a γ of about one over
// the squared distance of neighbours is the usual start. The variance of what it finds is
// not that of the data, so its share says little; choose by what comes after.
//
// # Factors and sources
//
// [FactorAnalysis] is the model x = μ + z·L + ε, with noise ε of a variance for each column:
// where measurements have errors of their own, its factors are what they share, and the
// density that it gives tells models apart. PCA is what remains where all noise is alike.
//
// [FastICA] turns the whitened components of PCA until they are as far from normal as can be:
// where rows are mixtures of independent sources, as voices, artefacts or pulses, these
// come out, and variance plays no role.
//
// # Networks
//
// [Autoencoder] learns a way to a narrow code and back, both as deep as needed: what PCA does
// with planes, by layers with an activation function between. It bends as kernel PCA does, has
// an inverse of its own, needs no rows of the fit to serve, and takes any number of them,
// a few at a time. It has no closed form: start, rates and sizes matter, components have no
// order, and on few rows it learns them by heart unless early stopping, a penalty or noise
// keeps it from that. Its forms are denoising, which restores damaged rows, and variational,
// which draws new ones. Where its error is not clearly below PCA's, take PCA.
//
// # With classes, and without looking
//
// [LDA] reads the classes of rows: its directions v are those of the largest ratio of the
// scatter of the classes' means to the scatter within them, Sᵦ·v = λ·S·v, at most K−1 of
// them. A direction of small variance that tells classes apart, which PCA drops, comes first.
//
// [RandomProjection] looks at nothing but the shape of X. Between n rows,
// [JohnsonLindenstrauss] gives the number of columns that is enough for all distances to
// within 1 ± ε, whatever d was.
//
// [LowRank] is for matrices of weights, not of rows: W ≈ A·B, with the error and the
// parameters of every rank side by side.
//
// # Which method
//
//	              linear  keeps                      cost of a fit        inverse  for
//	PCA           yes     variance                   n·d² or n·d·k        yes      the first choice
//	TruncatedSVD  yes     squared length             n·d·k, non-zeros     yes      sparse rows, where zero means nothing there
//	NMF           no      sums of parts              n·d·k a round        yes      counts, spectra; parts to be read
//	KernelPCA     no      variance of φ(x)           n²·(d + k), n·m·…    learned  curved structure, up to some 10⁴ rows
//	Factors       yes     covariances                n·d² + d³ a round    yes      columns with errors of their own; densities
//	FastICA       yes     independent sources        n·d² + n·k² a round  yes      mixtures of signals
//	Autoencoder   no      squared length, or bits    n·p an epoch         yes      curved structure, many rows; anomalies, drawing rows
//	LDA           yes     differences of classes     n·d² + d³            no       labelled rows; also a classifier
//	Projection    yes     distances, roughly         n·d·k, or n·√d·k     no       very many columns, no time to learn
//
// All of them transform new rows. p counts the parameters of a network, about 2·d·h with h
// units in its first layer.
//
// # Sources
//
// I. Jolliffe, Principal Component Analysis, 2nd edition, 2002. M. Tipping and C. Bishop,
// Probabilistic principal component analysis, JRSS B 61 (1999). T. Minka, Automatic choice of
// dimensionality for PCA, NIPS 2000. N. Halko, P. Martinsson and J. Tropp, Finding structure
// with randomness, SIAM Review 53 (2011). N. Gillis, Nonnegative Matrix Factorization, 2020.
// B. Schölkopf and A. Smola, Learning with Kernels, 2002. D. Lawley and A. Maxwell, Factor
// Analysis as a Statistical Method, 1971. A. Hyvärinen, J. Karhunen and E. Oja, Independent
// Component Analysis, 2001. I. Goodfellow, Y. Bengio and A. Courville, Deep Learning, 2016,
// chapter 14. D. Kingma and M. Welling, Auto-encoding variational Bayes, ICLR 2014.
package decomp
