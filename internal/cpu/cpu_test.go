package cpu_test

import (
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gram-ml/gram/internal/cpu"
)

func TestLevels(t *testing.T) {
	all := cpu.Levels()
	if all[0] != cpu.Go || !slices.IsSorted(all) || cpu.Current() != all[len(all)-1] {
		t.Errorf("levels %v, current %v", all, cpu.Current())
	}
	if runtime.GOARCH != "amd64" && len(all) != 1 {
		t.Errorf("levels %v on %s", all, runtime.GOARCH)
	}
	for _, l := range all {
		old := cpu.Set(l)
		if cpu.Current() != l {
			t.Errorf("Set(%v) leaves %v", l, cpu.Current())
		}
		cpu.Set(old)
	}
	defer func() {
		if r, _ := recover().(string); !strings.Contains(r, "Level(9) is not available") {
			t.Errorf("recovered %q", r)
		}
	}()
	cpu.Set(9)
}

func TestParseLevels(t *testing.T) {
	got, err := cpu.ParseLevels("go, avx2,avx512,")
	if err != nil || !slices.Equal(got, []cpu.Level{cpu.Go, cpu.AVX2, cpu.AVX512}) {
		t.Errorf("parsed %v, %v", got, err)
	}
	if _, err := cpu.ParseLevels("go,mmx"); err == nil || !strings.Contains(err.Error(), `"mmx"`) {
		t.Errorf("error %v", err)
	}
}
