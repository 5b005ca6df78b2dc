package floors

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/gram-ml/gram"

// floors lists the packages from the foundation up. A name with /… is a tree, within
// which imports are free.
var floors = [][]string{
	{"internal/cpu", "internal/mem", "internal/par", "internal/floors"},
	{"internal/calib"},
	{"internal/kernel/…"},
	{"."},
	{"linalg", "activation", "internal/descent"},
	{"sparse", "quant"},
	{"prep", "eval", "linear", "decomp", "mixture", "mle", "ensemble"},
	{"modeltest"},
}

// forTests are packages that tests may import on any floor, and nothing else may:
// tools for testing, which themselves stand on linalg at most.
var forTests = []string{"internal/floattest", "modeltest"}

// Packages of other modules that the library may import, and those that its tests
// may besides. A name with /… is a tree.
var (
	outside      = []string{"gonum.org/v1/gonum/…", "golang.org/x/exp/constraints", "golang.org/x/sys/cpu"}
	outsideTests = []string{"github.com/google/go-cmp/…"}
)

// modules are what go.mod may require; x/tools is there by way of gonum's distmv
// (decision 12).
var modules = []string{"gonum.org/v1/gonum", "golang.org/x/exp", "golang.org/x/sys", "golang.org/x/tools", "github.com/google/go-cmp"}

// A file is a Go source file and what it imports.
type file struct {
	dir      string // from the module's root, "." for the root
	name     string
	external bool // a test in a package of its own, foo_test
	imports  []string
}

func (f file) test() bool { return strings.HasSuffix(f.name, "_test.go") }

func TestFloors(t *testing.T) {
	files := sources(t, filepath.Join("..", ".."))
	if len(files) < 10 {
		t.Fatalf("found only %d files", len(files))
	}
	for _, f := range files {
		for _, p := range f.imports {
			if err := allowed(f, p); err != nil {
				t.Errorf("%s: %v", path.Join(f.dir, f.name), err)
			}
		}
	}
}

// allowed returns why f may not import p.
func allowed(f file, p string) error {
	dir, inside := strings.CutPrefix(p, module+"/")
	switch {
	case p == module:
		return allowedInside(f, ".")
	case inside:
		return allowedInside(f, dir)
	case !strings.Contains(strings.Split(p, "/")[0], "."):
		return nil // standard library
	case f.dir == "." && !f.test():
		return fmt.Errorf("imports %s; the root imports the standard library alone", p)
	case matches(outside, p), f.test() && matches(outsideTests, p):
		return nil
	}
	return fmt.Errorf("imports %s, which no decision allows", p)
}

// allowedInside is allowed for a directory of the module.
func allowedInside(f file, dir string) error {
	if f.external || f.test() && slices.Contains(forTests, dir) {
		return nil // the compiler refuses cycles
	}
	if f.dir == "." && !f.test() {
		return fmt.Errorf("imports %s; the root imports the standard library alone", dir)
	}
	from, to := floorOf(f.dir), floorOf(dir)
	switch {
	case f.dir == "internal/floattest":
		from = floorOf("sparse") // may use linalg
	case dir == "internal/floattest":
		return fmt.Errorf("imports %s, which is for tests", dir)
	}
	switch {
	case from < 0:
		return fmt.Errorf("directory %s has no floor: add it to the list in this test", f.dir)
	case to < 0:
		return fmt.Errorf("imports %s, which has no floor: add it to the list in this test", dir)
	case from < to:
		return fmt.Errorf("imports %s, which stands above it", dir)
	case from == to && !sameTree(f.dir, dir):
		return fmt.Errorf("imports %s, which stands beside it", dir)
	}
	return nil
}

// floorOf returns the number of the floor a directory is on, −1 if on none.
func floorOf(dir string) int {
	return slices.IndexFunc(floors, func(names []string) bool { return matches(names, dir) })
}

// sameTree tells whether one entry of the list covers both directories.
func sameTree(a, b string) bool {
	for _, name := range floors[floorOf(a)] {
		if matches([]string{name}, a) && matches([]string{name}, b) {
			return true
		}
	}
	return false
}

// matches tells whether p is one of the names or in one of the trees.
func matches(names []string, p string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		tree, ok := strings.CutSuffix(name, "/…")
		return p == tree || ok && strings.HasPrefix(p, tree+"/")
	})
}

