package main

import (
	"bufio"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/gram-ml/gram/internal/cpu"
	"github.com/gram-ml/gram/internal/mem"
)

//go:embed peers/openblas.c
var openblasC []byte

//go:embed peers/sklearn_peer.py
var sklearnPy []byte

// A peer is a process that answers a line with a line.
type peer struct {
	start func() (*exec.Cmd, error)
	ready bool // whether it announces itself with a line
	in    io.Writer
	out   *bufio.Scanner
}

// ask starts the process at the first question.
func (p *peer) ask(format string, args ...any) (string, error) {
	if p.in == nil {
		cmd, err := p.start()
		if err != nil {
			return "", err
		}
		cmd.Stderr = os.Stderr
		if p.in, err = cmd.StdinPipe(); err != nil {
			return "", err
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return "", err
		}
		p.out = bufio.NewScanner(out)
		if err := cmd.Start(); err != nil {
			return "", err
		}
		if p.ready {
			p.out.Scan()
		}
	}
	if _, err := fmt.Fprintf(p.in, format+"\n", args...); err != nil {
		return "", err
	}
	if !p.out.Scan() {
		return "", errors.New("the peer gave no answer")
	}
	return p.out.Text(), nil
}

// seconds asks for a number.
func (p *peer) seconds(format string, args ...any) (float64, error) {
	s, err := p.ask(format, args...)
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(s, 64)
}

// environment fixes the peers' threads, and the core type of OpenBLAS, which does
// not know every processor, to the best that this one runs.
func environment() []string {
	core := "HASWELL"
	if cpu.Current() == cpu.AVX512 {
		core = "SKYLAKEX"
	}
	env := []string{"OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1", "OPENBLAS_CORETYPE=" + core}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "OPENBLAS_") && !strings.HasPrefix(v, "OMP_") {
			env = append(env, v)
		}
	}
	return env
}

// compiled is the peer of a C program, which is built with a library and run with args.
func compiled(dir, name string, text []byte, lib string, args ...string) *peer {
	return &peer{start: func() (*exec.Cmd, error) {
		src, bin := filepath.Join(dir, name+".c"), filepath.Join(dir, name)
		if err := os.WriteFile(src, text, 0o644); err != nil {
			return nil, err
		}
		if out, err := exec.Command("gcc", "-O2", "-o", bin, src, lib).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("gcc: %w: %s", err, out)
		}
		cmd := exec.Command(bin, args...)
		cmd.Env = environment()
		return cmd, nil
	}}
}

func openblas(dir string) *peer { return compiled(dir, "openblas", openblasC, "-ldl") }

func sklearn(dir string) *peer {
	return &peer{ready: true, start: func() (*exec.Cmd, error) {
		src := filepath.Join(dir, "sklearn_peer.py")
		if err := os.WriteFile(src, sklearnPy, 0o644); err != nil {
			return nil, err
		}
		cmd := exec.Command("/usr/bin/python3", src, dir)
		cmd.Env = environment()
		return cmd, nil
	}}
}

var npyShape = regexp.MustCompile(`'descr': '<([fi])8', 'fortran_order': False, 'shape': \((\d+),(?: (\d+))?`)

// readFile is os.ReadFile into huge pages, so that what is allocated where the file
// was has them as well; numpy's large arrays do.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	raw := mem.Make[byte](int(info.Size()))
	_, err = io.ReadFull(f, raw)
	return raw, err
}

// npy reads an array of float64 or int64 that numpy has saved.
func npy(path string) (rows, cols int, data []uint64, err error) {
	raw, err := readFile(path)
	if err != nil {
		return 0, 0, nil, err
	}
	if len(raw) < 10 || string(raw[:6]) != "\x93NUMPY" {
		return 0, 0, nil, fmt.Errorf("%s is not an .npy file", path)
	}
	header := int(binary.LittleEndian.Uint16(raw[8:]))
	m := npyShape.FindStringSubmatch(string(raw[10 : 10+header]))
	if m == nil {
		return 0, 0, nil, fmt.Errorf("%s: header %q", path, raw[10:10+header])
	}
	rows, _ = strconv.Atoi(m[2])
	cols = 1
	if m[3] != "" {
		cols, _ = strconv.Atoi(m[3])
	}
	raw = raw[10+header:]
	data = mem.Make[uint64](rows * cols)
	for i := range data {
		data[i] = binary.LittleEndian.Uint64(raw[8*i:])
	}
	return rows, cols, data, nil
}

func floats(bits []uint64) []float64 {
	out := mem.Make[float64](len(bits))
	for i, b := range bits {
		out[i] = math.Float64frombits(b)
	}
	return out
}
