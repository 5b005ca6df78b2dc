// Package ensemble has decision trees and the models that are made of many models.
//
// [Tree] splits the rows where classes or targets differ most and predicts, in each
// leaf, what the training rows there had on average. It needs no scaling, takes
// missing values and categories as they are, and can be read; but a tree that is deep
// enough to be right on average (low bias) changes much with the sample (high
// variance), and one that is shallow enough to be stable is too simple.
//
// Sources: Breiman, Friedman, Olshen and Stone, Classification and Regression Trees,
// 1984; Fisher, On grouping for maximum homogeneity, JASA 53, 1958, for the order
// that categories are split in.
package ensemble