// sources returns all Go files of the module at root, without nested modules.
func sources(t *testing.T, root string) []file {
	t.Helper()
	var files []file
	err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if name != root && skippedDir(name, e.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		f, err := parse(root, name)
		files = append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// skippedDir tells whether a directory is not part of the module.
func skippedDir(name, base string) bool {
	if base == "testdata" || base[0] == '.' || base[0] == '_' {
		return true
	}
	_, err := os.Stat(filepath.Join(name, "go.mod"))
	return err == nil
}

func parse(root, name string) (file, error) {
	src, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
	if err != nil {
		return file{}, err
	}
	dir, err := filepath.Rel(root, filepath.Dir(name))
	if err != nil {
		return file{}, err
	}
	f := file{dir: filepath.ToSlash(dir), name: filepath.Base(name)}
	f.external = f.test() && strings.HasSuffix(src.Name.Name, "_test")
	for _, spec := range src.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return file{}, err
		}
		f.imports = append(f.imports, p)
	}
	return f, nil
}

// TestAllowed shows that the rules find what they are for.
func TestAllowed(t *testing.T) {
	for _, c := range []struct {
		dir, name, imports string
		ok                 bool
	}{
		{"linear", "a.go", module, true},
		{"linear", "a.go", module + "/linalg", true},
		{"linear", "a.go", module + "/internal/par", true},
		{"linear", "a.go", module + "/prep", false},
		{"linear", "a_test.go", module + "/prep", false},
		{"linear", "a_test.go", module + "/modeltest", true},
		{"linear", "a.go", module + "/modeltest", false},
		{"linear", "a.go", module + "/internal/floattest", false},
		{"linear", "a_test.go", module + "/internal/floattest", true},
		{"linalg", "a.go", module + "/sparse", false},
		{"linalg", "a.go", module + "/activation", false},
		{"internal/kernel", "a.go", module + "/internal/kernel/f64", true},
		{"internal/kernel/f64", "a.go", module + "/internal/cpu", true},
		{"internal/kernel/f64", "a.go", module, false},
		{"internal/floattest", "a.go", module + "/linalg", true},
		{"internal/floattest", "a.go", module + "/linear", false},
		{"internal/par", "a.go", module + "/internal/cpu", false},
		{"nowhere", "a.go", module, false},
		{".", "a.go", "fmt", true},
		{".", "a.go", "gonum.org/v1/gonum/mat", false},
		{".", "a.go", module + "/internal/par", false},
		{"linalg", "a.go", "gonum.org/v1/gonum/mat", true},
		{"linalg", "a.go", "golang.org/x/exp/slices", false},
		{"linalg", "a.go", "github.com/google/go-cmp/cmp", false},
		{"linalg", "a_test.go", "github.com/google/go-cmp/cmp", true},
		{"linalg", "a.go", "example.com/x", false},
	} {
		err := allowed(file{dir: c.dir, name: c.name}, c.imports)
		if (err == nil) != c.ok {
			t.Errorf("%s/%s importing %s: %v", c.dir, c.name, c.imports, err)
		}
	}
	if err := allowed(file{dir: "eval", name: "a_test.go", external: true}, module+"/linear"); err != nil {
		t.Errorf("an external test: %v", err)
	}
}

// TestModules: go.mod requires nothing but the modules that were decided on.
func TestModules(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	required := requirements(string(data))
	if !slices.Contains(required, "gonum.org/v1/gonum") {
		t.Fatalf("read the requirements as %q", required)
	}
	for _, m := range required {
		if !slices.Contains(modules, m) {
			t.Errorf("go.mod requires %s, which no decision allows", m)
		}
	}
	if strings.Contains(string(data), "replace ") {
		t.Error("go.mod replaces a module, which users would not get")
	}
}

// requirements returns the modules that the text of a go.mod requires.
func requirements(text string) []string {
	var list []string
	inside := false
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "//"):
		case words[0] == "require" && words[1] == "(":
			inside = true
		case words[0] == "require":
			list = append(list, words[1])
		case words[0] == ")":
			inside = false
		case inside:
			list = append(list, words[0])
		}
	}
	return list
}

func TestRequirements(t *testing.T) {
	got := requirements("module m\n\ngo 1.24\n\nrequire a.b/c v1\n\nrequire (\n\td.e/f v1 // indirect\n\n\t// note\n\tg.h/i v2\n)\n\nexclude j.k/l v1\n")
	if want := []string{"a.b/c", "d.e/f", "g.h/i"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
