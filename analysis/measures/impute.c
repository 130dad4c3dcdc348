/* ROAD's noisy linear imputation (Rong et al., "A consistent and efficient evaluation strategy", 2022).
 *
 * Every place that is gone becomes the mean of its eight neighbours, 1/6 for those beside it and 1/12 for those across a
 * corner, scaled to sum 1 at the picture's edge; places that are gone depend on one another, so the values solve a linear
 * system. It is solved by successive over-relaxation, omega = 1.7, until no value moves by more than 1e-6 of the range of
 * what remains, or for at most 2,000 rounds; the start is the mean of what remains. Then N(0, noise) is added to each.
 *
 * Threading: no state. */
#include <math.h>

#include "base/rng.h"
#include "measures/measures.h"

enum { ROUNDS = 2000 };

static double settle(double *v, size_t H, size_t W, const unsigned char *gone) {
    double moved = 0;
    for (size_t i = 0; i < H; i++)
        for (size_t j = 0; j < W; j++) {
            if (!gone[i * W + j]) continue;
            double sum = 0, weight = 0;
            for (int a = -1; a <= 1; a++)
                for (int b = -1; b <= 1; b++) {
                    if ((a == 0 && b == 0) || (a < 0 && i == 0) || (a > 0 && i + 1 == H) || (b < 0 && j == 0) ||
                        (b > 0 && j + 1 == W))
                        continue;
                    double w = a == 0 || b == 0 ? 1. / 6 : 1. / 12;
                    sum += w * v[(size_t)((long)i + a) * W + (size_t)((long)j + b)];
                    weight += w;
                }
            double step = 1.7 * (sum / weight - v[i * W + j]);
            v[i * W + j] += step;
            moved = fmax(moved, fabs(step));
        }
    return moved;
}

void measure_impute(float *x, size_t C, size_t H, size_t W, const unsigned char *gone, double noise, limn_rng *r,
                    double *work) {
    const size_t n = H * W;
    for (size_t c = 0; c < C; c++, x += n) {
        double mean = 0, low = INFINITY, high = -INFINITY;
        size_t left = 0;
        for (size_t i = 0; i < n; i++) {
            if (gone[i]) continue;
            mean += (x[i] - mean) / (double)++left;
            low = fmin(low, x[i]), high = fmax(high, x[i]);
        }
        for (size_t i = 0; i < n; i++) work[i] = gone[i] ? mean : x[i];
        for (int round = 0; left > 0 && round < ROUNDS; round++)
            if (settle(work, H, W, gone) <= 1e-6 * (high - low)) break;
        for (size_t i = 0; i < n; i++)
            if (gone[i]) x[i] = (float)(work[i] + noise * limn_rng_normal(r));
    }
}
