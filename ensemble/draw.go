package ensemble

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"

	"github.com/gram-ml/gram"
)

// A drawing says what is written into the nodes of a tree.
type drawing struct {
	*treeModel
	names []string // of features
}

// drawing checks names, nil for x0, x1, …
func (m *treeModel) drawing(names []string) (*drawing, error) {
	if names != nil && len(names) != m.features {
		return nil, fmt.Errorf("%d names for %d features: %w", len(names), m.features, gram.ErrShape)
	}
	return &drawing{m, names}, nil
}

// test says what the rows that go left have in common.
func (w *drawing) test(n *node) string {
	name := fmt.Sprintf("x%d", n.feature)
	if w.names != nil {
		name = w.names[n.feature]
	}
	missing := ""
	if n.missingLeft {
		missing = " or missing"
	}
	if n.set < 0 {
		return fmt.Sprintf("%s ≤ %.6g%s", name, n.threshold, missing)
	}
	return fmt.Sprintf("%s in %s%s", name, ranges(&w.sets[n.set]), missing)
}

// ranges lists the codes of a set, "0–3 7".
func ranges(s *categorySet) string {
	var parts []string
	for lo := 0; lo < maxCategories; lo++ {
		if !s.has(lo) {
			continue
		}
		hi := lo
		for hi+1 < maxCategories && s.has(hi+1) {
			hi++
		}
		switch hi {
		case lo:
			parts = append(parts, fmt.Sprint(lo))
		default:
			parts = append(parts, fmt.Sprintf("%d–%d", lo, hi))
		}
		lo = hi
	}
	return strings.Join(parts, " ")
}

// says is the prediction of a node and the weight it is made of.
func (w *drawing) says(i int32) string {
	v := w.value(i)
	what := fmt.Sprintf("%.6g", v[0])
	if len(v) > 1 {
		parts := make([]string, len(v))
		for k, p := range v {
			parts[k] = fmt.Sprintf("%.3g", p)
		}
		what = fmt.Sprintf("class %d (%s)", argmax(v), strings.Join(parts, " "))
	}
	return fmt.Sprintf("%s, weight %.6g", what, w.nodes[i].weight)
}

// WriteText writes the tree as indented lines: a test, what is so if it holds, and what is
// if not. names are those of the features, nil for x0, x1, … It returns the writer's
// error, or gram.ErrShape.
func (m *treeModel) WriteText(w io.Writer, names []string) error {
	d, err := m.drawing(names)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	type line struct {
		node, depth int32
		otherwise   int32 // the node whose test failed, −1 if it held
	}
	for todo := []line{{0, 0, -1}}; len(todo) > 0; {
		l := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if l.otherwise >= 0 {
			fmt.Fprintf(out, "%selse\n", strings.Repeat("  ", int(l.depth)-1))
		}
		n, indent := &m.nodes[l.node], strings.Repeat("  ", int(l.depth))
		if n.leaf() {
			fmt.Fprintf(out, "%s%s\n", indent, d.says(l.node))
			continue
		}
		fmt.Fprintf(out, "%sif %s\n", indent, d.test(n))
		todo = append(todo, line{n.left + 1, l.depth + 1, l.node}, line{n.left, l.depth + 1, -1})
	}
	return out.Flush()
}

// WriteDOT writes the tree in the language of Graphviz; the left branch is where the test
// holds. names are those of the features, nil for x0, x1, … It returns the writer's
// error, or gram.ErrShape.
func (m *treeModel) WriteDOT(w io.Writer, names []string) error {
	d, err := m.drawing(names)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	fmt.Fprint(out, "digraph tree {\n\tnode [shape=box, fontname=\"sans-serif\"];\n")
	for i := range m.nodes {
		n := &m.nodes[i]
		if n.leaf() {
			fmt.Fprintf(out, "\t%d [label=%q, style=rounded];\n", i, d.says(int32(i)))
			continue
		}
		fmt.Fprintf(out, "\t%d [label=%q];\n\t%d -> %d [label=\"yes\"];\n\t%d -> %d [label=\"no\"];\n", i, d.test(n), i, n.left, i, n.left+1)
	}
	fmt.Fprint(out, "}\n")
	return out.Flush()
}

// Sizes of an SVG drawing, in pixels.
const (
	svgWidth, svgHeight = 210, 80 // of the place of a leaf, and of a level
	svgBox, svgFont     = 34, 11
)

// WriteSVG writes the tree as a picture, leaves side by side; the left branch is where the
// test holds. names are those of the features, nil for x0, x1, … It returns the writer's
// error, or gram.ErrShape.
func (m *treeModel) WriteSVG(w io.Writer, names []string) error {
	d, err := m.drawing(names)
	if err != nil {
		return err
	}
	x, depth := m.layout()
	out := bufio.NewWriter(w)
	width, height := m.leaves()*svgWidth, (slices.Max(depth)+1)*svgHeight
	fmt.Fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" font-size=\"%d\" text-anchor=\"middle\">\n", width, height, svgFont)
	at := func(i int32) (cx, cy float64) { return x[i] * svgWidth, (float64(depth[i]) + 0.5) * svgHeight }
	for i := range m.nodes {
		n := &m.nodes[i]
		if n.leaf() {
			continue
		}
		x0, y0 := at(int32(i))
		for _, child := range []int32{n.left, n.left + 1} {
			x1, y1 := at(child)
			fmt.Fprintf(out, "<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"#888\"/>\n", x0, y0+svgBox/2, x1, y1-svgBox/2)
		}
	}
	for i := range m.nodes {
		cx, cy := at(int32(i))
		label, round := d.says(int32(i)), svgBox/2
		if n := &m.nodes[i]; !n.leaf() {
			label, round = d.test(n), 0
		}
		fmt.Fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%d\" rx=\"%d\" fill=\"#fff\" stroke=\"#333\"/>\n", cx-svgWidth/2+5, cy-svgBox/2, svgWidth-10, svgBox, round)
		fmt.Fprintf(out, "<text x=\"%.1f\" y=\"%.1f\">%s</text>\n", cx, cy+svgFont/3, html.EscapeString(label))
	}
	fmt.Fprint(out, "</svg>\n")
	return out.Flush()
}

// layout returns the middle of each node, in leaves from the left, and its depth.
func (m *treeModel) layout() (x []float64, depth []int) {
	n := len(m.nodes)
	x, depth = make([]float64, n), make([]int, n)
	leaves := 0
	for todo := []int32{0}; len(todo) > 0; { // leaves from left to right
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if node := &m.nodes[i]; !node.leaf() {
			depth[node.left], depth[node.left+1] = depth[i]+1, depth[i]+1
			todo = append(todo, node.left+1, node.left)
			continue
		}
		x[i] = float64(leaves) + 0.5
		leaves++
	}
	for i := n - 1; i >= 0; i-- {
		if node := &m.nodes[i]; !node.leaf() {
			x[i] = (x[node.left] + x[node.left+1]) / 2
		}
	}
	return x, depth
}
