/* ONNX files: small ones of our own, the example networks against Keras's numbers and against their twins, networks that
 * other programs saved, and files that are damaged or hostile. LIMN_MUTANTS (300) and LIMN_SEED choose the mutants. */
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

#include "base/mem.h"
#include "data/dataset.h"
#include "model/onnx_build.h"
#include "nn/net.h"
#include "tests/lib/files.h"
#include "tests/lib/golden.h"

#define SHARED "../shared/models/"
#define EXAMPLES "../shared/examples/mnist/"
#define SMALL "tests/data/onnx/small.onnx"

/* Two programs' float32 sums of some thousand terms near 1 agree to a few 1e-6; probabilities are smaller. */
#define SAME 1e-5
/* Scores of tens: eight float32 steps of the largest, where libraries add in another order. */
#define SCORES 1e-6
/* mnist_8's scores reach 6575, where float32 steps by 4.9e-4: arithmetic in float64 differs from its file by 9.0e-4. */
#define MNIST_8 1e-3

static void must(limn_status s) {
    if (s != LIMN_OK) fail_msg("%s", limn_message());
}

static void need(const char *path) {
    if (access(path, R_OK) != 0) skip();
}

/* ---- networks that run ----------------------------------------------------------------------------------------------
 */
typedef struct {
    limn_graph *g;
    limn_net *net;
    limn_session *s;
    const limn_diff *d;
} network;

static void open_network(network *n, const char *path, int logits) {
    must(model_read(&n->g, path, NULL));
    if (logits) must(graph_swap_softmax(n->g));
    must(limn_net_new(&n->net, n->g, LIMN_BACKEND_AUTO));
    must(limn_session_new(&n->s, n->net));
    n->d = limn_session_diff(n->s);
}

static void close_network(network *n) {
    limn_session_free(n->s);
    limn_net_free(n->net);
    graph_free(n->g);
}

/* y (count, size of the layer) = the layer of this name or (NULL) the last, of x (count, size of the input). */
static float *values(network *n, const float *x, size_t count, const char *layer, size_t *size) {
    int at = layer ? graph_find_layer(n->g, layer) : n->g->n_layers - 1;
    assert_true(at >= 0);
    size_t in = limn_shape_size(&n->d->input), B = n->d->B;
    *size = limn_shape_size(&n->d->layer[at].out);
    float *chunk, *part, *y;
    must(limn_new(&chunk, B * in, sizeof *chunk));
    must(limn_new(&part, B * *size, sizeof *part));
    must(limn_new(&y, count * *size, sizeof *y));
    for (size_t i = 0; i < count; i += B) {
        size_t rows = count - i < B ? count - i : B;
        memcpy(chunk, x + i * in, rows * in * sizeof *x);
        must(n->d->forward(n->d->ctx, chunk));
        must(n->d->value(n->d->ctx, at, part));
        memcpy(y + i * *size, part, rows * *size * sizeof *y);
    }
    free(chunk);
    free(part);
    return y;
}

static double worst(const float *a, const float *b, size_t n) {
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - b[i]);
        if (!(d <= most)) most = d;
    }
    return most;
}

static float *golden_floats(const char *path, const char *member, size_t *n) {
    double *v = golden(path, member, n);
    float *f;
    must(limn_new(&f, *n, sizeof *f));
    for (size_t i = 0; i < *n; i++) f[i] = (float)v[i];
    free(v);
    return f;
}

/* Pictures of files, preprocessed. */
static float *pictures(const char *path, size_t limit, int channels, double scale, double mean, double deviation) {
    char *list[] = {(char *)(uintptr_t)path};
    limn_data_options o = LIMN_DATA_OPTIONS_INIT;
    limn_dataset *d;
    size_t C, H, W;
    float *x;
    o.images = list, o.n_images = 1, o.pre.scale = scale, o.limit = limit, o.channels = channels;
    for (int i = 0; i < 3; i++) o.pre.mean[i] = mean, o.pre.std[i] = deviation;
    must(limn_dataset_open(&d, &o));
    limn_dataset_shape(d, &C, &H, &W);
    must(limn_new(&x, limit * C * H * W, sizeof *x));
    must(limn_dataset_batch(d, 0, limit, x));
    limn_dataset_free(d);
    return x;
}

