/* libFuzzer target: an ONNX file, without external data. Every input ends in a finished graph, which can be described, or
 * in one sentence. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "model/describe.h"
#include "model/onnx_build.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int swallow(void *ctx, const char *text, size_t n) {
    *(size_t *)ctx += n + (size_t)text[0];
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    limn_graph *g;
    size_t total = 0;
    if (size == 0 || graph_new(&g) != LIMN_OK) return 0;
    limn_status s = onnx_read_bytes(g, (onnx_bytes){data, size}, NULL, &ONNX_OPTIONS_INIT);
    if (s == LIMN_OK) {
        if (model_describe(g, LIMN_TABLE, swallow, &total) != LIMN_OK) abort();
        if (graph_swap_softmax(g) != LIMN_OK || graph_finish(g) != LIMN_OK) abort();
    } else if (s == LIMN_EFAIL || !limn_message()[0])
        abort();
    graph_free(g);
    return 0;
}
