/* The element-wise functions and their derivatives: see functions.h.
 *
 * Written for float32 results: what cancels (softplus, sigmoid's tails, GELU) is evaluated in float64 or in the form
 * that does not. At a kink the slope is that of the lower side, as Keras and PyTorch have it for the ReLU family. */
#include "model/functions.h"

#include <math.h>

#define F(name) static float name(float x, const float *p)
#define IGNORE (void)p

static const double SQRT1_2 = 0.70710678118654752440, INV_SQRT_2PI = 0.39894228040143267794,
                    SQRT_2_PI = 0.79788456080286535588, TWO_INV_SQRT_PI = 1.12837916709551257390;

static double logistic(double x) {
    return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}

static double log1p_exp(double x) { /* log(1 + e^x) */
    return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}

/* ---- the ReLU family --------------------------------------------------------------------------------------------- */
F(leaky) {
    return x > 0 ? x : p[0] * x;
}
F(leaky_slope) {
    return x > 0 ? 1 : p[0];
}
F(rect) {
    return x >= p[1] ? p[1] : x > p[2] ? x : p[0] * (x - p[2]);
}
F(rect_slope) {
    return x >= p[1] ? 0 : x > p[2] ? 1 : p[0];
}
F(elu) {
    return x > 0 ? x : p[0] * expm1f(x);
}
F(elu_slope) {
    return x > 0 ? 1 : p[0] * expf(x);
}
F(selu) {
    return p[1] * (x > 0 ? x : p[0] * expm1f(x));
}
F(selu_slope) {
    return p[1] * (x > 0 ? 1 : p[0] * expf(x));
}
F(celu) {
    return x > 0 ? x : p[0] * expm1f(x / p[0]);
}
F(celu_slope) {
    return x > 0 ? 1 : expf(x / p[0]);
}
F(thresholded) {
    return x > p[0] ? x : 0;
}
F(thresholded_slope) {
    return x > p[0] ? 1 : 0;
}
F(shrink) {
    return x < -p[0] ? x + p[1] : x > p[0] ? x - p[1] : 0;
}
F(shrink_slope) {
    return x < -p[0] || x > p[0] ? 1 : 0;
}
F(clip) { /* max, then min: the upper bound wins where the two cross; NaN passes */
    float y = x < p[0] ? p[0] : x;
    return y > p[1] ? p[1] : y;
}
F(clip_slope) {
    return x > p[0] && x < p[1] ? 1 : 0;
}

/* ---- sigmoids ---------------------------------------------------------------------------------------------------- */
F(sigmoid) {
    IGNORE;
    return (float)logistic(x);
}
F(sigmoid_slope) {
    IGNORE;
    return (float)(logistic(x) * logistic(-(double)x));
}
F(hard_sigmoid) {
    float y = p[0] * x + p[1];
    return y < 0 ? 0 : y > 1 ? 1 : y;
}
F(hard_sigmoid_slope) {
    float y = p[0] * x + p[1];
    return y > 0 && y < 1 ? p[0] : 0;
}
F(log_sigmoid) {
    IGNORE;
    return (float)-log1p_exp(-(double)x);
}
F(log_sigmoid_slope) {
    IGNORE;
    return (float)logistic(-(double)x);
}
F(tanh_) {
    IGNORE;
    return tanhf(x);
}
F(tanh_slope) {
    IGNORE;
    double t = tanh(x);
    return (float)(1 - t * t);
}
F(tanh_shrink) {
    IGNORE;
    return (float)(x - tanh(x));
}
F(tanh_shrink_slope) {
    IGNORE;
    double t = tanh(x);
    return (float)(t * t);
}
F(gelu) {
    IGNORE;
    return (float)(0.5 * x * erfc(-x * SQRT1_2));
}
F(gelu_slope) {
    IGNORE;
    double v = x;
    return (float)(0.5 * erfc(-v * SQRT1_2) + v * INV_SQRT_2PI * exp(-0.5 * v * v));
}
F(gelu_tanh) {
    IGNORE;
    double v = x;
    return (float)(0.5 * v * (1 + tanh(SQRT_2_PI * (v + 0.044715 * v * v * v))));
}
F(gelu_tanh_slope) {
    IGNORE;
    double v = x, t = tanh(SQRT_2_PI * (v + 0.044715 * v * v * v));
    return (float)(0.5 * (1 + t) + 0.5 * v * (1 - t * t) * SQRT_2_PI * (1 + 3 * 0.044715 * v * v));
}
F(silu) {
    return (float)(x * logistic((double)p[0] * x));
}
F(silu_slope) {
    double s = logistic((double)p[0] * x);
    return (float)(s + x * p[0] * s * (1 - s));
}
F(mish) {
    IGNORE;
    return (float)(x * tanh(log1p_exp(x)));
}
F(mish_slope) {
    IGNORE;
    double t = tanh(log1p_exp(x));
    return (float)(t + x * (1 - t * t) * logistic(x));
}
F(hard_swish) {
    IGNORE;
    return x <= -3 ? 0 : x >= 3 ? x : (float)(x * ((double)x + 3) / 6);
}
F(hard_swish_slope) {
    IGNORE;
    return x <= -3 ? 0 : x >= 3 ? 1 : (float)((2.0 * x + 3) / 6);
}
F(softplus) {
    IGNORE;
    return (float)log1p_exp(x);
}
F(softplus_slope) {
    IGNORE;
    return (float)logistic(x);
}
F(softsign) {
    IGNORE;
    return x / (1 + fabsf(x));
}
F(softsign_slope) {
    IGNORE;
    return 1 / ((1 + fabsf(x)) * (1 + fabsf(x)));
}

