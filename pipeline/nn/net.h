/* The engine: a finished graph planned onto oneDNN (or the plain _ref ops), evaluated in chunks of fixed size.
 *
 * Determinism (engine.md): the chunk B is chosen from the graph alone; sample i is always row i mod B of chunk i / B,
 * the last chunk is padded; every primitive runs with one thread. So the bits depend on neither threads nor batches. A
 * limn_net is immutable after creation and shared by threads; a limn_session holds the buffers of one chunk and is used
 * by one thread. No allocation while running. */
#ifndef LIMN_NET_H
#define LIMN_NET_H

#include "diff.h"
#include "limn.h"
#include "model/graph.h"

typedef struct limn_net limn_net;
typedef struct limn_session limn_session;

typedef enum {
    LIMN_BACKEND_AUTO,
    LIMN_BACKEND_REF,
    LIMN_BACKEND_WINOGRAD /* as AUTO, with 3x3 convolutions by Winograd's way: faster, and a few ReLU masks flip */
} limn_backend;

/* Plans g (borrowed: must outlive the net), runs the known-answer self-test of every planned node (256 seeded outputs
 * against float64 dot products, forward and vjp) and falls back to _ref for a node that fails. */
limn_status limn_net_new(limn_net **out, const limn_graph *g, limn_backend backend) LIMN_CHECK;
void limn_net_free(limn_net *n);
size_t limn_net_chunk(const limn_net *n);                  /* B */
const char *limn_net_backend(const limn_net *n, int node); /* "onednn jit:avx512_core", "ref", … */
/* What the passes made of a node: "bypassed", "norm", "padding, over"; "" where nothing. Returns buf. */
enum { LIMN_PASSES_TEXT = 80 };
const char *limn_net_passes(const limn_net *n, int node, char buf[LIMN_PASSES_TEXT]);
int limn_net_fallbacks(const limn_net *n); /* nodes that the self-test sent to _ref */
const char *limn_engine_version(void);     /* oneDNN's: "2.6.3" */
const char *limn_engine_isa(void);         /* the instruction set that it uses: "avx512_core" */
/* For `limn doctor`: library, instruction set, threads, and the backend of every op of a small network that has passed,
 * or failed, the known-answer self-test; sgemm too. */
limn_status limn_engine_doctor(limn_text_fn write, void *ctx) LIMN_CHECK;

limn_status limn_session_new(limn_session **out, const limn_net *n) LIMN_CHECK;
/* What a session will be asked for at a layer. What is not asked for has no room that lasts, and what nothing that is
 * asked for depends on is not computed; the bits of what is asked are the same. */
enum {
    LIMN_ASK_VALUE = 1, /* value() of it */
    LIMN_ASK_FROM = 2,  /* vjp() from it */
    LIMN_ASK_TO = 4     /* vjp() to it */
};
/* asks (n_layers + 1): those bits of layer l at [l + 1], so of LIMN_INPUT at [0]; copied. NULL: everything. */
limn_status limn_session_new_for(limn_session **out, const limn_net *n, const unsigned char *asks) LIMN_CHECK;
/* Whether walks (walk.h) through it take a layer's value from their session's forward pass, where that was asked to keep it,
 * and need not compute it again. */
int limn_net_walks_share(const limn_net *n);
size_t limn_session_bytes(const limn_session *s); /* of its values and gradients */
void limn_session_free(limn_session *s);
/* Of a network with several inputs: what input 1, 2 … (x: plain, all rows) is in the forward passes that follow. Input 0
 * is forward()'s own, and the one that gradients go to. */
limn_status limn_session_input(limn_session *s, int input, const float *x) LIMN_CHECK;
/* The session as attribution sees it; valid as long as the session. */
const limn_diff *limn_session_diff(limn_session *s);

#endif
