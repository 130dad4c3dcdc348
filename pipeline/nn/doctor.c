/* What the engine runs on, for `limn doctor` and the `run` table: library, instruction set, threads, and the answer of
 * a small network with a known answer.
 *
 * The network has what a plan can have of trouble: channels that do not fill a block (3, 17), odd sizes, stride,
 * asymmetric padding, overlapping pooling windows, rows to columns in a flatten, a dense layer. Its nodes go through
 * the self-test of every net; then sgemm, which the rest of limn uses, against float64 sums. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/try.h"
#include "nn/plan.h"
#include "text.h"

static const struct {
    dnnl_cpu_isa_t isa;
    const char *name;
} isas[] = {
    {dnnl_cpu_isa_sse41, "sse41"},
    {dnnl_cpu_isa_avx, "avx"},
    {dnnl_cpu_isa_avx2, "avx2"},
    {dnnl_cpu_isa_avx2_vnni, "avx2_vnni"},
    {dnnl_cpu_isa_avx512_core, "avx512_core"},
    {dnnl_cpu_isa_avx512_core_vnni, "avx512_core_vnni"},
    {dnnl_cpu_isa_avx512_core_bf16, "avx512_core_bf16"},
    {dnnl_cpu_isa_avx512_core_amx, "avx512_core_amx"},
#if DNNL_VERSION_MAJOR >= 3
    {dnnl_cpu_isa_avx512_core_fp16, "avx512_core_fp16"},
    {dnnl_cpu_isa_avx512_core_amx_fp16, "avx512_core_amx_fp16"},
#endif
};

static char version[32];

static void make_version(void) {
    const dnnl_version_t *v = dnnl_version();
    snprintf(version, sizeof version, "%d.%d.%d", v->major, v->minor, v->patch);
}

const char *limn_engine_version(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_version);
    return version;
}

const char *limn_engine_isa(void) {
    dnnl_cpu_isa_t isa = dnnl_get_effective_cpu_isa();
    for (size_t i = 0; i < COUNT_OF(isas); i++)
        if (isas[i].isa == isa) return isas[i].name;
    return "plain";
}

/* ---- the known answer -------------------------------------------------------------------------------------------- */
static limn_status random_values(limn_rng *r, size_t n, double scale, limn_values *out) {
    limn_status status = LIMN_OK;
    *out = (limn_values){NULL, n};
    TRY(limn_new(&out->v, n, sizeof *out->v));
    for (size_t i = 0; i < n; i++) out->v[i] = (float)(scale * (2 * limn_rng_uniform(r) - 1));
done:
    return status;
}

typedef struct {
    limn_op op;
    limn_op_attr attr;
    size_t weights, biases;
} recipe;

static limn_status small_graph(limn_graph **out) {
    static const recipe nodes[] = {
        {LIMN_OP_INPUT, {.shape = {3, {3, 19, 17}}}, 0, 0},
        {LIMN_OP_CONV2D,
         {.kernel = {3, 3}, .stride = {2, 2}, .dilation = {1, 1}, .same = 1, .groups = 1, .units = 17},
         (size_t)17 * 3 * 9,
         17},
        {LIMN_OP_RELU, {.units = 0}, 0, 0},
        {LIMN_OP_CONV2D,
         {.kernel = {3, 2}, .stride = {1, 1}, .dilation = {1, 1}, .pad = {1, 0, 1, 1}, .groups = 1, .units = 33},
         (size_t)33 * 17 * 6,
         33},
        {LIMN_OP_MAXPOOL, {.kernel = {3, 3}, .stride = {2, 2}, .dilation = {1, 1}, .same = 1}, 0, 0},
        {LIMN_OP_FLATTEN, {.hwc = 1}, 0, 0},
        {LIMN_OP_DENSE, {.units = 11}, (size_t)11 * 33 * 5 * 5, 11},
        {LIMN_OP_SOFTMAX, {.units = 0}, 0, 0},
    };
    limn_status status = LIMN_OK;
    limn_graph *g = NULL;
    limn_rng r = limn_rng_stream(2, LIMN_RNG_SELFTEST, 0);
    *out = NULL;
    TRY(graph_new(&g));
    for (size_t i = 0; i < COUNT_OF(nodes); i++) {
        int index;
        limn_values w = LIMN_NO_VALUES, b = LIMN_NO_VALUES;
        if (i > 0) TRY(graph_add_layer(g, limn_op_table[nodes[i].op].name, "known answer", LIMN_KIND_OTHER, &index));
        if (nodes[i].weights) TRY(random_values(&r, nodes[i].weights, 0.25, &w));
        if (nodes[i].biases) TRY(random_values(&r, nodes[i].biases, 0.25, &b));
        TRY(graph_add_node(g, nodes[i].op, (int)i - 1, &nodes[i].attr, w, b, &index));
    }
    TRY(graph_finish(g));
    *out = g;
    g = NULL;
done:
    graph_free(g);
    return status;
}

