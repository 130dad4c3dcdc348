/* The engine's speed beside the machine's: sgemm GFLOP/s and memory GB/s first, then images/s of the MNIST CNN (conv
 * 32, conv 64, pool, dense 128, dense 10; seeded weights, since speed does not depend on them), forward and forward
 * with input gradient, with 1 and 2 workers. Best of several runs each. With arguments: any model file, for engine.py,
 * and where its time goes, node by node. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <dnnl.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "base/try.h"
#include "nn/plan.h"

enum { RUNS = 5, MAX_WORKERS = 16 };

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static limn_status random_values(limn_values *out, size_t n, double scale, uint64_t key) {
    limn_status status = LIMN_OK;
    limn_rng r = limn_rng_stream(1, LIMN_RNG_TEST, key);
    *out = (limn_values){NULL, n};
    TRY(limn_new(&out->v, n, sizeof *out->v));
    for (size_t i = 0; i < n; i++) out->v[i] = (float)(scale * (2 * limn_rng_uniform(&r) - 1));
done:
    return status;
}

/* ---- the machine ------------------------------------------------------------------------------------------------- */
typedef struct {
    float *a, *b, *c[MAX_WORKERS];
    size_t n;
    double sum[MAX_WORKERS];
} machine;

static void multiply(void *ctx, size_t task, int worker) {
    machine *m = ctx;
    dnnl_dim_t n = (dnnl_dim_t)m->n;
    (void)task;
    if (dnnl_sgemm('N', 'N', n, n, n, 1, m->a, n, m->b, n, 0, m->c[worker], n) != dnnl_success) abort();
}

static void sum_up(void *ctx, size_t task, int worker) {
    machine *m = ctx;
    size_t each = m->n / 16, from = task * each;
    float lane[16] = {0};
    for (size_t i = from; i + 16 <= from + each; i += 16)
#pragma omp simd
        for (int l = 0; l < 16; l++) lane[l] += m->a[i + (size_t)l];
    for (int l = 0; l < 16; l++) m->sum[worker] += lane[l];
}

static limn_status bench_machine(int workers) {
    enum { SIDE = 1024, FLOATS = 1 << 26 }; /* 256 MiB, beyond any cache */
    limn_status status = LIMN_OK;
    machine m = {.n = SIDE};
    double best_gemm = INFINITY, best_read = INFINITY;
    TRY(limn_new(&m.a, FLOATS, sizeof *m.a));
    TRY(limn_new(&m.b, SIDE * SIDE, sizeof *m.b));
    for (int w = 0; w < workers; w++) TRY(limn_new(&m.c[w], SIDE * SIDE, sizeof *m.c[w]));
    for (size_t i = 0; i < FLOATS; i++) m.a[i] = (float)(i % 13);
    for (size_t i = 0; i < SIDE * SIDE; i++) m.b[i] = (float)(i % 7);
    for (int r = 0; r < RUNS; r++) {
        double t = seconds();
        limn_parallel(workers, 4 * (size_t)workers, multiply, &m);
        best_gemm = fmin(best_gemm, seconds() - t);
    }
    m.n = FLOATS;
    for (int r = 0; r < RUNS; r++) {
        double t = seconds();
        limn_parallel(workers, 16, sum_up, &m);
        best_read = fmin(best_read, seconds() - t);
    }
    printf("machine, %d threads: sgemm %.0f GFLOP/s, memory read %.1f GB/s (sum %g)\n", workers,
           8.0 * workers * SIDE * SIDE * SIDE / best_gemm * 1e-9, 4.0 * FLOATS / best_read * 1e-9, m.sum[0]);
done:
    for (int w = 0; w < workers; w++) free(m.c[w]);
    free(m.b);
    free(m.a);
    return status;
}

/* ---- the network ------------------------------------------------------------------------------------------------- */
typedef struct {
    const char *layer; /* NULL: in the layer before */
    limn_op op;
    limn_op_attr attr;
    size_t weights, fan_in;
} recipe;

#define CONV(units_)                                                                                                   \
    { .kernel = {3, 3}, .stride = {1, 1}, .dilation = {1, 1}, .groups = 1, .units = units_ }

