/* limn_embed: from n vectors to a map.
 *
 *   X -> [PCA to o->pca dimensions] -> k nearest neighbours -> affinities P -> start -> descent -> KL
 *   X -> PCA to o->dims dimensions                                                    (method pca)
 * k = min(n - 1, floor(3 perplexity)). The start is the first principal components, divided by the standard deviation
 * of the first and times 1e-4, plus normal noise of 1e-6 so that equal points can part; or normal noise of 1e-4. The KL
 * reported is that of the float32 map that is returned, by the exact P and the exact Z in float64.
 *
 * The embedding owns its arrays; X is only read. */
#include "embed/embed.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/try.h"
#include "embed/affinities.h"
#include "embed/engine.h"
#include "embed/options.h"
#include "embed/pca.h"
#include "embed/spectral.h"
#include "embed/tsne.h"

enum { EXACT_NEIGHBOURS = 200000 /* vectors whose neighbours are all found */ };

static const double START_STD = 1e-4, JITTER = 1e-6;

enum { EXACT_BELOW = 500 /* points: all pairs cost less than a tree and a grid */ };

static const embed_engine *const engines[] = {
    [LIMN_TSNE_AUTO] = NULL, /* engine_for() */
    [LIMN_TSNE_BARNES_HUT] = &embed_barnes_hut,
    [LIMN_TSNE_FFT] = &embed_fft,
    [LIMN_TSNE_HYBRID] = &embed_hybrid,
    [LIMN_TSNE_EXACT] = &embed_exact,
};

/* The rule of `auto`: docs/tsne.md has the measurements that it rests on. */
static const embed_engine *engine_for(const limn_embed_options *o, size_t n) {
    if (o->engine != LIMN_TSNE_AUTO) return engines[o->engine];
    if (n <= EXACT_BELOW) return &embed_exact;
    if (o->dims == 3 || (o->dims == 2 && o->alpha == 1)) return &embed_barnes_hut;
    return &embed_fft;
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

typedef struct {
    limn_embedding *e;
    const limn_embed_options *o;
    embed_rows x;   /* the vectors that neighbours are sought in */
    float *reduced; /* x's values where PCA came first */
    embed_knn knn;
    embed_affinities P;
    tsne_state s;
    struct timespec began, descent; /* when the call and its last stage began */
    limn_progress_fn progress;
    void *ctx;
} run;

static double seconds_since(const struct timespec *began) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - began->tv_sec) + 1e-9 * (double)(now.tv_nsec - began->tv_nsec);
}

/* float32 has an end: scores of data near it are cut there, so that a map stays finite. */
static float narrow(double v) {
    return v > FLT_MAX ? FLT_MAX : v < -FLT_MAX ? -FLT_MAX : (float)v;
}

static void warn(limn_embedding *e, const char *sentence) {
    if (e->warning[0] == 0) snprintf(e->warning, sizeof e->warning, "%s", sentence);
}

/* The first `count` scores of x, and the axes' shares of the variance. */
static limn_status scores_of(double **scores, const embed_rows *x, size_t count, int threads, double **explained) {
    limn_status status = LIMN_OK;
    embed_pca p = {0};
    size_t size = 0;
    *scores = NULL;
    TRY(embed_pca_make(&p, x, count, threads));
    TRY(limn_mul(&size, x->n, count));
    TRY(limn_new(scores, size, sizeof **scores));
    TRY(embed_pca_scores(&p, x, *scores, threads));
    if (explained) {
        TRY(limn_new(explained, count, sizeof **explained));
        for (size_t a = 0; a < count; a++) (*explained)[a] = p.total > 0 ? p.variance[a] / p.total : 0;
    }
done:
    embed_pca_clear(&p);
    return status;
}

static limn_status reduce(run *r) {
    limn_status status = LIMN_OK;
    double *scores = NULL;
    size_t count = (size_t)r->o->pca, most = r->x.n - 1;
    if (count == 0 || count >= r->x.D || r->o->metric != LIMN_METRIC_EUCLIDEAN) return LIMN_OK;
    if (count > most) count = most; /* n points span n - 1 dimensions at most: nothing is lost */
    TRY(scores_of(&scores, &r->x, count, r->o->threads, &r->e->explained));
    r->e->n_explained = count;
    TRY(limn_new(&r->reduced, r->x.n * count, sizeof *r->reduced));
    for (size_t i = 0; i < r->x.n * count; i++) r->reduced[i] = narrow(scores[i]);
    r->x = (embed_rows){.n = r->x.n, .D = count, .f = r->reduced};
done:
    free(scores);
    return status;
}

