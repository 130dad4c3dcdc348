/* Small networks for tests of the engine: graphs node by node with seeded weights, and a net with its session. */
#ifndef TESTS_NETS_H
#define TESTS_NETS_H

#include "nn/plan.h"

#define WINDOW(kh, kw, sh, sw, dh, dw) .kernel = {kh, kw}, .stride = {sh, sw}, .dilation = {dh, dw}
#define CONV(units_, groups_, ...)                                                                                     \
    { __VA_ARGS__, .groups = groups_, .units = units_ }
#define PICTURE(c, h, w)                                                                                               \
    {                                                                                                                  \
        3, {                                                                                                           \
            c, h, w                                                                                                    \
        }                                                                                                              \
    }

/* n zeros; n seeded numbers, uniform in [-scale, scale). */
float *nets_floats(size_t n);
void nets_fill(float *x, size_t n, double scale, uint64_t key);

/* A graph of an input, to be grown. */
limn_graph *nets_begin(limn_shape in);
/* Adds a node that reads node `in`, in a layer of its own or (name NULL) in the last one. Weights are sized by the shape
 * of `in`, scaled so that values stay near 1; nodes with an odd number of units have a bias. */
int nets_add_at(limn_graph *g, const char *name, limn_op op, int in, limn_op_attr a);
/* The same, reading several nodes (or none: a CONST, which belongs to a layer that is finished by the next node). */
int nets_add_n(limn_graph *g, const char *name, limn_op op, int n_in, const int *in, limn_op_attr a);
/* The same, reading the last node. */
int nets_add(limn_graph *g, const char *name, limn_op op, limn_op_attr a);

/* A net with one session. A failure ends the test. */
typedef struct {
    limn_net *net;
    limn_session *session;
    const limn_diff *d;
} nets_engine;
nets_engine nets_open(const limn_graph *g, limn_backend backend);
nets_engine nets_open_tampered(const limn_graph *g, limn_backend backend, net_tamper_fn tamper, void *ctx);
void nets_close(nets_engine *e);

void nets_forward(const limn_diff *d, const float *x);
/* The caller frees. What the diff leaves unwritten is NaN. */
float *nets_value(const limn_diff *d, int at);
float *nets_vjp(const limn_diff *d, int from, const float *seed, limn_rule rule, int to);

#endif
