/* How a layer's activations A (C, n) and the score's gradients G (C, n) there become a map (n).
 *
 * By a weight a channel, map = sum_c w_c A_c:
 *   Grad-CAM    w = mean G                              (Selvaraju et al. 2017)
 *   CAM         w = sum G: of a network that ends in global average pooling and one dense layer, that layer's weights,
 *               the same whatever the input             (Zhou et al., "Learning deep features", 2016)
 *   Grad-CAM++  w = sum alpha max(G, 0), alpha = G^2 / (2 G^2 + G^3 sum A + epsilon), 0 where G is 0
 *                                                       (Chattopadhay et al. 2018)
 *   XGrad-CAM   w = sum G A / (sum A + 1e-7)            (Fu et al. 2020)
 * By elements, map = sum over c of
 *   HiResCAM G A (Draelos & Carin 2020), element-wise max(G A, 0), LayerCAM max(G, 0) A (Jiang et al. 2021)
 *
 * Weights are float64 sums; maps are summed in float32 in the order of the channels. Threading: no state. */
#include <math.h>
#include <string.h>

#include "cam/cam.h"

/* ---- sums -------------------------------------------------------------------------------------------------------- */

static double sum(const float *a, size_t n) {
    double lane[CAM_LANES] = {0}, total = 0;
    size_t i = 0;
    for (; i + CAM_LANES <= n; i += CAM_LANES)
        for (size_t k = 0; k < CAM_LANES; k++) lane[k] += a[i + k];
    for (; i < n; i++) total += a[i];
    for (size_t k = 0; k < CAM_LANES; k++) total += lane[k];
    return total;
}

double cam_mean(const float *a, size_t n) {
    return sum(a, n) / (double)n;
}

float cam_maximum(const float *a, size_t n) {
    float lane[CAM_LANES], most;
    size_t i = 0;
    for (size_t k = 0; k < CAM_LANES; k++) lane[k] = a[0];
    for (; i + CAM_LANES <= n; i += CAM_LANES)
        for (size_t k = 0; k < CAM_LANES; k++) lane[k] = a[i + k] > lane[k] ? a[i + k] : lane[k];
    for (most = lane[0]; i < n; i++) most = a[i] > most ? a[i] : most;
    for (size_t k = 0; k < CAM_LANES; k++) most = lane[k] > most ? lane[k] : most;
    return most;
}

/* ---- by a weight a channel --------------------------------------------------------------------------------------- */

static limn_status weighted(const cam_sample *s, double (*weight)(const float *A, const float *G, size_t n),
                            float *map) {
    memset(map, 0, s->n * sizeof *map);
    for (size_t c = 0; c < s->C; c++) {
        const float *A = s->A + c * s->n, w = (float)weight(A, s->G + c * s->n, s->n);
        for (size_t i = 0; i < s->n; i++) map[i] += w * A[i];
    }
    return LIMN_OK;
}

static double weight_mean(const float *A, const float *G, size_t n) {
    (void)A;
    return cam_mean(G, n);
}

static double weight_plusplus(const float *A, const float *G, size_t n) {
    const double epsilon = 1e-6, total = sum(A, n);
    double w = 0;
    for (size_t i = 0; i < n; i++) {
        double g = G[i];
        if (g > 0) w += g * g * g / (2 * g * g + g * g * g * total + epsilon);
    }
    return w;
}

/* tf-keras-vis: the derivatives are those of e^S, and alpha is scaled to sum 1 in each channel; an alpha with nothing
 * below the line has 1 there. */
static double weight_plusplus_tf(const float *A, const float *G, size_t n) {
    const double total = sum(A, n);
    double alphas = 0, w = 0;
    for (size_t i = 0; i < n; i++) {
        double g = G[i], below = 2 * g * g + g * g * g * total, alpha = g * g / (below == 0 ? 1 : below);
        alphas += alpha;
        if (g > 0) w += alpha * g;
    }
    return w / (alphas == 0 ? 1 : alphas);
}

static double weight_xgrad(const float *A, const float *G, size_t n) {
    double w = 0;
    for (size_t i = 0; i < n; i++) w += (double)G[i] * A[i];
    return w / (sum(A, n) + 1e-7);
}

limn_status cam_combine_mean(const cam_sample *s, float *map) {
    return weighted(s, weight_mean, map);
}

limn_status cam_combine_plusplus(const cam_sample *s, float *map) {
    return weighted(s, weight_plusplus, map);
}

