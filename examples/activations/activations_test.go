package main

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "curves.png")
	var out bytes.Buffer
	if err := run(&out, path); err != nil {
		t.Fatal(err)
	}
	if want := "wrote 22 functions"; !strings.Contains(out.String(), want) {
		t.Errorf("%q, want %q", out.String(), want)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if b := img.Bounds(); b.Dx() < 500 || b.Dy() < 500 {
		t.Errorf("the picture is %v", b)
	}
	blues := 0
	for x := range img.Bounds().Dx() {
		for y := range img.Bounds().Dy() {
			if r, _, b, _ := img.At(x, y).RGBA(); b > 2*r {
				blues++
			}
		}
	}
	if blues < 2000 {
		t.Errorf("%d pixels of curves", blues)
	}
	if err := run(&out, filepath.Join(path, "nowhere")); err == nil {
		t.Error("wrote into a file as if it were a directory")
	}
}
