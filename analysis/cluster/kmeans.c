/* k-means: see cluster.h.
 *
 * A restart: centres by k-means++ from a random stream of its own; then each vector goes to its nearest centre (of equals
 * the first) and centres move to the mean of theirs, until none changes. A centre that loses all its vectors takes the one
 * that is farthest from its own. Restarts are tasks; sums run in the order of the vectors. */
#include "cluster/cluster.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/try.h"
#include "cluster/order.h"

enum { RESTARTS = 10, ITERATIONS = 300 };

typedef struct {
    const float *x;
    size_t n, D;
    int k;
    uint64_t seed;
} problem;

/* One restart's own room. */
typedef struct {
    int *of;        /* (n) */
    double *centre; /* (k, D) */
    double *near;   /* (n) squared distance to the nearest centre */
    size_t *count;  /* (k) */
    double spread;
} attempt;

static double sqdist(const problem *p, size_t i, const double *centre) {
    double sum = 0;
    for (size_t d = 0; d < p->D; d++) {
        double t = (double)p->x[i * p->D + d] - centre[d];
        sum += t * t;
    }
    return sum;
}

static void put_centre(const problem *p, attempt *a, int c, size_t i) {
    for (size_t d = 0; d < p->D; d++) a->centre[(size_t)c * p->D + d] = (double)p->x[i * p->D + d];
}

/* The next centre is a vector with a probability as its squared distance to the nearest one. */
static void first_centres(const problem *p, attempt *a, limn_rng *r) {
    put_centre(p, a, 0, (size_t)limn_rng_below(r, p->n));
    for (size_t i = 0; i < p->n; i++) a->near[i] = INFINITY;
    for (int c = 1; c < p->k; c++) {
        double sum = 0;
        for (size_t i = 0; i < p->n; i++) {
            a->near[i] = fmin(a->near[i], sqdist(p, i, a->centre + (size_t)(c - 1) * p->D));
            sum += a->near[i];
        }
        double left = limn_rng_uniform(r) * sum;
        size_t i = 0;
        while (i + 1 < p->n && (left -= a->near[i]) >= 0) i++;
        put_centre(p, a, c, i);
    }
}

static int assign(const problem *p, attempt *a) {
    int changed = 0;
    a->spread = 0;
    for (size_t i = 0; i < p->n; i++) {
        int best = 0;
        double least = INFINITY;
        for (int c = 0; c < p->k; c++) {
            double d = sqdist(p, i, a->centre + (size_t)c * p->D);
            if (d < least) least = d, best = c;
        }
        changed |= a->of[i] != best;
        a->of[i] = best;
        a->near[i] = least;
        a->spread += least / (double)p->n;
    }
    return changed;
}

static void move(const problem *p, attempt *a) {
    memset(a->centre, 0, (size_t)p->k * p->D * sizeof *a->centre);
    memset(a->count, 0, (size_t)p->k * sizeof *a->count);
    for (size_t i = 0; i < p->n; i++) {
        a->count[a->of[i]]++;
        for (size_t d = 0; d < p->D; d++) a->centre[(size_t)a->of[i] * p->D + d] += (double)p->x[i * p->D + d];
    }
    for (int c = 0; c < p->k; c++) {
        for (size_t d = 0; d < p->D && a->count[c] > 0; d++) a->centre[(size_t)c * p->D + d] /= (double)a->count[c];
        if (a->count[c] > 0) continue;
        size_t far = 0;
        for (size_t i = 1; i < p->n; i++)
            if (a->near[i] > a->near[far]) far = i;
        put_centre(p, a, c, far);
        a->near[far] = 0;
    }
}

typedef struct {
    const problem *p;
    attempt *all;
} work;

static void restart(void *ctx, size_t task, int worker) {
    const work *w = ctx;
    attempt *a = &w->all[task];
    limn_rng r = limn_rng_stream(w->p->seed, LIMN_RNG_CLUSTER, task);
    (void)worker;
    for (size_t i = 0; i < w->p->n; i++) a->of[i] = -1;
    first_centres(w->p, a, &r);
    for (int i = 0; assign(w->p, a) && i < ITERATIONS; i++) move(w->p, a);
}

limn_status limn_cluster_kmeans(limn_clustering *out, int *of, const float *x, size_t n, size_t D,
                                const limn_cluster_options *o) {
    limn_status status = LIMN_OK;
    size_t restarts = o->restarts > 0 ? (size_t)o->restarts : RESTARTS, best = 0;
    problem p = {x, n, D, o->clusters, o->seed};
    attempt *all = NULL;
    *out = (limn_clustering){.clusters = o->clusters, .converged = 1};
    if (o->clusters < 1 || o->clusters > LIMN_CLUSTERS || (size_t)o->clusters > n || D < 1)
        FAIL(LIMN_EINPUT, "%zu vectors make no %d clusters (1 to %d, and not more than vectors)", n, o->clusters,
             LIMN_CLUSTERS);
    TRY(cluster_check(x, n, D));
    TRY(limn_new(&all, restarts, sizeof *all));
    for (size_t i = 0; i < restarts; i++) {
        TRY(limn_new(&all[i].of, n, sizeof *all[i].of));
        TRY(limn_new(&all[i].near, n, sizeof *all[i].near));
        TRY(limn_new(&all[i].centre, (size_t)p.k, D * sizeof *all[i].centre));
        TRY(limn_new(&all[i].count, (size_t)p.k, sizeof *all[i].count));
    }
    limn_parallel(o->threads, restarts, restart, &(work){&p, all});
    for (size_t i = 1; i < restarts; i++)
        if (all[i].spread < all[best].spread) best = i;
    out->spread = all[best].spread;
    out->clusters = cluster_order(of, all[best].of, n);
done:
    for (size_t i = 0; all && i < restarts; i++) {
        free(all[i].of);
        free(all[i].near);
        free(all[i].centre);
        free(all[i].count);
    }
    free(all);
    return status;
}