limn_status cam_combine_plusplus_tf(const cam_sample *s, float *map) {
    limn_status status = weighted(s, weight_plusplus_tf, map);
    const float scale = (float)exp(s->score);
    for (size_t i = 0; i < s->n; i++) map[i] *= scale;
    return status;
}

limn_status cam_combine_xgrad(const cam_sample *s, float *map) {
    return weighted(s, weight_xgrad, map);
}

/* Average pooling gives every place of a channel the same gradient: anything else is no network for CAM. */
#define SAME_GRADIENT 1e-3F
limn_status cam_combine_sum(const cam_sample *s, float *map) {
    float largest = 0;
    for (size_t i = 0; i < s->C * s->n; i++) largest = fmaxf(largest, fabsf(s->G[i]));
    memset(map, 0, s->n * sizeof *map);
    for (size_t c = 0; c < s->C; c++) {
        const float *A = s->A + c * s->n, *G = s->G + c * s->n, w = (float)sum(G, s->n);
        for (size_t i = 0; i < s->n; i++) {
            if (fabsf(G[i] - G[0]) > SAME_GRADIENT * largest)
                return limn_fail(LIMN_EINPUT,
                                 "method `cam` is defined where global average pooling and one dense layer follow the "
                                 "layer; here its gradient differs from place to place: take `gradcam`");
            map[i] += w * A[i];
        }
    }
    return LIMN_OK;
}

/* ---- by elements ------------------------------------------------------------------------------------------------- */

limn_status cam_combine_hires(const cam_sample *s, float *map) {
    memset(map, 0, s->n * sizeof *map);
    for (size_t c = 0; c < s->C; c++) {
        const float *A = s->A + c * s->n, *G = s->G + c * s->n;
        for (size_t i = 0; i < s->n; i++) map[i] += G[i] * A[i];
    }
    return LIMN_OK;
}

limn_status cam_combine_element(const cam_sample *s, float *map) {
    memset(map, 0, s->n * sizeof *map);
    for (size_t c = 0; c < s->C; c++) {
        const float *A = s->A + c * s->n, *G = s->G + c * s->n;
        for (size_t i = 0; i < s->n; i++) map[i] += G[i] * A[i] > 0 ? G[i] * A[i] : 0;
    }
    return LIMN_OK;
}

limn_status cam_combine_layer(const cam_sample *s, float *map) {
    memset(map, 0, s->n * sizeof *map);
    for (size_t c = 0; c < s->C; c++) {
        const float *A = s->A + c * s->n, *G = s->G + c * s->n;
        for (size_t i = 0; i < s->n; i++) map[i] += G[i] > 0 ? G[i] * A[i] : 0;
    }
    return LIMN_OK;
}

/* ---- recipes ----------------------------------------------------------------------------------------------------- */

#define LIMN(name, how) const cam_recipe name = {.combine = how}
#define TORCH(name, how) const cam_recipe name = {.combine = how, .min_max_layer = 1, .min_max = 1}
#define SCALED(name, how) const cam_recipe name = {.combine = how, .min_max = 1}
LIMN(cam_gradcam, cam_combine_mean);
TORCH(cam_gradcam_torch, cam_combine_mean);
SCALED(cam_gradcam_scaled, cam_combine_mean);
const cam_recipe cam_gradcam_keras_vis = {.combine = cam_combine_mean, .scale_gradients = 1, .min_max = 1};
LIMN(cam_plusplus, cam_combine_plusplus);
TORCH(cam_plusplus_torch, cam_combine_plusplus);
const cam_recipe cam_plusplus_tf = {.combine = cam_combine_plusplus_tf, .wants_score = 1, .min_max = 1};
LIMN(cam_xgrad, cam_combine_xgrad);
TORCH(cam_xgrad_torch, cam_combine_xgrad);
LIMN(cam_hires, cam_combine_hires);
TORCH(cam_hires_torch, cam_combine_hires);
LIMN(cam_element, cam_combine_element);
TORCH(cam_element_torch, cam_combine_element);
LIMN(cam_layer, cam_combine_layer);
TORCH(cam_layer_torch, cam_combine_layer);
SCALED(cam_layer_tf, cam_combine_layer);
LIMN(cam_classic, cam_combine_sum);
const cam_recipe cam_eigen = {.combine = cam_combine_eigen, .no_gradient = 1};
const cam_recipe cam_eigen_torch = {.combine = cam_combine_eigen, .no_gradient = 1, .min_max_layer = 1, .min_max = 1};
LIMN(cam_eigengrad, cam_combine_eigengrad);
TORCH(cam_eigengrad_torch, cam_combine_eigengrad);
