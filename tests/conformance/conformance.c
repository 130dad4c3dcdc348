/* The ONNX project's own cases, through the reader, the planner and the engine that `limn run` uses.
 *
 * conformance FOLDER: FOLDER/LIST.txt names a case a line, each a folder with model.onnx and test_data_set_*\/ of
 * input_N.pb and output_N.pb (serialised TensorProtos). The inputs of floats are the network's where its operators allow
 * it; else the first is, and the others (weights) are known beforehand, as integers always are. A case passes where every
 * output has the shape and the numbers that are given, in each data set. Each case runs on oneDNN and on the plain
 * operations; every failure is named with its reason. The last line counts cases that pass on both. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/onnx_build.h"
#include "nn/net.h"
#include "tests/lib/files.h"

/* ONNX's own runner takes 1e-3 relative and 1e-7; sums of float32 in another order than numpy's are right to some 1e-5
 * of their terms, which matters where they cancel. */
#define RELATIVE 1e-3
#define ABSOLUTE 1e-5
enum { MAX_FILES = 16, MAX_PATH = 512, FLOOR = 400 /* all but training modes; ONNX Runtime passes 373 */ };

typedef struct {
    onnx_tensor tensor[MAX_FILES];
    unsigned char *bytes[MAX_FILES];
    int present[MAX_FILES];
    size_t n;
} tensors;

static limn_status load(tensors *t, const char *folder, const char *what) {
    char path[MAX_PATH];
    size_t n;
    for (size_t i = 0; i < MAX_FILES; i++) {
        int fits = snprintf(path, sizeof path, "%s/%s_%zu.pb", folder, what, i) < (int)sizeof path;
        FILE *f = fits ? fopen(path, "rb") : NULL;
        if (!f) continue;
        fclose(f);
        t->bytes[i] = read_whole(path, &n);
        limn_status s = onnx_tensor_parse(&t->tensor[i], (onnx_bytes){t->bytes[i], n});
        if (s != LIMN_OK) return s;
        t->present[i] = 1;
        t->n = i + 1;
    }
    return LIMN_OK;
}

static void unload(tensors *t) {
    for (size_t i = 0; i < MAX_FILES; i++) free(t->bytes[i]);
}

static limn_status same(const onnx_tensor *want, const double *y, int rank, const int64_t *dim, const float *have) {
    limn_status status = LIMN_OK;
    double *v = NULL;
    int fits = rank == want->rank;
    for (int i = 0; i < rank && fits; i++) fits = dim[i] == want->dim[i];
    if (!fits) {
        char text[2][128] = {"", ""};
        for (int k = 0; k < 2; k++)
            for (int i = 0; i < (k ? want->rank : rank); i++)
                snprintf(text[k] + strlen(text[k]), sizeof text[k] - strlen(text[k]), "%s%lld", i ? "x" : "",
                         (long long)(k ? want->dim[i] : dim[i]));
        FAIL(LIMN_EFAIL, "the shape is %s and should be %s", text[0], text[1]);
    }
    TRY(onnx_tensor_doubles(NULL, want, &v));
    for (size_t i = 0; i < want->count; i++) {
        double x = y ? y[i] : have[i];
        if (x == v[i] || (isnan(x) && isnan(v[i]))) continue;
        if (!(fabs(x - v[i]) <= ABSOLUTE + RELATIVE * fabs(v[i])))
            FAIL(LIMN_EFAIL, "element %zu is %.7g and should be %.7g", i, x, v[i]);
    }
done:
    free(v);
    return status;
}

static limn_status evaluate(const onnx_build *b, limn_graph *g, const tensors *in, limn_backend backend, float **out) {
    limn_status status = LIMN_OK;
    limn_net *net = NULL;
    limn_session *session = NULL;
    float *x[ONNX_MAX_INPUTS] = {NULL}, *first = NULL;
    *out = NULL;
    TRY(graph_finish(g));
    TRY(limn_net_new(&net, g, backend));
    TRY(limn_session_new(&session, net));
    const limn_diff *d = limn_session_diff(session);
    for (size_t i = 0; i < b->n_inputs; i++) {
        TRY(onnx_tensor_floats(NULL, &in->tensor[b->input[i]], &x[i]));
        if (i > 0) TRY(limn_session_input(session, (int)i, x[i]));
    }
    size_t size = limn_shape_size(&d->input);
    TRY(limn_new(&first, size * d->B, sizeof *first));
    memcpy(first, x[0], size * sizeof *first);
    TRY(d->forward(d->ctx, first));
    TRY(limn_new(out, limn_shape_size(&d->layer[d->n_layers - 1].out) * d->B, sizeof **out));
    status = d->value(d->ctx, d->n_layers - 1, *out);
done:
    for (size_t i = 0; i < ONNX_MAX_INPUTS; i++) free(x[i]);
    free(first);
    limn_session_free(session);
    limn_net_free(net);
    return status;
}

