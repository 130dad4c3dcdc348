/* Element-wise functions by name: what UNARY, BINARY and REDUCE nodes compute, with derivatives.
 *
 * A row of a const table is a function; readers choose rows, fold constants with them, and the engine runs them. All are
 * pure. Parameters p[] stand in the node (limn_op_attr.p); a reader fills them with the defaults of its own format. */
#ifndef LIMN_FUNCTIONS_H
#define LIMN_FUNCTIONS_H

#include <stddef.h>

typedef enum {
    LIMN_F_LEAKY,       /* x > 0 ? x : p0 x */
    LIMN_F_RECT,        /* Keras's ReLU: slope p0, maximum p1, threshold p2 */
    LIMN_F_ELU,         /* x > 0 ? x : p0 (e^x - 1) */
    LIMN_F_SELU,        /* p1 (x > 0 ? x : p0 (e^x - 1)) */
    LIMN_F_CELU,        /* max(x, 0) + min(0, p0 (e^(x/p0) - 1)) */
    LIMN_F_THRESHOLDED, /* x > p0 ? x : 0 */
    LIMN_F_SHRINK,      /* x < -p0 ? x + p1 : x > p0 ? x - p1 : 0 */
    LIMN_F_CLIP,        /* min(max(x, p0), p1) */
    LIMN_F_SIGMOID,
    LIMN_F_HARD_SIGMOID, /* min(max(p0 x + p1, 0), 1) */
    LIMN_F_LOG_SIGMOID,
    LIMN_F_TANH,
    LIMN_F_TANH_SHRINK, /* x - tanh x */
    LIMN_F_GELU,        /* exact: x Phi(x) */
    LIMN_F_GELU_TANH,   /* its approximation by tanh */
    LIMN_F_SILU,        /* x sigmoid(p0 x); p0 = 1: SiLU, swish */
    LIMN_F_MISH,        /* x tanh(softplus x) */
    LIMN_F_HARD_SWISH,  /* x min(max(x / 6 + 1/2, 0), 1) */
    LIMN_F_SOFTPLUS,
    LIMN_F_SOFTSIGN,
    LIMN_F_EXP,
    LIMN_F_LOG,
    LIMN_F_SQRT,
    LIMN_F_RSQRT,
    LIMN_F_ABS,
    LIMN_F_NEG,
    LIMN_F_RECIPROCAL,
    LIMN_F_SQUARE,
    LIMN_F_ERF,
    LIMN_F_SIGN,
    LIMN_F_FLOOR,
    LIMN_F_CEIL,
    LIMN_F_ROUND, /* halves to even */
    LIMN_F_SIN,
    LIMN_F_COS,
    LIMN_F_TAN,
    LIMN_F_ASIN,
    LIMN_F_ACOS,
    LIMN_F_ATAN,
    LIMN_F_SINH,
    LIMN_F_COSH,
    LIMN_F_ASINH,
    LIMN_F_ACOSH,
    LIMN_F_ATANH,
    LIMN_F_NOT, /* x == 0 */
    LIMN_F_IS_NAN,
    LIMN_F_IS_INF, /* of the signs p0 != 0 (negative), p1 != 0 (positive) */
    LIMN_F_TRUNC,  /* towards zero: a cast to an integer type */
    LIMN_F_AFFINE, /* p0 x + p1: Rescaling */
    LIMN_UNARIES
} limn_unary;

typedef enum {
    LIMN_F_ADD,
    LIMN_F_SUB,
    LIMN_F_MUL,
    LIMN_F_DIV,
    LIMN_F_MAX, /* a tie's gradient goes to the first */
    LIMN_F_MIN,
    LIMN_F_POW,
    LIMN_F_PRELU,   /* a > 0 ? a : b a */
    LIMN_F_MOD,     /* the divisor's sign, as Python's */
    LIMN_F_FMOD,    /* the dividend's, as C's */
    LIMN_F_INT_DIV, /* towards zero: integer division */
    LIMN_F_EQUAL,   /* from here on 0 or 1, without a gradient */
    LIMN_F_LESS,
    LIMN_F_LESS_EQUAL,
    LIMN_F_GREATER,
    LIMN_F_GREATER_EQUAL,
    LIMN_F_AND,
    LIMN_F_OR,
    LIMN_F_XOR,
    LIMN_BINARIES
} limn_binary;

typedef enum {
    LIMN_F_SUM,
    LIMN_F_MEAN,
    LIMN_F_MAXIMUM, /* a tie's gradient goes to the first */
    LIMN_F_MINIMUM,
    LIMN_F_PROD,
    LIMN_F_L1,
    LIMN_F_L2,
    LIMN_F_SUM_SQUARE,
    LIMN_F_LOG_SUM,
    LIMN_F_LOG_SUM_EXP,
    LIMN_REDUCES
} limn_reduce;

typedef struct {
    const char *name;
    float (*f)(float x, const float *p);
    float (*slope)(float x, const float *p); /* f' */
} limn_unary_row;

typedef struct {
    const char *name;
    float (*f)(float a, float b);
    float (*slope_a)(float a, float b), (*slope_b)(float a, float b); /* NULL: zero everywhere */
} limn_binary_row;

extern const limn_unary_row limn_unary_table[LIMN_UNARIES];
extern const limn_binary_row limn_binary_table[LIMN_BINARIES];
extern const char *const limn_reduce_names[LIMN_REDUCES];

#endif
