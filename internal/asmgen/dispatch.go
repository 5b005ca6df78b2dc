package main

import (
	"fmt"
	"go/format"
	"strings"
)

// elementwiseDispatch declares the exported forms of the elementwise kernels, which
// choose by level.
func elementwiseDispatch(t elem) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\npackage %s\n\nimport (\n\t\"github.com/gram-ml/gram/internal/cpu\"\n\t\"github.com/gram-ml/gram/internal/kernel\"\n)\n", header, t.pkg)
	for _, k := range elementwiseKernels {
		name := strings.ToUpper(k.name[:1]) + k.name[1:]
		args := strings.Join(append(append([]string{"dst"}, k.inputs...), k.scalars...), ", ")
		fmt.Fprintf(&b, "\n// %s sets dst to %s over len(%s) elements.\n// dst may be one of the inputs.\n", name, k.does, k.inputs[0])
		fmt.Fprintf(&b, "%s {\n\tswitch cpu.Current() {\n", strings.Replace(k.signature(t), "func", "func "+name, 1))
		for _, level := range []string{"AVX512", "AVX2"} {
			fmt.Fprintf(&b, "\tcase cpu.%s:\n\t\t%s%s(%s)\n", level, k.name, level, args)
		}
		fmt.Fprintf(&b, "\tdefault:\n\t\tkernel.%s(%s)\n\t}\n}\n", name, args)
	}
	src, err := format.Source([]byte(b.String()))
	if err != nil {
		panic(err)
	}
	return src
}
