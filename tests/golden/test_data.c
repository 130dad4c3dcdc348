/* Data sets against other programs' numbers: MNIST as Keras saw it, the origin's picture, photographs as PIL decodes
 * them (Pillow 13.0.0 with libjpeg-turbo 3.2.0; sums over all values, and five pixels of each). */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/try.h"
#include "data/array.h"
#include "data/dataset.h"
#include "data/image.h"

#define MNIST "examples/mnist/"

static limn_dataset *open_one(limn_data_options o, const char *path) {
    char *images[] = {(char *)(uintptr_t)path};
    limn_dataset *d;
    o.images = images;
    o.n_images = 1;
    if (limn_dataset_open(&d, &o) != LIMN_OK) fail_msg("%s", limn_message());
    return d;
}

static void mnist_is_what_keras_saw(void **state) {
    (void)state;
    limn_array x, label;
    float mine[16 * 784];
    limn_data_options o = LIMN_DATA_OPTIONS_INIT;
    if (access("../shared/goldens/cnn", R_OK) != 0) skip();
    assert_int_equal(limn_array_read_npz(&x, "../shared/goldens/cnn/keras_activations.npz", "x"), LIMN_OK);
    assert_int_equal(limn_array_read_npz(&label, "../shared/goldens/cnn/keras_activations.npz", "label"), LIMN_OK);
    o.pre.scale = 1.0 / 255;
    o.labels = MNIST "t10k-labels-idx1-ubyte.gz";
    limn_dataset *d = open_one(o, MNIST "t10k-images-idx3-ubyte.gz");
    assert_int_equal(limn_dataset_count(d), 10000);
    assert_int_equal(x.count, 16 * 784);
    assert_int_equal(limn_dataset_batch(d, 0, 16, mine), LIMN_OK);
    assert_memory_equal(mine, x.data, sizeof mine); /* x / 255 to the last bit */
    for (size_t i = 0; i < 16; i++) assert_int_equal(limn_dataset_label(d, i), (int)limn_array_get(&label, i));
    limn_array_clear(&x);
    limn_array_clear(&label);
    limn_dataset_free(d);
}

static void mnist_is_selected_and_counted(void **state) {
    (void)state;
    int seen[10] = {0};
    limn_data_options o = LIMN_DATA_OPTIONS_INIT;
    o.labels = MNIST "t10k-labels-idx1-ubyte.gz";
    o.per_class = 20;
    o.shuffle = 1;
    o.seed = 1;
    limn_dataset *d = open_one(o, MNIST "t10k-images-idx3-ubyte.gz");
    assert_int_equal(limn_dataset_count(d), 200);
    for (size_t i = 0; i < 200; i++) seen[limn_dataset_label(d, i)]++;
    for (int c = 0; c < 10; c++) assert_int_equal(seen[c], 20);
    limn_dataset_free(d);
}

static void the_origins_picture(void **state) {
    (void)state;
    float raw[784];
    unsigned sum = 0, weighted = 0;
    limn_data_options o = LIMN_DATA_OPTIONS_INIT;
    limn_dataset *d = open_one(o, MNIST "x_train_1.png");
    assert_int_equal(limn_dataset_raw(d, 0, raw), LIMN_OK);
    for (unsigned i = 0; i < 784; i++) {
        sum += (unsigned)raw[i];
        weighted += (unsigned)raw[i] * (i % 251);
    }
    assert_int_equal(sum, 31095);
    assert_int_equal(weighted, 3957190);
    limn_dataset_free(d);
}

/* PNG: exact. JPEG, another version of libjpeg-turbo: a value may differ by 2, the mean of many by far less. */
enum { PIXEL_TOLERANCE = 2 };
static const double MEAN_TOLERANCE = 0.05;

static const struct {
    const char *name;
    size_t w, h;
    double sum[3], luma; /* over all pixels */
    int pixel[5][3];     /* at row h k / 7, column w (6 - k) / 7, k = 1 … 5 */
} photographs[] = {
    {"both.png",
     224,
     224,
     {6828305, 5861416, 4648123},
     6012586,
     {{98, 53, 20}, {105, 72, 41}, {202, 150, 84}, {253, 253, 253}, {202, 178, 130}}},
    {"kitten_224.png",
     224,
     224,
     {10170362, 9867663, 9837282},
     9954556,
     {{255, 255, 255}, {131, 102, 80}, {160, 134, 123}, {68, 56, 56}, {255, 255, 255}}},
    {"beach.jpg",
     620,
     348,
     {28667814, 29837776, 26877411},
     29150270,
     {{1, 113, 185}, {131, 174, 209}, {247, 209, 160}, {143, 104, 61}, {227, 174, 96}}},
    {"horses.jpg",
     425,
     280,
     {16007355, 15738349, 13378510},
     15549755,
     {{200, 189, 187}, {156, 140, 115}, {163, 137, 100}, {255, 253, 255}, {28, 63, 59}}},
    {"ouzel1.jpg",
     500,
     348,
     {25526360, 20834727, 18561867},
     21979266,
     {{150, 104, 81}, {137, 92, 73}, {32, 24, 48}, {253, 251, 254}, {178, 168, 167}}},
    {"ouzel2.jpg",
     500,
     375,
     {22418140, 22347526, 22009126},
     22330094,
     {{166, 154, 168}, {217, 202, 199}, {92, 94, 93}, {21, 14, 6}, {117, 116, 121}}},
    {"test_image.jpg",
     2048,
     1536,
     {383264497, 392980342, 424091360},
     393640399,
     {{251, 251, 251}, {246, 246, 238}, {46, 58, 72}, {55, 61, 75}, {37, 45, 68}}},
};

static void photographs_equal_pil(void **state) {
    (void)state;
    if (access("../shared/images", R_OK) != 0) skip();
    for (size_t k = 0; k < COUNT_OF(photographs); k++) {
        char path[256];
        limn_image m;
        int png = strstr(photographs[k].name, ".png") != NULL;
        double sum[4] = {0};
        snprintf(path, sizeof path, "../shared/images/%s", photographs[k].name);
        if (limn_image_read(&m, path) != LIMN_OK) fail_msg("%s", limn_message());
        assert_int_equal(m.w, photographs[k].w);
        assert_int_equal(m.h, photographs[k].h);
        assert_int_equal(m.channels, 3);
        for (size_t i = 0; i < m.w * m.h; i++) {
            for (int c = 0; c < 3; c++) sum[c] += m.pixels[3 * i + (size_t)c];
            sum[3] += limn_luma(m.pixels[3 * i], m.pixels[3 * i + 1], m.pixels[3 * i + 2]);
        }
        for (int c = 0; c < 4; c++) {
            double expect = c == 3 ? photographs[k].luma : photographs[k].sum[c];
            double off = fabs(sum[c] - expect) / (double)(m.w * m.h);
            if (off > (png ? 0 : MEAN_TOLERANCE)) fail_msg("%s: mean of channel %d is off by %g", path, c, off);
        }
        for (size_t p = 1; p <= 5; p++) {
            const unsigned char *v = m.pixels + 3 * (m.h * p / 7 * m.w + m.w * (6 - p) / 7);
            for (int c = 0; c < 3; c++) {
                int off = abs(v[c] - photographs[k].pixel[p - 1][c]);
                if (off > (png ? 0 : PIXEL_TOLERANCE)) fail_msg("%s: pixel %zu is off by %d", path, p, off);
            }
        }
        limn_image_clear(&m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mnist_is_what_keras_saw),
        cmocka_unit_test(mnist_is_selected_and_counted),
        cmocka_unit_test(the_origins_picture),
        cmocka_unit_test(photographs_equal_pil),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
