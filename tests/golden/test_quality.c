/* Quality figures against ../shared/goldens/tsne/quality.json (numpy and scipy; its README says how they compare with
 * scikit-learn's). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/try.h"
#include "quality/quality.h"
#include "tests/lib/golden.h"

/* All but CPD are counts over a number; CPD is a correlation of half a million ranks. */
static const double FIGURE = 1e-9;

static void must(limn_status s) {
    if (s != LIMN_OK) fail_msg("%s", limn_message());
}

static void same(const char *set, const char *key, double got) {
    double want = golden_number("tsne/quality.json", set, key);
    if (!(fabs(got - want) < FIGURE)) fail_msg("%s of %s is %.17g, not %.17g", key, set, got, want);
}

static void check_set(const char *set, const char *vectors, const char *label_file, const char *map) {
    size_t count, n, m;
    double *label = golden(label_file, NULL, &n), *x = golden(vectors, NULL, &count), *y = golden(map, NULL, NULL);
    double *sub = golden("tsne/quality_subsets.npz", set, &m), value;
    embed_rows rx = {.n = n, .D = count / n, .d = x}, ry = {.n = n, .D = 2, .d = y};
    int *labels = malloc(n * sizeof *labels), k;
    uint32_t *point = malloc(n * sizeof *point);
    quality_local q;
    quality_labelled l;
    quality_map in_map;
    char key[32];
    for (size_t i = 0; i < n; i++) labels[i] = (int)label[i];
    must(quality_subset(point, n, n, 1, 0));
    must(quality_map_new(&in_map, NULL, y, n, 2));
    must(quality_neighbourhoods(&q, &rx, &in_map, point, n, 2));
    must(quality_labels(&l, &in_map, labels, point, n, 2));
    quality_map_clear(&in_map);
    for (int i = 0; i < QUALITY_KS; i++) {
        snprintf(key, sizeof key, "trustworthiness_%d", quality_k[i]);
        same(set, key, q.trustworthiness[i]);
        snprintf(key, sizeof key, "continuity_%d", quality_k[i]);
        same(set, key, q.continuity[i]);
    }
    same(set, "knn_recall_10", q.knn_recall);
    same(set, "label_accuracy_10nn", l.label_accuracy);
    for (size_t i = 0; i < m; i++) point[i] = (uint32_t)sub[i];
    must(quality_cpd(&value, &rx, &ry, point, m));
    same(set, "cpd_1000", value);
    must(quality_knc(&value, &k, &rx, &ry, labels));
    assert_int_equal(k, 4);
    same(set, "knc_4", value);
    free(label), free(x), free(y), free(sub), free(labels), free(point);
}

static void figures_equal_the_reference(void **state) {
    (void)state;
    if (!goldens_present()) skip();
    check_set("digits", "tsne/digits_u8.npy", "tsne/digits_labels_u8.npy", "tsne/final_digits.npy");
    check_set("mnist2000", "tsne/mnist2000_pca50_f32.npy", "tsne/mnist2000_labels_u8.npy", "tsne/final_mnist2000.npy");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(figures_equal_the_reference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
