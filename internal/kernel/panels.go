package kernel

import "math"

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

// PointGroup is the number of points that [Nearest] works on at a time.
const PointGroup = 4

// PackPoints appends points, rows of d elements with a start each, to dst as [Nearest] reads
// them: for each four points their starts and then their columns. The last four are filled up
// with points that are farther than all others.
func PackPoints[T Float](dst, starts, points []T, d int) []T {
	for lo := 0; lo < len(starts); lo += PointGroup {
		for r := lo; r < lo+PointGroup; r++ {
			if r < len(starts) {
				dst = append(dst, starts[r])
			} else {
				dst = append(dst, T(math.Inf(1)))
			}
		}
		for j := range d {
			for r := lo; r < lo+PointGroup; r++ {
				if r < len(starts) {
					dst = append(dst, points[r*d+j])
				} else {
					dst = append(dst, 0)
				}
			}
		}
	}
	return dst
}

// Nearest finds, for each row z of a matrix in panels of d columns, the least of the values
// start + z·p of packed points, the place of the first that has it, and the least of all
// others, +Inf if there is none. A value that is NaN is passed over.
func Nearest[T Float](d int, z, points, first, second, place []T) {
	for r := range first {
		first[r], second[r], place[r] = T(math.Inf(1)), T(math.Inf(1)), 0
		row := z[r/PanelRows*PanelRows*d+r%PanelRows:]
		for at, p := 0, points; len(p) > 0; at, p = at+PointGroup, p[PointGroup*(d+1):] {
			value := [PointGroup]T(p)
			for j := range d {
				for k, v := range p[(j+1)*PointGroup : (j+2)*PointGroup] {
					value[k] += row[j*PanelRows] * v
				}
			}
			for k, v := range value {
				if v < first[r] {
					place[r], first[r], second[r] = T(at+k), v, first[r]
				} else if v < second[r] {
					second[r] = v
				}
			}
		}
	}
}