static size_t neighbours_wanted(const limn_embed_options *o) {
    double widest = o->perplexity;
    for (int i = 0; i < o->n_scales; i++) widest = o->scale[i] > widest ? o->scale[i] : widest;
    return (size_t)(3 * widest);
}

/* What the caller is told of the neighbours that were found. */
static limn_status keep_neighbours(run *r) {
    limn_status status = LIMN_OK;
    size_t n = r->knn.n, k = r->knn.k, want = neighbours_wanted(r->o);
    if (k < want) {
        char text[200];
        snprintf(text, sizeof text, "%zu vectors have %zu neighbours each, fewer than 3 x perplexity = %zu", n, k,
                 want);
        warn(r->e, text);
    }
    r->e->k = k;
    r->e->recall = r->knn.recall;
    TRY(limn_new(&r->e->neighbour, n * k, sizeof *r->e->neighbour));
    TRY(limn_new(&r->e->distance, n * k, sizeof *r->e->distance));
    for (size_t i = 0; i < n * k; i++) {
        r->e->neighbour[i] = r->knn.index[i];
        r->e->distance[i] = narrow(sqrt(r->knn.sqdist[i]));
    }
done:
    return status;
}

static limn_status neighbours(run *r) {
    limn_status status = LIMN_OK;
    size_t n = r->x.n, want = neighbours_wanted(r->o), k = want < n - 1 ? want : n - 1;
    double recall = n > EXACT_NEIGHBOURS ? r->o->recall : 1;
    TRY(embed_knn_metric(&r->knn, &r->x, k, r->o->metric, recall, r->o->threads, r->progress, r->ctx));
    TRY(keep_neighbours(r));
done:
    return status;
}

/* Standard deviation (over n) of column 0 of a (n, dims), whose mean is 0. */
static double first_std(const double *a, size_t n, size_t dims) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i * dims] * a[i * dims];
    return sqrt(sum / (double)n);
}

static limn_status start(run *r) {
    limn_status status = LIMN_OK;
    double *scores = NULL, std = 0;
    size_t n = r->x.n, dims = (size_t)r->o->dims, count = dims < r->x.D ? dims : r->x.D;
    int vectors = r->x.f != NULL; /* else there is no PCA of them */
    if (r->o->init == LIMN_INIT_GIVEN) {
        for (size_t i = 0; i < n * dims; i++) {
            if (!isfinite(r->o->start[i])) FAIL(LIMN_EINPUT, "point %zu of the given start is not finite", i / dims);
            r->s.Y[i] = (double)r->o->start[i];
        }
        goto done;
    }
    if (r->o->init == LIMN_INIT_SPECTRAL || (r->o->init == LIMN_INIT_PCA && !vectors)) {
        TRY(limn_new(&scores, n, dims * sizeof *scores));
        TRY(embed_spectral(scores, &r->P, dims, r->o->seed, r->o->threads));
        count = dims;
        std = first_std(scores, n, count);
    }
    if (r->o->init == LIMN_INIT_PCA && vectors) {
        TRY(scores_of(&scores, &r->x, count, r->o->threads, NULL));
        std = first_std(scores, n, count);
        if (!(std > 0)) warn(r->e, "all vectors are equal: the map starts from noise and shows nothing else");
    }
    for (size_t i = 0; i < n; i++) {
        limn_rng g = limn_rng_stream(r->o->seed, LIMN_RNG_EMBED_INIT, i);
        for (size_t d = 0; d < dims; d++) {
            double *y = &r->s.Y[i * dims + d];
            *y = limn_rng_normal(&g) * (std > 0 ? JITTER : START_STD);
            if (std > 0 && d < count) *y += scores[i * count + d] / std * START_STD;
        }
    }
done:
    free(scores);
    return status;
}

