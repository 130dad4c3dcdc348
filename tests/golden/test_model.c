/* The committed networks, and those of ../shared/models, as they were saved; then files that are damaged or are none.
 * Shapes and parameter counts are those of Keras's own summary (examples/mnist/train.py builds the networks).
 * LIMN_MUTANTS (200) and LIMN_SEED (1) choose how many mutants are tried, and which. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <cjson/cJSON.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "model/describe.h"
#include "model/graph.h"
#include "model/helper.h"
#include "model/hdf5.h"

#define MNIST "examples/mnist/"
#define SHARED "../shared/models/"

static char folder[] = "/tmp/limn-model-XXXXXX";

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state) {
    (void)state;
    return rmdir(folder);
}

static void need(const char *path) {
    if (access(path, R_OK) != 0) skip();
}

static limn_graph *read_model(const char *path) {
    limn_graph *g;
    if (model_read(&g, path, NULL) != LIMN_OK) fail_msg("%s", limn_message());
    return g;
}

typedef struct {
    const char *name, *type, *shape;
    size_t params;
} layer;

static void assert_layers(const limn_graph *g, const layer *want, int n) {
    char buf[LIMN_SHAPE_TEXT];
    assert_int_equal(g->n_layers, n);
    for (int i = 0; i < n; i++) {
        assert_string_equal(g->layer[i].name, want[i].name);
        assert_string_equal(g->layer[i].type, want[i].type);
        assert_string_equal(graph_shape_text(graph_layer_shape(g, i), g->layer[i].hwc, buf), want[i].shape);
        assert_int_equal(g->layer[i].params, want[i].params);
    }
    assert_int_equal(g->node[g->n_nodes - 1].op, LIMN_OP_SOFTMAX);
}

static const layer cnn[] = {{"conv2d_1", "Conv2D", "(26, 26, 32)", 320},
                            {"conv2d_2", "Conv2D", "(24, 24, 64)", 18496},
                            {"max_pooling2d_1", "MaxPooling2D", "(12, 12, 64)", 0},
                            {"dropout_1", "Dropout", "(12, 12, 64)", 0},
                            {"flatten_1", "Flatten", "(9216,)", 0},
                            {"dense_1", "Dense", "(128,)", 1179776},
                            {"dropout_2", "Dropout", "(128,)", 0},
                            {"dense_2", "Dense", "(10,)", 1290}};

static const layer small[] = {{"conv1", "Conv2D", "(26, 26, 8)", 80},    {"pool1", "MaxPooling2D", "(13, 13, 8)", 0},
                              {"conv2", "Conv2D", "(11, 11, 16)", 1168}, {"pool2", "MaxPooling2D", "(5, 5, 16)", 0},
                              {"conv3", "Conv2D", "(3, 3, 16)", 2320},   {"flatten", "Flatten", "(144,)", 0},
                              {"fc1", "Dense", "(32,)", 4640},           {"fc2", "Dense", "(10,)", 330}};

static void one_network_in_three_formats(void **state) {
    (void)state;
    static const char *const file[][4] = {{MNIST "mnist_cnn.h5", "Keras 2 HDF5", "keras 2.21.0",
                                           "66813c214f3aa4a93d6a3f9554112f2afb4140963ecac5b6aab50c73da7d84ac"},
                                          {MNIST "mnist_cnn_keras3.h5", "Keras 3 HDF5", "keras 3.15.1",
                                           "df265881e0db78126e32f17b786e4e538f0e93281b4eb05b94192bc5701fb5f4"},
                                          {MNIST "mnist_cnn.keras", "Keras 3 zip", "keras 3.15.1",
                                           "b7ee7c21c4f74faa34853760d65e4deb6b0ec29daae7e6bb8c659374253abea8"}};
    limn_graph *first = read_model(file[0][0]);
    for (int k = 0; k < 3; k++) {
        limn_graph *g = read_model(file[k][0]);
        assert_layers(g, cnn, 8);
        assert_string_equal(g->format, file[k][1]);
        assert_string_equal(g->producer, file[k][2]);
        assert_string_equal(g->hash, file[k][3]);
        assert_int_equal(graph_feature_layer(g), 5);
        assert_int_equal(graph_cam_layer(g), 1);
        assert_int_equal(g->n_nodes, first->n_nodes);
        for (int i = 0; i < g->n_nodes; i++) {
            const limn_node *a = &first->node[i], *b = &g->node[i];
            assert_int_equal(a->op, b->op);
            assert_int_equal(a->n_weight, b->n_weight);
            if (a->weight) assert_memory_equal(a->weight, b->weight, a->n_weight * sizeof *a->weight);
            if (a->bias) assert_memory_equal(a->bias, b->bias, a->n_bias * sizeof *a->bias);
        }
        graph_free(g);
    }
    graph_free(first);
}

/* Every value of the small network against the file's own arrays: W[o][i][y][x] = K[y][x][i][o], W[o][i] = K[i][o]. */
static void weights_are_the_files(void **state) {
    (void)state;
    limn_graph *g = read_model(MNIST "mnist_small.h5");
    assert_layers(g, small, 8);
    hdf5_file *f;
    int fd = open(MNIST "mnist_small.h5", O_RDONLY | O_CLOEXEC), checked = 0;
    assert_int_equal(hdf5_open(&f, fd, NULL), LIMN_OK);
    for (int k = 0; k < g->n_nodes; k++) {
        const limn_node *n = &g->node[k];
        if (!n->weight) continue;
        char path[128];
        const char *name = g->layer[n->layer].name;
        snprintf(path, sizeof path, "model_weights/%s/%s/kernel:0", name, name);
        const hdf5_entry *e = hdf5_find(f, ANSWER_DATASET, path, "");
        assert_non_null(e);
        const float *from = e->data;
        size_t O = e->dim[e->rank - 1], I = e->dim[e->rank - 2], S = n->n_weight / O / I;
        for (size_t s = 0; s < S; s++)
            for (size_t i = 0; i < I; i++)
                for (size_t o = 0; o < O; o++) assert_true(n->weight[(o * I + i) * S + s] == from[(s * I + i) * O + o]);
        snprintf(path, sizeof path, "model_weights/%s/%s/bias:0", name, name);
        e = hdf5_find(f, ANSWER_DATASET, path, "");
        assert_non_null(e);
        assert_memory_equal(e->data, n->bias, n->n_bias * sizeof *n->bias);
        checked++;
    }
    assert_int_equal(checked, 5);
    hdf5_close(f);
    close(fd);
    graph_free(g);
}

