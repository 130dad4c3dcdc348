/* Whose score a map explains: the target of an attribute entry, sample by sample.
 *
 * A score is a seed, dotted with the values of the layer `output`:
 *   a class or unit          1 at it; a contrast: -1 at the other
 *   a channel's mean         1 / (h w) at each of its places
 *   a channel's max          1 at the place that is largest for the sample (the first of equals): S is that unit's value
 *   a channel at [row, col]  1 at that place
 *
 * Pairs of a sample and a class come from a file, which is read before anything runs, or from a query over the database,
 * which is asked when predictions, features and points are complete (db/pairs.c says what it may see). What they mean, not
 * where they came from, is the result's identity: the SHA-256 of the sorted pairs, as 8 bytes little-endian each number. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "base/try.h"
#include "data/array.h"
#include "data/csv.h"
#include "stages/run.h"

enum { EXACT = 1 << 24 }; /* whole numbers that a CSV's float32 holds */

/* ---- pairs ------------------------------------------------------------------------------------------------------- */

typedef struct {
    int64_t idx, class_;
} pair;

typedef struct {
    const limn_run_state *r;
    const run_attribute *a;
    pair *pair;
    size_t n, room;
} pair_list;

static int by_pair(const void *a, const void *b) {
    const pair *x = a, *y = b;
    if (x->idx != y->idx) return x->idx < y->idx ? -1 : 1;
    return (x->class_ > y->class_) - (x->class_ < y->class_);
}

/* A store_pair_fn. */
static limn_status add_pair(void *ctx, int64_t idx, int64_t class_) {
    limn_status status = LIMN_OK;
    pair_list *l = ctx;
    if (idx < 0 || (size_t)idx >= l->r->n)
        FAIL(LIMN_EINPUT, "`target` of `%s` names sample %lld, and there are %zu (from 0)", l->a->entry->name,
             (long long)idx, l->r->n);
    if (class_ < 0 || (size_t)class_ >= l->a->outputs)
        FAIL(LIMN_EINPUT, "`target` of `%s` names unit %lld for sample %lld; layer `%s` has the units 0 to %zu",
             l->a->entry->name, (long long)class_, (long long)idx, l->a->options.output.name, l->a->outputs - 1);
    TRY(limn_grow(&l->pair, l->n, &l->room, sizeof *l->pair));
    l->pair[l->n++] = (pair){idx, class_};
done:
    return status;
}

/* Sorts the list into a->pairs, and its hash into t. */
static limn_status keep_pairs(pair_list *l, run_attribute *a, experiment_target *t) {
    limn_status status = LIMN_OK;
    limn_sha256 *md = NULL, *end = NULL;
    char hex[65];
    if (l->n == 0) FAIL(LIMN_EINPUT, "`target` of `%s` names no sample", a->entry->name);
    qsort(l->pair, l->n, sizeof *l->pair, by_pair);
    TRY(limn_new(&a->pairs.first, l->r->n + 1, sizeof *a->pairs.first));
    TRY(limn_new(&a->pairs.class_, l->n, sizeof *a->pairs.class_));
    TRY(limn_sha256_new(&md));
    for (size_t k = 0; k < l->n; k++) {
        const pair *p = &l->pair[k];
        if (k > 0 && by_pair(p, p - 1) == 0)
            FAIL(LIMN_EINPUT, "`target` of `%s` names sample %lld with class %lld twice%s", a->entry->name,
                 (long long)p->idx, (long long)p->class_,
                 t->kind == TARGET_SQL ? "; `WHERE model_id = :model AND dataset_id = :dataset` keeps to this run's"
                                       : "");
        TRY(limn_sha256_add(md, p, sizeof *p));
        a->pairs.class_[k] = (int)p->class_;
        a->pairs.first[p->idx + 1]++;
    }
    for (size_t i = 0; i < l->r->n; i++) {
        if (a->pairs.first[i + 1] > a->pairs.most) a->pairs.most = a->pairs.first[i + 1];
        a->pairs.first[i + 1] += a->pairs.first[i];
    }
    a->pairs.n = l->n;
    a->targets = a->pairs.most;
    end = md;
    md = NULL;
    TRY(limn_sha256_end(end, hex));
    free(t->hash);
    t->hash = NULL;
    TRY(limn_strdup(&t->hash, hex));
done:
    limn_sha256_free(md);
    return status;
}

