/* Reading a network: which reader, and the file's hash.
 *
 * 1. Open the model file, and the weight file where one is given: regular, not empty.
 * 2. The first row of limn_model_readers whose `matches` knows the file's first bytes reads it; the name does not
 * count.
 * 3. graph->hash: SHA-256 over the model file, then the weight file (before them the hash, in hex, of files that the
 *    model names itself: ONNX's external data); then, where another output than the first is read, which one: results of
 *    two outputs never mix.
 * Every failure is one sentence that begins with the file's name. Threading: none of its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "base/try.h"
#include "model/readers.h"

const limn_model_reader limn_model_readers[] = {
    {"keras-h5", "Keras 2 and 3 HDF5 (.h5, .hdf5)", keras_h5_matches, 0, keras_h5_read},
    {"keras-zip", "Keras 3 zip (.keras)", keras_zip_matches, 0, keras_zip_read},
    {"keras-json", "Keras configuration (.json) with its weights (.h5)", keras_json_matches, 1, keras_json_read},
    {"onnx", "ONNX (.onnx)", onnx_matches, 0, onnx_read},
    {NULL, NULL, NULL, 0, NULL},
};

static limn_status open_file(limn_model_file *f, const char *path) {
    struct stat st;
    *f = (limn_model_file){path, -1, 0};
    f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would wait for its writer */
    if (f->fd < 0) return limn_fail(LIMN_EINPUT, "%s: %s", path, errno == ENOENT ? "no such file" : strerror(errno));
    if (fstat(f->fd, &st) != 0) return limn_fail(LIMN_EINPUT, "%s: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode)) return limn_fail(LIMN_EINPUT, "%s: a folder, and not a model file", path);
    if (!S_ISREG(st.st_mode)) return limn_fail(LIMN_EINPUT, "%s: not a regular file", path);
    if (st.st_size == 0) return limn_fail(LIMN_EINPUT, "%s: the file is empty", path);
    f->size = (size_t)st.st_size;
    return LIMN_OK;
}

/* "keras-h5: Keras 2 and 3 HDF5 (.h5, .hdf5); …" */
static limn_status unknown_format(const char *path) {
    limn_status status = LIMN_OK;
    char *all = NULL, *longer;
    for (const limn_model_reader *r = limn_model_readers; r->name; r++) {
        TRY(limn_format(&longer, "%s%s%s", all ? all : "", all ? "; " : "", r->help));
        free(all);
        all = longer;
    }
    status = limn_fail(LIMN_EINPUT, "%s: not a model that limn can read (it reads: %s)", path, all);
done:
    free(all);
    return status;
}

static limn_status find_reader(const limn_model_file *f, const char *weights, const limn_model_reader **out) {
    unsigned char head[LIMN_MODEL_HEAD];
    ssize_t n = pread(f->fd, head, sizeof head, 0);
    if (n < 0) return limn_fail(LIMN_EINPUT, "%s: %s", f->path, strerror(errno));
    if (n >= 7 && memcmp(head, "MATLAB ", 7) == 0)
        return limn_fail(LIMN_EINPUT,
                         "%s: a MATLAB file: a network in it MATLAB alone can read: there, exportONNXNetwork(net, "
                         "'net.onnx') writes a file that limn reads",
                         f->path);
    const limn_model_reader *r = limn_model_readers;
    while (r->name && !r->matches(head, (size_t)n)) r++;
    if (!r->name) return unknown_format(f->path);
    if (r->wants_weights && !weights)
        return limn_fail(LIMN_EINPUT,
                         "%s: a configuration without weights: give both as `model: {config: X.json, weights: "
                         "Y.h5}`",
                         f->path);
    if (!r->wants_weights && weights)
        return limn_fail(LIMN_EINPUT, "%s: the file holds its own weights, so %s cannot be given too", f->path,
                         weights);
    *out = r;
    return LIMN_OK;
}

static limn_status hash_file(limn_sha256 *h, const limn_model_file *f) {
    limn_status status = LIMN_OK;
    enum { BLOCK = 1 << 18 };
    char *block = NULL;
    ssize_t n = 1;
    TRY(limn_new(&block, BLOCK, 1));
    for (off_t at = 0; (n = pread(f->fd, block, BLOCK, at)) > 0; at += n) TRY(limn_sha256_add(h, block, (size_t)n));
    if (n < 0) FAIL(LIMN_EINPUT, "%s: %s", f->path, strerror(errno));
done:
    free(block);
    return status;
}

static limn_status hash_files(limn_graph *g, const limn_model_file *model, const limn_model_file *weights) {
    limn_status status = LIMN_OK;
    limn_sha256 *h = NULL;
    TRY(limn_sha256_new(&h));
    if (g->hash[0]) TRY(limn_sha256_add(h, g->hash, strlen(g->hash))); /* of further files that the reader read */
    TRY(hash_file(h, model));
    if (weights) TRY(hash_file(h, weights));
    if (g->chosen > 0) {
        char which[32];
        snprintf(which, sizeof which, "output %d", g->chosen);
        TRY(limn_sha256_add(h, which, strlen(which)));
    }
    status = limn_sha256_end(h, g->hash);
    h = NULL;
done:
    limn_sha256_free(h);
    return status;
}

limn_status model_read_output(limn_graph **out, const char *path, const char *weights, const char *output) {
    limn_status status = LIMN_OK;
    limn_model_file model = {path, -1, 0}, other = {weights, -1, 0};
    const limn_model_reader *reader;
    limn_graph *g = NULL;
    *out = NULL;
    TRY(open_file(&model, path));
    if (weights) TRY(open_file(&other, weights));
    TRY(find_reader(&model, weights, &reader));
    TRY(graph_new(&g));
    g->wanted = output;
    status = reader->read(g, &model, weights ? &other : NULL);
    if (status != LIMN_OK) {
        status = limn_fail_at(status, "%s: ", path);
        goto done;
    }
    TRY(hash_files(g, &model, weights ? &other : NULL));
    g->wanted = NULL;
    *out = g;
    g = NULL;
done:
    graph_free(g);
    if (model.fd >= 0) close(model.fd);
    if (other.fd >= 0) close(other.fd);
    return status;
}

limn_status model_read(limn_graph **out, const char *path, const char *weights) {
    return model_read_output(out, path, weights, NULL);
}