static void networks_of_others_are_read(void **state) {
    (void)state;
    need(SHARED "mnist_keras26.h5");
    static const char *const file[] = {SHARED "mnist_keras26.h5", SHARED "mnist_keras311.h5",
                                       SHARED "mnist_keras311.keras"};
    static const layer want[] = {{"conv2d", "Conv2D", "(26, 26, 32)", 320},
                                 {"max_pooling2d", "MaxPooling2D", "(13, 13, 32)", 0},
                                 {"conv2d_1", "Conv2D", "(11, 11, 64)", 18496},
                                 {"max_pooling2d_1", "MaxPooling2D", "(5, 5, 64)", 0},
                                 {"flatten", "Flatten", "(1600,)", 0},
                                 {"dropout", "Dropout", "(1600,)", 0},
                                 {"dense", "Dense", "(10,)", 16010}};
    for (int i = 0; i < 3; i++) {
        limn_graph *g = read_model(file[i]);
        assert_layers(g, want, 7);
        assert_int_equal(graph_feature_layer(g), 5); /* one dense layer: its input */
        graph_free(g);
    }
    limn_graph *g = read_model(SHARED "mnist_twin.h5"); /* no InputLayer; names of fixed length; ends in scores */
    assert_int_equal(g->n_layers, 6);
    assert_string_equal(g->producer, "keras 2.2.4-tf");
    assert_int_equal(g->node[g->n_nodes - 1].op, LIMN_OP_DENSE);
    graph_free(g);
}

/* ---- limn info --------------------------------------------------------------------------------------------------- */
typedef struct {
    char text[16384];
    size_t n;
} page;

static int append(void *ctx, const char *text, size_t n) {
    page *p = ctx;
    if (n >= sizeof p->text - p->n) return 1;
    memcpy(p->text + p->n, text, n);
    p->n += n;
    p->text[p->n] = 0;
    return 0;
}

static int refuse(void *ctx, const char *text, size_t n) {
    (void)ctx;
    (void)text;
    return n > 0;
}

static void assert_has(const page *p, const char *part) {
    if (!strstr(p->text, part)) fail_msg("`%s` is not in\n%s", part, p->text);
}