/* Heads as rows of the batch's axis, whose number follows from Shape, Gather and Mul: 4 B rows, the tokens are the -1.
 * Numbers of ONNX Runtime. */
static void heads_are_kept_apart(void **state) {
    (void)state;
    static const float want[2][24] = {
        {-0.56043893F, 0.010981351F, 0.45077887F, -0.45077887F, -0.010981344F, 0.56043887F, 0.080089405F, -0.011523332F,
         0.94196177F,  -0.41831422F, 0.79720175F, -0.50795311F, 0.0078933127F, 0.46719611F, -0.14569043F, 0.401788F,
         0.82050532F,  -0.14991745F, 0.27194631F, -0.67869925F, -0.26382831F,  0.30415124F, -0.32945299F, 0.14489926F},
        {0.752222F,    -0.085877754F, 0.28343379F,  0.93446755F,   0.223212F,   0.77069038F,
         -0.37256157F, 0.17938817F,   0.59351528F,  -0.30361995F,  0.15008567F, 0.74335337F,
         -0.45546037F, 0.053218558F,  -0.62077296F, -0.010935023F, 0.38778496F, -0.51377279F,
         0.15875064F,  0.60455757F,   0.012335751F, 0.53996277F,   0.96014178F, -0.027227625F}};
    float x[48];
    size_t size;
    network n;
    for (int i = 0; i < 48; i++) x[i] = (float)(i * 7 % 19) / 8 - 1;
    open_network(&n, "tests/data/onnx/heads.onnx", 0);
    float *y = values(&n, x, 2, NULL, &size);
    assert_int_equal(size, 24);
    assert_true(worst(y, want[0], 48) < SAME);
    free(y);
    close_network(&n);
}

/* Our own file: raw data, float_data, float16, double and int64 fields; numbers of the onnx package's reference. */
static void small_network_is_right(void **state) {
    (void)state;
    static const float want[2][4] = {{0.78819752F, 0.18039328F, 0.0055223922F, 0.025886795F},
                                     {0.00014758686F, 0.99726945F, 0.0020856888F, 0.00049733341F}};
    float x[144];
    size_t size;
    network n;
    for (int i = 0; i < 144; i++) x[i] = (float)(i * 7 % 19) / 8 - 1;
    open_network(&n, SMALL, 0);
    assert_int_equal(n.g->n_layers, 6);
    assert_string_equal(n.g->layer[0].name, "conv");
    assert_string_equal(n.g->layer[4].type, "MatMul");
    assert_string_equal(n.g->format, "ONNX opset 13");
    assert_string_equal(n.g->producer, "test 1");
    float *y = values(&n, x, 2, NULL, &size);
    assert_int_equal(size, 4);
    assert_true(worst(y, want[0], 8) < SAME);
    free(y);
    close_network(&n);
}

/* Attention as programs write it: heads as an axis, and as rows of the batch's axis with tokens in front; the class's
 * token is expanded to the batch, whose size goes through Shape, Gather, Concat, Equal, Where. Numbers of the onnx
 * package's reference. */
static void vision_transformer_is_right(void **state) {
    (void)state;
    static const float want[2][4] = {{0.056083024F, 0.4973914F, 0.99401438F, 1.1770895F},
                                     {0.27724063F, -0.25648949F, 0.73195851F, 1.0668665F}};
    float x[2 * 192];
    size_t size;
    network n;
    for (int i = 0; i < 2 * 192; i++) x[i] = (float)(i * 7 % 19) / 8 - 1;
    open_network(&n, "tests/data/onnx/vit.onnx", 0);
    float *y = values(&n, x, 2, NULL, &size);
    assert_int_equal(size, 4);
    assert_true(worst(y, want[0], 8) < SAME);
    free(y);
    close_network(&n);
}

