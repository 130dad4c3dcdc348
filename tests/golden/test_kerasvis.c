/* The example network through the engine, against other programs' maps of it: keras-vis above all, whose two calls on
 * one picture are where limn comes from. ../shared/goldens/cnn/README.md says what made the arrays. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/dataset.h"
#include "tests/lib/example.h"
#include "tests/lib/explain.h"
#include "tests/lib/fidelity.h"

static void must(limn_status s) {
    if (s != LIMN_OK) fail_msg("%s", limn_message());
}

static void maps_are_the_programs(void **state) {
    (void)state;
    example e;
    int bad = 0;
    example_open(&e);
    for (const fidelity_row *row = fidelity_table; row->file; row++) {
        record r = fidelity_compare(e.net[row->net].d, e.x, e.target, row);
        bad += record_failed(&r);
    }
    assert_int_equal(bad, 0);
    example_close(&e);
}

/* The origin's page: training image 1, class 0, raw 0-255 values, or scaled as the network was trained. */
static void the_origins_numbers(void **state) {
    (void)state;
    if (access(FIDELITY_GOLDENS, R_OK) != 0) skip();
    static const struct {
        const char *method, *member, *logits;
        double scale;
    } row[] = {{"saliency", "saliency_raw", "logits_raw", 1},
               {"gradcam", "cam_raw", "logits_raw", 1},
               {"saliency", "saliency_scaled", "logits_scaled", 1 / 255.0},
               {"gradcam", "cam_scaled", "logits_scaled", 1 / 255.0}};
    char *path[] = {"examples/mnist/x_train_1.png"};
    peer_net e = peer_open("examples/mnist/mnist_cnn.h5", NULL, 1);
    int bad = 0;
    float *x, *seed;
    must(limn_new(&x, e.d->B * 784, sizeof *x));
    must(limn_new(&seed, e.d->B * 10, sizeof *seed));
    explain_seed(seed, 1, 10, (const int[]){0});
    for (size_t i = 0; i < COUNT_OF(row); i++) {
        limn_data_options o = LIMN_DATA_OPTIONS_INIT;
        limn_dataset *data;
        limn_shape s;
        size_t count, scores;
        o.images = path, o.n_images = 1, o.channels = 1, o.pre.scale = row[i].scale;
        must(limn_dataset_open(&data, &o));
        must(limn_dataset_batch(data, 0, 1, x));
        limn_dataset_free(data);
        must(e.d->forward(e.d->ctx, x));
        float *map = explain(e.d, row[i].method, "keras-vis", "output=dense_2", seed, &s);
        if (!map) fail_msg("%s", limn_message());
        float *golden = fidelity_floats("origin.npz", row[i].member, &count);
        assert_true(count == 784 && limn_shape_size(&s) == 784);
        record r = {.file = "origin.npz",
                    .member = row[i].member,
                    .what = row[i].method,
                    .limit = i % 2 ? RECORD_CAM : RECORD_GRADIENT};
        record_map(&r, map, golden, 784);
        bad += record_failed(&r);
        float *logits = fidelity_floats("origin.npz", row[i].logits, &scores);
        record l = {.file = "origin.npz", .member = row[i].logits, .what = "the engine", .limit = RECORD_GRADIENT};
        must(e.d->value(e.d->ctx, e.d->n_layers - 1, x)); /* its first row: x is as large as a chunk of pictures */
        assert_int_equal(scores, 10);
        record_map(&l, x, logits, scores);
        bad += record_failed(&l);
        free(logits);
        free(map);
        free(golden);
    }
    free(x);
    free(seed);
    peer_close(&e);
    assert_int_equal(bad, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(maps_are_the_programs), cmocka_unit_test(the_origins_numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
