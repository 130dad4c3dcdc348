/* RISE: the mean of random masks, weighted by the score of the masked input (Petsiuk, Das & Saenko 2018).
 *
 * Mask k: a grid of cells x cells, each 1 with probability p, else 0; made larger bilinearly, so that a cell covers
 * ceil(H / cells) x ceil(W / cells) pixels, and cut out at a random shift of less than a cell. The network sees m x +
 * (1 - m) baseline; map = sum_k S_k m_k / (N p). Masks depend on the experiment's seed and k alone: all samples and
 * targets see the same. Float64 sums in the order of k. Threading: no state. */
#include <string.h>

#include "base/rng.h"
#include "base/mem.h"
#include "base/try.h"
#include "perturb/perturb.h"

enum { MOST_CELLS = 64 };

/* mask (H, W) number k. */
static void draw(const limn_attribute_options *o, uint64_t random, size_t k, size_t H, size_t W, float *mask) {
    const size_t cells = (size_t)o->number[PERTURB_CELLS], h = (H + cells - 1) / cells, w = (W + cells - 1) / cells;
    unsigned char grid[(MOST_CELLS + 2) * (MOST_CELLS + 2)];
    limn_rng r = limn_rng_stream(random, LIMN_RNG_MASK, k);
    for (size_t i = 0; i < (cells + 2) * (cells + 2); i++) grid[i] = limn_rng_uniform(&r) < o->number[PERTURB_KEEP];
    const double down = (double)limn_rng_below(&r, h), right = (double)limn_rng_below(&r, w);
    for (size_t i = 0; i < H; i++) {
        const double y = ((double)i + down + 0.5) / (double)h, a = y - (double)(size_t)y;
        const unsigned char *row = grid + (size_t)y * (cells + 2);
        for (size_t j = 0; j < W; j++) {
            const double x = ((double)j + right + 0.5) / (double)w, b = x - (double)(size_t)x;
            const unsigned char *at = row + (size_t)x, *below = at + cells + 2;
            mask[i * W + j] =
                (float)((1 - a) * ((1 - b) * at[0] + b * at[1]) + a * ((1 - b) * below[0] + b * below[1]));
        }
    }
}

/* Scratch: a mask, masked inputs, scores (B, K), float64 scores (n_seeds, B), sums (n_seeds, B, H W). */
typedef struct {
    size_t mask, input, scores, rows, sums;
} pieces;

static pieces pieces_of(const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    const limn_shape in = limn_shape_picture(&d->input);
    size_t n = in.dim[1] * in.dim[2];
    return (pieces){limn_align_floats(n), limn_align_floats(d->B * limn_shape_size(&in)),
                    limn_align_floats(d->B * limn_shape_size(&d->layer[o->output.index].out)),
                    2 * limn_align_floats(n_seeds * d->B), 2 * limn_align_floats(n_seeds * d->B * n)};
}

size_t rise_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds) {
    pieces p = pieces_of(d, o, n_seeds);
    (void)m;
    return p.mask + p.input + p.scores + p.rows + p.sums;
}

limn_status rise_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) {
    limn_status status = LIMN_OK;
    const limn_diff *d = job->diff;
    const limn_shape in = limn_shape_picture(&d->input);
    const pieces q = pieces_of(d, o, job->n_seeds);
    const size_t n = in.dim[1] * in.dim[2], rows = job->n_seeds * d->B, planes = d->B * in.dim[0];
    const size_t samples = (size_t)o->number[PERTURB_SAMPLES];
    const float value = (float)o->number[PERTURB_VALUE];
    float *mask = job->scratch, *masked = mask + q.mask, *scores = masked + q.input;
    double *y = (double *)(void *)(scores + q.scores), *sum = y + q.rows / 2;
    (void)m;
    memset(sum, 0, rows * n * sizeof *sum);
    for (size_t k = 0; k < samples; k++) {
        draw(o, job->random, k, in.dim[1], in.dim[2], mask);
        for (size_t p = 0; p < planes; p++)
            for (size_t i = 0; i < n; i++) masked[p * n + i] = value + mask[i] * (job->x[p * n + i] - value);
        TRY(d->forward(d->ctx, masked));
        TRY(perturb_scores(o, job, scores, y));
        for (size_t r = 0; r < rows; r++)
            for (size_t i = 0; i < n; i++) sum[r * n + i] += y[r] * mask[i];
    }
    for (size_t i = 0; i < rows * n; i++) job->map[i] = (float)(sum[i] / ((double)samples * o->number[PERTURB_KEEP]));
done:
    return status;
}