/* ---- elementary -------------------------------------------------------------------------------------------------- */
F(zero_slope) {
    (void)x;
    IGNORE;
    return 0;
}
F(exp_) {
    IGNORE;
    return expf(x);
}
F(log_) {
    IGNORE;
    return logf(x);
}
F(log_slope) {
    IGNORE;
    return 1 / x;
}
F(sqrt_) {
    IGNORE;
    return sqrtf(x);
}
F(sqrt_slope) {
    IGNORE;
    return 0.5f / sqrtf(x);
}
F(rsqrt) {
    IGNORE;
    return 1 / sqrtf(x);
}
F(rsqrt_slope) {
    IGNORE;
    return -0.5f / (x * sqrtf(x));
}
F(abs_) {
    IGNORE;
    return fabsf(x);
}
F(sign) {
    IGNORE;
    return x > 0 ? 1 : x < 0 ? -1 : x;
}
F(neg) {
    IGNORE;
    return -x;
}
F(neg_slope) {
    (void)x;
    IGNORE;
    return -1;
}
F(reciprocal) {
    IGNORE;
    return 1 / x;
}
F(reciprocal_slope) {
    IGNORE;
    return -1 / (x * x);
}
F(square) {
    IGNORE;
    return x * x;
}
F(square_slope) {
    IGNORE;
    return 2 * x;
}
F(erf_) {
    IGNORE;
    return erff(x);
}
F(erf_slope) {
    IGNORE;
    return (float)(TWO_INV_SQRT_PI * exp(-(double)x * x));
}
F(floor_) {
    IGNORE;
    return floorf(x);
}
F(ceil_) {
    IGNORE;
    return ceilf(x);
}
F(round_) {
    IGNORE;
    return rintf(x);
}
F(trunc_) {
    IGNORE;
    return truncf(x);
}
F(sin_) {
    IGNORE;
    return sinf(x);
}
F(cos_) {
    IGNORE;
    return cosf(x);
}
F(minus_sin) {
    IGNORE;
    return -sinf(x);
}
F(tan_) {
    IGNORE;
    return tanf(x);
}
F(tan_slope) {
    IGNORE;
    return 1 / (cosf(x) * cosf(x));
}
F(asin_) {
    IGNORE;
    return asinf(x);
}
F(asin_slope) {
    IGNORE;
    return 1 / sqrtf(1 - x * x);
}
F(acos_) {
    IGNORE;
    return acosf(x);
}
F(acos_slope) {
    IGNORE;
    return -1 / sqrtf(1 - x * x);
}
F(atan_) {
    IGNORE;
    return atanf(x);
}
F(atan_slope) {
    IGNORE;
    return 1 / (1 + x * x);
}
F(sinh_) {
    IGNORE;
    return sinhf(x);
}
F(cosh_) {
    IGNORE;
    return coshf(x);
}
F(asinh_) {
    IGNORE;
    return asinhf(x);
}
F(asinh_slope) {
    IGNORE;
    return 1 / sqrtf(x * x + 1);
}
F(acosh_) {
    IGNORE;
    return acoshf(x);
}
F(acosh_slope) {
    IGNORE;
    return 1 / sqrtf(x * x - 1);
}
F(atanh_) {
    IGNORE;
    return atanhf(x);
}
F(atanh_slope) {
    IGNORE;
    return 1 / (1 - x * x);
}
F(not_) {
    IGNORE;
    return x == 0;
}
F(is_nan) {
    IGNORE;
    return isnan(x) ? 1 : 0;
}
F(is_inf) {
    return isinf(x) && (x < 0 ? p[0] : p[1]) != 0;
}
F(affine) {
    return p[0] * x + p[1];
}
F(affine_slope) {
    (void)x;
    return p[0];
}

