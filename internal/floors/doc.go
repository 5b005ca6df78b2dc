// Package floors holds, by its test, the order in which the packages of the module
// may import each other:
//
//	internal/cpu, internal/mem, internal/par
//	internal/calib
//	internal/kernel/…
//	gram (the root, which imports the standard library alone)
//	linalg, activation, internal/descent
//	sparse, quant
//	prep, eval, linear, decomp, mixture, mle, ensemble
//	modeltest
//
// This list is the house from the foundation up: a package imports from the lines
// before its own, never from its own line or from one after it, so that model
// packages meet only through the interfaces in the root. internal/floattest, and in
// tests modeltest, may be imported by any test and nothing else.
//
// The test also holds which other modules the library depends on. It reads the
// sources of all platforms and build tags at once.
package floors
