module github.com/gram-ml/gram/examples

go 1.24.0

require (
	github.com/gram-ml/gram v0.0.0
	gonum.org/v1/gonum v0.17.0
)

require (
	golang.org/x/exp v0.0.0-20250305212735-054e65f0b394 // indirect
	golang.org/x/sys v0.33.0 // indirect
)

replace github.com/gram-ml/gram => ../
