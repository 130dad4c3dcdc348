/* A network of another program beside that program's numbers: opened whole, fed in chunks, compared value by value. */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include "model/graph.h"
#include "nn/net.h"

typedef struct {
    limn_graph *graph;
    limn_net *net;
    limn_session *session;
    const limn_diff *d;
} peer_net;

/* weights: of a configuration, else NULL. swap: without its final softmax or sigmoid. A failure ends the test. */
peer_net peer_open(const char *model, const char *weights, int swap);
void peer_close(peer_net *p);

/* An array of an .npz as float64, the caller's to free, and its number of elements; NULL where the .npz lacks it. */
double *peer_array(const char *npz, const char *member, size_t *count);
/* The same, which must be there. */
double *peer_need(const char *npz, const char *member, size_t *count);

/* Runs `rows` (at most the chunk) samples x, which lie as the other program has them. */
void peer_forward(const peer_net *p, const double *x, size_t rows);
/* rows samples of a layer's output, as the other program has them; the caller frees. */
double *peer_value(const peer_net *p, int layer, size_t rows);
/* The gradient of sum seed_i output_i of the last layer, at a layer or LIMN_INPUT, as the other program has it. */
double *peer_gradient(const peer_net *p, const double *seed, size_t rows, int layer);

/* The share q of |a_i - b_i|, relative to the largest |b|: 1 is the worst of them. */
double peer_difference(const double *a, const double *b, size_t n, double q);

#endif