static void example_has_kerass_numbers(void **state) {
    (void)state;
    static const char file[] = "cnn/keras_activations.npz";
    if (!goldens_present()) skip();
    size_t n_x, n_p, n_l, n_f, size;
    float *x = golden_floats(file, "x", &n_x), *p = golden_floats(file, "probabilities", &n_p),
          *l = golden_floats(file, "logits", &n_l), *f = golden_floats(file, "dense_1", &n_f);
    network n;
    open_network(&n, EXAMPLES "mnist_cnn.onnx", 0);
    float *y = values(&n, x, 16, NULL, &size);
    assert_true(size == 10 && worst(y, p, n_p) < SAME);
    free(y);
    y = values(&n, x, 16, "/6/Gemm", &size); /* before the ReLU that Keras's layer includes */
    assert_int_equal(size * 16, n_f);
    for (size_t i = 0; i < n_f; i++) y[i] = y[i] > 0 ? y[i] : 0;
    assert_true(worst(y, f, n_f) < 1e-4);
    free(y);
    close_network(&n);
    open_network(&n, EXAMPLES "mnist_cnn.onnx", 1);
    y = values(&n, x, 16, NULL, &size);
    assert_true(worst(y, l, n_l) < 1e-4); /* logits reach 30 */
    free(y);
    close_network(&n);
    free(x);
    free(p);
    free(l);
    free(f);
}

/* The gradient of each logit at the input: 99 % of the pixels within 1e-5 of the largest (a ReLU's mask can flip). */
static void example_has_kerass_gradients(void **state) {
    (void)state;
    static const char file[] = "cnn/keras_activations.npz";
    if (!goldens_present()) skip();
    size_t n_x, n_g, off = 0;
    float *x = golden_floats(file, "x", &n_x), *want = golden_floats(file, "grad_input_per_class", &n_g), *chunk, *seed,
          *grad;
    network n;
    open_network(&n, EXAMPLES "mnist_cnn.onnx", 1);
    assert_int_equal(n_g, 16 * 10 * 784);
    must(limn_new(&chunk, n.d->B * 784, sizeof *chunk));
    must(limn_new(&seed, n.d->B * 10, sizeof *seed));
    must(limn_new(&grad, n.d->B * 784, sizeof *grad));
    for (size_t i = 0; i < 16; i++) {
        memcpy(chunk, x + i * 784, 784 * sizeof *x);
        must(n.d->forward(n.d->ctx, chunk));
        for (size_t k = 0; k < 10; k++) {
            const float *g = want + (i * 10 + k) * 784;
            double most = 0;
            memset(seed, 0, n.d->B * 10 * sizeof *seed);
            seed[k] = 1;
            must(n.d->vjp(n.d->ctx, n.d->n_layers - 1, seed, LIMN_RULE_GRADIENT, LIMN_INPUT, grad));
            for (size_t p = 0; p < 784; p++) most = fabs(g[p]) > most ? fabs(g[p]) : most;
            for (size_t p = 0; p < 784; p++) off += !(fabs((double)g[p] - grad[p]) <= SAME * most);
        }
    }
    assert_true(off < n_g / 100);
    free(chunk);
    free(seed);
    free(grad);
    free(x);
    free(want);
    close_network(&n);
}

