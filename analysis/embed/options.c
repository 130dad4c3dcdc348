/* Options of embeddings: defaults, presets, and what is allowed; of the transform too. */
#include "embed/options.h"

#include <math.h>

#include "base/try.h"

void limn_embed_defaults(limn_embed_options *o) {
    *o = (limn_embed_options){
        .method = LIMN_EMBED_TSNE,
        .engine = LIMN_TSNE_AUTO,
        .dims = 2,
        .pca = 50,
        .metric = LIMN_METRIC_EUCLIDEAN,
        .recall = 0.99,
        .perplexity = 30,
        .theta = 0.8,
        .force_error = 0.02,
        .alpha = 1,
        .exaggeration = 12,
        .early = 250,
        .iterations = 1000,
        .late_exaggeration = 1,
        .early_momentum = 0.8,
        .momentum = 0.8,
        .init = LIMN_INIT_PCA,
        .seed = 1,
        .threads = 0,
        .trace_every = 50,
    };
}

/* What differs from the defaults; each program's sources and documentation are the reference (docs/tsne.md). bhtsne
 * compares half of a cell's width: its 0.5 is 1 here. No program but openTSNE chooses an engine by n. */
void limn_embed_preset(limn_embed_options *o, limn_tsne_preset preset) {
    limn_embed_defaults(o);
    if (preset == LIMN_PRESET_LIMN) return;
    o->engine = LIMN_TSNE_BARNES_HUT;
    o->theta = 0.5;
    o->force_error = 0;
    if (preset != LIMN_PRESET_OPENTSNE) o->early_momentum = 0.5;
    if (preset == LIMN_PRESET_MATLAB) {
        o->pca = 0;
        o->exaggeration = 4;
        o->early = 99;
        o->learning_rate = 500;
        o->init = LIMN_INIT_RANDOM;
        o->stop = LIMN_STOP_MATLAB;
    } else if (preset == LIMN_PRESET_SKLEARN) {
        o->pca = 0;
        o->rate = LIMN_RATE_SKLEARN;
        o->stop = LIMN_STOP_SKLEARN;
    } else if (preset == LIMN_PRESET_OPENTSNE) {
        o->pca = 0;
        o->engine = LIMN_TSNE_AUTO; /* its own is Barnes-Hut below 10,000 points, else FFT */
        o->rate = LIMN_RATE_OPENTSNE;
        o->iterations = 750;
    } else {
        o->learning_rate = 200;
        o->init = LIMN_INIT_RANDOM;
        o->theta = 1;
    }
}

/* ---- what is allowed --------------------------------------------------------------------------------------------- */

static limn_status in_range(const char *name, double value, double lo, double hi) {
    if (value >= lo && value <= hi) return LIMN_OK;
    return limn_fail(LIMN_EINPUT, "%s %g is out of range: it must lie in [%g, %g]", name, value, lo, hi);
}

static limn_status check_dims(int dims) {
    if (dims >= 1 && dims <= 3) return LIMN_OK;
    return limn_fail(LIMN_EINPUT, "a map has 1, 2 or 3 dimensions, not %d", dims);
}

static limn_status check_alpha(double alpha) {
    if (alpha > 0 && alpha <= 1000) return LIMN_OK;
    return limn_fail(LIMN_EINPUT, "alpha %g is out of range: it must be above 0, and at most 1000", alpha);
}

static limn_status check_pca(int pca) {
    if (pca >= 0) return LIMN_OK;
    return limn_fail(LIMN_EINPUT, "pca %d is out of range: it must be 0 (off) or a number of dimensions", pca);
}

