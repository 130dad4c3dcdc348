/* The example network and its pairs: see example.h. */
#include "tests/lib/example.h"

#include <stdarg.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"
#include "tests/lib/explain.h"

enum { PIXELS = 784, CLASSES = 10 };

static void must(limn_status s) {
    if (s != LIMN_OK) fail_msg("%s", limn_message());
}

/* Every program explained the same pairs. */
static void same_pairs(const char *file) {
    static const char *const member[] = {"sample", "target"};
    for (int k = 0; k < 2; k++) {
        int *theirs = fidelity_ints(file, member[k], FIDELITY_ROWS),
            *pairs = fidelity_ints("keras_activations.npz", member[k], FIDELITY_ROWS);
        assert_memory_equal(theirs, pairs, FIDELITY_ROWS * sizeof *pairs);
        record_input(file, member[k], "what is explained");
        free(theirs), free(pairs);
    }
}

void example_open(example *e) {
    static const char *const files[] = {"kerasvis.npz",   "captum.npz", "gradcam.npz",
                                        "tfkerasvis.npz", "zennit.npz", "quantus.npz"};
    size_t count;
    if (access(FIDELITY_GOLDENS, R_OK) != 0) skip();
    e->net[ON_LOGITS] = peer_open("examples/mnist/mnist_cnn.h5", NULL, 1);
    e->net[ON_SOFTMAX] = peer_open("examples/mnist/mnist_cnn.h5", NULL, 0);
    e->net[ON_ONNX] = peer_open("examples/mnist/mnist_cnn.onnx", NULL, 1);
    for (size_t i = 0; i < COUNT_OF(files); i++) same_pairs(files[i]);
    e->sample = fidelity_ints("keras_activations.npz", "sample", FIDELITY_ROWS);
    e->target = fidelity_ints("keras_activations.npz", "target", FIDELITY_ROWS);
    float *images = fidelity_floats("keras_activations.npz", "x", &count);
    must(limn_new(&e->x, FIDELITY_ROWS * PIXELS, sizeof *e->x));
    for (size_t i = 0; i < FIDELITY_ROWS * PIXELS; i++)
        e->x[i] = images[(size_t)e->sample[i / PIXELS] * PIXELS + i % PIXELS];
    free(images);
}

void example_close(example *e) {
    for (int i = 0; i < 3; i++) peer_close(&e->net[i]);
    free(e->sample);
    free(e->target);
    free(e->x);
}

size_t example_forward(const example *e, const limn_diff *d, size_t first, float *x, float *seed) {
    size_t n = first + d->B < FIDELITY_ROWS ? d->B : FIDELITY_ROWS - first;
    memset(x, 0, d->B * PIXELS * sizeof *x);
    memcpy(x, e->x + first * PIXELS, n * PIXELS * sizeof *x);
    memset(seed, 0, d->B * CLASSES * sizeof *seed);
    explain_seed(seed, n, CLASSES, e->target + first);
    must(d->forward(d->ctx, x));
    return n;
}