static void twins_agree(void **state) {
    (void)state;
    static const char *const twin[][2] = {{EXAMPLES "mnist_small_tf2onnx.onnx", EXAMPLES "mnist_small.h5"},
                                          {EXAMPLES "mnist_cnn.onnx", EXAMPLES "mnist_cnn.h5"},
                                          {SHARED "mnist_twin.onnx", SHARED "mnist_twin.h5"}};
    for (int i = 0; i < 3; i++) need(twin[i][0]);
    float *x = pictures(EXAMPLES "t10k-images-idx3-ubyte.gz", 32, 1, 1 / 255.0, 0, 1);
    for (int i = 0; i < 3; i++) {
        network a, b;
        size_t n, m;
        open_network(&a, twin[i][0], 0);
        open_network(&b, twin[i][1], 0);
        assert_true(a.d->input.dim[0] == 1 && a.d->input.dim[1] == 28); /* (C, H, W) whatever the file has */
        float *y = values(&a, x, 32, NULL, &n), *z = values(&b, x, 32, NULL, &m);
        assert_int_equal(n, m);
        double off = worst(y, z, n * 32);
        if (!(off < SAME)) fail_msg("%s: off by %g", twin[i][0], off);
        free(y);
        free(z);
        close_network(&a);
        close_network(&b);
    }
    free(x);
}

static float *proto(const char *path, size_t *n) {
    size_t size;
    onnx_tensor t;
    float *v;
    unsigned char *bytes = read_whole(path, &size);
    must(onnx_tensor_parse(&t, (onnx_bytes){bytes, size}));
    must(onnx_tensor_floats(NULL, &t, &v));
    *n = t.count;
    free(bytes);
    return v;
}

/* Saved with a batch of 1: it reshapes to [1, 256]. */
static void mnist_8_has_its_numbers(void **state) {
    (void)state;
    need(SHARED "mnist_8.onnx");
    network n;
    open_network(&n, SHARED "mnist_8.onnx", 0);
    for (int i = 0; i < 3; i++) {
        char path[256];
        size_t n_x, n_y, size;
        snprintf(path, sizeof path, SHARED "mnist_8_io/test_data_set_%d/input_0.pb", i);
        float *x = proto(path, &n_x);
        snprintf(path, sizeof path, SHARED "mnist_8_io/test_data_set_%d/output_0.pb", i);
        float *want = proto(path, &n_y), *y = values(&n, x, 1, NULL, &size);
        assert_true(n_x == 784 && size == n_y);
        double off = worst(y, want, n_y);
        if (!(off < MNIST_8)) fail_msg("data set %d: off by %g", i, off);
        free(x);
        free(y);
        free(want);
    }
    close_network(&n);
}

/* Two files of one program, one with its weights in another file; numbers of the onnx package's reference. */
static void external_data_is_read(void **state) {
    (void)state;
    static const char *const file[] = {SHARED "mnist_torch27.onnx", SHARED "mnist_torch_external/mnist.onnx"};
    static const float want[2][10] = {{7.6426649F, -38.267883F, 3.1208091F, 2.1897142F, -3.3789642F, -1.4299479F,
                                       7.1500759F, -16.274075F, 18.663494F, 6.0055323F},
                                      {7.5298023F, -42.074677F, 5.1068268F, 0.22034979F, -0.81193161F, -13.296696F,
                                       12.750658F, -26.457005F, 29.514301F, 14.990805F}};
    float x[784];
    for (int i = 0; i < 784; i++) x[i] = (float)(i * 7 % 19) / 8 - 1;
    for (int f = 0; f < 2; f++) {
        network n;
        size_t size;
        need(file[f]);
        open_network(&n, file[f], 0);
        float *y = values(&n, x, 1, NULL, &size);
        assert_int_equal(size, 10);
        double most = 0;
        for (int k = 0; k < 10; k++) most = fmax(most, fabs((double)want[f][k]));
        double off = worst(y, want[f], 10) / most;
        if (!(off < SCORES)) fail_msg("%s: off by %g of the largest score", file[f], off);
        free(y);
        close_network(&n);
    }
}

