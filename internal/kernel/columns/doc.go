// Package columns has the innermost loops over columns of 32-bit words, float32 among them,
// whose rows are divided in two, again and again, as trees do.
//
// As kernels do, the functions trust their arguments.
package columns
