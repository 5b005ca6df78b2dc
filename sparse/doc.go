// Package sparse holds vectors and matrices whose cost follows their entries: no
// operation takes time or memory of the order of rows × columns, but for those that
// are asked for a dense result.
package sparse
