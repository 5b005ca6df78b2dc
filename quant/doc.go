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
// # Products
//
// [PackWeights] lays weights out once; [MulInt] multiplies rows of uint8 or int8 with
// them into exact 32-bit sums, [MulFloat] and [MulQuantized] go on to reals or to 8
// bits, with bias and activation, while the sums are in cache. One row is a
// matrix–vector product, which reads the weights once. With a scale a for the rows
// and bⱼ for each output,
//
//	yᵢⱼ = a·bⱼ·Σₚ (xᵢₚ − zero)·(wⱼₚ − zeroⱼ)
//
// and the zero points come in by the sums of rows and columns, outside the product.
// Weights quantized symmetrically, by [SymmetricChannels], spare the row sums.
//
// A sum of k products of uint8 by int8 stays within int32 for k ≤ 65793, of int8 by
// int8 for k ≤ 131071; [MaxDepth] has the bound for any zero points and [Bound] the
// exact one of given weights. Beyond it MulInt returns an error, and the others add up
// parts in 64 bits.
//
// Products are exact at every instruction level. Without VNNI, other libraries, oneDNN
// 2.6 and onnxruntime 1.17 among them, add pairs of products in 16 bits, which saturates
// unless weights keep to seven.
//
// [PackInt4] takes half a byte a weight, with a scale for each group of inputs:
// where memory is what counts and int8 still too much. [PackMixed] keeps the columns
// of inputs with extreme values in float32.
//
// Results are the same, bit for bit, at every instruction level: AVX-512 with VNNI,
// AVX-512 without, AVX2 and plain Go. Products run on the calling goroutine.
//
// # Models
//
// [Linear] turns fitted linear classifiers into int8 ones of the same interface, and
// [Compare] says what that costs in accuracy and log-loss. [Projection] does it with
// principal components and other affine transformers, [Distortion] has the cost.
//
// # Arithmetic
//
// [Add], [Sub] and [Mul] saturate and count. [Requantize] goes from 32-bit sums to
// 8 bits in float32, [RequantizeFixed] in integers with one exact rounding, where
// two roundings, as in some libraries, now and then are off by one.
//
// # Sources
//
//   - B. Jacob and others, Quantization and training of neural networks for efficient
//     integer-arithmetic-only inference, CVPR 2018.
//   - H. Wu and others, Integer quantization for deep learning inference,
//     arXiv:2004.09602 (2020): calibration, weights by channel.
//   - S. Migacz, 8-bit inference with TensorRT, GTC 2017: calibration by divergence.
//   - T. Dettmers and others, LLM.int8(), NeurIPS 2022: outlier columns.
package quant
