package main

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/gram-ml/gram/activation"
	"github.com/gram-ml/gram/internal/kernel/ruler"
)

//go:embed peers/sleef.c
var sleefC []byte

//go:embed peers/scipy_activation_peer.py
var scipyActivationPy []byte

func sleef(dir string) *peer {
	return &peer{start: func() (*exec.Cmd, error) {
		src, bin := filepath.Join(dir, "sleef.c"), filepath.Join(dir, "sleef")
		if err := os.WriteFile(src, sleefC, 0o644); err != nil {
			return nil, err
		}
		if out, err := exec.Command("gcc", "-O3", "-march=native", "-o", bin, src, "-lsleef").CombinedOutput(); err != nil {
			return nil, fmt.Errorf("gcc: %w: %s", err, out)
		}
		return exec.Command(bin), nil
	}}
}

func scipyActivation(dir string) *peer {
	return &peer{ready: true, start: func() (*exec.Cmd, error) {
		src := filepath.Join(dir, "scipy_activation_peer.py")
		if err := os.WriteFile(src, scipyActivationPy, 0o644); err != nil {
			return nil, err
		}
		cmd := exec.Command("/usr/bin/python3", src)
		cmd.Env = environment()
		return cmd, nil
	}}
}

// activationInput are the same numbers as in the peers.
func activationInput(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(float64(i*7919%16001)/1000 - 8)
	}
	return x
}

// activationRows compare functions of float32 in cache with loops over SLEEF, and of
// 1 Mi elements with numpy and scipy; the cheap ones with a copy of as many bytes.
func activationRows(dir string) []row {
	vector, scipy := sleef(dir), scipyActivation(dir)
	functions := []struct {
		name   string
		f      func(dst, x []float32) []float32
		target float64 // against numpy or scipy
	}{
		{"Exp", activation.Exp[float32], 1},
		{"Tanh", activation.Tanh[float32], 1},
		{"Sigmoid", activation.Sigmoid[float32], 8},
		{"SiLU", activation.SiLU[float32], 8},
		{"GELU", activation.GELU[float32], 25},
	}
	var out []row
	for _, f := range functions {
		for _, side := range []struct {
			peer   string
			ask    *peer
			n      int
			target float64
		}{{"SLEEF", vector, 4096, 1.2}, {"scipy", scipy, 1 << 20, f.target}} {
			x, y := activationInput(side.n), make([]float32, side.n)
			out = append(out, row{
				name: fmt.Sprintf("activation %s f32 n=%d", f.name, side.n), peer: side.peer, target: side.target,
				amount: 8 * float64(side.n), unit: "GB/s",
				gram:  timed(func() { f.f(y, x) }),
				other: func() (float64, error) { return side.ask.seconds("%s %d", f.name, side.n) },
			})
		}
	}
	const n = 1 << 20
	x, y := activationInput(n), make([]float32, n)
	from, to := random[float64](1, n/2).Data, make([]float64, n/2)
	clone := timed(func() { ruler.Copy(to, from) })
	for _, f := range []struct {
		name string
		f    func()
	}{
		{"ReLU", func() { activation.ReLU(y, x) }},
		{"ReLU6", func() { activation.ReLU6(y, x) }},
		{"LeakyReLU", func() { activation.LeakyReLU(y, x, 0.01) }},
	} {
		out = append(out, row{name: "activation " + f.name + " f32 n=2^20", peer: "copy loop", target: 1 / 1.3,
			amount: 8 * n, unit: "GB/s", gram: timed(f.f), other: clone})
	}
	return append(out, row{name: "activation Softmax f32 1024×1024", peer: "scipy", target: 4, amount: 8 * n, unit: "GB/s",
		gram:  timed(func() { activation.Softmax(y, x, 1024) }),
		other: func() (float64, error) { return scipy.seconds("Softmax %d", n) }})
}