/* 1 if sgemm agrees with float64 sums on a small product. */
static limn_status sgemm_is_right(int *right) {
    enum { M = 33, N = 65, K = 129 };
    static const double TOLERANCE = 1e-6; /* of sum |terms|; 129 terms */
    limn_status status = LIMN_OK;
    limn_values a = LIMN_NO_VALUES, b = LIMN_NO_VALUES, c = LIMN_NO_VALUES;
    limn_rng r = limn_rng_stream(3, LIMN_RNG_SELFTEST, 0);
    TRY(random_values(&r, M * K, 1, &a));
    TRY(random_values(&r, K * N, 1, &b));
    TRY(random_values(&r, M * N, 1, &c));
    TRY(net_dnnl(dnnl_sgemm('N', 'N', M, N, K, 1, a.v, K, b.v, N, 0, c.v, N), "sgemm"));
    *right = 1;
    for (size_t i = 0; i < (size_t)M * N; i++) {
        double sum = 0, scale = 0;
        for (size_t k = 0; k < K; k++) {
            double term = (double)a.v[i / N * K + k] * b.v[k * N + i % N];
            sum += term;
            scale += fabs(term);
        }
        if (!(fabs(c.v[i] - sum) <= TOLERANCE * scale)) *right = 0;
    }
done:
    free(a.v);
    free(b.v);
    free(c.v);
    return status;
}

/* ---- the report -------------------------------------------------------------------------------------------------- */
limn_status limn_engine_doctor(limn_text_fn write, void *ctx) {
    limn_status status = LIMN_OK;
    limn_graph *g = NULL;
    limn_net *n = NULL;
    text_out t = {write, ctx};
    int right = 0, threads = net_one_thread();
    TRY(small_graph(&g));
    TRY(limn_net_new(&n, g, LIMN_BACKEND_AUTO));
    TRY(sgemm_is_right(&right));
    TRY(text_put(&t, "engine: oneDNN %s, %s, %d threads\n", limn_engine_version(), limn_engine_isa(), limn_threads(0)));
    for (int k = 1; k < g->n_nodes; k++)
        TRY(text_put(&t, "  %-8s %s\n", limn_op_name(&g->node[k]), limn_net_backend(n, k)));
    TRY(text_put(&t, "  %-8s %s\n", "sgemm", right ? "onednn" : "WRONG: results that use it cannot be trusted"));
    if (!right) FAIL(LIMN_EFAIL, "the known-answer self-test fails: oneDNN's matrix product is wrong on this machine");
    if (limn_net_fallbacks(n) == 0)
        TRY(text_put(&t, "known-answer self-test: every op agrees with float64\n"));
    else
        TRY(text_put(&t, "known-answer self-test: %d ops fail and are computed by ref, slower\n",
                     limn_net_fallbacks(n)));
done:
    limn_net_free(n);
    graph_free(g);
    net_threads_again(threads);
    return status;
}