/* Its README: kitten -> tabby .769. Each Pad's amounts come through six operators that are folded. */
static void efficientnet_knows_the_kitten(void **state) {
    (void)state;
    need(SHARED "efficientnet_lite0.onnx");
    float *x = pictures("../shared/images/kitten_224.png", 1, 3, 1, 127, 128);
    network n;
    size_t size;
    open_network(&n, SHARED "efficientnet_lite0.onnx", 0);
    float *y = values(&n, x, 1, NULL, &size);
    int best = 0;
    double sum = 0;
    for (int k = 0; k < 1000; k++)
        if (y[k] > y[best]) best = k;
    for (int k = 0; k < 1000; k++) sum += exp((double)y[k] - y[best]);
    assert_int_equal(best, 281); /* tabby */
    if (fabs(1 / sum - 0.769) > 5e-4) fail_msg("probability %.4f", 1 / sum);
    free(x);
    free(y);
    close_network(&n);
}

/* ---- damaged and hostile files --------------------------------------------------------------------------------------
 */
static limn_status read_bytes(const unsigned char *p, size_t n, const char *folder) {
    limn_graph *g;
    limn_status s = graph_new(&g);
    if (s == LIMN_OK) s = onnx_read_bytes(g, (onnx_bytes){p, n}, folder, &ONNX_OPTIONS_INIT);
    graph_free(g);
    return s;
}

static void a_mutant_ends_well(void *ctx, const unsigned char *p, size_t n) {
    limn_status s = read_bytes(p, n, NULL);
    if (s == LIMN_OK)
        ++*(int *)ctx;
    else if (s == LIMN_EFAIL || limn_message()[0] == 0)
        fail_msg("status %d: %s", (int)s, limn_message());
}

static void mutants_end_well(void **state) {
    (void)state;
    static const char *const file[] = {SMALL, "tests/data/onnx/vit.onnx", "tests/data/onnx/ops.onnx",
                                       EXAMPLES "mnist_small_tf2onnx.onnx", SHARED "mnist_8.onnx"};
    for (int i = 0; i < 5; i++) {
        size_t n;
        int fine = 0;
        if (access(file[i], R_OK) != 0) continue;
        unsigned char *good = read_whole(file[i], &n);
        mutants(good, n, n < 4096 ? n : 4096, i > 2 ? 300 : 2000, (unsigned)i + 1, a_mutant_ends_well, &fine);
        for (size_t k = 0; k < n && k < 1000; k++) (void)read_bytes(good, k, NULL);
        free(good);
    }
}

