//go:build !amd64 || purego

package i8

import "github.com/gram-ml/gram/internal/cpu"

func level(cpu.Level, bool) *Level { return &portable }
