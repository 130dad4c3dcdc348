/* Reading an ONNX file: mapped, parsed in place (onnx_wire.c), translated (onnx_graph.c), finished.
 *
 * The mapping is private and read only; weights are copied into the graph, since they lie at any address in the file; the
 * pages that they came from are given back, so that the peak is one copy. Nothing points into the file afterwards.
 * (A file that another program cuts short meanwhile ends this one: SIGBUS.) Files of external data count in the
 * network's hash: graph->hash is set to theirs, and the caller goes on from there.
 * Threading: none of its own. */
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "base/try.h"
#include "model/onnx_build.h"
#include "model/readers.h"

/* ModelProto begins with {1 ir_version} in all writers; then one of its other fields. */
int onnx_matches(const unsigned char *head, size_t n) {
    return n >= 3 && head[0] == 0x08 && head[1] > 0 && head[1] < 0x40 &&
           memchr("\x12\x1a\x22\x28\x32\x3a\x42\x72", head[2], 8) != NULL;
}

limn_status onnx_read_bytes(limn_graph *g, onnx_bytes file, const char *folder, const onnx_options *options) {
    limn_status status = LIMN_OK;
    limn_sha256 *sha = NULL;
    onnx_model *m = NULL;
    onnx_build b = {0};
    onnx_value *result;
    TRY(onnx_model_parse(&m, file, folder));
    m->mapped = options->mapped;
    TRY(onnx_build_graph(&b, g, m, options, &result));
    if (g->n_layers == 0 || onnx_is_known(result))
        FAIL(LIMN_EINPUT, "its output `%s` does not depend on its input", onnx_text(result->name));
    if (result->batch != 0)
        FAIL(LIMN_EINPUT, "its output `%s` has no axis of samples in front", onnx_text(result->name));
    TRY(graph_finish(g));
    free(g->format);
    free(g->producer);
    g->format = g->producer = NULL;
    TRY(limn_format(&g->format, "ONNX opset %d", (int)m->opset));
    if (m->producer.n)
        TRY(limn_format(&g->producer, m->producer_version.n ? "%s %s" : "%s", onnx_text(m->producer),
                        onnx_text(m->producer_version)));
    if (m->n_external > 0) {
        TRY(limn_sha256_new(&sha));
        for (size_t i = 0; i < m->n_external; i++)
            TRY(limn_sha256_add(sha, m->external[i].bytes.p, m->external[i].bytes.n));
        status = limn_sha256_end(sha, g->hash);
        sha = NULL;
    }
done:
    limn_sha256_free(sha);
    onnx_build_free(&b);
    onnx_model_free(m);
    return status;
}

limn_status onnx_read(limn_graph *g, const limn_model_file *model, const limn_model_file *none) {
    limn_status status = LIMN_OK;
    char *folder = NULL;
    void *map = MAP_FAILED;
    const char *slash = strrchr(model->path, '/');
    (void)none;
    TRY(limn_format(&folder, "%.*s", slash ? (int)(slash - model->path) + 1 : 1, slash ? model->path : "."));
    map = mmap(NULL, model->size, PROT_READ, MAP_PRIVATE, model->fd, 0);
    if (map == MAP_FAILED) FAIL(LIMN_EINPUT, "it cannot be mapped into memory");
    onnx_options options = ONNX_OPTIONS_INIT;
    options.mapped = 1;
    status = onnx_read_bytes(g, (onnx_bytes){map, model->size}, folder, &options);
done:
    if (map != MAP_FAILED) munmap(map, model->size);
    free(folder);
    return status;
}
