/* t-SNE stage by stage: what each costs, and what it comes to.
 *
 *   bench_tsne [--engine NAME] [--iterations I] [--dims D] [--map OUT.npy] (N | FILE.npy)...
 *
 * N: gaussian groups in 50 dimensions; FILE.npy: its rows. Without arguments: 2,000 and 10,000 points. THREADS (default:
 * all) sets the number of threads. Printed: seconds of PCA (where the rows are wider than 50), neighbours, affinities,
 * descent, exact KL; milliseconds an iteration early (compact) and late (spread); peak memory. --map writes the layout. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/try.h"
#include "data/array.h"
#include "embed/affinities.h"
#include "embed/barnes_hut.h"
#include "embed/embed.h"
#include "embed/engine.h"
#include "embed/pca.h"
#include "embed/tsne.h"

enum { WIDTH = 50, GROUPS = 10 };

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
    float *X = NULL;
    must(limn_new(&X, n * WIDTH, sizeof *X));
    for (size_t i = 0; i < n; i++) {
        limn_rng centre = limn_rng_stream(1, LIMN_RNG_TEST, i % GROUPS), noise = limn_rng_stream(2, LIMN_RNG_TEST, i);
        for (size_t c = 0; c < WIDTH; c++)
            X[i * WIDTH + c] = (float)((limn_rng_normal(&centre) + limn_rng_normal(&noise)) * 10 / (double)(10 + c));
    }
    return X;
}

static float *rows_of(const char *path, size_t *n, size_t *D) {
    limn_array a;
    float *X = NULL;
    must(limn_array_read(&a, path));
    *n = a.dim[0];
    *D = a.count / a.dim[0];
    must(limn_array_floats(&X, &a));
    limn_array_clear(&a);
    return X;
}

/* When the descent passed each tenth iteration. */
typedef struct {
    double *at;
} clock_marks;

static int mark(void *ctx, const limn_progress *p) {
    clock_marks *m = ctx;
    m->at[p->done / 10] = now();
    return 0;
}

static double between(const clock_marks *m, int from, int to) {
    return (m->at[to / 10] - m->at[from / 10]) / (to - from) * 1e3;
}

typedef struct {
    double pca, knn, affinities, descent, kl;
} seconds;

static void report(const embed_engine *engine, const embed_affinities *P, const limn_embed_options *o, seconds s,
                   const clock_marks *m, double kl) {
    struct rusage usage;
    double all = s.pca + s.knn + s.affinities + s.descent + s.kl;
    getrusage(RUSAGE_SELF, &usage);
    printf("%s, n = %zu, %d-D, %zu edges, %d threads, %s: KL %.4f, %.2f s in all, %.0f MiB at most\n", engine->name,
           P->n, o->dims, P->start[P->n], limn_threads(o->threads), embed_kernels_best()->name, kl, all,
           (double)usage.ru_maxrss / 1024);
    printf("  s: pca %.3f, neighbours %.3f, affinities %.3f, descent %.3f, exact KL %.3f\n", s.pca, s.knn, s.affinities,
           s.descent, s.kl);
    printf("  %%: pca %.0f, neighbours %.0f, affinities %.0f, descent %.0f, exact KL %.0f\n", 100 * s.pca / all,
           100 * s.knn / all, 100 * s.affinities / all, 100 * s.descent / all, 100 * s.kl / all);
    int last = o->iterations / 10 * 10 - 10, early = o->early / 10 * 10;
    if (last > early + 50 && early >= 100)
        printf("  ms an iteration: %.3f early (from 50 to %d), %.3f after, %.3f at the end\n", between(m, 50, early),
               early, between(m, early, last), between(m, last - (last - early) / 4 / 10 * 10, last));
    fflush(stdout);
}

static void save(const char *path, const tsne_state *s) {
    float *Y = NULL;
    size_t size = s->n * (size_t)s->dims, dim[2] = {s->n, (size_t)s->dims};
    must(limn_new(&Y, size, sizeof *Y));
    for (size_t i = 0; i < size; i++) Y[i] = (float)s->Y[i];
    must(limn_npy_write(path, Y, dim, 2));
    free(Y);
}

