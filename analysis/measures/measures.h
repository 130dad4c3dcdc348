/* Measures: numbers that say how good a map is, per sample and target (docs/attribution.md).
 *
 * A measure is a row of a table, like a method: it has options by text, and runs on a job whose maps are given. job->map
 * (n_seeds, B, *shape) is only read, job->value (n_seeds, B) is the result; NaN where it is not defined (a map of zeros).
 * Measures that put changed inputs through the network say `forwards`, and serve all targets with one pass.
 *
 * sparseness.c    gini, entropy: of the map alone
 * flipping.c      deletion, insertion, pixel flipping, ROAD: the score while pixels go, or come, by the map's order
 * impute.c        ROAD's imputation
 * faithfulness.c  faithfulness correlation, infidelity: what the map says of random changes
 * sensitivity.c   max-sensitivity: how far the map moves with the input
 * base/agreement.c  of two maps: Pearson, Spearman, SSIM, IoU of the top */
#ifndef LIMN_MEASURES_H
#define LIMN_MEASURES_H

#include "attribution/methods.h"
#include "base/agreement.h"
#include "base/rng.h"

/* Ends with name NULL. A row whose run is NULL is an agreement of two maps: its recipe is a limn_agreement. */
extern const limn_method limn_measures_table[];
/* The row, or LIMN_EINPUT with the nearest name. */
limn_status limn_measure_get(const limn_method **out, const char *name) LIMN_CHECK;
/* The i-th key of any measure's options (a key may come more than once); NULL at the end. */
const char *limn_measure_key(size_t i);
/* Floats of work space for job->map of this shape. */
size_t limn_measure_scratch(const limn_method *measure, const limn_attribute_options *o, const limn_attribute_job *job);
/* job->value = the measure of job->map. shape: of one map; the network's rows and columns, or a layer's for measures that
 * look at the map alone. */
limn_status limn_measure_run(const limn_method *measure, const limn_attribute_options *o,
                             const limn_attribute_job *job) LIMN_CHECK;

/* ---- inside ------------------------------------------------------------------------------------------------------- */
/* order (n) = the places of a (n) from the largest to the smallest; of equals the first comes first. */
limn_status measure_order(const float *a, size_t n, size_t *order) LIMN_CHECK;
/* x (C, H, W), in place: the places where gone is 1 become weighted means of their neighbours (1/6 beside, 1/12 across a
 * corner), so that all hold together, plus noise (places that remain are not touched). See impute.c. */
void measure_impute(float *x, size_t C, size_t H, size_t W, const unsigned char *gone, double noise, limn_rng *r,
                    double *work);
enum { IMPUTE_WORK = 2 }; /* doubles a place */

enum { MEASURE_SCORE, MEASURE_BASELINE, MEASURE_NORMALISE, MEASURE_ABSOLUTE }; /* choices */
enum { MEASURE_VALUE, MEASURE_STEPS, MEASURE_SAMPLES, MEASURE_SIZE, MEASURE_NOISE, MEASURE_SIGMA };
enum { MEASURE_LOGIT, MEASURE_PROBABILITY };
enum { MEASURE_AT_VALUE, MEASURE_BLURRED };

typedef struct {
    int entropy; /* else Gini */
} sparseness_recipe;
typedef enum { FLIP_DELETION, FLIP_INSERTION, FLIP_FLIPPING, FLIP_ROAD } flipping_recipe;
typedef enum { FAITH_CORRELATION, FAITH_INFIDELITY } faith_recipe;

#define MEASURE_FUNCTIONS(name)                                                                                        \
    size_t name##_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds);  \
    limn_status name##_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job)
MEASURE_FUNCTIONS(sparseness);
MEASURE_FUNCTIONS(flipping);
MEASURE_FUNCTIONS(faith);
MEASURE_FUNCTIONS(sensitivity);

#endif
