/* Times OpenBLAS's gemm: a line "dgemm m n k" or "sgemm m n k" on standard input
 * is answered with the seconds of one product, the mean over some 20 ms.
 * Build: gcc -O2 openblas.c -ldl */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef void (*dgemm_t)(int, int, int, int, int, int, double, const double *, int, const double *, int, double, double *, int);
typedef void (*sgemm_t)(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void *memory(size_t bytes) {
	void *p = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
	if (!p) abort();
	return p;
}

int main(void) {
	void *lib = dlopen("libopenblas.so.0", RTLD_NOW);
	if (!lib) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	dgemm_t dgemm = (dgemm_t)dlsym(lib, "cblas_dgemm");
	sgemm_t sgemm = (sgemm_t)dlsym(lib, "cblas_sgemm");
	char *(*config)(void) = (char *(*)(void))dlsym(lib, "openblas_get_config");
	char *(*core)(void) = (char *(*)(void))dlsym(lib, "openblas_get_corename");
	fprintf(stderr, "%s, core %s\n", config(), core());
	char kind[16];
	int m, n, k;
	while (scanf("%15s %d %d %d", kind, &m, &n, &k) == 4) {
		int single = kind[0] == 's';
		size_t size = single ? 4 : 8;
		char *a = memory(size * m * k), *b = memory(size * k * n), *c = memory(size * m * n);
		for (size_t i = 0; i < (size_t)m * k; i++)
			if (single) ((float *)a)[i] = drand48() - 0.5; else ((double *)a)[i] = drand48() - 0.5;
		for (size_t i = 0; i < (size_t)k * n; i++)
			if (single) ((float *)b)[i] = drand48() - 0.5; else ((double *)b)[i] = drand48() - 0.5;
		memset(c, 0, size * m * n);
		long reps = 1;
		double seconds = 0;
		for (;;) {
			double start = now();
			for (long r = 0; r < reps; r++) {
				if (single)
					sgemm(101, 111, 111, m, n, k, 1, (float *)a, k, (float *)b, n, 0, (float *)c, n);
				else
					dgemm(101, 111, 111, m, n, k, 1, (double *)a, k, (double *)b, n, 0, (double *)c, n);
			}
			seconds = now() - start;
			if (seconds > 0.02 && reps > 1) break;
			reps *= 2;
		}
		free(a), free(b), free(c); /* before the answer, to be idle after it */
		printf("%.9g\n", seconds / reps);
		fflush(stdout);
	}
	return 0;
}
