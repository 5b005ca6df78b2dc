// Package quant computes with integers of 8 and 4 bits in place of floats: a quarter
// or an eighth of the memory, and several times the speed where the processor has
// byte products.
//
// # Quantization
//
// An integer q stands for the real (q − zero)·scale; see [Params]. Rounding is half to
// even, and what lies outside the range becomes its end: nothing ever wraps.
// [Quantize], [Dequantize] and their forms for channels convert slices, a scale for
// each row. [FakeQuantize] and [FakeQuantizeGrad] are the loss of precision in
// floating point and its gradient, for training.
//
// NaN quantizes to real 0, and infinities to the ends of the range. [CountSaturation]
// tells how many of these there are, and how many finite values were clamped.
//
// # Calibration
//
// An [Observer] sees sample values and proposes the range to span. [MinMax] clamps
// nothing it has seen: right for weights and for values with no outliers.
// [Percentile] ignores a fixed share of extremes, [MSE] weighs clamping against the
// width of a step, [KL] keeps the shape of the distribution, and [MovingAverage]
// follows batches in training.
//
// # Arithmetic
//
// [Add], [Sub] and [Mul] saturate and count. [Requantize] goes from 32-bit sums to
// 8 bits in float32, [RequantizeFixed] in integers with one exact rounding.
//
// # Sources
//
//   - B. Jacob and others, Quantization and training of neural networks for efficient
//     integer-arithmetic-only inference, CVPR 2018.
//   - H. Wu and others, Integer quantization for deep learning inference,
//     arXiv:2004.09602 (2020): calibration, weights by channel.
package quant
