// Package ensemble has decision trees and the models that are made of many models:
// averages of models that were trained on samples of the rows, sums of models that were
// trained on each other's errors, and models that are trained on what others say.
//
// [Tree] splits the rows where classes or targets differ most and predicts, in each
// leaf, what the training rows there had on average. It needs no scaling, takes
// missing values and categories as they are, and can be read; but a tree that is deep
// enough to be right on average (low bias) changes much with the sample (high
// variance), and one that is shallow enough to be stable is too simple.
//
// What combines models takes any gram.ClassifierTrainer or gram.RegressorTrainer, pipelines
// among them, and what it fits is one gram.Classifier or gram.Regressor again: saved and
// loaded whole, and to be combined further.
//
// # Bias and variance
//
// The expected squared error of a prediction f(x), over training samples and the noise of
// the target, is a sum of three parts:
//
//	E(y − f(x))² = noise + (E f(x) − E y)² + Var f(x)
//
// The second is the bias: what the trainer gets wrong however many rows it is given, a line
// where the truth is a curve. The third is the variance: how much f depends on which rows it
// happened to see. Trainers that can follow anything, such as deep trees and nearest neighbours,
// have little bias and much variance; stumps and linear models the reverse. Which one is at
// fault shows in the scores: bad on the training rows already is bias, good there and bad
// on new rows is variance (eval.LearningCurve draws it).
//
// The mean of M models of variance σ² and correlation ρ has the bias of one of them and the
// variance
//
//	ρσ² + (1 − ρ)·σ²/M
//
// so averaging takes away the part of the variance that the models do not share, and
// nothing else: members should be good, and err in different places. Samples of rows
// and columns make members differ; so do different algorithms.
//
// # Which
//
//   - Bagging lowers variance. Take it for trainers that overfit: [Bagging] over deep trees, or
//     over anything unstable. More members never overfit; they cost time and
//     memory, each a fit of a sample, at once on all cores, and a prediction. The
//     out-of-bag score is a validation for free.
//   - [Forest] is bagging of deep trees that look at a few random features for each split,
//     and so differ more: the first thing to try on a table, since it is good without being
//     tuned, takes noise and useless features, and tells how good it is out of the bag.
//     [ExtraTrees] draws the cuts at random too: a quarter of the time, smoother
//     predictions, often as good; worse where most features are noise.
//   - Boosting lowers bias, and by small steps keeps variance low: [GradientBoosting] of trees,
//     usually the most accurate on tables of numbers, and [AdaBoost] over any simple trainer.
//     Members are fitted one after the other, each cheap; their number and the learning
//     rate have to be chosen, and wrong labels hurt, AdaBoost most.
//   - [Voting] and [VotingRegressor] average different algorithms: a little better than
//     the best of them, when they are about equally good. The cost is that of all of them.
//   - [Stacking] learns how far to believe each, and so does not suffer from a bad
//     member: the choice when members are of different quality or strong in different
//     regions, and rows are plenty. (Folds + 1) fits of each member, and predictions as with
//     voting. [Blending] holds rows out instead: one fit of each, for somewhat less accuracy.
//   - [Calibrated] is not for accuracy: it makes probabilities come true, which decisions
//     by cost need.
//   - [Snapshot] averages stages of one training, for the price of that training.
//
// None of them replaces better features, and each makes a model harder to explain. Compare
// with the best single member first, on the same folds.
//
// A table of the costs, for M members, F folds, a fit that takes T and a prediction
// that takes P:
//
//	                 fits            in parallel  prediction  memory
//	Bagging          M·T             yes          M·P         M models
//	Forest           M·T/√d          yes          M·P         M deep trees
//	AdaBoost         M·(T + n·P)     no           M·P         M models
//	GradientBoosting M·T             within a fit M·P         M trees
//	Voting           ΣT              yes          ΣP          the models
//	Stacking         (F + 1)·ΣT      yes          ΣP + last   the models
//	Blending         ΣT              yes          ΣP + last   the models
//	Calibrated       (F + 1)·T       yes          P           the model
//	Snapshot         T               no           M·P         M models
//
// # Forests
//
// A tree of a [Forest] is grown on rows drawn with replacement, until its leaves are pure. For
// each split √d of the d features are drawn, a third for targets, and the exact best split
// of them is taken. The trees' probabilities or means are averaged. Every tree has not seen
// some 37 % of the rows, which the out-of-bag score is made of: about that of
// cross-validation, a little below for small data.
//
// More trees are never worse: their number is chosen by what predictions may cost. MinLeaf
// above 1 makes trees smaller and faster and probabilities smoother, and is better where
// labels are noisy. MaxFeatures trades: more make trees better and more alike. Forests do not
// extrapolate, and a sum of many small effects takes them many rows.
//
// Deep trees are large: the number of nodes grows with the rows, 8 bytes each, or 16 where
// values differ in float64 only. See [Balance] for classes that are rare.
//
// [QuantileForest] predicts quantiles, and so intervals; [IsolationForest] finds anomalies
// and needs no targets. Proximity of a forest's models tells how often two rows share
// a leaf, which serves to cluster and to find the neighbours that a prediction comes from.
//
// Batches of rows are predicted fastest; a row alone allocates nothing. X may be of float64 or
// float32, dense or sparse. A boosted model also takes rows in its own bins, a byte for each value,
// which its method Bin makes: an eighth of the memory, and nothing to compare.
//
// GenerateGo writes a tree, a forest or a boosted model as Go source that depends on nothing but
// the standard library, and WriteText, WriteDOT and WriteSVG draw a tree.
//
// # Gradient boosting
//
// [GradientBoosting] minimises Σᵢ wᵢ·L(yᵢ, F(xᵢ)) over sums of trees F. A tree is fitted to the
// loss's second-order expansion at the scores so far,
//
//	Σᵢ gᵢ·t(xᵢ) + ½·hᵢ·t(xᵢ)² + Σ over leaves of L1·|v| + ½·L2·v²,
//
// whose least value for a leaf that has the sums G and H is −½·T(G)²/(H + L2). Features are put
// into at most 255 bins of about equal weight, each value of its own while there are few,
// and a node's splits are found from sums of g and h by bin: O(rows·features) for the smaller
// of two children, the other's being the difference to the parent's, and O(bins·features).
//
// Sparse matrices have many features that are zero in most rows. Those that are never other
// than zero in the same row become one column of bins (exclusive feature bundling, of Ke et
// al.'s LightGBM): the sums of a feature's bins are a stretch of the column's, and those of
// zero are what is left of the node's. Features that meet in a row stay apart, whatever the
// loss of memory, so that models do not depend on how a matrix is stored.
//
// The sums are of whole numbers, g and h in units so small that 2³¹ or more of them make up
// Σ|g|: they are exact and the same in any order, so a model has the same bits on
// any number of processors. What a leaf is worth is then computed in floating point.
//
// Losses: SquaredLoss estimates means, HuberLoss means in spite of a few wild targets,
// AbsoluteLoss medians and QuantileLoss other quantiles, two of which are an interval;
// PoissonLoss, GammaLoss and TweedieLoss means of counts and amounts, which a factor changes
// rather than a sum. FitRanker orders the answers to queries.
//
// What to set: Rounds and LearningRate go together, half the rate takes twice the rounds; let
// Patience choose Rounds. Against overfitting fewer leaves, more rows a leaf and L2 help. It
// needs no scaling; it does not extrapolate. Subsample, Columns and GossTop train faster
// or generalize a little better; DropRate (DART) keeps late trees from being trivial, at
// the cost of passes over the rows for each tree that is dropped.
//
// # Rows, weights and missing values
//
// Weights which are whole numbers are repetitions of rows, for samples with
// replacement too, which draw rows in proportion to their weights. A row of weight 0 is not
// there. Folds, held-out parts and samples without replacement are of rows, whatever
// their weights.
//
// Whether X may hold missing values is up to the trainers inside: a pipeline that imputes
// takes them, a linear model reports the first by its row and column.
//
// # Sources
//
// Breiman, Friedman, Olshen and Stone, Classification and Regression Trees, 1984; Fisher, On
// grouping for maximum homogeneity, JASA 53, 1958, for the order that categories are split in.
// L. Breiman, Bagging predictors, Machine Learning 24 (1996), and Random forests, 45 (2001). P.
// Geurts, D. Ernst, L. Wehenkel, Extremely randomized trees, 63 (2006). N. Meinshausen, Quantile
// regression forests, JMLR 7 (2006). F. T. Liu, K. M. Ting, Z.-H. Zhou, Isolation forest, ICDM
// 2008. Y. Freund, R. Schapire, A
// decision-theoretic generalization of on-line learning and an application to boosting, JCSS 55
// (1997). J. Friedman, Greedy function approximation: a gradient boosting machine, Annals of
// Statistics 29 (2001). T. Chen, C. Guestrin, XGBoost, KDD 2016. G. Ke et al., LightGBM, NIPS
// 2017. J. Zhu, H. Zou, S. Rosset, T. Hastie, Multi-class AdaBoost, Statistics and Its
// Interface 2 (2009). H. Drucker, Improving regressors using boosting techniques, ICML 1997. D.
// Wolpert, Stacked generalization, Neural Networks 5 (1992). G. Huang et al., Snapshot
// ensembles, ICLR 2017. T. Hastie, R. Tibshirani, J. Friedman, The Elements of Statistical
// Learning, chapters 7, 8, 10 and 16.
package ensemble
