/* Occlusion: how much of the score goes where a window of the input is replaced by a baseline (Zeiler & Fergus 2014).
 *
 * Windows of w x w begin at 0, s, 2s, …, ceil((D - w) / s) s along each axis; one that hangs over the edge is cut off.
 * map(i) = mean of S(x) - S(x with the window replaced) over the windows that cover pixel i, 0 where none does. With
 * windows side by side (s = w) this is the ablation of blocks. So Captum's Occlusion and FeatureAblation have it.
 *
 * All channels are replaced together. Threading: no state. */
#include <string.h>

#include "base/try.h"
#include "base/mem.h"
#include "perturb/perturb.h"

const occlusion_recipe occlusion_slide = {0}, occlusion_blocks = {.blocks = 1};

limn_status perturb_scores(const limn_attribute_options *o, const limn_attribute_job *job, float *scores, double *y) {
    limn_status status = LIMN_OK;
    const limn_diff *d = job->diff;
    size_t K = limn_shape_size(&d->layer[o->output.index].out);
    TRY(d->value(d->ctx, o->output.index, scores));
    for (size_t row = 0; row < job->n_seeds * d->B; row++)
        y[row] = attribution_score(job->seed + row * K, scores + row % d->B * K, K,
                                   o->choice[PERTURB_SCORE] == PERTURB_PROBABILITY);
done:
    return status;
}

typedef struct {
    size_t H, W, window, stride, rows, columns; /* rows, columns: of windows */
} raster;

static size_t positions(size_t D, size_t window, size_t stride) {
    return D > window ? (D - window + stride - 1) / stride + 1 : 1;
}

static raster raster_of(const occlusion_recipe *r, const limn_shape *in, const limn_attribute_options *o) {
    raster t = {.H = in->dim[1],
                .W = in->dim[2],
                .window = (size_t)o->number[PERTURB_WINDOW],
                .stride = (size_t)o->number[PERTURB_STRIDE]};
    if (t.window == 0) t.window = ((t.H < t.W ? t.H : t.W) + 7) / 8;
    if (r->blocks) t.stride = t.window;
    if (t.stride == 0) t.stride = (t.window + 1) / 2;
    t.rows = positions(t.H, t.window, t.stride);
    t.columns = positions(t.W, t.window, t.stride);
    return t;
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Scratch: changed inputs (B, n), scores (B, K), float64 scores before and now (n_seeds, B), sums (n_seeds, B, H W). */
typedef struct {
    size_t input, scores, rows, sums;
} pieces;

static pieces pieces_of(const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    const limn_shape in = limn_shape_picture(&d->input);
    return (pieces){limn_align_floats(d->B * limn_shape_size(&in)),
                    limn_align_floats(d->B * limn_shape_size(&d->layer[o->output.index].out)),
                    2 * limn_align_floats(n_seeds * d->B),
                    2 * limn_align_floats(n_seeds * d->B * in.dim[1] * in.dim[2])};
}

size_t occlusion_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    pieces p = pieces_of(d, o, n_seeds);
    (void)m;
    return p.input + p.scores + 2 * p.rows + p.sums;
}

/* changed (B, n) = x with window (i, j) replaced. */
static void cover(const raster *t, const limn_attribute_job *job, size_t planes, size_t i, size_t j, float value,
                  float *changed) {
    const size_t n = t->H * t->W, top = i * t->stride, left = j * t->stride;
    memcpy(changed, job->x, planes * n * sizeof *changed);
    for (size_t p = 0; p < planes; p++)
        for (size_t y = top; y < least(top + t->window, t->H); y++)
            for (size_t x = left; x < least(left + t->window, t->W); x++) changed[p * n + y * t->W + x] = value;
}

/* Windows that cover place k of an axis. */
static size_t covers(size_t k, size_t window, size_t stride, size_t n) {
    size_t first = k >= window ? (k - window) / stride + 1 : 0, last = least(k / stride, n - 1);
    return last >= first ? last - first + 1 : 0;
}

limn_status occlusion_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) {
    limn_status status = LIMN_OK;
    const limn_diff *d = job->diff;
    const limn_shape in = limn_shape_picture(&d->input);
    const raster t = raster_of(m->recipe, &in, o);
    const pieces q = pieces_of(d, o, job->n_seeds);
    const size_t n = t.H * t.W, rows = job->n_seeds * d->B;
    float *changed = job->scratch, *scores = changed + q.input;
    double *before = (double *)(void *)(scores + q.scores), *now = before + q.rows / 2, *sum = now + q.rows / 2;

    memset(sum, 0, rows * n * sizeof *sum);
    TRY(perturb_scores(o, job, scores, before));
    for (size_t i = 0; i < t.rows; i++)
        for (size_t j = 0; j < t.columns; j++) {
            cover(&t, job, d->B * in.dim[0], i, j, (float)o->number[PERTURB_VALUE], changed);
            TRY(d->forward(d->ctx, changed));
            TRY(perturb_scores(o, job, scores, now));
            for (size_t r = 0; r < rows; r++)
                for (size_t y = i * t.stride; y < least(i * t.stride + t.window, t.H); y++)
                    for (size_t x = j * t.stride; x < least(j * t.stride + t.window, t.W); x++)
                        sum[r * n + y * t.W + x] += before[r] - now[r];
        }
    for (size_t r = 0; r < rows; r++)
        for (size_t k = 0; k < n; k++) {
            size_t c = covers(k / t.W, t.window, t.stride, t.rows) * covers(k % t.W, t.window, t.stride, t.columns);
            job->map[r * n + k] = c > 0 ? (float)(sum[r * n + k] / (double)c) : 0;
        }
done:
    return status;
}
