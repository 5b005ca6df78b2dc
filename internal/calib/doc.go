// Package calib holds the fits in one dimension that turn scores into
// probabilities: the sigmoid of Platt and isotonic regression. They work on plain
// slices that their callers have checked: equal lengths, finite numbers, weights
// ≥ 0 (nil for all ones) of which one at least is positive.
//
// Sources:
//
//   - J. Platt, Probabilistic outputs for support vector machines, in: Advances in
//     Large Margin Classifiers, MIT Press (1999).
//   - H.-T. Lin, C.-J. Lin, R. Weng, A note on Platt's probabilistic outputs for
//     support vector machines, Machine Learning 68 (2007).
//   - M. Ayer, H. Brunk, G. Ewing, W. Reid, E. Silverman, An empirical distribution
//     function for sampling with incomplete information, Annals of Mathematical
//     Statistics 26 (1955): the pooling of adjacent violators.
package calib