static limn_status mnist_cnn(limn_graph **out) {
    static const recipe nodes[] = {
        {NULL, LIMN_OP_INPUT, {.shape = {3, {1, 28, 28}}}, 0, 0},
        {"conv1", LIMN_OP_CONV2D, CONV(32), 288, 9},
        {NULL, LIMN_OP_RELU, {.units = 0}, 0, 0},
        {"conv2", LIMN_OP_CONV2D, CONV(64), 18432, 288},
        {NULL, LIMN_OP_RELU, {.units = 0}, 0, 0},
        {"pool", LIMN_OP_MAXPOOL, {.kernel = {2, 2}, .stride = {2, 2}, .dilation = {1, 1}}, 0, 0},
        {"flatten", LIMN_OP_FLATTEN, {.hwc = 1}, 0, 0},
        {"dense1", LIMN_OP_DENSE, {.units = 128}, (size_t)128 * 9216, 9216},
        {NULL, LIMN_OP_RELU, {.units = 0}, 0, 0},
        {"dense2", LIMN_OP_DENSE, {.units = 10}, 1280, 128},
    };
    limn_status status = LIMN_OK;
    *out = NULL;
    TRY(graph_new(out));
    for (int i = 0; i < (int)COUNT_OF(nodes); i++) {
        const recipe *n = &nodes[i];
        int index;
        limn_values w = LIMN_NO_VALUES, b = LIMN_NO_VALUES;
        if (n->layer) TRY(graph_add_layer(*out, n->layer, "bench", LIMN_KIND_OTHER, &index));
        if (n->weights) {
            TRY(random_values(&w, n->weights, 1.7 / sqrt((double)n->fan_in), (uint64_t)i));
            TRY(random_values(&b, (size_t)n->attr.units, 0.1, 100 + (uint64_t)i));
        }
        TRY(graph_add_node(*out, n->op, i - 1, &n->attr, w, b, &index));
    }
    TRY(graph_finish(*out));
done:
    return status;
}

typedef struct {
    limn_session *session[MAX_WORKERS];
    const float *x, *seed;
    float *grad[MAX_WORKERS], *scores[MAX_WORKERS];
    int backward;
} job;

static void chunk(void *ctx, size_t task, int worker) {
    job *j = ctx;
    const limn_diff *d = limn_session_diff(j->session[worker]);
    int last = d->n_layers - 1;
    (void)task;
    if (d->forward(d->ctx, j->x) != LIMN_OK || d->value(d->ctx, last, j->scores[worker]) != LIMN_OK) abort();
    if (!j->backward) return;
    if (d->vjp(d->ctx, last, j->seed, LIMN_RULE_GRADIENT, LIMN_INPUT, j->grad[worker]) != LIMN_OK) abort();
}

/* Milliseconds of each node of one chunk, forward and backward, best of RUNS: where the time goes. */
static limn_status time_nodes(const limn_net *n, limn_session *run) {
    limn_status status = LIMN_OK;
    const limn_graph *g = n->graph;
    double *best = NULL;
    size_t nodes = (size_t)g->n_nodes;
    TRY(limn_new(&best, 2 * nodes, sizeof *best));
    for (size_t i = 0; i < 2 * nodes; i++) best[i] = INFINITY;
    for (int r = 0; r < RUNS; r++) {
        for (size_t k = 1; k < nodes; k++) {
            double t = seconds();
            TRY(net_step_forward(&n->step[k], run));
            best[k] = fmin(best[k], seconds() - t);
        }
        for (size_t k = nodes; k-- > 1;) {
            if (n->step[k].grad < 0 || !n->step[k].op) continue;
            for (int j = 0; j < n->step[k].n_in; j++) run->above[n->step[k].link[j].from] = 1;
            double t = seconds();
            TRY(net_step_vjp(&n->step[k], run, LIMN_RULE_GRADIENT));
            best[nodes + k] = fmin(best[nodes + k], seconds() - t);
        }
    }
    printf("%-10s %-28s %-20s %10s %10s\n", "op", "backend", "output", "forward ms", "gradient ms");
    for (int k = 1; k < g->n_nodes; k++) {
        char shape[LIMN_SHAPE_TEXT];
        double back = best[nodes + (size_t)k];
        printf("%-10s %-28s %-20s %10.3f %10.3f\n", limn_op_name(&g->node[k]), limn_net_backend(n, k),
               graph_shape_text(&g->node[k].out, 0, shape), best[k] * 1e3, isfinite(back) ? back * 1e3 : 0.0);
    }
done:
    free(best);
    return status;
}

/* A session for what is measured alone: the scores, and the way from them down to the input. */
static limn_status new_session(limn_session **out, const limn_net *n, int backward) {
    limn_status status = LIMN_OK;
    const limn_graph *g = n->graph;
    unsigned char *asks = NULL;
    TRY(limn_new(&asks, (size_t)g->n_layers + 1, 1));
    asks[g->n_layers] = (unsigned char)(LIMN_ASK_VALUE | (backward ? LIMN_ASK_FROM : 0));
    if (backward) asks[0] |= LIMN_ASK_TO;
    TRY(limn_session_new_for(out, n, asks));
done:
    free(asks);
    return status;
}

