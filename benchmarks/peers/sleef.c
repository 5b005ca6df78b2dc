/* Times loops over SLEEF's vector functions, at the best of AVX-512 and AVX2 that the
 * compiler was told of: a line "name n" on standard input is answered with the seconds
 * of one pass over n floats, the mean over some 20 ms.
 * Build: gcc -O3 -march=native sleef.c -lsleef (libsleef-dev) */
#include <immintrin.h>
#include <sleef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef __AVX512F__
typedef __m512 vec;
#define LANES 16
#define SLEEF(f, ulp) Sleef_##f##f16_##ulp##avx512f
#define OP(f) _mm512_##f##_ps
#else
typedef __m256 vec;
#define LANES 8
#define SLEEF(f, ulp) Sleef_##f##f8_##ulp##avx2
#define OP(f) _mm256_##f##_ps
#endif

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

static inline vec set(float v) { return OP(set1)(v); }
static inline vec exps(vec x) { return SLEEF(exp, u10)(x); }
static inline vec below(vec x) { return OP(add)(set(1), exps(OP(sub)(set(0), x))); }
static inline vec sigmoid(vec x) { return OP(div)(set(1), below(x)); }
static inline vec silu(vec x) { return OP(div)(x, below(x)); }
static inline vec tanhs(vec x) { return SLEEF(tanh, u10)(x); }
static inline vec gelu(vec x) {
	return OP(mul)(OP(mul)(set(0.5f), x), SLEEF(erfc, u15)(OP(mul)(x, set(-0.70710678f))));
}

#define LOOP(f) \
	static void loop_##f(float *y, const float *x, long n) { \
		for (long i = 0; i < n; i += LANES) OP(storeu)(y + i, f(OP(loadu)(x + i))); \
	}
LOOP(exps)
LOOP(sigmoid)
LOOP(silu)
LOOP(tanhs)
LOOP(gelu)

static const struct {
	const char *name;
	void (*loop)(float *, const float *, long);
} loops[] = {{"Exp", loop_exps}, {"Sigmoid", loop_sigmoid}, {"SiLU", loop_silu}, {"Tanh", loop_tanhs}, {"GELU", loop_gelu}};

static double seconds(void (*loop)(float *, const float *, long), float *y, const float *x, long n) {
	for (long reps = 1;; reps *= 2) {
		double start = now();
		for (long r = 0; r < reps; r++) loop(y, x, n);
		double took = now() - start;
		if (took > 0.02 && reps > 1) return took / reps;
	}
}

int main(void) {
	char name[32];
	long n;
	while (scanf("%31s %ld", name, &n) == 2) {
		float *x = aligned_alloc(4096, (n * 4 + 4095) / 4096 * 4096), *y = aligned_alloc(4096, (n * 4 + 4095) / 4096 * 4096);
		if (!x || !y || n % LANES) abort();
		for (long i = 0; i < n; i++) x[i] = (float)(i * 7919 % 16001) / 1000 - 8, y[i] = 0;
		double took = 0;
		for (size_t i = 0; i < sizeof loops / sizeof *loops; i++)
			if (!strcmp(name, loops[i].name)) took = seconds(loops[i].loop, y, x, n);
		free(x), free(y);
		if (took == 0) abort();
		printf("%.9g\n", took);
		fflush(stdout);
	}
	return 0;
}
