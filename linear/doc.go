// Package linear trains linear classifiers: [Logistic] for two classes and
// [Softmax] for any number, both with an L2 penalty on the coefficients, an L1 penalty,
// or a mixture of the two, and none on intercepts.
//
// # What is minimised
//
// With weights w, coefficients β and intercepts b, a fit minimises
//
//	f(β, b) = −Σᵢ wᵢ·log p(yᵢ|xᵢ) + (ρ·‖β‖₁ + (1−ρ)·‖β‖²/2)/C
//
// where p(·|x) is the logistic function of x·β + b, or the softmax of the K scores
// x·βₖ + bₖ, and ρ is L1Ratio, 0 by default. It is convex, and strictly so where C is
// finite and ρ < 1: every solver comes to the same place, and a fit ends there, when
// the gradient is as small as Tol asks, or with ρ > 0 the duality gap, not when steps have
// become short.
//
// An L1 penalty makes coefficients zero, the more of them the smaller C is: it chooses
// features. Of features that are much alike it takes one; a mixture with L2 shares the
// effect among them.
//
// C is not divided by the number of rows: with ten times the data, the same C is a
// tenth of the penalty. A large C fits the training data more closely. Whoever
// does not know the right value tries powers of ten by cross-validation: [LogisticCV] and
// [SoftmaxCV] do, each fit from an optimum nearby, and [Logistic.Path] shows how
// coefficients change. [OneVsRest] makes a classifier of many classes from any of two.
//
// [SGD] minimises the same roughly, by steps along gradients of a few rows each, with
// momentum or rates of its own for every coefficient ([Optimizer]) and learning rates that
// change by a [Schedule]. It is for rows that never are all there: a [Stream] takes batches
// as they come. Rates that fall are what ends the noise of such steps; early stopping on rows
// kept apart is what ends a fit before it learns the noise of the data.
//
// # What the coefficients mean
//
// A unit of a feature multiplies the odds of class 1 by exp(coef). [Logistic.Inference]
// tells how exactly the rows determine that, by the Fisher information XᵀWX,
// W = diag(w·p(1−p)), whose inverse is the covariance of the estimates where there is no
// penalty and rows are many. [Softmax.Inference] does so for the odds of each of K classes
// against another, by the information of all classes together, Σ wᵢ(diag(pᵢ) − pᵢpᵢᵀ) ⊗ xᵢxᵢᵀ.
//
// # Scale
//
// A fit moves in coordinates in which features have mean 0 and variance 1, so raw
// data in any units is no slower and no less exact than scaled data. But the
// penalty is on the coefficients as they are, and a feature in millimetres is
// penalised less than the same in metres: standardize where that is not meant.
//
// # Solvers
//
// [NewtonCholesky] suits up to some hundred coefficients, [LBFGS] any number;
// [Auto] estimates which is faster. With many rows, Newton's method begins on a
// sample of them and takes the sample's Hessian along; L-BFGS, in turn, is
// preconditioned with the Kronecker product of the covariances of features and
// of classes, Böhning's bound made sharp. The steps on all rows, each one pass over
// X for the exact value and gradient, then number about five and about a dozen.
//
// With an L1 penalty, [CoordinateDescent] makes proximal Newton steps: the log-loss is
// replaced by its quadratic model, and this plus the penalties is minimised coordinate by
// coordinate, over a working set of features; a pass over X completes it, and gap-safe
// screening takes out what is zero for sure. Where the set is small, its Hessian is
// formed, from a part of the rows if they are many, and improved by every step (BFGS); where
// it is large, descent goes from column to column. Intercepts always are the best for
// the coefficients. Residuals, scaled until no derivative exceeds the penalty, are a point
// of the dual problem, whose value bounds the minimum from below: the duality gap.
//
// [SAGA] goes row by row, and is there for whoever wants a rough optimum after few passes.
// It draws steep rows more often than others, and of sparse ones touches the entries alone.
//
// Rows are read in blocks that stay in cache from the product X·β to the product
// of Xᵀ with the residuals, through gram.Operator, so that sparse matrices serve
// as well. Sums over rows are cut in the same way for any number of workers and
// added in order.
//
// # Targets that are numbers
//
// [Linear] is least squares: rows are factorized by reflections, in blocks whose
// triangles merge, so that nearly collinear columns keep their digits; where columns
// depend on each other it takes the shortest solution. [Ridge] shrinks coefficients
// that the rows hardly determine. From the singular value decomposition of X come the
// leave-one-out errors for all strengths of the penalty at once: a row that is left out
// is missed by its residual over one less its leverage. [Lasso] and [ElasticNet]
// leave out features; their path over many strengths of the penalty costs little
// more than a few fits. They go down coordinate by coordinate, those first that have the
// longest way to go, on the inner products of a working set, which the strong rule
// proposes, in which gap-safe screening tells what is zero for sure, and which every
// pass over X completes. Minima lie nearly on a line from one strength to the next, and
// a path begins where the line through the last two leads. The duality gap ends a fit,
// and it bounds what is missing to the minimum.
//
// [Poisson] is for counts, [Gamma] for positive amounts whose spread grows with them,
// [Tweedie] for these and for sums of claims, many of which are 0. The mean is
// exp(x·coef + intercept + offset), so that effects multiply; FitOffset takes the
// logarithms of exposures. What is minimised is the deviance, by the same solvers as
// log-loss. Standard errors come from Fisher's information; where counts scatter more
// than Poisson's distribution allows, Dispersion is above 1 and they are too small by
// its root.
//
// [Huber] and [StudentT] are for targets some of which are wrong: Huber's loss is
// straight beyond some residuals, so that an outlier pulls no harder the further off it
// is, and convex; Student's turns down, so that one far off pulls less and less. Both
// find the scale of the residuals along with the coefficients. Neither helps against
// rows whose features are wrong.
//
// Which one when: squares for residuals of one spread; Huber or Student with outliers;
// Poisson for counts, Gamma and Tweedie for amounts; an L2 penalty for features that
// overlap, L1 for many that do not matter, both together for groups of them.
//
// [Isotonic] and [Platt] take one feature, such as the score of a classifier, and
// make of it a function that ascends: any, by pooling adjacent violators, or the
// logistic one. Platt's suits few samples, isotonic regression a thousand and more.
//
// # Pairs of features
//
// [FMClassifier] and [FMRegressor] are factorization machines: a weight for every pair of
// features, of low rank, so that what one user does with one article tells about
// others. They are for indicators by the thousand, where products as features of
// their own would be too many and mostly never seen; with few features,
// prep.Polynomial and a linear model are convex and say more. A score and its gradient
// take O(k) for each non-zero, since
//
//	Σ_{j<l} (vⱼ·vₗ)xⱼxₗ = ½(‖Σ xⱼvⱼ‖² − Σ xⱼ²‖vⱼ‖²).
//
// # Sources
//
//   - D. Böhning, Multinomial logistic regression algorithm, Annals of the Institute
//     of Statistical Mathematics 44 (1992): the bound on the Hessian.
//   - J. Nocedal, Updating quasi-Newton matrices with limited storage, Mathematics
//     of Computation 35 (1980): L-BFGS.
//   - R. Dembo, S. Eisenstat, T. Steihaug, Inexact Newton methods, SIAM Journal on
//     Numerical Analysis 19 (1982): how exactly to solve for a step.
//   - R. Byrd, G. Chin, W. Neveitt, J. Nocedal, On the use of stochastic Hessian
//     information in optimization methods for machine learning, SIAM Journal on
//     Optimization 21 (2011): Hessians from a sample of rows.
//   - W. Hager, H. Zhang, A new conjugate gradient method with guaranteed descent and
//     an efficient line search, SIAM Journal on Optimization 16 (2005): steps
//     where values differ by no more than rounding.
//   - T. Chan, G. Golub, R. LeVeque, Algorithms for computing the sample variance,
//     The American Statistician 37 (1983): moments that merge.
//   - P. McCullagh, J. Nelder, Generalized linear models, second edition (1989).
//   - B. Jørgensen, Exponential dispersion models, Journal of the Royal Statistical
//     Society B 49 (1987): variances that are powers of the mean.
//   - A. Owen, A robust hybrid of lasso and ridge regression, Contemporary Mathematics
//     443 (2007): Huber's loss with its scale, as one convex function.
//   - K. Lange, R. Little, J. Taylor, Robust statistical modeling using the t
//     distribution, Journal of the American Statistical Association 84 (1989).
//   - D. Allen, The relationship between variable selection and data augmentation and
//     a method for prediction, Technometrics 16 (1974): residuals of rows left out.
//   - H. Robbins, S. Monro, A stochastic approximation method, Annals of Mathematical
//     Statistics 22 (1951); J. Duchi, E. Hazan, Y. Singer, Adaptive subgradient methods,
//     Journal of Machine Learning Research 12 (2011); D. Kingma, J. Ba, Adam, ICLR (2015);
//     I. Loshchilov, F. Hutter, Decoupled weight decay regularization, ICLR (2019).
//   - A. Defazio, F. Bach, S. Lacoste-Julien, SAGA: a fast incremental gradient method,
//     NIPS (2014).
//   - G. Yuan, C. Ho, C. Lin, An improved GLMNET for L1-regularized logistic regression,
//     Journal of Machine Learning Research 13 (2012): proximal Newton steps.
//   - S. Rendle, Factorization machines, IEEE International Conference on Data Mining
//     (2010).
//   - R. Tibshirani et al., Strong rules for discarding predictors in lasso-type
//     problems, Journal of the Royal Statistical Society B 74 (2012).
//   - E. Ndiaye, O. Fercoq, A. Gramfort, J. Salmon, Gap safe screening rules for
//     sparsity enforcing penalties, Journal of Machine Learning Research 18 (2017).
//   - J. Nutini and others, Coordinate descent converges faster with the Gauss–Southwell
//     rule than random selection, ICML (2015).
//   - M. Massias, A. Gramfort, J. Salmon, Celer: a fast solver for the lasso with dual
//     extrapolation, ICML (2018): working sets.
package linear
