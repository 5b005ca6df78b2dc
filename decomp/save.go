package decomp

import (
	"github.com/gram-ml/gram"
)

func init() {
	gram.Register("decomp.PCA", 1, encodePCA, decodePCA)
	gram.Register("decomp.TruncatedSVD", 1, encodeTruncated, decodeTruncated)
	gram.Register("decomp.FactorAnalysis", 1, encodeFactors, decodeFactors)
	gram.Register("decomp.FastICA", 1, encodeICA, decodeICA)
	gram.Register("decomp.KernelPCA", 1, encodeKernelPCA, decodeKernelPCA)
	gram.Register("decomp.LDA", 1, encodeLDA, decodeLDA)
	gram.Register("decomp.RandomProjection", 1, encodeProjection, decodeProjection)
	gram.Register("decomp.NMF", 1, encodeNMF, decodeNMF)
	gram.Register("decomp.Autoencoder", 1, encodeAutoencoder, decodeAutoencoder)
}

func encodePCA(e *gram.Encoder, m *PCAModel) {
	e.Floats(m.mean)
	e.Floats(m.variance)
	e.Floats(m.basis.Data)
	e.Float(m.rest)
	e.Float(m.weight)
	e.Int(int(m.whiten))
}

func decodePCA(d *gram.Decoder, _ int) *PCAModel {
	mean, variance := d.Floats(), d.Floats()
	basis := d.Floats(len(variance), len(mean))
	m := &PCAModel{variance: variance, rest: d.Float(), weight: d.Float(), whiten: Whitening(d.Int())}
	checkFinite(d, mean, variance, basis, []float64{m.rest, m.weight})
	k := len(variance)
	switch {
	case k == 0 || k > len(mean):
		d.Fail("%d components of %d features", k, len(mean))
	case m.rest < 0 || m.weight <= 1:
		d.Fail("remaining variance is %v, weight %v", m.rest, m.weight)
	case m.whiten < NoWhitening || m.whiten > WhitenZCA:
		d.Fail("%v", m.whiten)
	}
	for _, v := range variance {
		if v < 0 || v == 0 && m.whiten != NoWhitening {
			d.Fail("%v of a variance of %v", m.whiten, v)
		}
	}
	if d.Err() != nil {
		return nil
	}
	m.init(mean, basis, k, len(mean))
	m.derive()
	return m
}

// checkFinite fails for parameters that are not finite.
func checkFinite(d *gram.Decoder, values ...[]float64) {
	for _, v := range values {
		for _, x := range v {
			if x-x != 0 {
				d.Fail("parameter is %v", x)
				return
			}
		}
	}
}