static limn_status check_tsne(const limn_embed_options *o, size_t n) {
    limn_status status = LIMN_OK;
    if ((unsigned)o->engine > LIMN_TSNE_EXACT) FAIL(LIMN_EINPUT, "there is no t-SNE engine number %d", (int)o->engine);
    if ((int)o->init < LIMN_INIT_PCA || o->init > LIMN_INIT_GIVEN)
        FAIL(LIMN_EINPUT, "there is no initialisation number %d", (int)o->init);
    if (n < 3) FAIL(LIMN_EINPUT, "t-SNE needs at least 3 vectors, here are %zu: perplexity must be below n - 1", n);
    if (!(o->perplexity >= 1)) FAIL(LIMN_EINPUT, "perplexity %g is too small: it must be at least 1", o->perplexity);
    if (!(o->perplexity < (double)(n - 1)))
        FAIL(LIMN_EINPUT, "perplexity %g is too large for %zu vectors: it must be below n - 1 = %zu", o->perplexity, n,
             n - 1);
    if (o->n_scales < 0 || o->n_scales > LIMN_PERPLEXITIES - 1)
        FAIL(LIMN_EINPUT, "%d perplexities are too many: at most %d", o->n_scales + 1, LIMN_PERPLEXITIES);
    for (int i = 0; i < o->n_scales; i++)
        if (!(o->scale[i] >= 1 && o->scale[i] < (double)(n - 1)))
            FAIL(LIMN_EINPUT, "perplexity %g is out of range for %zu vectors: from 1 to below n - 1 = %zu", o->scale[i],
                 n, n - 1);
    TRY(check_alpha(o->alpha));
    if (o->dims == 3 && (o->engine == LIMN_TSNE_FFT || o->engine == LIMN_TSNE_HYBRID))
        FAIL(LIMN_EINPUT,
             "the fft and hybrid engines make maps of 1 or 2 dimensions, not of 3: take barnes-hut or exact");
    if (o->init == LIMN_INIT_GIVEN && !o->start) FAIL(LIMN_EINPUT, "the start is to be given, but there is none");
    if ((int)o->stop < LIMN_STOP_NEVER || o->stop > LIMN_STOP_MATLAB || (int)o->rate < LIMN_RATE_AUTO ||
        o->rate > LIMN_RATE_OPENTSNE)
        FAIL(LIMN_EINPUT, "there is no rule of stopping number %d, or of the rate number %d", (int)o->stop,
             (int)o->rate);
    if ((unsigned)o->metric >= LIMN_METRICS) FAIL(LIMN_EINPUT, "there is no metric number %d", (int)o->metric);
    TRY(in_range("recall", o->recall, 0.5, 1));
    TRY(in_range("theta", o->theta, 0, 1));
    TRY(in_range("force_error", o->force_error, 0, 1));
    TRY(in_range("exaggeration", o->exaggeration, 1, 1000));
    TRY(in_range("late_exaggeration", o->late_exaggeration, 1, 1000));
    TRY(in_range("late", o->late, 0, 1000000));
    TRY(in_range("early_momentum", o->early_momentum, 0, 0.999));
    TRY(in_range("snapshot_every", o->snapshot_every, 0, 1000000));
    TRY(in_range("iterations", o->iterations, 1, 1000000));
    TRY(in_range("early", o->early, 0, 1000000));
    TRY(in_range("learning_rate", o->learning_rate, 0, 1e12));
    TRY(in_range("momentum", o->momentum, 0, 0.999));
    TRY(in_range("trace_every", o->trace_every, 1, 1000000));
done:
    return status;
}

limn_status limn_embed_check(const limn_embed_options *o, size_t n, size_t D) {
    limn_status status = LIMN_OK;
    if (o->method != LIMN_EMBED_TSNE && o->method != LIMN_EMBED_PCA)
        FAIL(LIMN_EINPUT, "there is no embedding method number %d", (int)o->method);
    TRY(check_dims(o->dims));
    if (n < 1 || D < 1) FAIL(LIMN_EINPUT, "there is nothing to embed: %zu vectors of %zu dimensions", n, D);
    if (n > INT32_MAX) FAIL(LIMN_EINPUT, "%zu vectors are too many: at most %d", n, INT32_MAX);
    TRY(check_pca(o->pca));
    if (o->method == LIMN_EMBED_PCA && (size_t)o->dims > D)
        FAIL(LIMN_EINPUT, "a PCA map of %d dimensions needs vectors of at least as many, here are %zu", o->dims, D);
    if (o->method == LIMN_EMBED_TSNE) TRY(check_tsne(o, n));
done:
    return status;
}

limn_status embed_check_finite(const float *v, size_t n, size_t D, const char *what) {
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < D; c++)
            if (!isfinite(v[i * D + c]))
                return limn_fail(LIMN_EFAIL, "%s %zu holds %s at component %zu: all values must be finite", what, i,
                                 isnan(v[i * D + c]) ? "NaN" : "an infinity", c);
    return LIMN_OK;
}

/* ---- transform --------------------------------------------------------------------------------------------------- */

void limn_transform_defaults(limn_transform_options *o) {
    *o = (limn_transform_options){.perplexity = 5,
                                  .exaggeration = 1.5,
                                  .iterations = 250,
                                  .rate = 0.1,
                                  .momentum = 0.8,
                                  .longest = 0.25,
                                  .alpha = 1,
                                  .pca = 50};
}

limn_status embed_check_transform(const limn_transform_options *o, size_t m, size_t n, size_t D, int dims) {
    limn_status status = LIMN_OK;
    if (n < 2 || m < 1 || D < 1 || n > INT32_MAX || m > INT32_MAX)
        FAIL(LIMN_EINPUT, "%zu new vectors of %zu dimensions have no place in a map of %zu points", m, D, n);
    TRY(check_dims(dims));
    if (!(o->perplexity >= 1 && o->perplexity < (double)n))
        FAIL(LIMN_EINPUT, "perplexity %g is out of range: from 1 to below the %zu points of the map", o->perplexity, n);
    TRY(check_alpha(o->alpha));
    TRY(check_pca(o->pca));
    TRY(in_range("exaggeration", o->exaggeration, 1e-9, 1000));
    TRY(in_range("iterations", o->iterations, 0, 1000000));
    TRY(in_range("rate", o->rate, 1e-12, 1e12));
    TRY(in_range("momentum", o->momentum, 0, 0.999));
    TRY(in_range("longest", o->longest, 1e-12, 1e12));
done:
    return status;
}
