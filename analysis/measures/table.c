/* The table of measures. Adding one = its file, its options and a row here. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attribution/rows.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/try.h"
#include "measures/measures.h"

static const sparseness_recipe gini = {0}, entropy = {.entropy = 1};
static const flipping_recipe deletion = FLIP_DELETION, insertion = FLIP_INSERTION, flipping = FLIP_FLIPPING,
                             road = FLIP_ROAD;
static const faith_recipe correlation = FAITH_CORRELATION, infidelity = FAITH_INFIDELITY;

#define MEASURE_SCORE_OPTION(fallback)                                                                                 \
    OPTION_CHOICE("score", "logit|probability", fallback, "which score is looked at", MEASURE_SCORE)
#define MEASURE_VALUE_OPTION OPTION_NUMBER("baseline_value", "0", "what replaces a pixel", MEASURE_VALUE, -1e12, 1e12)
#define MEASURE_BASELINE_OPTION(fallback)                                                                              \
    OPTION_CHOICE("baseline", "value|blur", fallback,                                                                  \
                  "what stands where a pixel is gone: one value, or the blurred input", MEASURE_BASELINE)
#define MEASURE_SIGMA_OPTION OPTION_NUMBER("blur_sigma", "5", "of the blurred input, in pixels", MEASURE_SIGMA, 0, 120)
#define MEASURE_ORDER_OPTION(fallback)                                                                                 \
    OPTION_CHOICE("order", "signed|absolute", fallback, "by the map's values, or by their sizes", MEASURE_ABSOLUTE)

static const limn_option_row none[] = {{.key = NULL}};
#define CURVE_OPTIONS(name, baseline, score)                                                                           \
    static const limn_option_row name[] = {MEASURE_BASELINE_OPTION(baseline),                                          \
                                           MEASURE_VALUE_OPTION,                                                       \
                                           MEASURE_SIGMA_OPTION,                                                       \
                                           MEASURE_ORDER_OPTION("signed"),                                             \
                                           MEASURE_SCORE_OPTION(score),                                                \
                                           OPTION_COUNT("steps", "28", "of the curve", MEASURE_STEPS, 1, 100000),      \
                                           {.key = NULL}}
CURVE_OPTIONS(deletion_options, "value", "probability");
CURVE_OPTIONS(insertion_options, "blur", "probability");
CURVE_OPTIONS(flipping_options, "value", "logit");
static const limn_option_row road_options[] = {
    OPTION_NUMBER("noise", "0.01", "standard deviation of the noise on what is imputed", MEASURE_NOISE, 0, 1e12),
    MEASURE_ORDER_OPTION("signed"),
    MEASURE_SCORE_OPTION("probability"),
    OPTION_COUNT("steps", "10", "shares of the pixels that are removed: 1/steps, 2/steps, … but not all", MEASURE_STEPS,
                 2, 1000),
    {.key = NULL}};
static const limn_option_row correlation_options[] = {
    MEASURE_VALUE_OPTION,
    OPTION_COUNT("samples", "50", "random sets of pixels", MEASURE_SAMPLES, 2, 100000),
    MEASURE_SCORE_OPTION("logit"),
    OPTION_NUMBER("size", "1/7", "share of the pixels in a set", MEASURE_SIZE, 0, 1),
    {.key = NULL}};
static const limn_option_row infidelity_options[] = {
    OPTION_NUMBER("noise", "0.2", "standard deviation of the change, as a share of the sample's range", MEASURE_NOISE,
                  0, 1e12),
    OPTION_CHOICE("normalise", "no|yes", "no", "scale the map to its least squares first", MEASURE_NORMALISE),
    OPTION_COUNT("samples", "50", "random changes", MEASURE_SAMPLES, 1, 100000),
    MEASURE_SCORE_OPTION("logit"),
    {.key = NULL}};
static const limn_option_row sensitivity_options[] = {
    OPTION_NUMBER("radius", "0.02", "the input moves by up to this", MEASURE_NOISE, 0, 1e12),
    OPTION_COUNT("samples", "10", "moved copies", MEASURE_SAMPLES, 1, 100000),
    {.key = NULL}};

#define ROW(name, help, options, recipe, family, forwards)                                                             \
    { name, "", help, options, recipe, NULL, family##_scratch, family##_run, forwards, 1, NULL, NULL, NULL }
/* Of two maps: run is NULL, and the recipe says which agreement. */
#define PAIR(name, help, options, recipe)                                                                              \
    { name, "", help, options, recipe, NULL, NULL, NULL, 0, 1, NULL, NULL, NULL }
