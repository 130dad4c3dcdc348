/* Sums over vectors, as the CPU does them fastest: the same bits on every instruction set. Internal to db/.
 *
 * Element i goes into partial sum i mod 16, all in float64, multiplied and added apart (no FMA); the 16 are added in a
 * fixed order. a and b (n) float32, not aligned. */
#ifndef LIMN_VEC_KERNELS_H
#define LIMN_VEC_KERNELS_H

#include <stddef.h>

typedef struct {
    const char *name; /* "ref", "avx2", "avx512" */
    double (*dot)(const unsigned char *a, const unsigned char *b, size_t n);
    double (*square_distance)(const unsigned char *a, const unsigned char *b, size_t n);
    /* a . b, a . a, b . b */
    void (*products)(const unsigned char *a, const unsigned char *b, size_t n, double out[3]);
} vec_kernels;

/* The fastest here; the i-th that runs here (0: the plain loop that the others are held against), NULL past the end. */
const vec_kernels *vec_kernels_best(void);
const vec_kernels *vec_kernels_at(int i);

#endif