static void run(float *X, size_t n, size_t D, const embed_engine *engine, const limn_embed_options *o,
                const char *map) {
    embed_rows x = {.n = n, .D = D, .f = X};
    embed_pca p;
    embed_knn knn;
    embed_affinities P;
    tsne_state s;
    limn_trace *trace = NULL;
    clock_marks marks = {0};
    size_t count;
    double Z, kl, *scores = NULL;
    seconds t = {0};
    double began = now();
    must(limn_new(&marks.at, (size_t)o->iterations / 10 + 2, sizeof *marks.at));
    must(limn_new(&trace, (size_t)(o->iterations / o->trace_every) + 2, sizeof *trace));
    if (o->pca > 0 && D > (size_t)o->pca) {
        size_t to = (size_t)o->pca;
        must(embed_pca_make(&p, &x, to, o->threads));
        must(limn_new(&scores, n * to, sizeof *scores));
        must(embed_pca_scores(&p, &x, scores, o->threads));
        for (size_t i = 0; i < n * to; i++) X[i] = (float)scores[i]; /* to <= D: in place */
        x.D = to;
        free(scores);
        embed_pca_clear(&p);
        t.pca = now() - began;
    }
    began = now();
    size_t want = (size_t)(3 * o->perplexity);
    must(embed_knn_exact(&knn, &x, want < n - 1 ? want : n - 1, o->threads, NULL, NULL));
    t.knn = now() - began;
    began = now();
    must(embed_affinities_make(&P, &knn, o->perplexity, o->threads));
    t.affinities = now() - began;
    embed_knn_clear(&knn);
    must(tsne_state_new(&s, n, o->dims, o->threads));
    must(embed_pca_make(&p, &x, (size_t)o->dims, o->threads));
    must(embed_pca_scores(&p, &x, s.Y, o->threads));
    double std = sqrt(p.variance[0]);
    for (size_t i = 0; i < n * (size_t)o->dims; i++) s.Y[i] *= 1e-4 / std;
    began = now();
    must(tsne_descend(&s, &P, engine, o, trace, &count, mark, &marks));
    t.descent = now() - began;
    began = now();
    must(embed_exact_z(&Z, s.Y, n, o->dims, 1, o->threads));
    must(embed_kl(&kl, &P, s.Y, o->dims, 1, Z, o->threads));
    t.kl = now() - began;
    report(engine, &P, o, t, &marks, kl);
    if (map) save(map, &s);
    embed_pca_clear(&p);
    embed_affinities_clear(&P);
    tsne_state_clear(&s);
    free(marks.at);
    free(trace);
    free(X);
}

static const embed_engine *engine_called(const char *name) {
    const embed_engine *const engines[] = {&embed_barnes_hut, &embed_fft, &embed_hybrid, &embed_exact};
    for (size_t i = 0; i < COUNT_OF(engines); i++)
        if (strcmp(engines[i]->name, name) == 0) return engines[i];
    fprintf(stderr, "bench_tsne: no engine is called %s\n", name);
    exit(1);
}

int main(int argc, char **argv) {
    limn_embed_options o;
    const char *map = NULL;
    const embed_engine *engine = &embed_barnes_hut; /* auto's choice */
    limn_embed_defaults(&o);
    o.threads = getenv("THREADS") ? atoi(getenv("THREADS")) : 0;
    int runs = 0;
    for (int i = 1; i < argc; i++) {
        char *end = NULL;
        size_t n = (size_t)strtoul(argv[i], &end, 10), D = WIDTH;
        int more = i + 1 < argc;
        if (more && strcmp(argv[i], "--iterations") == 0)
            o.iterations = atoi(argv[++i]);
        else if (more && strcmp(argv[i], "--dims") == 0)
            o.dims = atoi(argv[++i]);
        else if (more && strcmp(argv[i], "--engine") == 0)
            engine = engine_called(argv[++i]);
        else if (more && strcmp(argv[i], "--map") == 0)
            map = argv[++i];
        else {
            float *X = *end ? rows_of(argv[i], &n, &D) : groups(n);
            run(X, n, D, engine, &o, map);
            runs++;
        }
    }
    if (runs > 0) return 0;
    run(groups(2000), 2000, WIDTH, &embed_exact, &o, NULL);
    run(groups(2000), 2000, WIDTH, &embed_barnes_hut, &o, NULL);
    run(groups(10000), 10000, WIDTH, &embed_barnes_hut, &o, NULL);
    return 0;
}
