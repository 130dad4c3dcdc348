/* The project's origin, end to end: examples/origin/saliency.yaml through limn_run, its stored maps against keras-vis's
 * visualize_saliency and visualize_cam (goldens/cnn/origin.npz), its three pictures as .jpg files. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/array.h"
#include "data/image.h"
#include "db/queries.h"
#include "limn.h"

#define ORIGIN "../shared/goldens/cnn/origin.npz"

/* keras-vis's numbers and ours agree within 1e-3 of [0, 1] for 99 % of the pixels of every map: cubic zooms differ by rounding. */
static const double PIXEL_TOLERANCE = 1e-3, SHARE = 0.99;

static char folder[] = "/tmp/limn-origin-XXXXXX", db[128], out[128];

static int run_once(void **state) {
    (void)state;
    limn_run_result r;
    if (!mkdtemp(folder)) return -1;
    snprintf(db, sizeof db, "%s/o.db", folder);
    snprintf(out, sizeof out, "%s/o", folder);
    limn_status s = limn_run("examples/origin/saliency.yaml", &(limn_run_options){.db = db, .out = out}, NULL, &r);
    if (s != LIMN_OK) fprintf(stderr, "# %s\n", limn_message());
    limn_run_result_clear(&r);
    return s == LIMN_OK ? 0 : -1;
}

static int remove_all(void **state) {
    (void)state;
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void check_map(const char *name, const char *member) {
    limn_store *s = NULL;
    int64_t id, sample;
    float *map = NULL;
    size_t n = 0, n_samples = 0, close = 0;
    int target = -1;
    query_sample *q = NULL;
    limn_array want = {0};
    if (access(ORIGIN, R_OK) != 0) {
        print_message("# SKIP ../shared is absent\n");
        skip();
    }
    assert_int_equal(limn_array_read_npz(&want, ORIGIN, member), LIMN_OK);
    assert_int_equal(store_open_readonly(&s, db), LIMN_OK);
    assert_int_equal(query_result(s, &id, STORE_ATTRIBUTION, 1, name), LIMN_OK);
    query_attribution a;
    assert_int_equal(query_attribution_get(s, &a, id), LIMN_OK);
    assert_int_equal(query_samples(s, &q, &n_samples, a.model_id, a.dataset_id, QUERY_FIRST, 1), LIMN_OK);
    sample = q[0].sample_id;
    assert_int_equal(query_map(s, &map, &n, &target, id, sample), LIMN_OK);
    assert_int_equal(target, 0);
    assert_int_equal(n, 784);
    assert_int_equal(want.count, 784);
    for (size_t i = 0; i < n; i++) close += fabs(map[i] - limn_array_get(&want, i)) <= PIXEL_TOLERANCE;
    assert_true((double)close >= SHARE * (double)n);
    query_attribution_clear(&a);
    limn_array_clear(&want);
    free(map);
    free(q);
    store_close(s);
}

static void saliency_is_visualize_saliency(void **state) {
    (void)state;
    check_map("saliency", "saliency_raw");
}

static void cam_is_visualize_cam(void **state) {
    (void)state;
    check_map("cam", "cam_raw");
}

static void three_pictures_are_there(void **state) {
    (void)state;
    static const char *const name[] = {"image", "saliency", "cam"};
    char path[200];
    for (int i = 0; i < 3; i++) {
        limn_image im = {0};
        snprintf(path, sizeof path, "%s/%s.jpg", out, name[i]);
        assert_int_equal(limn_image_read(&im, path), LIMN_OK);
        assert_int_equal(im.channels, 3); /* viridis or jet, not gray */
        assert_true(im.w == im.h && im.w >= 28 && im.w % 28 == 0);
        limn_image_clear(&im);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(saliency_is_visualize_saliency),
        cmocka_unit_test(cam_is_visualize_cam),
        cmocka_unit_test(three_pictures_are_there),
    };
    return cmocka_run_group_tests(tests, run_once, remove_all);
}