static void info_describes_it(void **state) {
    (void)state;
    limn_graph *g = read_model(MNIST "mnist_small.h5");
    for (int swapped = 0; swapped < 2; swapped++) {
        page p = {.n = 0};
        assert_int_equal(model_describe(g, LIMN_TABLE, append, &p), LIMN_OK);
        assert_has(&p, "format       Keras 2 HDF5, saved by keras 2.21.0\n");
        assert_has(&p, "input        (28, 28, 1)\noutput       (10,), final activation softmax\nparameters   8538\n");
        assert_has(&p, "\n    4  conv3    Conv2D        (3, 3, 16)            2320  cam    <- CAM layer: auto\n");
        assert_has(&p, "\n    6  fc1      Dense         (32,)                 4640  units  <- features: auto\n");
        assert_has(&p, "\n    7  fc2      Dense         (10,)                  330  units\n");
        p.n = 0;
        assert_int_equal(model_describe(g, LIMN_CSV, append, &p), LIMN_OK);
        assert_has(&p, "\n0,\"conv1\",\"Conv2D\",\"(26, 26, 8)\",80,cam,0,0\n");
        assert_has(&p, "\n6,\"fc1\",\"Dense\",\"(32,)\",4640,units,1,0\n");
        p.n = 0;
        assert_int_equal(model_describe(g, LIMN_JSON, append, &p), LIMN_OK);
        cJSON *root = cJSON_Parse(p.text);
        assert_non_null(root);
        assert_int_equal(cJSON_GetObjectItem(root, "parameters")->valueint, 8538);
        assert_string_equal(cJSON_GetObjectItem(root, "cam_auto")->valuestring, "conv3");
        assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(root, "layers")), 8);
        cJSON *conv3 = cJSON_GetArrayItem(cJSON_GetObjectItem(root, "layers"), 4);
        assert_int_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(conv3, "output"), 2)->valueint, 16);
        assert_true(cJSON_IsTrue(cJSON_GetObjectItem(conv3, "cam")));
        cJSON_Delete(root);
        assert_int_equal(graph_swap_softmax(g), LIMN_OK);
    }
    assert_int_equal(model_describe(g, LIMN_TABLE, refuse, NULL), LIMN_EFAIL);
    graph_free(g);
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */
static void refused(const char *path, const char *weights, const char *part) {
    limn_graph *g = (limn_graph *)1;
    assert_int_equal(model_read(&g, path, weights), LIMN_EINPUT);
    assert_null(g);
    if (strncmp(limn_message(), path, strlen(path)) != 0 || !strstr(limn_message(), part) ||
        strchr(limn_message(), '\n'))
        fail_msg("`%s` lacks `%s`", limn_message(), part);
}

static void what_is_missing_is_named(void **state) {
    (void)state;
    need(SHARED "mnist_keras26.h5");
    refused(SHARED "keras1_tf_weights.h5", NULL, "weights only, without model_config");
    refused(SHARED "keras1_tf_config.json", NULL, "give both as `model: {config: X.json, weights: Y.h5}`");
    refused(SHARED "keras1_tf_config.json", SHARED "mnist_keras26.h5",
            "layer `convolution2d_1` (Conv2D): the file lacks the group `model_weights/convolution2d_1`");
    refused(SHARED "imagenet_labels.txt", NULL, "not a model that limn can read");
}

/* ---- files made here --------------------------------------------------------------------------------------------- */
static char *bytes;
static size_t size;

static int load_small(void **state) {
    (void)state;
    struct stat st;
    int fd = open(MNIST "mnist_small.h5", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0) return 1;
    size = (size_t)st.st_size;
    if (limn_new(&bytes, size, 1) != LIMN_OK || read(fd, bytes, size) != (ssize_t)size) return 1;
    return close(fd);
}

static int drop_small(void **state) {
    (void)state;
    free(bytes);
    return 0;
}

/* A file of n bytes; path[] is its name. */
static void write_file(char path[128], const char *name, const void *data, size_t n) {
    snprintf(path, 128, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && write(fd, data, n) == (ssize_t)n);
    close(fd);
}

static void refused_bytes(const char *name, const void *data, size_t n, const char *part) {
    char path[128];
    write_file(path, name, data, n);
    refused(path, NULL, part);
    unlink(path);
}