/* The numbers of a .npy or IDX file, or a CSV. */
static limn_status read_numbers(limn_array *v, const char *path) {
    size_t n = strlen(path);
    if (n > 4 && strcmp(path + n - 4, ".csv") == 0) return limn_csv_read(v, path);
    return limn_array_read(v, path);
}

static limn_status read_pairs(pair_list *l, const char *path) {
    limn_status status = LIMN_OK;
    limn_array v = {0};
    TRY(read_numbers(&v, path));
    const int one = v.rank == 1 || (v.rank == 2 && v.dim[1] == 1);
    if (!one && !(v.rank == 2 && v.dim[1] == 2))
        FAIL(LIMN_EINPUT, "%s: targets are pairs of a sample's idx and a class (n, 2), or a class a sample (n)", path);
    if (one && v.dim[0] != l->r->n)
        FAIL(LIMN_EINPUT, "%s: holds %zu targets, and there are %zu samples", path, v.dim[0], l->r->n);
    for (size_t i = 0; i < v.count; i++) {
        const double x = limn_array_get(&v, i);
        if (x != floor(x) || fabs(x) >= (v.dtype == LIMN_F32 ? EXACT : 1e15))
            FAIL(LIMN_EINPUT, "%s: value %zu is %g, where a whole number is needed", path, i, x);
    }
    for (size_t i = 0; i < v.dim[0]; i++) {
        if (!one) TRY(add_pair(l, (int64_t)limn_array_get(&v, 2 * i), (int64_t)limn_array_get(&v, 2 * i + 1)));
        if (one && limn_array_get(&v, i) != -1) TRY(add_pair(l, (int64_t)i, (int64_t)limn_array_get(&v, i)));
    }
done:
    limn_array_clear(&v);
    return status;
}

/* ---- against layer and data -------------------------------------------------------------------------------------- */

static limn_status check_channels(const limn_run_state *r, const run_attribute *a, const experiment_target *t) {
    limn_status status = LIMN_OK;
    const limn_shape *s = &limn_session_diff(r->probe)->layer[a->options.output.index].out;
    if (s->rank != 3)
        FAIL(LIMN_EINPUT, "target `channel` of `%s`: the output of `%s` is a vector, whose units are targets by number",
             a->entry->name, a->options.output.name);
    for (size_t i = 0; i < t->n; i++)
        if ((size_t)t->classes[i] >= s->dim[0])
            FAIL(LIMN_EINPUT, "channel %d of `%s`: layer `%s` has the channels 0 to %zu", t->classes[i], a->entry->name,
                 a->options.output.name, s->dim[0] - 1);
    if (t->place == PLACE_AT && ((size_t)t->at[0] >= s->dim[1] || (size_t)t->at[1] >= s->dim[2]))
        FAIL(LIMN_EINPUT, "place [%d, %d] of `%s`: layer `%s` has %zu rows and %zu columns (from 0)", t->at[0],
             t->at[1], a->entry->name, a->options.output.name, s->dim[1], s->dim[2]);
done:
    return status;
}

static limn_status check_classes(const run_attribute *a, const experiment_target *t) {
    for (size_t i = 0; i < t->n; i++)
        if (t->classes[i] < 0 || (size_t)t->classes[i] >= a->outputs)
            return limn_fail(LIMN_EINPUT, "target %d of `%s`: layer `%s` has the units 0 to %zu", t->classes[i],
                             a->entry->name, a->options.output.name, a->outputs - 1);
    if (t->kind == TARGET_TOP && t->top > a->outputs)
        return limn_fail(LIMN_EINPUT, "the top %zu of `%s`: layer `%s` has %zu unit%s", t->top, a->entry->name,
                         a->options.output.name, a->outputs, a->outputs == 1 ? "" : "s");
    return LIMN_OK;
}

static limn_status check_labels(const limn_run_state *r, const run_attribute *a) {
    for (size_t i = 0; i < r->n; i++)
        if (limn_dataset_label(r->data, i) >= 0) return LIMN_OK;
    return limn_fail(LIMN_EINPUT, "target `label` of `%s`: the data have no labels", a->entry->name);
}