/* What cannot be translated is one sentence that says what and where. */
static void what_is_refused_is_named(void **state) {
    (void)state;
    static const char *const row[][2] = {
        {"quantised", "the operator QuantizeLinear, of int8-quantised networks, is not supported (supported: Abs, "},
        {"custom", "node `fused` (FusedThing): the operator FusedThing of com.example is not supported"},
        {"recurrent", "node `lstm` (LSTM): the operator LSTM is not supported"},
        {"two_inputs", "a network with more than one input (`x`, `z`)"},
        {"open_size", "the size of the input `x` is not fixed: its shape is (N, 3, ?, ?)"},
        {"integers", "the input `x` takes int64"},
        {"order", "nothing before it makes its input `a`"},
        {"constant", "its output `y` does not depend on its input"},
        {"samples", "node `over` (ReduceSum): it works across the samples of a batch"},
        {"none", "node `m` (Mean): it lacks its input 1"},
        {"empty_back", "node `y` (Add): its output would be empty"},
        {"kernel_of_batch", "node `y` (Conv): its input `w` has an axis of samples"},
        {"joined_nothing", "node `c` (Concat): it joins tensors without a number in them"},
        {"wide_nothing", "node `w` (Reshape): 0 values do not fit its shape"},
        {"split_over", "node `a` (Split): a part of 9223372036854775807"},
        {"size_over", "node `y` (ConvTranspose): its output_shape holds -9223372036854775808"},
        {"cast_to_nothing", "node `y` (Cast): a cast of what the network computes to an unknown type"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        limn_graph *g;
        char path[128];
        snprintf(path, sizeof path, "tests/data/onnx/%s.onnx", row[i][0]);
        assert_int_equal(model_read(&g, path, NULL), LIMN_EINPUT);
        if (strncmp(limn_message(), path, strlen(path)) != 0 || !strstr(limn_message(), row[i][1]) ||
            strchr(limn_message(), '\n'))
            fail_msg("`%s` lacks `%s`", limn_message(), row[i][1]);
    }
}

/* The first output by default; what does not lead to the chosen one is not read, whatever it is. */
static void outputs_are_chosen(void **state) {
    (void)state;
    static const struct {
        const char *output, *type; /* NULL: refused */
    } row[] = {{NULL, "Relu"}, {"y", "Relu"}, {"z", "Neg"}, {"1", "Neg"}, {"w", NULL}, {"2", NULL}};
    size_t n;
    unsigned char *bytes = read_whole("tests/data/onnx/two_outputs.onnx", &n);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        onnx_options o = ONNX_OPTIONS_INIT;
        limn_graph *g;
        must(graph_new(&g));
        g->wanted = row[i].output;
        limn_status s = onnx_read_bytes(g, (onnx_bytes){bytes, n}, NULL, &o);
        if (row[i].type) {
            must(s);
            assert_int_equal(g->n_layers, 1);
            assert_string_equal(g->layer[0].type, row[i].type);
        } else
            assert_true(s == LIMN_EINPUT && strstr(limn_message(), "`; it has: `y`, `z`"));
        graph_free(g);
    }
    free(bytes);
}

/* A TensorProto of 4 floats in another file. */
static size_t external_tensor(unsigned char *out, const char *location, const char *offset) {
    size_t n = 0, a = strlen(location), b = strlen(offset);
    const unsigned char head[] = {0x08, 4, 0x10, 1, 0x42, 1, 'w', 0x70, 1};
    memcpy(out, head, sizeof head);
    n = sizeof head;
    const char *pair[2][2] = {{"location", location}, {"offset", offset}};
    for (int i = 0; i < 2; i++) {
        size_t key = strlen(pair[i][0]), value = i ? b : a;
        out[n++] = 0x6a;
        out[n++] = (unsigned char)(key + value + 4);
        out[n++] = 0x0a;
        out[n++] = (unsigned char)key;
        memcpy(out + n, pair[i][0], key);
        n += key;
        out[n++] = 0x12;
        out[n++] = (unsigned char)value;
        memcpy(out + n, pair[i][1], value);
        n += value;
    }
    return n;
}

static void assert_external(const char *location, const char *offset, const char *sentence) {
    unsigned char bytes[256];
    onnx_model *m;
    onnx_tensor t;
    float *v = NULL;
    must(limn_new(&m, 1, sizeof *m));
    m->folder = temp_folder();
    must(onnx_tensor_parse(&t, (onnx_bytes){bytes, external_tensor(bytes, location, offset)}));
    limn_status s = onnx_tensor_floats(m, &t, &v);
    if (!sentence) {
        must(s);
        assert_true(v[0] == 1 && v[3] == 4);
    } else if (s != LIMN_EINPUT || !strstr(limn_message(), sentence))
        fail_msg("%s: status %d, %s", location, (int)s, limn_message());
    free(v);
    onnx_model_free(m);
}