static limn_status one_output(onnx_bytes file, const tensors *in, const onnx_tensor *want, const char *name,
                              limn_backend backend, int several) {
    limn_status status = LIMN_OK;
    onnx_options o = {.given = in->tensor, .n_given = in->n, .several = several};
    onnx_model *m = NULL;
    onnx_build b = {0};
    limn_graph *g = NULL;
    onnx_value *v;
    float *y = NULL;
    double *known = NULL;
    TRY(graph_new(&g));
    g->wanted = name;
    TRY(onnx_model_parse(&m, file, NULL));
    TRY(onnx_build_graph(&b, g, m, &o, &v));
    if (onnx_is_known(v)) {
        if (!v->known) TRY(onnx_tensor_doubles(m, v->tensor, &known));
        status = same(want, v->known ? v->known : known, v->rank, v->dim, NULL);
    } else {
        TRY(evaluate(&b, g, in, backend, &y));
        status = same(want, NULL, v->rank, v->dim, y);
    }
done:
    free(y);
    free(known);
    onnx_build_free(&b);
    onnx_model_free(m);
    graph_free(g);
    return status;
}

/* Every output of one data set. */
static limn_status one_set(onnx_bytes file, const char *folder, limn_backend backend) {
    limn_status status = LIMN_OK;
    tensors in = {.n = 0}, out = {.n = 0};
    onnx_model *m = NULL;
    TRY(load(&in, folder, "input"));
    TRY(load(&out, folder, "output"));
    TRY(onnx_model_parse(&m, file, NULL));
    if (out.n == 0 || out.n > m->n_out) FAIL(LIMN_EFAIL, "%zu outputs are given", out.n);
    for (size_t i = 0; i < out.n; i++) {
        char name[ONNX_MAX_NAME];
        if (!out.present[i]) continue;
        snprintf(name, sizeof name, "%.*s", (int)m->out[i].name.n, (const char *)m->out[i].name.p);
        status = one_output(file, &in, &out.tensor[i], name, backend, 1);
        if (status == LIMN_EINPUT) status = one_output(file, &in, &out.tensor[i], name, backend, 0);
        if (status != LIMN_OK) goto done;
    }
done:
    onnx_model_free(m);
    unload(&in);
    unload(&out);
    return status;
}

static limn_status one_case(const char *folder, limn_backend backend) {
    limn_status status = LIMN_OK;
    char path[MAX_PATH];
    size_t n, sets = 0;
    FILE *f = snprintf(path, sizeof path, "%s/model.onnx", folder) < (int)sizeof path ? fopen(path, "rb") : NULL;
    if (!f) return limn_fail(LIMN_EFAIL, "there is no %s", path);
    fclose(f);
    unsigned char *bytes = read_whole(path, &n);
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && status == LIMN_OK && (e = readdir(dir));) {
        if (strncmp(e->d_name, "test_data_set_", 14) != 0) continue;
        if (snprintf(path, sizeof path, "%s/%s", folder, e->d_name) >= (int)sizeof path) continue;
        status = one_set((onnx_bytes){bytes, n}, path, backend);
        sets++;
    }
    if (dir) closedir(dir);
    free(bytes);
    return status == LIMN_OK && sets == 0 ? limn_fail(LIMN_EFAIL, "it has no data") : status;
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        limn_backend backend;
    } run[2] = {{"oneDNN", LIMN_BACKEND_AUTO}, {"plain", LIMN_BACKEND_REF}};
    char line[MAX_PATH], path[MAX_PATH];
    int passed[2] = {0}, both = 0, cases = 0;
    const char *folder = argc > 1 ? argv[1] : "../shared/onnx-conformance", *only = argc > 2 ? argv[2] : "";
    snprintf(path, sizeof path, "%s/LIST.txt", folder);
    FILE *list = fopen(path, "r");
    if (!list) {
        printf("there is no %s\n0 passed, 0 failed\n", path);
        return 1;
    }
    while (fgets(line, sizeof line, list)) {
        line[strcspn(line, " \n")] = 0;
        if (!line[0] || !strstr(line, only)) continue;
        int ok = 0;
        cases++;
        for (int k = 0; k < 2; k++) {
            if (snprintf(path, sizeof path, "%s/%s", folder, line) >= (int)sizeof path) continue;
            limn_status s = one_case(path, run[k].backend);
            passed[k] += s == LIMN_OK;
            ok += s == LIMN_OK;
            if (s != LIMN_OK) printf("%s fails (%s): %.300s\n", line, run[k].name, limn_message());
        }
        both += ok == 2;
        fflush(stdout);
    }
    fclose(list);
    for (int k = 0; k < 2; k++) printf("%s: %d of %d pass\n", run[k].name, passed[k], cases);
    printf("%d passed, %d failed\n", both, cases - both);
    return both < FLOOR && !*only;
}