limn_status run_target_check(const limn_run_state *r, run_attribute *a, experiment_target *t) {
    limn_status status = LIMN_OK;
    pair_list l = {.r = r, .a = a};
    a->targets = t->kind == TARGET_ALL                                     ? a->outputs
                 : t->kind == TARGET_CLASSES || t->kind == TARGET_CHANNELS ? t->n
                 : t->kind == TARGET_TOP                                   ? t->top
                                                                           : 1;
    const limn_shape *out = &limn_session_diff(r->probe)->layer[a->options.output.index].out;
    a->channels = out->rank == 3 ? out->dim[0] : 1;
    a->columns = out->rank == 3 ? out->dim[2] : 1;
    if (t->kind == TARGET_CHANNELS) {
        TRY(check_channels(r, a, t));
    } else if (t->kind == TARGET_LABEL) {
        TRY(check_labels(r, a));
    } else if (t->kind == TARGET_SQL) {
        TRY(store_pairs_check(t->from));
    } else if (t->kind == TARGET_FILE) {
        TRY(read_pairs(&l, t->from));
        TRY(keep_pairs(&l, a, t));
    } else {
        TRY(check_classes(a, t));
    }
done:
    free(l.pair);
    return status == LIMN_OK ? LIMN_OK : run_at(r, t->line, status);
}

limn_status run_target_ask(const limn_run_state *r, run_attribute *a, experiment_target *t) {
    limn_status status = LIMN_OK;
    pair_list l = {.r = r, .a = a};
    if (t->kind != TARGET_SQL) return LIMN_OK;
    TRY(store_pairs(r->store, t->from, r->model_id, r->dataset_id, add_pair, &l));
    TRY(keep_pairs(&l, a, t));
done:
    free(l.pair);
    return status == LIMN_OK ? LIMN_OK : run_at(r, t->line, status);
}

/* ---- sample by sample -------------------------------------------------------------------------------------------- */

/* The unit of the t-th largest value, the lowest of equals first. */
static size_t nth(const float *v, size_t n, size_t t) {
    size_t last = n;
    for (size_t k = 0; k <= t; k++) {
        size_t best = n;
        for (size_t i = 0; i < n; i++) {
            const int after = last == n || v[i] < v[last] || (v[i] == v[last] && i > last);
            if (after && (best == n || v[i] > v[best])) best = i;
        }
        last = best < n ? best : last; /* values that are not numbers have no order */
    }
    return last < n ? last : 0;
}

int run_target(const limn_run_state *r, const run_attribute *a, size_t t, size_t i, const float *values) {
    const experiment_target *want = &a->entry->target;
    int label;
    switch (want->kind) {
    case TARGET_PREDICTED:
    case TARGET_TOP:
        return (int)nth(values, a->outputs, t);
    case TARGET_LABEL:
        label = limn_dataset_label(r->data, i);
        return label >= 0 && (size_t)label < a->outputs ? label : -1;
    case TARGET_CLASSES:
    case TARGET_CHANNELS:
        return want->classes[t];
    case TARGET_CONTRAST:
        return want->classes[0];
    case TARGET_FILE:
    case TARGET_SQL:
        return t < a->pairs.first[i + 1] - a->pairs.first[i] ? a->pairs.class_[a->pairs.first[i] + t] : -1;
    case TARGET_ALL:
        break;
    }
    return (int)t;
}

int run_target_contrast(const run_attribute *a) {
    return a->entry->target.kind == TARGET_CONTRAST ? a->entry->target.classes[1] : -1;
}

int run_target_looks(const run_attribute *a) {
    return a->entry->target.kind == TARGET_CHANNELS && a->entry->target.place == PLACE_MAX;
}

void run_target_seed(const run_attribute *a, int target, int contrast, const float *values, float *seed) {
    const experiment_target *t = &a->entry->target;
    memset(seed, 0, a->outputs * sizeof *seed);
    if (t->kind != TARGET_CHANNELS) {
        seed[target] = 1;
        if (contrast >= 0) seed[contrast] -= 1;
        return;
    }
    const size_t n = a->outputs / a->channels, first = (size_t)target * n;
    if (t->place == PLACE_AT)
        seed[first + (size_t)t->at[0] * a->columns + (size_t)t->at[1]] = 1;
    else if (t->place == PLACE_MAX)
        seed[first + nth(values + first, n, 0)] = 1;
    else
        for (size_t i = 0; i < n; i++) seed[first + i] = (float)(1.0 / (double)n);
}
