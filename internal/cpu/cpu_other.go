//go:build !amd64 || purego

package cpu

// VNNI tells whether the byte dot products of AVX-512 VNNI are there.
const VNNI = false

var best = Go
