/* FullGrad: what the input and every bias contribute to the score (Srinivas & Fleuret, "Full-gradient representation for
 * neural network visualization", 2019): for piecewise linear networks S = sum x g + sum over all biases b g_b, g_b the
 * gradient at the bias.
 *
 * map = psi(x g) + sum over the convolutions and batch norms that have rows and columns of psi(b g_b), psi(v) = the sum over
 * the channels of |v| scaled to [0, 1] over the layer, resized corner on corner. pytorch-grad-cam: each channel scaled for
 * itself, resized bilinearly; the map is scaled at the end. The residual is what the identity above lacks, relative to S:
 * dense layers' biases are counted there. Threading: no state. */
#include <math.h>
#include <string.h>

#include "attribution/methods.h"
#include "base/mem.h"
#include "attribution/modifiers.h"
#include "base/try.h"
#include "cam/cam.h"

const fullgrad_recipe cam_fullgrad = {0, 1e-6}, cam_fullgrad_torch = {1, 1e-7};

/* One chunk on its way. */
typedef struct {
    const fullgrad_recipe *recipe;
    size_t B, H, W;
    float *channel, *resized; /* room for `room` floats; (H, W) */
    size_t room;
    double *map, *sum; /* (B, H, W) sums of the maps; (B) of contributions, with their signs */
    limn_status status;
} gathering;

/* The largest layer or input: no channel of a node is larger than all channels of that. */
static size_t most_values(const limn_diff *d) {
    size_t most = limn_shape_size(&d->input);
    for (int l = 0; l < d->n_layers; l++) {
        size_t n = limn_shape_size(&d->layer[l].out);
        most = n > most ? n : most;
    }
    return most;
}

/* Scratch: a gradient (B, n), scores (B, K), a channel, a resized one; float64: maps (B, H W) and sums (B). */
size_t fullgrad_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    size_t n = limn_shape_size(&d->input), K = limn_shape_size(&d->layer[o->output.index].out);
    (void)m, (void)n_seeds;
    return limn_align_floats(d->B * n) + limn_align_floats(d->B * K) + limn_align_floats(most_values(d)) +
           limn_align_floats(n) + 2 * limn_align_floats(d->B * n) + 2 * limn_align_floats(d->B);
}

static void limits(const float *v, const float *factor, size_t C, size_t n, float *low, float *high) {
    *low = INFINITY, *high = 0;
    for (size_t c = 0; c < C; c++)
        for (size_t i = 0; i < n; i++) {
            float a = fabsf(v[c * n + i] * (factor ? factor[c] : 1));
            *low = fminf(*low, a), *high = fmaxf(*high, a);
        }
}

/* Adds psi of v (C, h, w) times factor (C; NULL: 1) to a row's map. */
static void add_psi(gathering *g, const float *v, const float *factor, size_t C, size_t h, size_t w, double *map) {
    const fullgrad_recipe *r = g->recipe;
    const size_t n = h * w;
    float low, high;
    limits(v, factor, C, n, &low, &high);
    for (size_t c = 0; c < C; c++) {
        if (r->each_channel) limits(v + c * n, factor ? factor + c : NULL, 1, n, &low, &high);
        const double range = (double)high - low + r->epsilon;
        for (size_t i = 0; i < n; i++)
            g->channel[i] = (float)((fabsf(v[c * n + i] * (factor ? factor[c] : 1)) - low) / range);
        cam_zoom_run(r->each_channel ? CAM_BILINEAR : CAM_CORNERS, g->channel, h, w, g->resized, g->H, g->W, NULL);
        for (size_t i = 0; i < g->H * g->W; i++) map[i] += g->resized[i];
    }
}

static void at_bias(void *arg, const limn_shape *out, const float *bias, const float *gradient) {
    gathering *g = arg;
    const size_t C = out->dim[0], size = limn_shape_size(out), n = size / C;
    if (out->rank == 3 && n > g->room) {
        g->status = limn_fail(LIMN_EFAIL, "full gradients have no room for a picture of %zu places", n);
        return;
    }
    for (size_t b = 0; b < g->B; b++) {
        const float *v = gradient + b * size;
        for (size_t i = 0; i < size; i++) g->sum[b] += (double)v[i] * bias[i / n];
        if (out->rank == 3) add_psi(g, v, bias, C, out->dim[1], out->dim[2], g->map + b * g->H * g->W);
    }
}

limn_status fullgrad_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) {
    limn_status status = LIMN_OK;
    const limn_diff *d = job->diff;
    const limn_shape in = limn_shape_picture(&d->input);
    const size_t n = limn_shape_size(&in), places = in.dim[1] * in.dim[2],
                 K = limn_shape_size(&d->layer[o->output.index].out);
    gathering g = {.recipe = m->recipe, .B = d->B, .H = in.dim[1], .W = in.dim[2], .room = most_values(d)};
    float *x_g = job->scratch, *scores = x_g + limn_align_floats(d->B * n);
    g.channel = scores + limn_align_floats(d->B * K);
    g.resized = g.channel + limn_align_floats(g.room);
    g.map = (double *)(void *)(g.resized + limn_align_floats(n));
    g.sum = g.map + limn_align_floats(d->B * n);
    memset(g.map, 0, d->B * n * sizeof *g.map);
    memset(g.sum, 0, d->B * sizeof *g.sum);
    const limn_walk how = {.kind = LIMN_WALK_BIASES, .visit = at_bias, .arg = &g};
    TRY(d->walk(d->ctx, &how, job->x, o->output.index, job->seed, x_g));
    TRY(g.status);
    TRY(d->value(d->ctx, o->output.index, scores));
    for (size_t i = 0; i < d->B * n; i++) x_g[i] *= job->x[i];
    for (size_t b = 0; b < d->B; b++) {
        add_psi(&g, x_g + b * n, NULL, in.dim[0], g.H, g.W, g.map + b * places);
        for (size_t i = 0; i < n; i++) g.sum[b] += x_g[b * n + i];
        for (size_t i = 0; i < places; i++) job->map[b * places + i] = (float)g.map[b * places + i];
        if (g.recipe->each_channel) limn_min_max(job->map + b * places, places);
        double S = attribution_score(job->seed + b * K, scores + b * K, K, 0);
        if (job->residual) job->residual[b] = (float)(fabs(g.sum[b] - S) / fabs(S));
    }
done:
    return status;
}
