/* Files with members: npz, HDF5, MATLAB of every version: what they hold, labels beside the pictures, what is refused,
 * and that damaged ones end in one sentence. The files are those of tests/data/mat/make.py. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

#include "base/try.h"
#include "data/block.h"
#include "data/reader.h"
#include "model/graph.h"
#include "tests/lib/files.h"

#define DATA "tests/data/mat/"

enum { N = 3, H = 4, W = 5 };

/* ---- what the files hold ----------------------------------------------------------------------------------------- */
/* The rule of make.py over the C order of (N, H, W, C). */
static float value(size_t C, size_t n, size_t c, size_t y, size_t x) {
    return (float)((7 * (((n * H + y) * W + x) * C + c) + 3) % 251);
}

static limn_dataset *open_with(limn_data_options o, const char *path) {
    limn_dataset *d = NULL;
    char *const one = (char *)(uintptr_t)path;
    o.images = &one;
    o.n_images = 1;
    if (limn_dataset_open(&d, &o) != LIMN_OK) fail_msg("%s", limn_message());
    return d;
}

static limn_dataset *open_data(const char *path) {
    limn_data_options o = LIMN_DATA_OPTIONS_INIT;
    return open_with(o, path);
}

static void refused_with(limn_data_options o, const char *path, const char *sentence) {
    limn_dataset *d = NULL;
    char *const one = (char *)(uintptr_t)path;
    o.images = &one;
    o.n_images = 1;
    limn_status s = limn_dataset_open(&d, &o);
    if (s != LIMN_EINPUT || !strstr(limn_message(), sentence))
        fail_msg("status %d, '%s' lacks '%s'", s, s ? limn_message() : "", sentence);
}

static void refused(const char *path, const char *sentence) {
    limn_data_options o = LIMN_DATA_OPTIONS_INIT;
    refused_with(o, path, sentence);
}

static void holds_pictures(const char *path, size_t channels) {
    size_t C, h, w;
    float x[3 * H * W];
    limn_dataset *d = open_data(path);
    limn_dataset_shape(d, &C, &h, &w);
    if (C != channels || h != H || w != W || limn_dataset_count(d) != N)
        fail_msg("%s: %zu of %zu x %zu x %zu", path, limn_dataset_count(d), C, h, w);
    for (size_t n = 0; n < N; n++) {
        assert_int_equal(limn_dataset_raw(d, n, x), LIMN_OK);
        for (size_t i = 0; i < C * H * W; i++)
            if (x[i] != value(C, n, i / (H * W), i / W % H, i % W))
                fail_msg("%s: picture %zu, value %zu is %g", path, n, i, (double)x[i]);
    }
    limn_dataset_free(d);
}

static void pictures_are_the_same_in_every_kind_of_file(void **state) {
    (void)state;
    static const struct {
        const char *path;
        size_t channels;
    } files[] = {
        {DATA "v5.mat:gray", 1},          {DATA "v7.mat:gray", 1},          {DATA "v73.mat:gray", 1},
        {DATA "v5.mat:rgb", 3},           {DATA "v7.mat:rgb", 3},           {DATA "v73.mat:rgb", 3},
        {DATA "network.mat:after", 1},    {DATA "objects73.mat:after", 1},  {DATA "arrays.h5:images", 1},
        {DATA "arrays.h5:/images", 1},    {DATA "arrays.h5:/group/rgb", 3}, {DATA "arrays.h5:group/halves", 1},
        {DATA "arrays.h5:/group/big", 1}, {DATA "network.mat", 1},          {DATA "objects73.mat", 1},
    };
    for (size_t i = 0; i < COUNT_OF(files); i++) holds_pictures(files[i].path, files[i].channels);
    limn_dataset *d = open_data(DATA "v4.mat:picture"); /* a matrix is one picture */
    float x[H * W];
    assert_int_equal(limn_dataset_count(d), 1);
    assert_int_equal(limn_dataset_raw(d, 0, x), LIMN_OK);
    for (size_t i = 0; i < H * W; i++) assert_true(x[i] == value(1, 0, 0, i / W, i % W));
    limn_dataset_free(d);
}

