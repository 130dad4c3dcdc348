/* Inside the engine: what walks (walk.h) need of a network beside its plan. See expand.c, walk.c.
 *
 * expand.c        networks made of the network: every node a layer; batch norms folded; single nodes with other weights
 * walk.c          a session's room for walks, and the walk itself
 * walk_lrp.c      what LRP does at a node
 * walk_rescale.c  what the other kinds do */
#ifndef LIMN_NN_EXPAND_H
#define LIMN_NN_EXPAND_H

#include "nn/plan.h"
#include "walk.h"

/* The net with every node a layer of its own, so that a session keeps all values; planned for the same chunk. */
typedef struct {
    limn_graph graph;      /* nodes are copies that share the first graph's weights */
    int *node_of;          /* (nodes of the first graph) its node here; -1: it has been folded into its reader */
    float **own;           /* (nodes) weights and biases that were made for it, two a node */
    int *layer_of;         /* (nodes) the first graph's layer whose output it is, or -1 */
    int folds;             /* batch norms that have been folded */
    int shares;            /* its values are the first net's, bit by bit */
    unsigned char *linear; /* (nodes) a linear node that has a rule; 2: the first on every path from the input */
    limn_net *net;
} net_expanded;

/* One node of the folded net, with other weights: a net of two nodes. */
typedef struct {
    int node, bias;
    limn_lrp_weight weight;
    double gamma;
    limn_graph graph;
    limn_node nodes[2];
    limn_layer layer;
    int in;
    float *own[2];
    limn_net *net;
} net_variant;

enum { NET_PLAIN, NET_FOLDED, NET_EXPANSIONS };
/* All that is made lazily, once for all sessions of a net. */
limn_status net_extras_new(net_extras **out) LIMN_CHECK;
void net_extras_free(net_extras *e);
/* Borrowed; stays valid as long as the net. */
limn_status net_expand(const limn_net *n, int which, const net_expanded **out) LIMN_CHECK;
limn_status net_variant_of(const limn_net *n, int node, limn_lrp_weight weight, int bias, double gamma,
                           const net_variant **out) LIMN_CHECK;

/* ---- walk.c ------------------------------------------------------------------------------------------------------ */
/* A plain array of a pool, at least n floats. */
typedef struct {
    float *v;
    size_t room;
    int taken;
} net_buffer;

typedef struct {
    const net_variant *of;
    limn_session *run;
} net_mini;

/* A session of an expanded net, and the forward pass of the walker's session that it has seen (0: none). */
typedef struct {
    const net_expanded *of;
    limn_session *run;
    size_t pass;
    unsigned char *valid; /* (nodes) of that pass: 1 has its value, 2 has run */
    int stale;            /* 1 + the node whose value was replaced: what lies above it is not that pass's; 0: none */
} net_side;

enum { NET_SIDE_PLAIN, NET_SIDE_FOLDED, NET_SIDE_REFERENCE, NET_SIDES };

struct net_walker {
    limn_session *main;
    size_t B;
    net_side side[NET_SIDES];
    net_mini *mini;
    int n_mini;
    size_t room_mini;
    unsigned char *arena; /* of whichever mini session is in use */
    size_t arena_bytes;
    net_buffer *pool;
    int n_pool;
    size_t room_pool;
    unsigned char *mark; /* (nodes) */
    float **at;          /* (nodes of the expanded net) what has come to a node's output, or NULL */
    /* the walk that is going on */
    const limn_walk *how;
    net_side *now;
};

void net_walker_free(net_walker *w);
/* A buffer of the pool for n floats; net_give() takes it back (NULL is fine). */
limn_status net_take(net_walker *w, size_t n, float **out) LIMN_CHECK;
void net_give(net_walker *w, float *v);
/* Node k of the walk, and the floats of all rows of its value. */
const limn_node *net_walk_node(const net_walker *w, int k);
size_t net_walk_size(const net_walker *w, int k);
/* *out (taken) = node k's value in a side's last pass, all rows. */
limn_status net_walk_value(net_walker *w, net_side *side, int k, float **out) LIMN_CHECK;
/* Node k's own vjp of seed, of the last pass of the side; what it gives for input j is then read by net_walk_grad
 * (taken; zeros where nothing comes). */
limn_status net_walk_vjp(net_walker *w, net_side *side, int k, const float *seed) LIMN_CHECK;
limn_status net_walk_grad(net_walker *w, const net_side *side, int j, int k, float **out) LIMN_CHECK;
/* Adds v (taken; given over) to what comes to node k's output. */
void net_bring(net_walker *w, int k, float *v);
/* Whether input j of node k is one of these that a walk goes on to, and the first of those with the same node. */
int net_walk_goes(const net_walker *w, int k, int j);
/* A session of a variant of node k, until the next call. */
limn_status net_walk_mini(net_walker *w, int k, limn_lrp_weight weight, int bias, limn_session **run) LIMN_CHECK;

/* What came to node k's output, R, on to its inputs. */
typedef limn_status (*net_walk_step)(net_walker *w, int k, const float *R);
limn_status net_walk_gradient(net_walker *w, int k, const float *R);
limn_status net_walk_lrp(net_walker *w, int k, const float *R);
limn_status net_walk_rescale(net_walker *w, int k, const float *R);
limn_status net_walk_rectify(net_walker *w, int k, const float *R);
limn_status net_walk_biases(net_walker *w, int k, const float *R);

/* limn_diff's functions (diff.h). */
limn_status net_walk(void *ctx, const limn_walk *how, const float *x, int from, const float *seed, float *out);
limn_status net_replace(void *ctx, const float *x, int at, const float *values, int to, float *out);

#endif
