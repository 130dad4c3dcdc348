/* libFuzzer target: a Keras configuration. Every input ends in a finished graph, which can be described, or in one
 * sentence. The first six bytes are the shapes of the weights: kh, kw, in, out of kernels, in, out of matrices. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/describe.h"
#include "model/keras.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PREFIX = 6, MAX_DIM = 64 };
static float values[1 << 16];
static hdf5_entry kernel[2], bias[2];

static limn_status find(const keras_weights *w, const char *name, const char *place, const char *const *parts, int n,
                        const hdf5_entry **array) {
    (void)w;
    (void)parts;
    (void)name;
    int dense = strncmp(place, "dense", 5) == 0;
    for (int i = 0; i < n; i++) array[i] = i % 2 ? &bias[dense] : &kernel[dense];
    return LIMN_OK;
}

static hdf5_entry entry(int rank, const uint8_t *dim) {
    hdf5_entry e = {.kind = ANSWER_DATASET, .type = ANSWER_VALUES, .rank = rank, .n = 1, .path = "p", .name = ""};
    for (int i = 0; i < rank; i++) e.n *= e.dim[i] = dim[i] % (rank == 4 ? 16 : MAX_DIM);
    e.data = values;
    return e;
}

static int swallow(void *ctx, const char *text, size_t n) {
    *(size_t *)ctx += n + (size_t)text[0];
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    limn_graph *g;
    size_t total = 0;
    if (size < PREFIX) return 0;
    kernel[0] = entry(4, data);
    bias[0] = entry(1, data + 3);
    kernel[1] = entry(2, data + 4);
    bias[1] = entry(1, data + 5);
    if (graph_new(&g) != LIMN_OK) return 0;
    limn_status s = keras_build(g, (const char *)data + PREFIX, size - PREFIX, &(keras_weights){.find = find});
    if (s == LIMN_OK) {
        if (keras_name_format(g, "HDF5", "2.0") != LIMN_OK) abort();
        for (int as = LIMN_TABLE; as <= LIMN_JSON; as++)
            if (model_describe(g, (limn_format_kind)as, swallow, &total) != LIMN_OK) abort();
        if (graph_swap_softmax(g) != LIMN_OK || graph_finish(g) != LIMN_OK) abort();
    } else if (!limn_message()[0])
        abort();
    graph_free(g);
    return 0;
}