/* ---- labels ------------------------------------------------------------------------------------------------------ */
static void labels_are(const char *images, const char *labels, int base, const char *name0) {
    static const int expect[] = {2, 0, 1};
    limn_data_options o = LIMN_DATA_OPTIONS_INIT;
    o.labels = labels;
    o.label_base = base;
    limn_dataset *d = open_with(o, images);
    for (size_t i = 0; i < N; i++)
        if (limn_dataset_label(d, i) != expect[i])
            fail_msg("%s, %s: label %zu is %d", images, labels ? labels : "none", i, limn_dataset_label(d, i));
    const char *name = limn_dataset_class(d, 0);
    if (name0)
        assert_string_equal(name, name0);
    else
        assert_null(name);
    assert_int_equal(limn_dataset_classes(d), 3);
    limn_dataset_free(d);
}

static void labels_lie_beside(void **state) {
    (void)state;
    static const char *const mats[] = {DATA "v5.mat", DATA "v7.mat", DATA "v73.mat"};
    char gray[64], own[64];
    for (size_t i = 0; i < COUNT_OF(mats); i++) {
        snprintf(gray, sizeof gray, "%s:gray", mats[i]);
        snprintf(own, sizeof own, "%s:names", mats[i]);
        labels_are(gray, NULL, LIMN_BASE_AUTO, NULL); /* `labels`, from 1 */
        labels_are(gray, ":labels", LIMN_BASE_1, NULL);
        labels_are(gray, ":names", LIMN_BASE_AUTO, "a");
        labels_are(DATA "arrays.h5:images", own, LIMN_BASE_AUTO, "a");
    }
    labels_are(DATA "v5.mat:gray", ":chars", LIMN_BASE_AUTO, "a");
    labels_are(DATA "arrays.h5:images", NULL, LIMN_BASE_AUTO, NULL);
    labels_are(DATA "arrays.h5:/group/rgb", ":names", LIMN_BASE_AUTO, "a");
    labels_are(DATA "arrays.h5:images", ":/fixed", LIMN_BASE_AUTO, "a");
    labels_are(DATA "arrays.h5:images", DATA "v4.mat:labels", LIMN_BASE_AUTO, NULL);
    limn_data_options o = LIMN_DATA_OPTIONS_INIT;
    o.labels = ":labels";
    o.label_base = LIMN_BASE_0;
    limn_dataset *d = open_with(o, DATA "v5.mat:gray");
    assert_int_equal(limn_dataset_label(d, 0), 3);
    limn_dataset_free(d);
    o.label_base = LIMN_BASE_1;
    refused_with(o, DATA "arrays.h5:images", "arrays.h5:labels: label_base is 1, but labels of 0 are there");
    o.labels = ":absent";
    refused_with(o, DATA "v5.mat:gray", "v5.mat: there is no 'absent' in this MATLAB file; it has: ");
}

/* ---- npz --------------------------------------------------------------------------------------------------------- */
typedef struct {
    const char *name;
    const void *data;
    size_t n;
} entry;

/* A zip of n entries; a second one of the same name is written by patching, since libzip refuses it. */
static const char *zip_of(const char *file, const entry *e, size_t n, int deflate) {
    const char *path = temp_path(file);
    int code;
    unlink(path);
    zip_t *z = zip_open(path, ZIP_CREATE, &code);
    assert_non_null(z);
    for (size_t i = 0; i < n; i++) {
        zip_source_t *s = zip_source_buffer(z, e[i].data, e[i].n, 0);
        zip_int64_t at = zip_file_add(z, e[i].name, s, 0);
        assert_true(at >= 0);
        zip_set_file_compression(z, (zip_uint64_t)at, deflate ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 9);
    }
    assert_int_equal(zip_close(z), 0);
    return path;
}

/* An npy file in memory; the caller frees. */
static unsigned char *npy_of(const float *x, const size_t *dim, int rank, size_t *n) {
    const char *path = temp_path("part.npy");
    assert_int_equal(limn_npy_write(path, x, dim, rank), LIMN_OK);
    return read_whole(path, n);
}

