package sparse

// What tests outside the package see of it.
var CutsOf = cutsOf

// CountTerms returns how many terms the rows of A·B have up to each, and one more for each.
func CountTerms(a, b *CSR[float64]) []int64 { return (&product[float64]{a: a, b: b}).countTerms() }
