package quant

import (
	"unsafe"

	"github.com/gram-ml/gram"
)

func init() {
	gram.Register("quant.Linear", 1,
		func(e *gram.Encoder, m *LinearModel) { m.a.encode(e) },
		func(d *gram.Decoder, _ int) *LinearModel { return &LinearModel{decodeAffine(d)} })
	gram.Register("quant.Projection", 1,
		func(e *gram.Encoder, m *ProjectionModel) { m.a.encode(e) },
		func(d *gram.Decoder, _ int) *ProjectionModel { return &ProjectionModel{decodeAffine(d)} })
}

func (a *affine) encode(e *gram.Encoder) {
	e.Floats(a.center)
	e.Floats(a.step)
	e.Floats(a.scale)
	e.Floats(a.offset)
	e.Bytes(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(a.weights))), len(a.weights)))
}

func decodeAffine(d *gram.Decoder) *affine {
	a := &affine{center: d.Floats()}
	a.step = d.Floats(len(a.center))
	a.scale = d.Floats()
	a.offset = d.Floats(len(a.scale))
	weights := d.Bytes()
	if d.Err() != nil {
		return nil
	}
	n, f := len(a.offset), len(a.center)
	if n == 0 || f == 0 || len(weights)%f != 0 || len(weights)/f != n {
		d.Fail("%d weights of a linear model of %d scores and %d features", len(weights), n, f)
		return nil
	}
	for _, values := range [][]float64{a.center, a.step, a.scale, a.offset} {
		for _, v := range values {
			if v-v != 0 {
				d.Fail("parameter is %v", v)
			}
		}
	}
	for _, b := range weights {
		a.weights = append(a.weights, int8(b))
	}
	if err := a.pack(); err != nil {
		d.Fail("%v", err)
	}
	return a
}
