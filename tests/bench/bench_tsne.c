/* t-SNE stage by stage: PCA, neighbours, affinities, milliseconds an iteration (compact: the early phase; spread: the
 * last 200), exact Z, quality. Gaussian groups in 50 dimensions; n = 2,000 and 10,000 with the Barnes-Hut engine, 2,000
 * with the exact one; or the sizes given as arguments. THREADS (default: all) sets the number of threads. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/parallel.h"
#include "base/rng.h"
#include "base/try.h"
#include "embed/affinities.h"
#include "embed/barnes_hut.h"
#include "embed/embed.h"
#include "embed/engine.h"
#include "embed/pca.h"
#include "embed/tsne.h"

enum { D = 50, GROUPS = 10, ITERATIONS = 1000 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(limn_status s) {
    if (s == LIMN_OK) return;
    fprintf(stderr, "bench_tsne: %s\n", limn_message());
    exit(1);
}

static float *groups(size_t n) {
    float *X = malloc(n * D * sizeof *X);
    if (!X) exit(1);
    for (size_t i = 0; i < n; i++) {
        limn_rng centre = limn_rng_stream(1, LIMN_RNG_TEST, i % GROUPS), noise = limn_rng_stream(2, LIMN_RNG_TEST, i);
        for (size_t c = 0; c < D; c++)
            X[i * D + c] = (float)((limn_rng_normal(&centre) + limn_rng_normal(&noise)) * 10 / (double)(10 + c));
    }
    return X;
}

/* Times of the descent: at the callback of each iteration that is a multiple of ten. */
typedef struct {
    double start, at[ITERATIONS / 10 + 1];
} clock_marks;

static int mark(void *ctx, const limn_progress *p) {
    clock_marks *m = ctx;
    m->at[p->done / 10] = now();
    return 0;
}

static void run(size_t n, const embed_engine *engine, int threads) {
    float *X = groups(n);
    embed_rows x = {.n = n, .D = D, .f = X};
    embed_pca p;
    embed_knn knn;
    embed_affinities P;
    tsne_state s;
    limn_embed_options o;
    limn_trace trace[ITERATIONS];
    limn_quality q[16];
    clock_marks marks;
    size_t rows;
    double Z, kl, t[8];
    limn_embed_defaults(&o);
    t[0] = now();
    must(embed_pca_make(&p, &x, 2, threads));
    t[1] = now();
    must(embed_knn_exact(&knn, &x, 90, threads, NULL, NULL));
    t[2] = now();
    must(embed_affinities_make(&P, &knn, o.perplexity, threads));
    t[3] = now();
    must(tsne_state_new(&s, n, 2, threads));
    must(embed_pca_scores(&p, &x, s.Y, threads));
    double std = sqrt(p.variance[0]);
    for (size_t i = 0; i < 2 * n; i++) s.Y[i] *= 1e-4 / std;
    must(tsne_descend(&s, &P, engine, &o, trace, &rows, mark, &marks));
    t[4] = now();
    must(embed_exact_z(&Z, s.Y, n, 2, threads));
    must(embed_kl(&kl, &P, s.Y, 2, Z, threads));
    t[5] = now();
    float *Y = malloc(2 * n * sizeof *Y);
    if (!Y) exit(1);
    for (size_t i = 0; i < 2 * n; i++) Y[i] = (float)s.Y[i];
    must(limn_embed_quality(q, 16, &rows, X, n, D, Y, 2, NULL, 1, threads));
    t[6] = now();
    printf("%s, n = %zu, %zu edges, %d threads, %s: KL %.4f\n", engine->name, n, P.start[n], limn_threads(threads),
           embed_kernels_best()->name, kl);
    printf("  ms an iteration: %.3f early, %.3f late, %.3f on the whole (%.2f s for %d)\n",
           (marks.at[20] - marks.at[10]) * 10, (marks.at[99] - marks.at[79]) * 5, (t[4] - t[3]) * 1e3 / o.iterations,
           t[4] - t[3], o.iterations);
    printf("  s: pca %.3f, neighbours %.3f, affinities %.3f, exact KL %.3f, quality %.3f\n", t[1] - t[0], t[2] - t[1],
           t[3] - t[2], t[5] - t[4], t[6] - t[5]);
    embed_pca_clear(&p);
    embed_knn_clear(&knn);
    embed_affinities_clear(&P);
    tsne_state_clear(&s);
    free(X);
    free(Y);
}

int main(int argc, char **argv) {
    int threads = getenv("THREADS") ? atoi(getenv("THREADS")) : 0;
    for (int i = 1; i < argc; i++) run((size_t)strtoul(argv[i], NULL, 10), &embed_barnes_hut, threads);
    if (argc > 1) return 0;
    run(2000, &embed_exact, threads);
    run(2000, &embed_barnes_hut, threads);
    run(10000, &embed_barnes_hut, threads);
    return 0;
}
