/* Multiplies with SuiteSparse:GraphBLAS on one thread: a line "NAME" on standard input is
 * answered with the seconds that the square of the matrix took whose arrays are in
 * DIR/NAME_ptr.npy, NAME_col.npy and NAME_val.npy. Its rows come out sorted.
 * Build: gcc -O2 graphblas.c -lgraphblas; run with DIR. */
#include <GraphBLAS.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void check(GrB_Info info, const char *what) {
	if (info != GrB_SUCCESS) {
		fprintf(stderr, "%s: error %d\n", what, (int)info);
		exit(1);
	}
}

/* An array of elements of eight bytes, of any kind. */
static void *load(const char *dir, const char *name, const char *part, GrB_Index *n) {
	char path[4096];
	unsigned char head[10];
	snprintf(path, sizeof path, "%s/%s_%s.npy", dir, name, part);
	FILE *f = fopen(path, "rb");
	if (!f || fread(head, 1, sizeof head, f) != sizeof head) {
		perror(path);
		exit(1);
	}
	long from = sizeof head + head[8] + 256 * head[9];
	fseek(f, 0, SEEK_END);
	*n = (ftell(f) - from) / 8;
	fseek(f, from, SEEK_SET);
	void *data = malloc(8 * *n);
	if (fread(data, 8, *n, f) != *n) {
		perror(path);
		exit(1);
	}
	fclose(f);
	return data;
}

int main(int argc, char **argv) {
	char name[64];
	check(GrB_init(GrB_NONBLOCKING), "GrB_init");
	check(GxB_Global_Option_set(GxB_GLOBAL_NTHREADS, 1), "GxB_GLOBAL_NTHREADS");
	fprintf(stderr, "SuiteSparse:GraphBLAS %d.%d.%d\n", GxB_IMPLEMENTATION_MAJOR, GxB_IMPLEMENTATION_MINOR, GxB_IMPLEMENTATION_SUB);
	while (argc == 2 && scanf("%63s", name) == 1) {
		GrB_Index rows, nnz, values;
		GrB_Index *ptr = load(argv[1], name, "ptr", &rows), *col = load(argv[1], name, "col", &nnz);
		double *val = load(argv[1], name, "val", &values);
		GrB_Matrix a, c;
		check(GrB_Matrix_import_FP64(&a, GrB_FP64, rows - 1, rows - 1, ptr, col, val, rows, nnz, values, GrB_CSR_FORMAT), "import");
		free(ptr), free(col), free(val);
		check(GrB_Matrix_new(&c, GrB_FP64, rows - 1, rows - 1), "GrB_Matrix_new");
		check(GrB_Matrix_wait(a, GrB_MATERIALIZE), "GrB_Matrix_wait");
		double start = now();
		check(GrB_mxm(c, NULL, NULL, GrB_PLUS_TIMES_SEMIRING_FP64, a, a, NULL), "GrB_mxm");
		check(GrB_Matrix_wait(c, GrB_MATERIALIZE), "GrB_Matrix_wait");
		double seconds = now() - start;
		GrB_Matrix_free(&a), GrB_Matrix_free(&c);
		printf("%.9g\n", seconds);
		fflush(stdout);
	}
	return 0;
}