const limn_unary_row limn_unary_table[LIMN_UNARIES] = {
    [LIMN_F_LEAKY] = {"leaky_relu", leaky, leaky_slope},
    [LIMN_F_RECT] = {"relu", rect, rect_slope},
    [LIMN_F_ELU] = {"elu", elu, elu_slope},
    [LIMN_F_SELU] = {"selu", selu, selu_slope},
    [LIMN_F_CELU] = {"celu", celu, celu_slope},
    [LIMN_F_THRESHOLDED] = {"thresholded_relu", thresholded, thresholded_slope},
    [LIMN_F_SHRINK] = {"shrink", shrink, shrink_slope},
    [LIMN_F_CLIP] = {"clip", clip, clip_slope},
    [LIMN_F_SIGMOID] = {"sigmoid", sigmoid, sigmoid_slope},
    [LIMN_F_HARD_SIGMOID] = {"hard_sigmoid", hard_sigmoid, hard_sigmoid_slope},
    [LIMN_F_LOG_SIGMOID] = {"log_sigmoid", log_sigmoid, log_sigmoid_slope},
    [LIMN_F_TANH] = {"tanh", tanh_, tanh_slope},
    [LIMN_F_TANH_SHRINK] = {"tanh_shrink", tanh_shrink, tanh_shrink_slope},
    [LIMN_F_GELU] = {"gelu", gelu, gelu_slope},
    [LIMN_F_GELU_TANH] = {"gelu_tanh", gelu_tanh, gelu_tanh_slope},
    [LIMN_F_SILU] = {"silu", silu, silu_slope},
    [LIMN_F_MISH] = {"mish", mish, mish_slope},
    [LIMN_F_HARD_SWISH] = {"hard_swish", hard_swish, hard_swish_slope},
    [LIMN_F_SOFTPLUS] = {"softplus", softplus, softplus_slope},
    [LIMN_F_SOFTSIGN] = {"softsign", softsign, softsign_slope},
    [LIMN_F_EXP] = {"exp", exp_, exp_},
    [LIMN_F_LOG] = {"log", log_, log_slope},
    [LIMN_F_SQRT] = {"sqrt", sqrt_, sqrt_slope},
    [LIMN_F_RSQRT] = {"rsqrt", rsqrt, rsqrt_slope},
    [LIMN_F_ABS] = {"abs", abs_, sign},
    [LIMN_F_NEG] = {"neg", neg, neg_slope},
    [LIMN_F_RECIPROCAL] = {"reciprocal", reciprocal, reciprocal_slope},
    [LIMN_F_SQUARE] = {"square", square, square_slope},
    [LIMN_F_ERF] = {"erf", erf_, erf_slope},
    [LIMN_F_SIGN] = {"sign", sign, zero_slope},
    [LIMN_F_FLOOR] = {"floor", floor_, zero_slope},
    [LIMN_F_CEIL] = {"ceil", ceil_, zero_slope},
    [LIMN_F_ROUND] = {"round", round_, zero_slope},
    [LIMN_F_SIN] = {"sin", sin_, cos_},
    [LIMN_F_COS] = {"cos", cos_, minus_sin},
    [LIMN_F_TAN] = {"tan", tan_, tan_slope},
    [LIMN_F_ASIN] = {"asin", asin_, asin_slope},
    [LIMN_F_ACOS] = {"acos", acos_, acos_slope},
    [LIMN_F_ATAN] = {"atan", atan_, atan_slope},
    [LIMN_F_SINH] = {"sinh", sinh_, cosh_},
    [LIMN_F_COSH] = {"cosh", cosh_, sinh_},
    [LIMN_F_ASINH] = {"asinh", asinh_, asinh_slope},
    [LIMN_F_ACOSH] = {"acosh", acosh_, acosh_slope},
    [LIMN_F_ATANH] = {"atanh", atanh_, atanh_slope},
    [LIMN_F_NOT] = {"not", not_, zero_slope},
    [LIMN_F_IS_NAN] = {"is_nan", is_nan, zero_slope},
    [LIMN_F_IS_INF] = {"is_inf", is_inf, zero_slope},
    [LIMN_F_TRUNC] = {"trunc", trunc_, zero_slope},
    [LIMN_F_AFFINE] = {"affine", affine, affine_slope},
};

