package sparse

// What tests outside the package see of it.
var CutsOf = cutsOf