/* The map as float32, and the exact KL of just that map. */
static limn_status finish(run *r) {
    limn_status status = LIMN_OK;
    size_t size = r->x.n * (size_t)r->o->dims;
    double Z = 0;
    for (size_t i = 0; i < size; i++) {
        r->e->Y[i] = (float)r->s.Y[i];
        r->s.Y[i] = (double)r->e->Y[i];
    }
    TRY(embed_exact_z(&Z, r->s.Y, r->x.n, r->o->dims, r->o->alpha, r->o->threads));
    TRY(embed_kl(&r->e->kl, &r->P, r->s.Y, r->o->dims, r->o->alpha, Z, r->o->threads));
    r->e->trace[r->e->n_trace++] = (limn_trace){r->e->iterations, r->e->kl};
    limn_progress p = {"map", (size_t)r->o->iterations, (size_t)r->o->iterations, seconds_since(&r->descent), r->e->kl};
    if (r->progress && r->progress(r->ctx, &p)) FAIL(LIMN_EINTERRUPTED, "stopped after the last iteration");
done:
    return status;
}

static limn_status affinities(run *r) {
    const limn_embed_options *o = r->o;
    return embed_affinities_scales(&r->P, &r->knn, &o->perplexity, o->scale, (size_t)o->n_scales, o->threads);
}

/* From the affinities on. */
static limn_status descend_from(run *r) {
    limn_status status = LIMN_OK;
    const limn_embed_options *o = r->o;
    TRY(tsne_state_new(&r->s, r->x.n, o->dims, o->threads));
    TRY(start(r));
    clock_gettime(CLOCK_MONOTONIC, &r->descent);
    TRY(limn_new(&r->e->trace, (size_t)(o->iterations / o->trace_every) + 2, sizeof *r->e->trace));
    TRY(tsne_descend(&r->s, &r->P, engine_for(o, r->x.n), o, r->e->trace, &r->e->n_trace, r->progress, r->ctx));
    r->e->iterations = r->s.done;
    TRY(finish(r));
done:
    return status;
}

/* From the neighbours on. */
static limn_status descend(run *r) {
    limn_status status = LIMN_OK;
    TRY(affinities(r));
    embed_knn_clear(&r->knn);
    TRY(descend_from(r));
done:
    return status;
}

static limn_status tsne(run *r) {
    limn_status status = LIMN_OK;
    TRY(reduce(r));
    TRY(neighbours(r));
    TRY(descend(r));
done:
    return status;
}

static limn_status pca(run *r) {
    limn_status status = LIMN_OK;
    double *scores = NULL;
    size_t count = (size_t)r->o->dims;
    TRY(scores_of(&scores, &r->x, count, r->o->threads, &r->e->explained));
    r->e->n_explained = count;
    for (size_t i = 0; i < r->x.n * count; i++) r->e->Y[i] = narrow(scores[i]);
    r->e->kl = NAN;
done:
    free(scores);
    return status;
}

static limn_status begin(run *r) {
    limn_status status = LIMN_OK;
    clock_gettime(CLOCK_MONOTONIC, &r->began);
    TRY(limn_new(&r->e, 1, sizeof *r->e));
    r->e->n = r->x.n;
    r->e->dims = r->o->dims;
    r->e->recall = 1;
    TRY(limn_new(&r->e->Y, r->x.n * (size_t)r->o->dims, sizeof *r->e->Y));
done:
    return status;
}

static void end(run *r, limn_status status, limn_embedding **out) {
    if (status == LIMN_OK) {
        r->e->seconds = seconds_since(&r->began);
        *out = r->e;
        r->e = NULL;
    }
    limn_embedding_free(r->e);
    free(r->reduced);
    embed_knn_clear(&r->knn);
    embed_affinities_clear(&r->P);
    tsne_state_clear(&r->s);
}

limn_status limn_embed(limn_embedding **out, const float *X, size_t n, size_t D, const limn_embed_options *o,
                       limn_progress_fn progress, void *ctx) {
    limn_status status = LIMN_OK;
    run r = {.o = o, .x = {.n = n, .D = D, .f = X}, .progress = progress, .ctx = ctx};
    *out = NULL;
    TRY(limn_embed_check(o, n, D));
    TRY(embed_check_finite(X, n, D, "vector"));
    TRY(begin(&r));
    if (o->method == LIMN_EMBED_PCA)
        TRY(pca(&r));
    else
        TRY(tsne(&r));
done:
    end(&r, status, out);
    return status;
}

