module github.com/gram-ml/gram

go 1.24.0

require (
	golang.org/x/exp v0.0.0-20250305212735-054e65f0b394
	golang.org/x/sys v0.33.0
	gonum.org/v1/gonum v0.17.0
)

require golang.org/x/tools v0.31.0 // indirect