/* rate[0], rate[1]: images a second forward, and forward with input gradient. */
static limn_status bench_net(const limn_net *n, int workers, size_t images, int nodes, double rate[2]) {
    limn_status status = LIMN_OK;
    const limn_graph *g = n->graph;
    size_t B = limn_net_chunk(n), chunks = (images + B - 1) / B;
    size_t nx = B * limn_shape_size(&g->node[0].out), ny = B * limn_shape_size(&g->node[g->n_nodes - 1].out);
    limn_values x = LIMN_NO_VALUES, seed = LIMN_NO_VALUES;
    job j = {0};
    TRY(random_values(&x, nx, 1, 7));
    TRY(random_values(&seed, ny, 1, 8));
    j.x = x.v;
    j.seed = seed.v;
    for (int w = 0; w < workers; w++) {
        TRY(limn_new(&j.grad[w], nx, sizeof(float)));
        TRY(limn_new(&j.scores[w], ny, sizeof(float)));
    }
    for (j.backward = 0; j.backward < 2; j.backward++) {
        double best = INFINITY;
        for (int w = 0; w < workers; w++) {
            limn_session_free(j.session[w]);
            TRY(new_session(&j.session[w], n, j.backward));
        }
        for (int r = 0; r < RUNS; r++) {
            double t = seconds();
            limn_parallel(workers, chunks, chunk, &j);
            best = fmin(best, seconds() - t);
        }
        rate[j.backward] = (double)(chunks * B) / best;
    }
    if (!nodes) goto done;
    limn_session_free(j.session[0]);
    TRY(limn_session_new(&j.session[0], n)); /* every layer may be asked for: each node is by itself */
    TRY(time_nodes(n, j.session[0]));
done:
    for (int w = 0; w < workers; w++) {
        limn_session_free(j.session[w]);
        free(j.grad[w]);
        free(j.scores[w]);
    }
    free(x.v);
    free(seed.v);
    return status;
}

static limn_status bench_mnist(void) {
    limn_status status = LIMN_OK;
    limn_graph *g = NULL;
    limn_net *n = NULL;
    double rate[2];
    for (int workers = 1; workers <= 2; workers++) TRY(bench_machine(workers));
    TRY(mnist_cnn(&g));
    double t = seconds();
    TRY(limn_net_new(&n, g, LIMN_BACKEND_AUTO));
    printf("plan and self-test: %.1f ms, %d nodes on ref\n", (seconds() - t) * 1e3, limn_net_fallbacks(n));
    for (int k = 1; k < g->n_nodes; k++)
        printf("  %-8s %s\n", limn_op_table[g->node[k].op].name, limn_net_backend(n, k));
    for (int workers = 1; workers <= 2; workers++) {
        TRY(bench_net(n, workers, 2048, 0, rate));
        printf("MNIST CNN, chunks of %zu, %d workers: forward %.0f images/s, with input gradient %.0f images/s\n",
               limn_net_chunk(n), workers, rate[0], rate[1]);
    }
    limn_net_free(n);
    TRY(limn_net_new(&n, g, LIMN_BACKEND_REF));
    TRY(bench_net(n, 2, 64, 0, rate));
    printf("_ref: forward %.0f images/s, with input gradient %.0f images/s\n", rate[0], rate[1]);
done:
    limn_net_free(n);
    graph_free(g);
    return status;
}

/* One line for tests/bench/engine.py. */
static limn_status bench_file(const char *file, int workers, size_t images, int nodes, limn_backend backend) {
    limn_status status = LIMN_OK;
    limn_graph *g = NULL;
    limn_net *n = NULL;
    double rate[2];
    double t = seconds();
    TRY(model_read(&g, file, NULL));
    double loaded = seconds();
    TRY(graph_swap_softmax(g));
    TRY(limn_net_new(&n, g, backend));
    double planned = seconds();
    TRY(bench_net(n, workers, images, nodes, rate));
    printf("chunk %zu load %.6f plan %.6f fallbacks %d forward %.3f gradient %.3f\n", limn_net_chunk(n), loaded - t,
           planned - loaded, limn_net_fallbacks(n), rate[0], rate[1]);
done:
    limn_net_free(n);
    graph_free(g);
    return status;
}

static int usage(void) {
    fputs("usage: bench_engine                                  the machine, the MNIST CNN\n"
          "       bench_engine machine WORKERS                  sgemm GFLOP/s, read GB/s\n"
          "       bench_engine net FILE WORKERS IMAGES [nodes] [winograd]  images/s of a model file\n",
          stderr);
    return 2;
}

int main(int argc, char **argv) {
    limn_status status = LIMN_OK;
    int machine_only = argc == 3 && strcmp(argv[1], "machine") == 0;
    int file = argc >= 5 && strcmp(argv[1], "net") == 0, nodes = 0;
    limn_backend backend = LIMN_BACKEND_AUTO;
    int workers = machine_only ? atoi(argv[2]) : file ? atoi(argv[3]) : 1;
    if ((argc != 1 && !machine_only && !file) || workers < 1 || workers > MAX_WORKERS) return usage();
    if (file) {
        for (int i = 5; i < argc; i++) {
            if (strcmp(argv[i], "nodes") == 0) nodes = 1;
            if (strcmp(argv[i], "winograd") == 0) backend = LIMN_BACKEND_WINOGRAD;
        }
        TRY(bench_file(argv[2], workers, strtoul(argv[4], NULL, 10), nodes, backend));
        goto done;
    }
    printf("oneDNN %s, %s\n", limn_engine_version(), limn_engine_isa());
    TRY(machine_only ? bench_machine(workers) : bench_mnist());
done:
    if (status != LIMN_OK) fprintf(stderr, "%s\n", limn_message());
    return limn_exit_code(status);
}