static void npz_members_go_together(void **state) {
    (void)state;
    float x[2 * N * H * W], y[N] = {2, 0, 1}, other[2] = {5, 6};
    for (size_t i = 0; i < COUNT_OF(x); i++) x[i] = value(1, i / (H * W), 0, i / W % H, i % W);
    size_t n[4];
    unsigned char *m[] = {npy_of(x, (size_t[]){N, H, W}, 3, &n[0]), npy_of(y, (size_t[]){N}, 1, &n[1]),
                          npy_of(x, (size_t[]){2, H, W}, 3, &n[2]), npy_of(other, (size_t[]){2}, 1, &n[3])};
    const entry e[] = {{"x_train.npy", m[0], n[0]},
                       {"y_train.npy", m[1], n[1]},
                       {"x_test.npy", m[2], n[2]},
                       {"y_test.npy", m[3], n[3]}};
    for (int deflate = 0; deflate < 2; deflate++) {
        const char *path = zip_of("set.npz", e, 4, deflate);
        char member[600];
        snprintf(member, sizeof member, "%s:x_train", path);
        holds_pictures(member, 1);
        labels_are(member, NULL, LIMN_BASE_AUTO, NULL);
        labels_are(member, ":y_train", LIMN_BASE_AUTO, NULL);
        snprintf(member, sizeof member, "%s:x_test.npy", path);
        limn_dataset *d = open_data(member);
        assert_int_equal(limn_dataset_label(d, 1), 6);
        limn_dataset_free(d);
        refused(path, "set.npz: which of its arrays are the pictures must be said, as FILE:NAME; it has: "
                      "x_train (3, 4, 5), y_train (3), x_test (2, 4, 5), y_test (2)");
        holds_pictures(zip_of("one.npz", e, 2, deflate), 1); /* only one can be pictures */
        snprintf(member, sizeof member, "%s:y_train", path);
        refused(member, "set.npz:y_train: its shape is (3), where");
        limn_data_options o = LIMN_DATA_OPTIONS_INIT;
        o.labels = ":y_test";
        snprintf(member, sizeof member, "%s:x_train", path);
        refused_with(o, member, "set.npz:x_train: it has 3 pictures, but `y_test` has 2 labels");
    }
    for (int i = 0; i < 4; i++) free(m[i]);
}

static void harmful_zips_are_refused(void **state) {
    (void)state;
    static const char *const out[] = {"../x.npy", "/x.npy", "a/../../x.npy", "..\\x.npy", "C:x.npy", "a/.."};
    float x[H * W] = {0};
    size_t n, size;
    unsigned char *m = npy_of(x, (size_t[]){1, H, W}, 3, &n);
    for (size_t i = 0; i < COUNT_OF(out); i++)
        refused(zip_of("out.npz", &(entry){out[i], m, n}, 1, 0), "a member of the npz has a name that leads out of it");
    const char *path = zip_of("fine.npz", &(entry){"a..b.npy", m, n}, 1, 0);
    limn_dataset_free(open_data(path));
    /* twice the same name: the other one's letter is changed in both of its places */
    path = zip_of("twice.npz", (entry[]){{"x1.npy", m, n}, {"x2.npy", m, n}}, 2, 0);
    unsigned char *z = read_whole(path, &size);
    for (size_t i = 0; i + 6 < size; i++)
        if (memcmp(z + i, "x2.npy", 6) == 0) z[i + 1] = '1';
    refused(temp_file("twice.npz", z, size), "twice.npz: a member comes twice in the npz");
    free(z);
    free(m);
    /* a bomb: some kB that say 4 GB, and inflate to 4 MB */
    static const char head[] =
        "\x93NUMPY\x01\0\x76\0{'descr': '|u1', 'fortran_order': False, 'shape': (65536, 256, 256), }";
    size = 4 << 20;
    m = calloc(size, 1);
    memset(m, ' ', 128);
    memcpy(m, head, sizeof head - 1);
    path = zip_of("bomb.npz", &(entry){"x.npy", m, size}, 1, 1);
    z = read_whole(path, &n);
    assert_true(n < 8192);
    refused(path, "its header promises (65536, 256, 256) uint8, which are 4294967296 bytes, but only ");
    free(z);
    free(m);
}

static void model_refused(const char *path, const char *sentence) {
    limn_graph *g = NULL;
    limn_status s = model_read(&g, path, NULL);
    if (s != LIMN_EINPUT || !strstr(limn_message(), sentence))
        fail_msg("status %d, '%s' lacks '%s'", s, s ? limn_message() : "", sentence);
}

