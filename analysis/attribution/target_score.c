/* The score that a map explains, from the scores of all units. Threading: no state. */
#include <math.h>

#include "attribution/methods.h"

double attribution_score(const float *seed, const float *scores, size_t K, int probability) {
    double most = scores[0], total = 0, s = 0;
    for (size_t k = 1; k < K; k++) most = fmax(most, scores[k]);
    for (size_t k = 0; k < K; k++) {
        double y = probability ? exp(scores[k] - most) : scores[k];
        total += y;
        s += seed[k] * y;
    }
    return probability ? s / total : s;
}