/* A further map of the same neighbours, which `first` tells of too. */
static limn_status next_seed(run *r, const limn_embedding *first) {
    limn_status status = LIMN_OK;
    double *explained = NULL;
    tsne_state_clear(&r->s);
    TRY(begin(r));
    TRY(keep_neighbours(r));
    TRY(limn_new(&explained, first->n_explained, sizeof *explained));
    for (size_t i = 0; i < first->n_explained; i++) explained[i] = first->explained[i];
    r->e->explained = explained;
    r->e->n_explained = first->n_explained;
    TRY(descend_from(r));
done:
    return status;
}

limn_status limn_embed_seeds(limn_embedding **out, const uint64_t *seed, size_t seeds, const float *X, size_t n,
                             size_t D, const limn_embed_options *o, limn_progress_fn progress, void *ctx) {
    limn_status status = LIMN_OK;
    limn_embed_options t = *o;
    run r = {.o = &t, .x = {.n = n, .D = D, .f = X}, .progress = progress, .ctx = ctx};
    for (size_t i = 0; i < seeds; i++) out[i] = NULL;
    t.method = LIMN_EMBED_TSNE;
    if (seeds == 0) FAIL(LIMN_EINPUT, "no seed is given");
    TRY(limn_embed_check(&t, n, D));
    TRY(embed_check_finite(X, n, D, "vector"));
    for (size_t i = 0; i < seeds; i++) {
        t.seed = seed[i];
        if (i == 0) {
            TRY(begin(&r));
            TRY(reduce(&r));
            TRY(neighbours(&r));
            TRY(affinities(&r));
            TRY(descend_from(&r));
        } else {
            TRY(next_seed(&r, out[0]));
        }
        r.e->seconds = seconds_since(&r.began);
        out[i] = r.e;
        r.e = NULL;
    }
done:
    for (size_t i = 0; status != LIMN_OK && i < seeds; i++) {
        limn_embedding_free(out[i]);
        out[i] = NULL;
    }
    end(&r, LIMN_EFAIL, NULL);
    return status;
}

static limn_status check_given(const limn_embed_options *o, size_t n) {
    limn_embed_options t = *o;
    t.method = LIMN_EMBED_TSNE;
    return limn_embed_check(&t, n, 1);
}

limn_status limn_tsne_distances(limn_embedding **out, const float *distance, size_t n, const limn_embed_options *o,
                                limn_progress_fn progress, void *ctx) {
    limn_status status = LIMN_OK;
    run r = {.o = o, .x = {.n = n}, .progress = progress, .ctx = ctx};
    size_t want = neighbours_wanted(o);
    *out = NULL;
    TRY(check_given(o, n));
    TRY(begin(&r));
    TRY(embed_knn_matrix(&r.knn, distance, n, want < n - 1 ? want : n - 1, o->threads, progress, ctx));
    TRY(keep_neighbours(&r));
    TRY(descend(&r));
done:
    end(&r, status, out);
    return status;
}

limn_status limn_tsne_neighbours(limn_embedding **out, const uint32_t *index, const float *distance, size_t n, size_t k,
                                 const limn_embed_options *o, limn_progress_fn progress, void *ctx) {
    limn_status status = LIMN_OK;
    run r = {.o = o, .x = {.n = n}, .progress = progress, .ctx = ctx};
    *out = NULL;
    TRY(check_given(o, n));
    if (k < 1 || k >= n) FAIL(LIMN_EINPUT, "%zu points have from 1 to %zu neighbours each, not %zu", n, n - 1, k);
    if (!(o->perplexity <= (double)k))
        FAIL(LIMN_EINPUT, "perplexity %g is too large for %zu neighbours: give about %zu", o->perplexity, k,
             neighbours_wanted(o));
    TRY(begin(&r));
    TRY(embed_knn_given(&r.knn, index, distance, n, k));
    TRY(keep_neighbours(&r));
    TRY(descend(&r));
done:
    end(&r, status, out);
    return status;
}

void limn_embedding_free(limn_embedding *e) {
    if (!e) return;
    free(e->Y);
    free(e->trace);
    free(e->neighbour);
    free(e->distance);
    free(e->explained);
    free(e);
}

limn_status limn_tsne(limn_embedding **out, const float *X, size_t n, size_t D, const limn_embed_options *o,
                      limn_progress_fn progress, void *ctx) {
    limn_embed_options t = *o;
    t.method = LIMN_EMBED_TSNE;
    return limn_embed(out, X, n, D, &t, progress, ctx);
}