static void replace_all(char *in, size_t n, const char *from, const char *to) {
    size_t k = strlen(from), found = 0;
    assert_int_equal(k, strlen(to));
    for (char *p = in; (p = memmem(p, n - (size_t)(p - in), from, k)); p += k, found++) memcpy(p, to, k);
    assert_true(found > 0);
}

static void files_that_are_no_models(void **state) {
    (void)state;
    char *copy, path[128];
    refused("no-such-file.h5", NULL, "no-such-file.h5: no such file");
    refused(folder, NULL, "a folder, and not a model file");
    refused("/dev/null", NULL, "not a regular file");
    refused_bytes("empty.h5", "", 0, "the file is empty");
    refused_bytes("text.h5", "this is not a model, it is a poem\n", 34,
                  "not a model that limn can read (it reads: Keras");
    refused_bytes("sign.h5", bytes, 8, "damaged HDF5 (");
    refused_bytes("json.json", "{\"class_name\":", 14, "a configuration without weights");
    refused_bytes("zip.keras", "PK\3\4 and no more", 16, "damaged zip (");
    refused("tests/data/hdf5/kinds.h5", NULL, "it is HDF5, but no Keras network");
    refused("tests/data/hdf5/soft_link.h5", NULL, "`x` is a link, which is not followed");
    refused(MNIST "mnist_small.h5", MNIST "mnist_cnn.h5", "holds its own weights");
    assert_int_equal(limn_new(&copy, size, 1), LIMN_OK);
    memcpy(copy, bytes, size);
    replace_all(copy, size, "MaxPooling2D", "MaxPoolingXX");
    refused_bytes("odd.h5", copy, size,
                  "layer `pool1` is of the type MaxPoolingXX, which is not supported; what is: Activation, ");
    memcpy(copy, bytes, size);
    replace_all(copy, size, "model_config", "model_konfig"); /* then there are weights only */
    refused_bytes("weights.h5", copy, size, "weights only, without model_config");
    memcpy(copy, bytes, size);
    replace_all(copy, size, "\"units\": 32", "\"units\": 33");
    refused_bytes("units.h5", copy, size,
                  "layer `fc1` (Dense): its weights `model_weights/fc1/fc1/kernel:0` have the shape "
                  "(144, 32), which its options contradict");
    write_file(path, "config.json", "{\"class_name\": \"Sequential\", \"config\": [", 40);
    refused(path, MNIST "mnist_small.h5", "its configuration is not JSON");
    limn_graph *g;
    assert_int_equal(model_read(&g, path, "LICENSE"), LIMN_EINPUT);
    assert_non_null(strstr(limn_message(), "LICENSE: damaged HDF5 (it cannot be opened: file signature not found)"));
    assert_int_equal(model_read(&g, path, "absent.h5"), LIMN_EINPUT);
    assert_string_equal(limn_message(), "absent.h5: no such file");
    unlink(path);
    free(copy);
}

/* The configuration in a file of its own, its weights in the .h5: the same network. */
static void a_configuration_with_its_weights(void **state) {
    (void)state;
    char path[128];
    const char *config = memmem(bytes, size, "{\"class_name\": \"Sequential\"", 27);
    assert_non_null(config);
    write_file(path, "config.json", config, strlen(config));
    limn_graph *g;
    if (model_read(&g, path, MNIST "mnist_small.h5") != LIMN_OK) fail_msg("%s", limn_message());
    assert_layers(g, small, 8);
    assert_string_equal(g->format, "Keras JSON and HDF5");
    graph_free(g);
    unlink(path);
}

static void truncated_files_are_sentences(void **state) {
    (void)state;
    for (uint64_t i = 0; i < 50; i++) {
        limn_rng r = limn_rng_stream(1, LIMN_RNG_TEST, i);
        refused_bytes("cut.h5", bytes, 1 + limn_rng_below(&r, size - 1), "cut.h5: ");
    }
}

