/* t-SNE stage by stage: what each costs, and what it comes to.
 *
 *   bench_tsne [--engine NAME] [--iterations I] [--dims D] [--pca D] [--rows N] [--copies C] [--save ROWS.npy]
 *              [--error FORCE_ERROR] [--theta THETA] [--map OUT.npy] [--kl MAP.npy] (N | FILE[,FILE…])...
 *
 * N: gaussian groups in 50 dimensions; FILE: its rows (.npy or IDX), several after one another. Without arguments: 2,000
 * and 10,000 points. THREADS (default: all) sets the number of threads.
 *   --rows    the first N rows alone
 *   --copies  C times the rows, which are pictures of 28 x 28, shifted; through the PCA of the first
 *   --save    writes the rows after PCA, for other programs
 *   --kl      no descent: the exact KL of this map
 * Printed: seconds of PCA (where rows are wider), neighbours, affinities, descent, exact KL; milliseconds an iteration
 * early (compact) and late (spread); peak memory, and the bytes that a descent goes through at each iteration. */
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

/* The rows of all files of a list with commas. */
static float *rows_of(const char *list, size_t *n, size_t *D) {
    char path[1024];
    float *X = NULL;
    *n = *D = 0;
    for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        limn_array a;
        float *more = NULL, *all = NULL;
        snprintf(path, sizeof path, "%.*s", (int)strcspn(at, ","), at);
        must(limn_array_read(&a, path));
        size_t width = a.count / a.dim[0];
        if (*D != 0 && width != *D) exit(1);
        must(limn_array_floats(&more, &a));
        must(limn_new(&all, *n * width + a.count, sizeof *all));
        if (X) memcpy(all, X, *n * width * sizeof *all);
        memcpy(all + *n * width, more, a.count * sizeof *all);
        *n += a.dim[0];
        *D = width;
        free(X);
        free(more);
        X = all;
        limn_array_clear(&a);
    }
    return X;
}

/* ---- PCA, and shifted copies through it ----------------------------------------------------------------------------- */

enum { SIDE = 28 };

typedef struct {
    int copies;
    size_t rows;
    const char *map, *save, *kl;
} choices;

/* to (n, SIDE, SIDE) = the pictures, moved by copy c's step: 0 0, then around it. */
static void shift(float *to, const float *X, size_t n, int c) {
    static const int step[][2] = {{0, 0},  {0, 1}, {1, 0}, {0, -1}, {-1, 0}, {1, 1}, {-1, -1}, {1, -1},
                                  {-1, 1}, {0, 2}, {2, 0}, {0, -2}, {-2, 0}, {2, 1}, {-2, -1}, {1, 2}};
    for (size_t i = 0; i < n; i++)
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++) {
                int v = y - step[c][0], u = x - step[c][1], there = v >= 0 && v < SIDE && u >= 0 && u < SIDE;
                to[(i * SIDE + (size_t)y) * SIDE + (size_t)x] =
                    there ? X[(i * SIDE + (size_t)v) * SIDE + (size_t)u] : 0;
            }
}

/* The scores of X and of its copies on the first `to` axes of X; X is freed. */
static float *reduced(float *X, size_t *n, size_t D, size_t to, int copies, int threads) {
    embed_rows x = {.n = *n, .D = D, .f = X};
    embed_pca p;
    double *scores = NULL;
    float *R = NULL, *moved = NULL;
    must(embed_pca_make(&p, &x, to, threads));
    must(limn_new(&scores, *n * to, sizeof *scores));
    must(limn_new(&R, *n * (size_t)copies * to, sizeof *R));
    if (copies > 1) must(limn_new(&moved, *n * D, sizeof *moved));
    for (int c = 0; c < copies; c++) {
        if (moved) shift(moved, X, *n, c);
        x.f = moved ? moved : X;
        must(embed_pca_scores(&p, &x, scores, threads));
        for (size_t i = 0; i < *n * to; i++) R[(size_t)c * *n * to + i] = (float)scores[i];
    }
    *n *= (size_t)copies;
    embed_pca_clear(&p);
    free(scores);
    free(moved);
    free(X);
    return R;
}

static void save(const char *path, const float *v, size_t n, size_t width) {
    size_t dim[2] = {n, width};
    must(limn_npy_write(path, v, dim, 2));
}

/* ---- a run ---------------------------------------------------------------------------------------------------------- */

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
    double edges = (double)P->start[P->n];
    printf("  MB an iteration: %.0f of edges, %.0f of points\n", 6e-6 * edges,
           1e-6 * (double)P->n * o->dims * (5 * sizeof(double) + 2 * sizeof(float)));
    int last = o->iterations / 10 * 10 - 10, early = o->early / 10 * 10;
    if (last > early + 50 && early >= 100)
        printf("  ms an iteration: %.3f early (from 50 to %d), %.3f after, %.3f at the end\n", between(m, 50, early),
               early, between(m, early, last), between(m, last - (last - early) / 4 / 10 * 10, last));
    fflush(stdout);
}

