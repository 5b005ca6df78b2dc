package activation

import (
	"fmt"
	"math"

	"golang.org/x/exp/constraints"
)

// CrossEntropy returns the mean over rows of −log Softmax(x)[label], for logits x,
// row-major with rows of cols, and one label in 0..cols−1 a row. If dx is not nil, it
// sets it to the gradient by x, (Softmax(x) − onehot)/rows; it has the length of x and
// may be x. The loss is 0 for no rows, and NaN where [Softmax] is.
func CrossEntropy[T constraints.Float](dx, x []T, labels []int, cols int) float64 {
	n := rows("CrossEntropy", len(x), cols)
	checkLen("CrossEntropy", "labels", len(labels), n)
	if dx != nil {
		checkLen("CrossEntropy", "dx", len(dx), len(x))
	}
	loss := 0.0
	for i, label := range labels {
		if label < 0 || label >= cols {
			panic(fmt.Sprintf("activation: CrossEntropy: label %d of row %d is not in 0..%d", label, i, cols-1))
		}
		row := x[i*cols : (i+1)*cols]
		top, others := sumExp(row, 1, label)
		gap := float64(row[label]) - float64(top)
		mine := math.Exp(gap)
		if gap == 0 { // log(1 + others), which others may be too small to show in
			loss += math.Log1p(others)
		} else {
			loss += math.Log(mine+others) - gap
		}
		if dx != nil {
			d, share := dx[i*cols:(i+1)*cols], 1/((mine+others)*float64(n))
			exps(d, row, top, 1)
			scal(T(share), d)
			d[label] = T(-others * share)
		}
	}
	return loss / float64(max(n, 1))
}

// Distillation returns T²·KL(p ‖ q), the mean over rows, for p = Softmax(teacher/T) and
// q = Softmax(student/T), T being the temperature (Hinton, Vinyals and Dean, 2015): the
// loss of a student that learns a teacher's distribution. If dx is not nil, it sets it to
// the gradient by the student's logits, T·(q − p)/rows. It may be student or teacher. An
// element that the teacher gives no chance to adds nothing. The loss is 0 for no rows.
func Distillation[T constraints.Float](dx, student, teacher []T, cols int, temperature T) float64 {
	scale := inverse("Distillation", temperature)
	n := rows("Distillation", len(student), cols)
	checkLen("Distillation", "teacher", len(teacher), len(student))
	if dx != nil {
		checkLen("Distillation", "dx", len(dx), len(student))
	}
	t := float64(temperature)
	loss := 0.0
	for i := range n {
		s, teach := student[i*cols:(i+1)*cols], teacher[i*cols:(i+1)*cols]
		topS, sumS := sumExp(s, scale, -1)
		topT, sumT := sumExp(teach, scale, -1)
		logS, logT := math.Log(sumS), math.Log(sumT)
		for j := range s {
			logQ := (float64(s[j])-float64(topS))/t - logS
			logP := (float64(teach[j])-float64(topT))/t - logT
			p, q := math.Exp(logP), math.Exp(logQ)
			if p != 0 {
				loss += p * (logP - logQ)
			}
			if dx != nil {
				dx[i*cols+j] = T(t * (q - p) / float64(n))
			}
		}
	}
	return t * t * loss / float64(max(n, 1))
}