static void truncated_zips_are_sentences(void **state) {
    (void)state;
    char *zip;
    struct stat st;
    int fd = open(MNIST "mnist_cnn.keras", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    size_t n = (size_t)st.st_size;
    assert_int_equal(limn_new(&zip, n, 1), LIMN_OK);
    assert_true(read(fd, zip, n) == (ssize_t)n);
    close(fd);
    for (uint64_t i = 0; i < 10; i++) {
        limn_rng r = limn_rng_stream(2, LIMN_RNG_TEST, i);
        refused_bytes("cut.keras", zip, 1 + limn_rng_below(&r, n - 1), "cut.keras: ");
    }
    zip[n / 2] ^= 1; /* a weight: only the checksum tells */
    refused_bytes("bit.keras", zip, n, "damaged zip (model.weights.h5: CRC error)");
    zip[n / 2] ^= 1;
    replace_all(zip, n, "config.json", "konfig.json");
    refused_bytes("odd.keras", zip, n, "it is a zip, but no Keras network (it lacks config.json)");
    free(zip);
}

/* A helper that lists its descriptors in place of reading: 3 is the file, 4 the answer, and no other is a file. */
static void the_helper_inherits_no_other_file(void **state) {
    (void)state;
    static const char list[] = "#!/bin/sh\nls -l /proc/self/fd >\"$LIMN_LIBEXEC/list\"\n";
    static const char *const models[] = {MNIST "mnist_cnn.keras", MNIST "mnist_small.h5"};
    char program[128], path[128], text[4096];
    limn_graph *g;
    int held[4];
    write_file(program, "limn-hdf5", list, sizeof list - 1);
    assert_int_equal(chmod(program, 0700), 0);
    snprintf(path, sizeof path, "%s/list", folder);
    for (int i = 0; i < 4; i++) held[i] = open("/dev/null", O_RDONLY | O_CLOEXEC); /* 3 to 5 would be covered up */
    setenv("LIMN_LIBEXEC", folder, 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(model_read(&g, models[i], NULL), LIMN_EINPUT);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        assert_true(n > 0);
        text[n] = 0;
        close(fd);
        assert_non_null(strstr(text, " 5 -> ")); /* the list is one */
        if (strstr(text, ".keras")) fail_msg("%s", text);
        const char *file = strstr(text, ".h5");
        if (file && strstr(file + 1, ".h5")) fail_msg("%s", text);
    }
    unsetenv("LIMN_LIBEXEC");
    for (int i = 0; i < 4; i++) close(held[i]);
    unlink(path);
    unlink(program);
}

static long from_environment(const char *name, long fallback) {
    const char *text = getenv(name);
    return text ? atol(text) : fallback;
}

/* Up to 8 bytes of the file changed, 9 of 10 in its first 12 kB, where all of HDF5's structure lies. */
static void mutants_are_read_or_refused(void **state) {
    (void)state;
    long mutants = from_environment("LIMN_MUTANTS", 200), seed = from_environment("LIMN_SEED", 1), alive = 0;
    char *copy, path[128];
    assert_int_equal(limn_new(&copy, size, 1), LIMN_OK);
    for (long i = 0; i < mutants; i++) {
        limn_rng r = limn_rng_stream((uint64_t)seed, LIMN_RNG_TEST, 1000 + (uint64_t)i);
        memcpy(copy, bytes, size);
        for (uint64_t k = limn_rng_below(&r, 8) + 1; k > 0; k--)
            copy[limn_rng_below(&r, limn_rng_below(&r, 10) ? 12000 : size)] = (char)limn_rng_below(&r, 256);
        write_file(path, "mutant.h5", copy, size);
        limn_graph *g;
        limn_status s = model_read(&g, path, NULL);
        assert_int_equal(s == LIMN_OK, g != NULL);
        if (s == LIMN_OK) {
            alive++;
            graph_free(g);
        } else if (s != LIMN_EINPUT || strncmp(limn_message(), path, strlen(path)) != 0)
            fail_msg("seed %ld, mutant %ld: status %d, %s", seed, i, (int)s, limn_message());
    }
    unlink(path);
    assert_true(alive > 0 && (mutants < 100 || alive < mutants)); /* both ends were seen */
    free(copy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_network_in_three_formats),
        cmocka_unit_test(weights_are_the_files),
        cmocka_unit_test(info_describes_it),
        cmocka_unit_test(networks_of_others_are_read),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test_setup_teardown(files_that_are_no_models, load_small, drop_small),
        cmocka_unit_test_setup_teardown(a_configuration_with_its_weights, load_small, drop_small),
        cmocka_unit_test_setup_teardown(truncated_files_are_sentences, load_small, drop_small),
        cmocka_unit_test(truncated_zips_are_sentences),
        cmocka_unit_test(the_helper_inherits_no_other_file),
        cmocka_unit_test_setup_teardown(mutants_are_read_or_refused, load_small, drop_small),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
