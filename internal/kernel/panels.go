package kernel

// PanelRows is the number of rows side by side in a panel: a matrix in panels holds the
// elements of a column next to each other, 16 rows at a time, so that vectors run over
// rows.
const PanelRows = 16

// panelColumns is the number of columns of a triangle that are worked on at a time.
const panelColumns = 4

// PackTriangle returns c and the upper triangle of u, d×d, as [PanelNorms] reads them: for
// each four columns, with zeros after the last, their elements of c and then those of each
// row down to the diagonal.
func PackTriangle[T Float](c, u []T) []T {
	d := len(c)
	var out []T
	for lo := 0; lo < d; lo += panelColumns {
		group := func(row []T, from int) {
			for j := lo; j < lo+panelColumns; j++ {
				if from <= j && j < d {
					out = append(out, row[j])
				} else {
					out = append(out, 0)
				}
			}
		}
		group(c, 0)
		for i := range min(lo+panelColumns, d) {
			group(u[i*d:(i+1)*d], i)
		}
	}
	return out
}

// PanelNorms sets dst to start + scale·‖c + zU‖² for the rows z of a matrix in panels, of
// d columns, and a packed triangle.
func PanelNorms[T Float](d int, start, scale T, z, triangle, dst []T) {
	for ; len(dst) > 0; z, dst = z[PanelRows*d:], dst[PanelRows:] {
		t := triangle
		var sum [PanelRows]T
		for hi := panelColumns; hi < d+panelColumns; hi += panelColumns {
			var acc [panelColumns][PanelRows]T
			for j, v := range t[:panelColumns] {
				for r := range acc[j] {
					acc[j][r] = v
				}
			}
			t = t[panelColumns:]
			for i := range min(hi, d) {
				row := z[i*PanelRows : (i+1)*PanelRows]
				for j, v := range t[:panelColumns] {
					for r, x := range row {
						acc[j][r] += v * x
					}
				}
				t = t[panelColumns:]
			}
			for j := range acc {
				for r, v := range acc[j] {
					sum[r] += v * v
				}
			}
		}
		for r, v := range sum {
			dst[r] = start + scale*v
		}
	}
}
