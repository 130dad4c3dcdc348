/* Arrays that NumPy wrote, read to the last bit. Sums and weighted sums (element i times i mod 97) were made by NumPy
 * 2.4.6 on the same files. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/try.h"
#include "data/array.h"

/* Sums of the same doubles in another order: relative to the sum of magnitudes, which is at most 1e8 times eps here. */
static const double SUM_TOLERANCE = 1e-9;

static const struct {
    const char *path, *member;
    limn_dtype dtype;
    int rank;
    size_t dim[4];
    double sum, weighted, last;
} goldens[] = {
    {"cnn/keras_activations.npz",
     "probabilities",
     LIMN_F32,
     2,
     {16, 10},
     15.999999998654722,
     584.0147880408715,
     1.5247342e-07},
    {"cnn/keras_activations.npz",
     "conv2d_1",
     LIMN_F32,
     4,
     {16, 26, 26, 32},
     15507.757619880373,
     744114.5610019976,
     0.032903776},
    {"cnn/captum.npz", "target", LIMN_I32, 1, {20}, 84, 860, 5},
    {"tsne/P_digits_perp30.npz", "row", LIMN_I16, 1, {101840}, 61656135, 2960128514, 1794},
    {"tsne/P_digits_perp30.npz", "val", LIMN_F64, 1, {101840}, 0.5, 23.879571548054727, 7.68415230409467e-06},
    {"tsne/P_digits_perp30.npz", "perplexity", LIMN_F64, 0, {0}, 30, 0, 30},
    {"tsne/mnist2000_raw_u8.npz", NULL, LIMN_U8, 2, {2000, 784}, 52050445, 2497088408, 0},
    {"tsne/digits_labels_u8.npy", NULL, LIMN_U8, 1, {1797}, 8070, 384290, 8},
    {"tsne/final_mnist2000.npy", NULL, LIMN_F64, 2, {2000, 2}, 0, -59766.79735026954, 19.966672529442405},
    {"tsne/mnist2000_pca50_f32.npy", NULL, LIMN_F32, 2, {2000, 50}, 0, 3869.1731244556704, -0.5660576},
};

static void numpy_files_are_read(void **state) {
    (void)state;
    if (access("../shared/goldens", R_OK) != 0) skip();
    for (size_t g = 0; g < COUNT_OF(goldens); g++) {
        char path[256] = "../shared/goldens/";
        limn_array a;
        strncat(path, goldens[g].path, sizeof path - strlen(path) - 1);
        limn_status s =
            strstr(path, ".npz") ? limn_array_read_npz(&a, path, goldens[g].member) : limn_array_read(&a, path);
        if (s != LIMN_OK) fail_msg("%s", limn_message());
        assert_int_equal(a.dtype, goldens[g].dtype);
        assert_int_equal(a.rank, goldens[g].rank);
        double sum = 0, weighted = 0, scale = 1;
        for (int k = 0; k < a.rank; k++) assert_int_equal(a.dim[k], goldens[g].dim[k]);
        for (size_t i = 0; i < a.count; i++) {
            double v = limn_array_get(&a, i);
            sum += v;
            weighted += v * (double)(i % 97);
            scale += fabs(v);
        }
        assert_true(fabs(sum - goldens[g].sum) <= SUM_TOLERANCE * scale);
        assert_true(fabs(weighted - goldens[g].weighted) <= 97 * SUM_TOLERANCE * scale);
        double last = limn_array_get(&a, a.count - 1);
        assert_true(a.dtype == LIMN_F32 ? (float)last == (float)goldens[g].last : last == goldens[g].last);
        limn_array_clear(&a);
    }
}

static void mnist_is_read(void **state) {
    (void)state;
    static const int histogram[10] = {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009};
    limn_array a;
    assert_int_equal(limn_array_read(&a, "examples/mnist/t10k-images-idx3-ubyte.gz"), LIMN_OK);
    assert_string_equal(a.format, "IDX (gzip)");
    assert_int_equal(a.rank, 3);
    assert_int_equal(a.dim[0], 10000);
    assert_int_equal(a.dim[1], 28);
    assert_int_equal(a.dim[2], 28);
    uint64_t sum = 0;
    for (size_t i = 0; i < a.count; i++) sum += ((uint8_t *)a.data)[i];
    assert_int_equal(sum, 264923200);
    limn_array_clear(&a);
    assert_int_equal(limn_array_read(&a, "examples/mnist/t10k-labels-idx1-ubyte.gz"), LIMN_OK);
    int seen[10] = {0};
    for (size_t i = 0; i < a.count; i++) seen[(int)limn_array_get(&a, i)]++;
    assert_memory_equal(seen, histogram, sizeof seen);
    limn_array_clear(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numpy_files_are_read),
        cmocka_unit_test(mnist_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