static const limn_agreement pearson = LIMN_AGREE_PEARSON, spearman = LIMN_AGREE_SPEARMAN, ssim = LIMN_AGREE_SSIM,
                            iou = LIMN_AGREE_IOU;
static const limn_option_row iou_options[] = {
    OPTION_NUMBER("top", "0.1", "share of the places that counts as highest", MEASURE_SIZE, 0, 1), {.key = NULL}};

const limn_method limn_measures_table[] = {
    ROW("gini", "sparseness: Gini's index of |map|; 0: even, 1: one place", none, &gini, sparseness, 0),
    ROW("entropy", "complexity: entropy of |map| / sum |map|, nats", none, &entropy, sparseness, 0),
    ROW("deletion", "area under the score while pixels go, the map's highest first; low is good", deletion_options,
        &deletion, flipping, 1),
    ROW("insertion", "area under the score while pixels come, the map's highest first; high is good", insertion_options,
        &insertion, flipping, 1),
    ROW("pixel-flipping", "mean score after each step of pixels that go; low is good", flipping_options, &flipping,
        flipping, 1),
    ROW("road", "mean score while pixels are imputed from their neighbours, the map's highest first; low is good",
        road_options, &road, flipping, 1),
    ROW("faithfulness-correlation", "Pearson's r of the map's sum over random pixels and what the score loses",
        correlation_options, &correlation, faith, 1),
    ROW("infidelity", "mean square of what the map says of a change, less what the score does; low is good",
        infidelity_options, &infidelity, faith, 1),
    ROW("max-sensitivity", "how far the map moves with the input, relative to its size; low is good",
        sensitivity_options, NULL, sensitivity, 1),
    PAIR("pearson", "Pearson's r of two methods' maps", none, &pearson),
    PAIR("spearman", "Spearman's rho of two methods' maps", none, &spearman),
    PAIR("ssim", "structural similarity of two methods' maps, each scaled to [0, 1]", none, &ssim),
    PAIR("iou", "intersection over union of the places where two methods' maps are highest", iou_options, &iou),
    {.name = NULL}};

limn_status limn_measure_get(const limn_method **out, const char *name) {
    char hint[96], names[512] = "";
    for (*out = limn_measures_table; (*out)->name; ++*out)
        if (strcmp((*out)->name, name) == 0) return LIMN_OK;
    *out = NULL;
    for (const limn_method *m = limn_measures_table; m->name; m++) attribution_add_word(names, sizeof names, m->name);
    return limn_fail(
        LIMN_EINPUT, "unknown measure `%s`%s; there are %s", name,
        limn_did_you_mean(hint, sizeof hint, limn_nearest_in(name, limn_measures_table, sizeof limn_measures_table[0])),
        names);
}

const char *limn_measure_key(size_t i) {
    for (const limn_method *m = limn_measures_table; m->name; m++)
        for (const limn_option_row *row = m->options; row->key; row++)
            if (i-- == 0) return row->key;
    return NULL;
}

size_t limn_measure_scratch(const limn_method *measure, const limn_attribute_options *o,
                            const limn_attribute_job *job) {
    size_t own = measure->scratch(measure, job->diff, o, job->n_seeds);
    /* max-sensitivity runs the method: its room lies behind */
    return own + (job->of ? limn_attribute_scratch(job->of, job->diff, job->of_options, job->n_seeds) : 0);
}

limn_status limn_measure_run(const limn_method *measure, const limn_attribute_options *o,
                             const limn_attribute_job *job) {
    return measure->run(measure, o, job);
}

/* ---- what several share ------------------------------------------------------------------------------------------ */

typedef struct {
    float value;
    size_t at;
} place;

static int descending(const void *a, const void *b) {
    const place *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? 1 : -1;
    return x->at < y->at ? -1 : 1;
}

limn_status measure_order(const float *a, size_t n, size_t *order) {
    limn_status status = LIMN_OK;
    place *p = NULL;
    TRY(limn_new(&p, n, sizeof *p));
    for (size_t i = 0; i < n; i++) p[i] = (place){a[i], i};
    qsort(p, n, sizeof *p, descending);
    for (size_t i = 0; i < n; i++) order[i] = p[i].at;
done:
    free(p);
    return status;
}
