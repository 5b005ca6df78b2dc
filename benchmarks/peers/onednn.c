/* Times oneDNN's gemm of uint8 by int8: a line "m n k" on standard input is answered
 * with the seconds of one product, the mean over some 20 ms, B being stored in
 * whichever order is faster.
 * Build: gcc -O2 onednn.c -ldnnl (libdnnl-dev) */
#include <oneapi/dnnl/dnnl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void *memory(size_t bytes) {
	void *p = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
	if (!p) abort();
	for (size_t i = 0; i < bytes; i++) ((uint8_t *)p)[i] = rand() >> 8;
	return p;
}

static double seconds(char transb, int m, int n, int k, const uint8_t *a, const int8_t *b, int32_t *c) {
	const int32_t offset = 0;
	for (long reps = 1;; reps *= 2) {
		double start = now();
		for (long r = 0; r < reps; r++)
			if (dnnl_gemm_u8s8s32('N', transb, 'F', m, n, k, 1, a, k, 0, b, transb == 'N' ? n : k, 0, 0, c, n, &offset) != dnnl_success) abort();
		double took = now() - start;
		if (took > 0.02) return took / reps;
	}
}

int main(void) {
	const dnnl_version_t *v = dnnl_version();
	fprintf(stderr, "oneDNN %d.%d.%d\n", v->major, v->minor, v->patch);
	int m, n, k;
	while (scanf("%d %d %d", &m, &n, &k) == 3) {
		uint8_t *a = memory((size_t)m * k);
		int8_t *b = memory((size_t)k * n);
		int32_t *c = memory((size_t)4 * m * n);
		double plain = seconds('N', m, n, k, a, b, c), transposed = seconds('T', m, n, k, a, b, c);
		free(a), free(b), free(c);
		printf("%.9g\n", plain < transposed ? plain : transposed);
		fflush(stdout);
	}
	return 0;
}