/* ---- two arguments ----------------------------------------------------------------------------------------------- */
#define G(name) static float name(float a, float b)
G(one) {
    (void)a;
    (void)b;
    return 1;
}
G(minus_one) {
    (void)a;
    (void)b;
    return -1;
}
G(first) {
    (void)b;
    return a;
}
G(second) {
    (void)a;
    return b;
}
G(add) {
    return a + b;
}
G(sub) {
    return a - b;
}
G(mul) {
    return a * b;
}
G(div_) {
    return a / b;
}
G(div_a) {
    (void)a;
    return 1 / b;
}
G(div_b) {
    return -a / (b * b);
}
G(max_) {
    return a >= b || isnan(a) ? a : b;
}
G(min_) {
    return a <= b || isnan(a) ? a : b;
}
G(at_least) {
    return a >= b;
}
G(below) {
    return !(a >= b);
}
G(at_most) {
    return a <= b;
}
G(above) {
    return !(a <= b);
}
G(pow_) {
    return powf(a, b);
}
G(pow_a) {
    return b == 0 ? 0 : b * powf(a, b - 1);
}
G(pow_b) {
    return a == 0 ? 0 : powf(a, b) * logf(a);
}
G(prelu) {
    return a > 0 ? a : b * a;
}
G(prelu_a) {
    return a > 0 ? 1 : b;
}
G(prelu_b) {
    (void)b;
    return a > 0 ? 0 : a;
}
G(mod) {
    float r = fmodf(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
G(fmod_) {
    return fmodf(a, b);
}
G(int_div) {
    return truncf(a / b);
}
G(equal) {
    return a == b;
}
G(less) {
    return a < b;
}
G(greater) {
    return a > b;
}
G(and_) {
    return a != 0 && b != 0;
}
G(or_) {
    return a != 0 || b != 0;
}
G(xor_) {
    return (a != 0) != (b != 0);
}

const limn_binary_row limn_binary_table[LIMN_BINARIES] = {
    [LIMN_F_ADD] = {"add", add, one, one},
    [LIMN_F_SUB] = {"sub", sub, one, minus_one},
    [LIMN_F_MUL] = {"mul", mul, second, first},
    [LIMN_F_DIV] = {"div", div_, div_a, div_b},
    [LIMN_F_MAX] = {"max", max_, at_least, below},
    [LIMN_F_MIN] = {"min", min_, at_most, above},
    [LIMN_F_POW] = {"pow", pow_, pow_a, pow_b},
    [LIMN_F_PRELU] = {"prelu", prelu, prelu_a, prelu_b},
    [LIMN_F_MOD] = {"mod", mod, one, NULL},
    [LIMN_F_FMOD] = {"fmod", fmod_, one, NULL},
    [LIMN_F_INT_DIV] = {"int_div", int_div, NULL, NULL},
    [LIMN_F_EQUAL] = {"equal", equal, NULL, NULL},
    [LIMN_F_LESS] = {"less", less, NULL, NULL},
    [LIMN_F_LESS_EQUAL] = {"less_equal", at_most, NULL, NULL},
    [LIMN_F_GREATER] = {"greater", greater, NULL, NULL},
    [LIMN_F_GREATER_EQUAL] = {"greater_equal", at_least, NULL, NULL},
    [LIMN_F_AND] = {"and", and_, NULL, NULL},
    [LIMN_F_OR] = {"or", or_, NULL, NULL},
    [LIMN_F_XOR] = {"xor", xor_, NULL, NULL},
};

const char *const limn_reduce_names[LIMN_REDUCES] = {
    [LIMN_F_SUM] = "reduce_sum",         [LIMN_F_MEAN] = "reduce_mean",
    [LIMN_F_MAXIMUM] = "reduce_max",     [LIMN_F_MINIMUM] = "reduce_min",
    [LIMN_F_PROD] = "reduce_prod",       [LIMN_F_L1] = "reduce_l1",
    [LIMN_F_L2] = "reduce_l2",           [LIMN_F_SUM_SQUARE] = "reduce_sum_square",
    [LIMN_F_LOG_SUM] = "reduce_log_sum", [LIMN_F_LOG_SUM_EXP] = "reduce_log_sum_exp",
};