static void start_at(tsne_state *s, const embed_rows *x, int threads) {
    embed_pca p;
    size_t size = s->n * (size_t)s->dims;
    must(embed_pca_make(&p, x, (size_t)s->dims, threads));
    must(embed_pca_scores(&p, x, s->Y, threads));
    for (size_t i = 0; i < size; i++) s->Y[i] *= 1e-4 / sqrt(p.variance[0]);
    embed_pca_clear(&p);
}

static void write_map(const char *path, const tsne_state *s) {
    float *Y = NULL;
    size_t size = s->n * (size_t)s->dims;
    must(limn_new(&Y, size, sizeof *Y));
    for (size_t i = 0; i < size; i++) Y[i] = (float)s->Y[i];
    save(path, Y, s->n, (size_t)s->dims);
    free(Y);
}

static void read_map(const char *path, tsne_state *s) {
    limn_array a;
    must(limn_array_read(&a, path));
    if (a.count != s->n * (size_t)s->dims) exit(1);
    for (size_t i = 0; i < a.count; i++) s->Y[i] = limn_array_get(&a, i);
    limn_array_clear(&a);
}

static void run(float *X, size_t n, size_t D, const embed_engine *engine, const limn_embed_options *o,
                const choices *c) {
    embed_knn knn;
    embed_affinities P;
    tsne_state s;
    limn_trace *trace = NULL;
    clock_marks marks = {0};
    size_t count, want = (size_t)(3 * o->perplexity);
    double Z, kl, began = now();
    seconds t = {0};
    must(limn_new(&marks.at, (size_t)o->iterations / 10 + 2, sizeof *marks.at));
    must(limn_new(&trace, (size_t)(o->iterations / o->trace_every) + 2, sizeof *trace));
    if (c->rows > 0 && c->rows < n) n = c->rows;
    if (o->pca > 0 && D > (size_t)o->pca) {
        X = reduced(X, &n, D, (size_t)o->pca, c->copies, o->threads);
        D = (size_t)o->pca;
        t.pca = now() - began;
    }
    embed_rows x = {.n = n, .D = D, .f = X};
    if (c->save) save(c->save, X, n, D);
    began = now();
    must(embed_knn_near(&knn, &x, want < n - 1 ? want : n - 1, n > 200000 ? o->recall : 1, o->threads, NULL, NULL));
    t.knn = now() - began;
    if (knn.recall < 1) printf("  recall of the neighbours, by 1,000 rows: %.4f\n", knn.recall);
    began = now();
    must(embed_affinities_make(&P, &knn, o->perplexity, o->threads));
    t.affinities = now() - began;
    embed_knn_clear(&knn);
    must(tsne_state_new(&s, n, o->dims, o->threads));
    if (c->kl) {
        read_map(c->kl, &s);
    } else {
        start_at(&s, &x, o->threads);
        began = now();
        must(tsne_descend(&s, &P, engine, o, trace, &count, mark, &marks));
        t.descent = now() - began;
    }
    began = now();
    must(embed_exact_z(&Z, s.Y, n, o->dims, 1, o->threads));
    must(embed_kl(&kl, &P, s.Y, o->dims, 1, Z, o->threads));
    t.kl = now() - began;
    if (c->kl)
        printf("%s: exact KL %.4f\n", c->kl, kl);
    else
        report(engine, &P, o, t, &marks, kl);
    if (c->map) write_map(c->map, &s);
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
    choices c = {.copies = 1};
    const embed_engine *engine = &embed_barnes_hut; /* auto's choice */
    int runs = 0;
    limn_embed_defaults(&o);
    o.threads = getenv("THREADS") ? atoi(getenv("THREADS")) : 0;
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
        if (strncmp(name, "--", 2) == 0) {
            i++;
            if (strcmp(name, "--iterations") == 0) o.iterations = atoi(value);
            if (strcmp(name, "--dims") == 0) o.dims = atoi(value);
            if (strcmp(name, "--pca") == 0) o.pca = atoi(value);
            if (strcmp(name, "--error") == 0) o.force_error = atof(value);
            if (strcmp(name, "--theta") == 0) o.theta = atof(value);
            if (strcmp(name, "--rows") == 0) c.rows = strtoul(value, NULL, 10);
            if (strcmp(name, "--copies") == 0) c.copies = atoi(value);
            if (strcmp(name, "--engine") == 0) engine = engine_called(value);
            if (strcmp(name, "--map") == 0) c.map = value;
            if (strcmp(name, "--save") == 0) c.save = value;
            if (strcmp(name, "--kl") == 0) c.kl = value;
            continue;
        }
        char *end = NULL;
        size_t n = (size_t)strtoul(name, &end, 10), D = WIDTH;
        float *X = *end ? rows_of(name, &n, &D) : groups(n);
        run(X, n, D, engine, &o, &c);
        runs++;
    }
    if (runs > 0) return 0;
    run(groups(2000), 2000, WIDTH, &embed_exact, &o, &c);
    run(groups(2000), 2000, WIDTH, engine, &o, &c);
    run(groups(10000), 10000, WIDTH, engine, &o, &c);
    return 0;
}
