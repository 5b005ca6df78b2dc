// Package activation holds the functions between the layers of a network and their
// derivatives, elementwise and over rows, for float32 and float64.
//
// # Functions
//
//	function     formula                                  values         bound of |f′|
//	Exp          eˣ                                       0 … +∞
//	Log          log x                                    −∞ … +∞
//	Erf          2/√π·∫₀ˣ exp(−t²) dt                     −1 … 1         2/√π
//	Sigmoid      σ(x) = 1/(1 + e⁻ˣ)                       0 … 1          1/4
//	LogSigmoid   log σ(x)                                 −∞ … 0         1
//	HardSigmoid  min(max(x + 3, 0), 6)/6                  0 … 1          1/6
//	Tanh         (eˣ − e⁻ˣ)/(eˣ + e⁻ˣ)                    −1 … 1         1
//	Softsign     x/(1 + |x|)                              −1 … 1         1
//	ReLU         max(x, 0)                                0 … +∞         1
//	ReLU6        min(max(x, 0), 6)                        0 … 6          1
//	LeakyReLU    x, or slope·x for x < 0                  −∞ … +∞        1
//	PReLU        the same with a learned slope
//	RReLU        the same with a random slope
//	ELU          x, or α(eˣ − 1) for x < 0                −α … +∞        max(1, α)
//	SELU         ELU scaled to keep mean and variance     −1.758 … +∞    1.758
//	CELU         x, or α(exp(x/α) − 1) for x < 0          −α … +∞        1
//	Softplus     log(1 + eˣ)                              0 … +∞         1
//	SiLU         x·σ(x)                                   −0.278 … +∞    1.100
//	Swish        x·σ(βx)
//	HardSwish    x·min(max(x + 3, 0), 6)/6                −0.375 … +∞    1.5
//	Mish         x·tanh(log(1 + eˣ))                      −0.309 … +∞    1.088
//	GELU         x·Φ(x), Φ the normal distribution        −0.170 … +∞    1.129
//	GELUTanh     x·(1 + tanh(√(2/π)(x + 0.044715x³)))/2   −0.170 … +∞    1.129
//
// All but the last five and Swish are monotone. Of two inputs, f(gate)·value:
//
//	GLU σ, SwiGLU SiLU, GEGLU GELU, ReGLU ReLU, Bilinear none
//
// Over rows:
//
//	Softmax, SoftmaxTemperature, MaskedSoftmax    exp(xⱼ/T)/Σ exp(xₖ/T)
//	LogSoftmax                                    xⱼ − log Σ exp(xₖ)
//	LogSumExp                                     log Σ exp(xₖ)
//	Sparsemax                                     max(xⱼ − τ, 0), Σ = 1
//	CrossEntropy, Distillation                    losses and their gradients
//
// [Lookup] and [LookupGate] find them by name, with what the tables say.
//
// # Shapes and memory
//
// Functions write to dst and return it; nil makes a new slice. dst may be an input
// itself, but must not overlap one otherwise. A mismatch of lengths is a programmer's
// mistake: it panics with a message that begins with "activation:" and holds the lengths.
// Empty slices are good. No function allocates when it is given its dst, but for [Sparsemax].
//
// # Derivatives
//
// Each function has one that ends in Grad and sets dx to dy times the derivative, from what
// is cheapest to keep: the output y for Exp, Sigmoid, HardSigmoid, Tanh, Softsign, ReLU,
// ReLU6, ELU, SELU, CELU, Softmax, LogSoftmax and Sparsemax, the input x for the others.
//
// # Accuracy
//
// Comments give the largest error in units in the last place, which tests hold against
// math/big over sweeps of the whole range, numbers below the normal ones included. The
// result for an element is the same at every length, place and alignment. Between
// instruction levels results may differ by rounding.
//
// NaN gives NaN. Infinities give the limit, with its sign if it is 0.
//
// # Which one
//
//	output, two classes           Sigmoid, or CrossEntropy over two columns
//	output, one of many classes   Softmax; in training CrossEntropy of the logits
//	output, some of many classes  Sigmoid of each
//	output, mostly zeros          Sparsemax
//	output, positive number       Softplus, or Exp
//	hidden layers                 ReLU first; LeakyReLU, PReLU or ELU if units die, that is, if their input
//	                              stays below 0 and no gradient passes
//	deep, without normalization   SELU
//	vision                        ReLU, SiLU, Mish; HardSwish on small devices
//	transformers                  GELU, SiLU; between two linear maps SwiGLU or GEGLU
//	recurrent cells               Tanh for the state and Sigmoid for the gates
//	attention                     MaskedSoftmax
//	small devices, fixed point    ReLU6
//	small student of a large net  Distillation
//
// Sigmoid and Tanh flatten at both ends: their derivatives are at most 1/4 and 1, and
// through many layers gradients vanish. Those of the ReLU family do not.
//
// # Sources
//
// Nair and Hinton, Rectified linear units improve restricted Boltzmann machines (2010).
// Maas, Hannun and Ng, Rectifier nonlinearities improve neural network acoustic models (2013).
// He, Zhang, Ren and Sun, Delving deep into rectifiers (2015), for PReLU.
// Xu, Wang, Chen and Li, Empirical evaluation of rectified activations (2015), for RReLU.
// Clevert, Unterthiner and Hochreiter, Fast and accurate deep network learning by ELUs (2015).
// Barron, Continuously differentiable exponential linear units (2017).
// Klambauer, Unterthiner, Mayr and Hochreiter, Self-normalizing neural networks (2017).
// Dauphin, Fan, Auli and Grangier, Language modeling with gated convolutional networks (2017).
// Shazeer, GLU variants improve transformer (2020).
// Misra, Mish: a self regularized non-monotonic activation function (2019).
// Howard and others, Searching for MobileNetV3 (2019), for HardSwish.
// Glorot and Bengio, Understanding the difficulty of training deep networks (2010), for Softsign.
// Hendrycks and Gimpel, Gaussian error linear units (2016).
// Ramachandran, Zoph and Le, Searching for activation functions (2017), for Swish.
// Martins and Astudillo, From softmax to sparsemax (2016).
// Hinton, Vinyals and Dean, Distilling the knowledge in a neural network (2015).
package activation