static void external_data_stays_in_its_folder(void **state) {
    (void)state;
    static const float four[] = {1, 2, 3, 4};
    char link[600];
    temp_file("w.bin", four, sizeof four);
    temp_file("sub/w.bin", four, sizeof four);
    snprintf(link, sizeof link, "%s/link.bin", temp_folder());
    assert_int_equal(symlink("w.bin", link), 0);
    assert_external("w.bin", "0", NULL);
    assert_external("sub/w.bin", "0", NULL);
    assert_external("w.bin", "4", "bytes where its shape needs 16");
    assert_external("w.bin", "99", "beyond the end");
    assert_external("w.bin", "-1", "is no number");
    assert_external("/etc/hostname", "0", "must lie in the model's folder");
    assert_external("../w.bin", "0", "must lie in the model's folder");
    assert_external("sub/../w.bin", "0", "must lie in the model's folder");
    assert_external("link.bin", "0", "not a plain file");
    assert_external("none.bin", "0", "no such file");
    assert_external("sub", "0", "not a regular file");
    assert_external("", "0", "must lie in the model's folder");
}

/* Numbers of every element type, in raw data and in fields. */
static void tensors_of_every_type(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        double want[2];
    } row[] = {
        {"\x08\x02\x10\x01\x4a\x08\0\0\x80\x3f\0\0\0\xc0", 14, {1, -2}},                       /* float, raw */
        {"\x08\x02\x10\x01\x22\x08\0\0\x80\x3f\0\0\0\xc0", 14, {1, -2}},                       /* float_data */
        {"\x08\x02\x10\x01\x25\0\0\x80\x3f\x25\0\0\0\xc0", 14, {1, -2}},                       /* not packed */
        {"\x08\x02\x10\x0a\x4a\x04\0\x3c\x01\0", 10, {1, 5.9604644775390625e-8}},              /* float16 */
        {"\x08\x02\x10\x0a\x2a\x04\x80\x78\x80\x08", 10, {1, 6.103515625e-05}},                /* as int32_data */
        {"\x08\x02\x10\x10\x4a\x04\x80\x3f\0\xc0", 10, {1, -2}},                               /* bfloat16 */
        {"\x08\x02\x10\x02\x4a\x02\xff\x01", 8, {255, 1}},                                     /* uint8 */
        {"\x08\x02\x10\x03\x4a\x02\xff\x01", 8, {-1, 1}},                                      /* int8 */
        {"\x08\x02\x10\x07\x3a\x0b\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x03", 17, {-2, 3}}, /* int64_data */
        {"\x08\x02\x10\x09\x2a\x02\x01\0", 8, {1, 0}},                                         /* bool */
        {"\x08\x02\x10\x0b\x52\x10\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\xc0", 22, {1, -2}},       /* double_data */
        {"\x0a\x01\x02\x10\x06\x2a\x0b\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x03",
         18,
         {-2, 3}} /* int32, packed dims */
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        onnx_tensor t;
        double *v;
        must(onnx_tensor_parse(&t, (onnx_bytes){(const unsigned char *)row[i].bytes, row[i].n}));
        must(onnx_tensor_doubles(NULL, &t, &v));
        if (t.count != 2 || v[0] != row[i].want[0] || v[1] != row[i].want[1])
            fail_msg("row %zu: %g, %g", i, v[0], v[1]);
        free(v);
        /* a byte less never fits */
        if (onnx_tensor_parse(&t, (onnx_bytes){(const unsigned char *)row[i].bytes, row[i].n - 1}) == LIMN_OK)
            assert_int_equal(onnx_tensor_doubles(NULL, &t, &v), LIMN_EINPUT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_network_is_right),
        cmocka_unit_test(vision_transformer_is_right),
        cmocka_unit_test(heads_are_kept_apart),
        cmocka_unit_test(example_has_kerass_numbers),
        cmocka_unit_test(twins_agree),
        cmocka_unit_test(example_has_kerass_gradients),
        cmocka_unit_test(what_is_refused_is_named),
        cmocka_unit_test(outputs_are_chosen),
        cmocka_unit_test(mnist_8_has_its_numbers),
        cmocka_unit_test(external_data_is_read),
        cmocka_unit_test(efficientnet_knows_the_kitten),
        cmocka_unit_test(tensors_of_every_type),
        cmocka_unit_test(external_data_stays_in_its_folder),
        cmocka_unit_test(mutants_end_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
