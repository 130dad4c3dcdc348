/* The segments whose presence LIME and KernelSHAP weigh.
 *
 * A grid: cells x cells blocks, as equal as they can be. Superpixels: SLIC (Achanta et al. 2012) on each sample: centres on
 * that grid; ten rounds of: every pixel goes to the nearest centre by |colour|^2 / s_c^2 + |place|^2 / s_p^2, s_p the grid's
 * step and s_c a tenth of the sample's range of values in each channel; centres become means. Only centres within two
 * steps of a pixel are looked at; the first of equals wins. Pieces are not made connected, and an empty segment stays
 * empty. Threading: no state. */
#include <math.h>
#include <string.h>

#include "perturb/perturb.h"

enum { ROUNDS = 10, MOST_CHANNELS = 4 };

void segments_grid(const limn_shape *in, size_t cells, int *segment) {
    const size_t H = in->dim[1], W = in->dim[2];
    for (size_t i = 0; i < H; i++)
        for (size_t j = 0; j < W; j++) segment[i * W + j] = (int)(i * cells / H * cells + j * cells / W);
}

/* A centre: colour of up to four channels, row, column. */
enum { FIELDS = MOST_CHANNELS + 2 };

static void update(const float *x, const limn_shape *in, size_t cells, const int *segment, double *centre,
                   double *count) {
    const size_t C = in->dim[0] < MOST_CHANNELS ? in->dim[0] : MOST_CHANNELS, n = in->dim[1] * in->dim[2];
    double before[FIELDS];
    memset(count, 0, cells * cells * sizeof *count);
    for (size_t i = 0; i < n; i++) {
        double *c = centre + (size_t)segment[i] * FIELDS, *k = count + segment[i];
        if (*k == 0) memset(c, 0, FIELDS * sizeof *c);
        ++*k;
        for (size_t p = 0; p < C; p++) before[p] = x[p * n + i];
        for (size_t p = C; p < MOST_CHANNELS; p++) before[p] = 0;
        before[MOST_CHANNELS] = (double)(i / in->dim[2]);
        before[MOST_CHANNELS + 1] = (double)(i % in->dim[2]);
        for (size_t f = 0; f < FIELDS; f++) c[f] += (before[f] - c[f]) / *k;
    }
}

/* The nearest centre of pixel i among those of the cells around the grid's cell of the pixel. */
static int nearest(const float *x, const limn_shape *in, size_t cells, size_t i, const double *centre,
                   const double *scale) {
    const size_t C = in->dim[0] < MOST_CHANNELS ? in->dim[0] : MOST_CHANNELS, H = in->dim[1], W = in->dim[2];
    const long row = (long)(i / W * cells / H), column = (long)(i % W * cells / W), most = (long)cells - 1;
    double best = INFINITY;
    int found = 0;
    for (long a = row - 2 < 0 ? 0 : row - 2; a <= (row + 2 > most ? most : row + 2); a++)
        for (long b = column - 2 < 0 ? 0 : column - 2; b <= (column + 2 > most ? most : column + 2); b++) {
            const double *c = centre + (size_t)(a * (most + 1) + b) * FIELDS;
            double y = ((double)(i / W) - c[MOST_CHANNELS]) * scale[MOST_CHANNELS],
                   z = ((double)(i % W) - c[MOST_CHANNELS + 1]) * scale[MOST_CHANNELS + 1], distance = y * y + z * z;
            for (size_t p = 0; p < C; p++) {
                double v = (x[p * H * W + i] - c[p]) * scale[p];
                distance += v * v;
            }
            if (distance < best) best = distance, found = (int)(a * (most + 1) + b);
        }
    return found;
}

void segments_superpixels(const float *x, const limn_shape *in, size_t cells, int *segment, double *work) {
    const size_t C = in->dim[0] < MOST_CHANNELS ? in->dim[0] : MOST_CHANNELS, n = in->dim[1] * in->dim[2];
    double *centre = work, scale[FIELDS] = {0}, *count = work + cells * cells * FIELDS;
    for (size_t p = 0; p < C; p++) {
        float low = x[p * n], high = x[p * n];
        for (size_t i = 1; i < n; i++) low = fminf(low, x[p * n + i]), high = fmaxf(high, x[p * n + i]);
        scale[p] = high > low ? 10 / ((double)high - low) : 0;
    }
    scale[MOST_CHANNELS] = (double)cells / (double)in->dim[1];
    scale[MOST_CHANNELS + 1] = (double)cells / (double)in->dim[2];
    segments_grid(in, cells, segment);
    for (size_t i = 0; i < cells * cells * FIELDS; i++) centre[i] = INFINITY; /* a cell without a pixel attracts none */
    for (int round = 0; round < ROUNDS; round++) {
        update(x, in, cells, segment, centre, count);
        for (size_t i = 0; i < n; i++) segment[i] = nearest(x, in, cells, i, centre, scale);
    }
}