static void harmful_keras_zips_are_refused(void **state) {
    (void)state;
    char meta[] = "{\"keras_version\": \"3.0\"}", json[] = "{}", *zeros = calloc(1, 40 << 20);
    size_t n;
    /* members that lead out are never unpacked: only three names are looked at, in memory */
    model_refused(zip_of("out.keras", (entry[]){{"../config.json", json, 2}, {"/tmp/limn-evil", json, 2}}, 2, 0),
                  "out.keras: it is a zip, but no Keras network (it lacks ");
    assert_int_not_equal(access("/tmp/limn-evil", F_OK), 0);
    const char *path = zip_of("twice.keras",
                              (entry[]){{"metadata.json", meta, sizeof meta - 1},
                                        {"config.json", json, 2},
                                        {"konfig.json", json, 2},
                                        {"model.weights.h5", json, 2}},
                              4, 0);
    unsigned char *z = read_whole(path, &n);
    for (size_t i = 0; i + 11 < n; i++)
        if (memcmp(z + i, "konfig.json", 11) == 0) z[i] = 'c';
    model_refused(temp_file("twice.keras", z, n), "twice.keras: damaged zip (File already exists)");
    free(z);
    /* bombs: 40 MB of zeros in some 40 kB */
    path = zip_of("bomb.keras",
                  (entry[]){{"metadata.json", meta, sizeof meta - 1},
                            {"config.json", zeros, 40 << 20},
                            {"model.weights.h5", json, 2}},
                  3, 1);
    model_refused(path, "bomb.keras: its config.json would unpack to 41943040 bytes");
    path = zip_of("bomb.keras", (entry[]){{"metadata.json", zeros, 40 << 20}, {"config.json", json, 2}}, 2, 1);
    model_refused(path, "bomb.keras: its metadata.json would unpack to 41943040 bytes");
    free(zeros);
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */
static void what_cannot_be_read_is_said(void **state) {
    (void)state;
    refused(DATA "network.mat:net",
            "network.mat: `net`: it is a network object (SeriesNetwork), which MATLAB alone can read: there, "
            "exportONNXNetwork(net, 'net.onnx') writes a file that limn reads");
    model_refused(DATA "network.mat",
                  "network.mat: a MATLAB file: a network in it MATLAB alone can read: there, exportONNX");
    model_refused(DATA "objects73.mat", "objects73.mat: a MATLAB file: a network in it MATLAB alone can read");
    refused(DATA "objects73.mat:net", "(DAGNetwork), which MATLAB alone can read: there, exportONNXNetwork(net, ");
    refused(DATA "objects73.mat:kinds", "it is a categorical array, which MATLAB alone can read: save cellstr(x)");
    refused(DATA "objects73.mat:other", "it is an object of the class mine, which MATLAB alone can read");
    refused(DATA "v7.mat:complex", "`complex`: it is complex");
    refused(DATA "v7.mat:record", "`record`: it is a struct");
    refused(DATA "v7.mat:mixed", "it is a cell array of other things than texts");
    refused(DATA "v7.mat:names", "it holds texts, where pictures are needed");
    refused(DATA "v7.mat:empty", "there are no pictures in it");
    refused(DATA "v7.mat", "which of its arrays are the pictures must be said");
    refused(DATA "v7.mat:", "there is no '' in this MATLAB file");
    refused(DATA "external.mat", "external.mat: `x` is a link, which is not followed");
    refused(DATA "arrays.h5:record", "`record`: it is neither numbers nor text");
    refused("tests/data/hdf5/external_link.h5", "`x` is a link, which is not followed");
    refused("tests/data/hdf5/soft_link.h5", "`x` is a link, which is not followed");
    refused("tests/data/hdf5/external_storage.h5", "`x` is stored in another file, which is not followed");
    refused("tests/data/hdf5/virtual.h5", "`x` is stored in another file, which is not followed");
    refused("tests/data/hdf5/bomb.h5:x", "`x` says that it holds far more than the file");
    refused("tests/data/arrays/numpy.npz:v2:x", "there is no 'v2:x' in this npz file; it has: b1_na_C (2, 3, 4)");
}

/* libmatio would fill up what is missing. */
static void mat_files_that_lack_values_are_refused(void **state) {
    (void)state;
    static const unsigned char dims[] = {H, 0, 0, 0, W, 0, 0, 0, N, 0, 0, 0};
    char gray[600];
    size_t n;
    unsigned char *b = read_whole(DATA "v4.mat", &n);
    refused(temp_file("cut.mat", b, n - 1), "cut.mat: damaged MATLAB file (it is cut short)");
    free(b);
    b = read_whole(DATA "v5.mat", &n);
    refused(temp_file("cut.mat", b, n - 60), "cut.mat: damaged MATLAB file (it is cut short)");
    for (size_t i = 0; i + sizeof dims < n; i++)
        if (memcmp(b + i, dims, sizeof dims) == 0) b[i + 8] = 30;
    refused(temp_file("cut.mat", b, n), "damaged MATLAB file (`gray` has not as many values as its dimensions say)");
    free(b);
    b = read_whole(DATA "v7.mat", &n);
    refused(temp_file("cut.mat", b, n - 8), "cut.mat: damaged MATLAB file (it is cut short)");
    size_t first = (size_t)b[132] | (size_t)b[133] << 8; /* the length of the first element, which is `gray` */
    b[136 + first - 1] ^= 1;                             /* of its checksum */
    snprintf(gray, sizeof gray, "%s:gray", temp_file("sum.mat", b, n));
    refused(gray, "sum.mat: damaged MATLAB file (a compressed variable is damaged)");
    free(b);
}

/* ---- mutants ----------------------------------------------------------------------------------------------------- */
enum { MUTANTS = 24 }; /* a file; LIMN_MUTANTS raises it. Each starts a helper once or more */

static void read_member(const limn_members *m, const char *file, const char *name) {
    limn_block b = {0};
    double x;
    limn_status s = limn_member_open(&b, m, file, name);
    for (size_t i = 0; s == LIMN_OK && !b.text && i < b.count; i++) s = limn_block_doubles(&b, i, &x, 1);
    if (s == LIMN_OK && b.text) {
        data_labels l = {0};
        s = data_labels_block(&l, &b, LIMN_BASE_AUTO);
        data_labels_clear(&l);
    }
    if (s != LIMN_OK) {
        assert_int_equal(s, LIMN_EINPUT);
        assert_string_not_equal(limn_message(), "");
    }
    limn_block_clear(&b);
}

static void mutant(void *ctx, const unsigned char *bytes, size_t n) {
    limn_members m = {0};
    const char *path = temp_file(ctx, bytes, n);
    int any;
    assert_int_equal(limn_members_any(&any, path), LIMN_OK);
    limn_status s = limn_members_list(&m, path);
    if (s != LIMN_OK) {
        assert_int_equal(s, LIMN_EINPUT);
        if (!strstr(limn_message(), path)) fail_msg("'%s' does not name the file", limn_message());
    }
    for (size_t i = 0; i < m.n && i < 3; i++) read_member(&m, path, m.member[(i * 5 + n) % m.n].name);
    limn_members_clear(&m);
}

static void mutants_of(const char *path, char *as, size_t front, unsigned seed) {
    size_t n;
    unsigned char *good = read_whole(path, &n);
    mutants(good, n, front < n ? front : n, MUTANTS, seed, mutant, as);
    free(good);
}

static void damaged_npz(void **state) {
    (void)state;
    mutants_of("tests/data/arrays/numpy.npz", (char[]){"m.npz"}, 16384, 1);
}

static void damaged_hdf5(void **state) {
    (void)state;
    mutants_of(DATA "arrays.h5", (char[]){"m.h5"}, 16384, 2);
}

static void damaged_mat_4(void **state) {
    (void)state;
    mutants_of(DATA "v4.mat", (char[]){"m.mat"}, 64, 3);
}

static void damaged_mat_5(void **state) {
    (void)state;
    mutants_of(DATA "v5.mat", (char[]){"m.mat"}, 16384, 4);
}

static void damaged_mat_7(void **state) {
    (void)state;
    mutants_of(DATA "v7.mat", (char[]){"m.mat"}, 16384, 5);
}

static void damaged_mat_73(void **state) {
    (void)state;
    mutants_of(DATA "v73.mat", (char[]){"m.mat"}, 16384, 6);
}

static void damaged_mat_objects(void **state) {
    (void)state;
    mutants_of(DATA "network.mat", (char[]){"m.mat"}, 16384, 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_the_same_in_every_kind_of_file),
        cmocka_unit_test(labels_lie_beside),
        cmocka_unit_test(npz_members_go_together),
        cmocka_unit_test(harmful_zips_are_refused),
        cmocka_unit_test(harmful_keras_zips_are_refused),
        cmocka_unit_test(what_cannot_be_read_is_said),
        cmocka_unit_test(mat_files_that_lack_values_are_refused),
        cmocka_unit_test(damaged_npz),
        cmocka_unit_test(damaged_hdf5),
        cmocka_unit_test(damaged_mat_4),
        cmocka_unit_test(damaged_mat_5),
        cmocka_unit_test(damaged_mat_7),
        cmocka_unit_test(damaged_mat_73),
        cmocka_unit_test(damaged_mat_objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
