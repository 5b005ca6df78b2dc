package ensemble

import "github.com/gram-ml/gram"

func init() {
	gram.Register("ensemble.GradientBoostingClassifier", 1, encodeBoostedClassifier, decodeBoostedClassifier)
	gram.Register("ensemble.GradientBoostingRegressor", 1, encodeBoostedRegressor, decodeBoostedRegressor)
}

func encodeBoostedClassifier(e *gram.Encoder, m *GradientBoostingClassifierModel) {
	e.Int(m.classes)
	encodeBoosted(e, &m.boosted)
}

func decodeBoostedClassifier(d *gram.Decoder, _ int) *GradientBoostingClassifierModel {
	classes := d.Int()
	m := decodeBoosted(d)
	if m == nil {
		return nil
	}
	if classes < 2 || m.outputs != opinionWidth(classes) {
		d.Fail("%d scores of %d classes", m.outputs, classes)
	}
	return &GradientBoostingClassifierModel{*m, classes}
}

func encodeBoostedRegressor(e *gram.Encoder, m *GradientBoostingRegressorModel) {
	e.Bool(m.logarithmic)
	encodeBoosted(e, &m.boosted)
}

func decodeBoostedRegressor(d *gram.Decoder, _ int) *GradientBoostingRegressorModel {
	logarithmic := d.Bool()
	m := decodeBoosted(d)
	if m == nil {
		return nil
	}
	m.logarithmic = logarithmic
	if m.outputs != 1 {
		d.Fail("%d scores of a target", m.outputs)
	}
	return &GradientBoostingRegressorModel{*m}
}

func encodeBoosted(e *gram.Encoder, m *boosted) {
	e.Int(m.features)
	e.Floats(m.start)
	e.Floats(m.losses)
	e.Int(len(m.trees))
	for _, t := range m.trees {
		encodeGrown(e, t)
	}
}

func decodeBoosted(d *gram.Decoder) *boosted {
	m := &boosted{features: d.Int(), start: d.Floats(), losses: d.Floats()}
	m.outputs = len(m.start)
	trees := d.Count()
	if m.features < 1 || m.features > maxFeatures || m.outputs == 0 || trees%max(m.outputs, 1) != 0 {
		d.Fail("%d trees for %d scores of %d features", trees, m.outputs, m.features)
	}
	for range trees {
		if d.Err() != nil {
			return nil
		}
		g := decodeGrown(d, m.features)
		if g != nil && g.outputs != 1 {
			d.Fail("tree of %d values", g.outputs)
		}
		m.trees = append(m.trees, g)
	}
	for _, v := range m.start {
		if v-v != 0 {
			d.Fail("score is %v", v)
		}
	}
	if d.Err() != nil {
		return nil
	}
	m.compile()
	return m
}
