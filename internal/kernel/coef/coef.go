// Package coef holds the constants of the elementwise functions: what the Go forms in
// package kernel compute with, and what internal/asmgen puts into the assembly.
//
// Polynomials have their coefficients from the lowest power up. They were fitted by
// reweighted least squares in 50 digits, for the smallest largest error over their
// interval, and rounded from the lowest power up with the higher ones fitted again.
package coef

// A Table holds the constants for one element type.
type Table struct {
	// Of the numbers themselves, and of the exponential.
	Mantissa     int       // bits
	Bias         float64   // of the exponent
	Magic        float64   // added to a number, it leaves the nearest integer in the lowest bits
	Half         float64   // exponents are shifted by so much to keep powers of two normal
	Down         float64   // e^(−Low) times 2^(−Down) is finite
	Low          float64   // e to that, times its own size, is below every number
	High         float64   // e to that is above every number
	Log2e        float64   // 1/ln 2
	Ln2, Ln2Rest float64   // ln 2 in two parts
	Exp          []float64 // (eʳ − 1 − r)/r², |r| ≤ ln 2 / 2

	LogLn2 [2]float64 // ln 2 in two parts, the first short enough to be multiplied by an exponent
	Atanh  []float64  // (2·atanh(s) − 2s)/s³ in s², |s| ≤ 0.2

	// Φ(−z)·exp(z²/2)·(z + MillsShift) in z/(z + MillsShift) − MillsCentre, z ≥ 0.
	Mills                   []float64
	MillsShift, MillsCentre float64
	MillsExact              int     // coefficients whose steps need two parts
	NormalZ                 float64 // z·Φ(−z) is below every number

	// 2·√(2/π) and 0.044715 times that, in two parts each.
	GeluLinear, GeluCubic [2]float64
	GeluTanhX             float64 // x·σ of their polynomial is below every number for −x beyond it

	Erf      []float64 // erf(x)/x − 1 in x², |x| ≤ ErfSmall
	LogErfc  []float64 // log erfc(x), ErfSmall ≤ x ≤ ErfOne; of Float32 alone
	ErfSmall float64
	ErfOne   float64 // erf is 1 from here on
}

// Float64 holds the constants for float64.
var Float64 = Table{
	Mantissa: 52, Bias: 1023, Magic: 0x1.8p52, Half: 512, Down: 128, Low: -760, High: 710,
	Log2e: 0x1.71547652b82fep+0, Ln2: 0x1.62e42fefa39efp-1, Ln2Rest: 0x1.abc9e3b39803fp-56,
	Exp: []float64{0x1.0000000000001p-1, 0x1.5555555555556p-3, 0x1.5555555553d4fp-5, 0x1.11111111109adp-7, 0x1.6c16c17893833p-10,
		0x1.a01a01a7c8d47p-13, 0x1.a019b8ef67c6cp-16, 0x1.71de0d9c145d0p-19, 0x1.2891a8c1d838dp-22, 0x1.af38d53857513p-26},
	Atanh: []float64{0x1.555555555554fp-1, 0x1.999999999c165p-2, 0x1.24924921e6395p-2, 0x1.c71c748da31d1p-3,
		0x1.745c4b6aaaa49p-3, 0x1.3b35ad0ed419ep-3, 0x1.0dccf3d67b725p-3, 0x1.1b77f3bff8faep-3},
	MillsExact: 2, MillsShift: 4.5, MillsCentre: 0.6875, Mills: []float64{0x1.26290324b00a1p-1, -0x1.9141c1e9c6e15p-1, 0x1.e9f730010aea3p-1, -0x1.06f7595c62a41p+0, 0x1.e1b902a137d04p-1, -0x1.63d6eeb057b4bp-1,
		0x1.6fb533774da83p-2, -0x1.c26edfd22c34ep-5, -0x1.ba36ba533afcap-4, 0x1.ad1e4a7c67e1ap-4, -0x1.a55ff4203fcddp-7, -0x1.acd02cacf4c3fp-5,
		0x1.28e25844ebbcbp-5, 0x1.1c3f5351291b6p-6, -0x1.0e8457bd3ecd2p-5, 0x1.fba49fccf2c63p-13, 0x1.c9478e20d8185p-6, -0x1.709da6305d40ep-7,
		-0x1.5650630f0ff3ap-5, -0x1.3e7b0aa7e4902p-6, 0x1.27db17f1a0ba1p-7, 0x1.64506591b9894p-7, 0x1.7532dd1fd41cfp-9},
	Erf: []float64{0x1.06eba8214db68p-3, -0x1.812746b0379c1p-2, 0x1.ce2f21a041455p-4, -0x1.b82ce3121bc80p-6, 0x1.565bccfcc3c41p-8,
		-0x1.c02db075eb517p-11, 0x1.f9a2b010a2d4cp-14, -0x1.f4c7dc31e796bp-17, 0x1.b945c1d767341p-20, -0x1.58fe2bf11fa49p-23,
		0x1.a7786c3019510p-27, -0x1.125bf949b0d7bp-35, -0x1.7819c78b63030p-33},
	LogLn2:     [2]float64{0x1.62e42fefa3800p-1, 0x1.ef35793c76730p-45},
	GeluLinear: [2]float64{0x1.9884533d43651p+0, -0x1.cbc0d30ebfd15p-54}, GeluCubic: [2]float64{0x1.2444f2a4d8b4bp-4, -0x1.6c843a29d1c70p-61},
	GeluTanhX: 21.6, ErfSmall: 0.875, ErfOne: 6, NormalZ: 39,
}

// Float32 holds the constants for float32.
var Float32 = Table{
	Mantissa: 23, Bias: 127, Magic: 0x1.8p23, Half: 64, Down: 32, Low: -110, High: 89,
	Log2e: 0x1.715476p+0, Ln2: 0x1.62e430p-1, Ln2Rest: -0x1.05c610p-29,
	Exp:        []float64{0x1p-1, 0x1.5554dcp-3, 0x1.55551ap-5, 0x1.120ba2p-7, 0x1.6d113cp-10},
	Atanh:      []float64{0x1.555554p-1, 0x1.999bfep-2, 0x1.23e46cp-2, 0x1.ee0b52p-3},
	MillsExact: 1, MillsShift: 4, MillsCentre: 0.625, Mills: []float64{0x1.3fe878p-1, -0x1.c86330p-1, 0x1.12fdf0p+0, -0x1.0db7eap+0, 0x1.8e23d0p-1, -0x1.5c9e52p-2, -0x1.53dc92p-5, 0x1.9fd5fep-3, -0x1.38da26p-5, -0x1.2526eap-4},
	Erf:        []float64{0x1.06eba8p-3, -0x1.8127d2p-2, 0x1.ce452cp-4, -0x1.b9a9f8p-6, 0x1.62b2a2p-8, -0x1.0f0ab8p-10, 0x1.67fdp-13},
	LogErfc:    []float64{-0x1.20f260p-13, -0x1.20bf26p+0, -0x1.46072cp-1, -0x1.ab2ec0p-4, 0x1.6f08a2p-6, -0x1.94aabep-9, 0x1.a46556p-13},
	LogLn2:     [2]float64{0x1.62e4000000000p-1, 0x1.7f7d1c0000000p-20},
	GeluLinear: [2]float64{0x1.9884540000000p+0, -0x1.8579360000000p-25}, GeluCubic: [2]float64{0x1.2444f20000000p-4, 0x1.49b16a0000000p-29},
	GeluTanhX: 10.8, ErfSmall: 0.875, ErfOne: 4, NormalZ: 15,
}
