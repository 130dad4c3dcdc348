/* Inside the engine: what a plan is made of. Only the files of this room include it.
 *
 * A net is a list of steps, one a node, in the graph's order. Each step has one *layout* (blocked or plain), which
 * holds for the node's value and for the gradient at it. An op may want an input, or a gradient, in another layout:
 * the plan then puts a reorder in between (load, load_gy, store). Places are of three kinds:
 *
 *   KEEP    values, pooling's workspaces
 *   GRAD    gradients
 *   TEMP    what reorders make, contributions to a sum of gradients, scratchpads: alive only within one pass of one step
 *
 * A net_mem is a place with a layout. The net owns primitives, packed weights and layouts; a session gives the places
 * addresses in its arena (memory.c), which depend on what it will be asked for. Where several steps read a node, each puts its contribution to the node's gradient into a
 * temporary place, from which it is added, in the reverse order of the steps; where one step reads it, that step writes
 * the gradient itself. A node that does not depend on the input has no gradient (grad -1). */
#ifndef LIMN_NN_PLAN_H
#define LIMN_NN_PLAN_H

#include <stdint.h>

#include "nn/dnnl_compat.h"
#include "nn/net.h"

typedef enum {
    NET_KEEP,
    NET_GRAD,
    NET_TEMP,
    NET_FIXED /* weights: outside the arena */
} net_region;

typedef struct {
    dc_md md; /* owned */
    net_region region;
    size_t offset;      /* TEMP: bytes from the first temporary place of its step */
    int root;           /* the place whose address it has: itself, or what it is a view of */
    const float *fixed; /* NET_FIXED: the address */
    float *owned;       /* NET_FIXED: packed weights to free, or NULL */
    int handle;         /* a primitive uses it: the session makes a library memory of it */
} net_mem;

enum { NET_MAX_ARGS = 6, NET_ALIGN = 64 };
typedef struct {
    int arg, mem;
} net_arg;
/* A primitive with its arguments; primitive NULL: nothing to do. */
typedef struct {
    dnnl_primitive_t primitive; /* owned by the net */
    int n;
    net_arg a[NET_MAX_ARGS];
} net_call;

typedef struct net_op net_op;

/* The activation that a step took over from the node that alone reads it: LIMN_OP_RELU, or LIMN_OP_UNARY for a clip, with
 * its bounds (a ReLU's are 0 and infinity); LIMN_OP_INPUT: none, without bounds. */
typedef struct {
    limn_op op;
    float lo, hi;
} net_act;

/* One input of a step. */
typedef struct {
    int from;  /* the step that it reads */
    int x, gx; /* places that the op reads and writes: the neighbour's or temporary ones; gx -1: no gradient */
    int sum;   /* the contribution, in the layout of the neighbour's gradient, to be added; -1: none is */
    net_call load, store; /* the neighbour's value to x; gx to the neighbour's gradient, or to sum */
} net_link;

typedef struct {
    const net_op *op;
    const limn_node *node;
    int n_in;
    net_link *link;         /* (n_in) */
    int value, grad;        /* places of the output and of its gradient */
    int gy;                 /* the gradient that the op reads: grad, or a temporary place */
    int extra;              /* a place or weights of the op's own (-1: none) */
    int own_begin, own_end; /* the places that were made for it */
    size_t temp_bytes;      /* of them, the temporary ones */
    net_act act;            /* after forward(), and before vjp(), unless it `acts` by itself in forward() */
    int acts;
    int over;     /* value may lie over the first input's, where nobody needs that any more */
    size_t block; /* own loops: channels of a block of the value's layout, for net_zero_tail; 0 or 1: none */
    void *table;  /* what the op has worked out for itself, or NULL; freed with the plan */
    net_call load_gy;
    net_call cross, cross_value; /* of a long way: gradient and value of the step that took over, to this one's */
    net_call forward, backward;  /* of an op that is one primitive */
    net_call pack, unpack;       /* between plain order and the layout; none where the layout is plain */
    int user;                    /* pack's and unpack's plain side, at an address of the caller */
    char backend[48];
} net_step;

/* One op on one backend. plan() chooses layouts and makes primitives, and calls net_place() or another of its kind;
 * forward() reads the inputs' x and writes value; vjp() reads gy and writes gx of input j (and may read value, and the
 * inputs' x if vjp_reads_x). */
struct net_op {
    const char *name;
    limn_status (*plan)(limn_net *n, net_step *s);
    limn_status (*forward)(const net_step *s, limn_session *run);
    limn_status (*vjp)(const net_step *s, limn_session *run, limn_rule rule, int j);
    int vjp_reads_x, vjp_reads_value;
};

typedef struct net_extras net_extras; /* expand.h */
typedef struct net_walker net_walker;

/* A pass over the nodes before they are planned (passes.c). */
typedef struct {
    const char *name, *what; /* "norm"; what `limn info --plan` says of it */
    int exact;               /* no sum changes: on the plain backend too */
    limn_status (*apply)(limn_net *n, int node, int *done);
} net_pass;
extern const net_pass net_passes[]; /* ends with a row whose name is NULL */

struct limn_net {
    limn_graph work;         /* the graph with the nodes as the passes left them; then n_steps - n_nodes long ways */
    const limn_graph *graph; /* = &work */
    const limn_graph *given; /* the graph as it was given; borrowed */
    limn_backend backend;
    size_t B;
    int n_steps;
    int *twin;                      /* (n_steps) the long way of a node that took over another, or -1 */
    int *in_room;                   /* (n_nodes) the input of such a node */
    unsigned char *bypassed, *once; /* (n_nodes) another computes it; it depends on no input */
    unsigned char *over;            /* (n_steps) its value may lie over its input's */
    net_act *act;                   /* (n_steps) what a node took over */
    unsigned char *passed;          /* (n_nodes) bit i: pass i changed it */
    net_step *step;                 /* (n_steps) */
    net_link *link;                 /* the links of all steps */
    int *readers;                   /* (n_nodes) how many inputs read a node */
    unsigned char *moves;           /* (n_steps) whether it depends on the input: a gradient may pass */
    size_t temp_top;                /* bytes of TEMP that the step being planned has taken */
    unsigned char *ref;             /* (n_steps) nodes that go to _ref */
    net_mem *mem;
    int n_mem;
    size_t room_mem;
    int fallbacks;
    dnnl_engine_t engine;
    dnnl_stream_t stream;       /* for packing weights */
    dnnl_primitive_attr_t attr; /* user-managed scratchpad */
    net_extras *extras;         /* what is made of the net for walks, when one asks */
};

enum { NET_SHORT = 1, NET_LONG = 2 };
/* The plan of a session's memory. */
#define NET_NOWHERE SIZE_MAX
typedef struct {
    unsigned char *forward;  /* (n_nodes) whether a step runs */
    unsigned char *backward; /* (n_nodes) NET_SHORT, NET_LONG: the ways by which it does */
    size_t *offset;          /* (n_mem) bytes from the arena's start; NET_NOWHERE: it is not used, or FIXED */
    size_t bytes;
} net_memory;

struct limn_session {
    const limn_net *net;
    unsigned char *asks; /* (n_layers + 1) what may be asked for; NULL: everything */
    net_memory map;
    unsigned char *arena;
    float **address;       /* (n_mem) */
    dnnl_memory_t *memory; /* (n_mem), NULL where no primitive uses it */
    dnnl_stream_t stream;
    limn_diff diff;
    limn_diff_layer *layer; /* (n_layers) */
    unsigned char *above,
        *has;           /* (n_nodes) in a backward pass: is above its end, by which way; has a gradient by now */
    size_t ran;         /* forward passes that have been made */
    net_walker *walker; /* its room for walks, or NULL */
};

/* The op tables, by limn_op; a NULL row is an op that the backend lacks. */
extern const net_op *const net_ops_ref[LIMN_OPS], *const net_ops_dnnl[LIMN_OPS];
extern const net_op net_ref_conv, net_ref_convt, net_ref_dense, net_ref_maxpool, net_ref_avgpool, net_ref_flatten;
extern const net_op net_dnnl_conv, net_dnnl_convt, net_dnnl_dense, net_dnnl_maxpool, net_dnnl_avgpool, net_dnnl_flatten;
extern const net_op net_relu, net_softmax, net_log_softmax, net_identity, net_const, net_unary, net_binary, net_where,
    net_scale, net_scaled, net_concat, net_move, net_reshape, net_resize, net_reduce, net_norm, net_lrn, net_matmul,
    net_winograd, net_pointwise, net_depthwise;
/* Whether Winograd's way is open to a convolution, and pays (winograd.c). */
int net_winograd_fits(const limn_net *n, const limn_node *node);
/* Whether the engine's own kernels compute a convolution (pointwise.c, depthwise.c). */
int net_pointwise_fits(const limn_net *n, const limn_node *node);
int net_depthwise_fits(const limn_net *n, const limn_node *node);
/* The activation over n values; a ReLU's or a clip's mask, from its output y, over the gradient g (elementwise.c). */
void net_act_forward(const net_act *act, float *y, size_t n);
limn_status net_act_back(const net_act *act, limn_rule rule, const float *y, float *g, size_t n) LIMN_CHECK;
/* Backward-data of a convolution that reads few channels: gy is channels last, gx plain (narrow.c). */
int net_narrow_fits(const limn_net *n, const net_step *s);
limn_status net_narrow_plan(limn_net *n, net_step *s) LIMN_CHECK;
limn_status net_narrow_vjp(const net_step *s, limn_session *run) LIMN_CHECK;

/* ---- planning (plan.c) ------------------------------------------------------------------------------------------- */
/* Rows of a node's value: B, or 1 where it is not batched. */
size_t net_rows(const limn_net *n, const limn_node *node);
/* Elements of all rows. */
size_t net_elements(const limn_net *n, const limn_node *node);
/* The dims of a node's value as the library sees them, rows first; returns the rank. */
int net_dims(const limn_net *n, const limn_node *node, dnnl_dims_t dims);
/* (N, C, H, W) of a node's pictures. */
typedef struct {
    size_t N, C, H, W;
} net_picture;
net_picture net_picture_of(const limn_net *n, const limn_node *node);
/* A layout of the given tag for a node's value. The caller frees it. */
limn_status net_layout(const limn_net *n, const limn_node *node, dnnl_format_tag_t tag, dc_md *out) LIMN_CHECK;
/* The plain one: (B, C, H, W) or (B, D). */
limn_status net_plain(const limn_net *n, const limn_node *node, dc_md *out) LIMN_CHECK;
dc_md_ref net_layout_of(const limn_net *n, int mem);
/* Floats of a place, padding of a blocked layout included. */
size_t net_floats(const limn_net *n, int mem);
/* Channels of a block of a picture's layout: 1 where it is plain, C where channels come last, 0 where it is another. */
size_t net_block(const limn_net *n, const limn_node *node, int mem);
/* The layout of a picture in blocks of 4, 8 or 16 channels, or of all: channels last. The caller frees it. */
limn_status net_blocked(const limn_net *n, const limn_node *node, size_t block, dc_md *out) LIMN_CHECK;
/* What step s reads first: its layout, its node. */
dc_md_ref net_layout_in(const limn_net *n, const net_step *s);
const limn_node *net_node_in(const limn_net *n, const net_step *s);
const limn_shape *net_shape_in(const limn_net *n, const net_step *s);
/* Bytes of a place, rounded up so that the next one is aligned. */
size_t net_bytes(const limn_net *n, int mem);
/* A new place of the step that is being planned. */
limn_status net_add_mem(limn_net *n, net_region region, dc_md_ref md, int *mem) LIMN_CHECK;
/* The same, a row of floats. */
limn_status net_add_floats(limn_net *n, net_region region, size_t floats, int *mem) LIMN_CHECK;
/* A place at the same address as another, in another layout. */
limn_status net_add_view(limn_net *n, int of, dc_md_ref md, int *mem) LIMN_CHECK;
/* Weights in the layout that a primitive wants, made of data in layout `from` (borrowed if they are equal). */
limn_status net_add_weights(limn_net *n, dc_md_ref from, const float *data, dc_md_ref want, int *mem) LIMN_CHECK;
/* Weights in an order of a kernel's own, made of data: *room = where to write them, or NULL where a step before has. Each
 * order has dims that no other has. */
limn_status net_add_own(limn_net *n, const float *data, int rank, const dnnl_dims_t dims, int *mem,
                        float **room) LIMN_CHECK;
/* A transposed copy of data (rows, cols). */
limn_status net_add_transposed(limn_net *n, const float *data, size_t rows, size_t cols, int *mem) LIMN_CHECK;
/* The places of step s's output. y: layout of the value (NULL: plain); gy: layout wanted of the incoming gradient (NULL:
 * that of the value). */
limn_status net_place_output(limn_net *n, net_step *s, dc_md_ref y, dc_md_ref gy) LIMN_CHECK;
/* The places of its input j. x, gx: layouts wanted there and of the gradient (NULL: the input's own). */
limn_status net_place_input(limn_net *n, net_step *s, int j, dc_md_ref x, dc_md_ref gx) LIMN_CHECK;
/* Both, of a step with one input. */
limn_status net_place(limn_net *n, net_step *s, dc_md_ref x, dc_md_ref y, dc_md_ref gy, dc_md_ref gx) LIMN_CHECK;
/* All plain, any number of inputs. */
limn_status net_place_plain(limn_net *n, net_step *s) LIMN_CHECK;
/* Step s keeps its input's layout, and its gradient is changed where it lies; so is the value */
typedef enum {
    NET_APART, /* never */
    NET_OVER,  /* where nobody needs the input's value any more: the session decides */
    NET_SHARE, /* always: it is the same */
} net_alias;
limn_status net_place_alias(limn_net *n, net_step *s, net_alias how) LIMN_CHECK;
/* Step s is its input under another shape, nothing moves: the input's layout is plain, or (order not NULL) `order`. */
limn_status net_place_view(limn_net *n, net_step *s) LIMN_CHECK;
/* A call of the primitive made of pd, which gets a scratchpad as its last argument. */
limn_status net_add_call(limn_net *n, net_call *c, dnnl_primitive_desc_t pd, int n_args, const net_arg *a) LIMN_CHECK;
limn_status net_add_reorder(limn_net *n, net_call *c, int from, int to) LIMN_CHECK;
void net_window(const limn_op_attr *a, dc_window *w);
/* ---- passes (passes.c) -------------------------------------------------------------------------------------------- */
/* Copies the nodes and runs the passes (unless all is to stay as it stands); net_unsimplify frees what that made. */
limn_status net_simplify(limn_net *n, const limn_graph *g, int as_it_stands) LIMN_CHECK;
void net_unsimplify(limn_net *n);

/* ---- memory (memory.c) -------------------------------------------------------------------------------------------- */
/* Fills a map whose arrays are there, zeroed, for what is asked (NULL: everything). */
limn_status net_lay_memory(const limn_net *n, const unsigned char *asks, net_memory *map) LIMN_CHECK;
/* The places of step k alone, both ways; the others are nowhere. */
void net_lay_alone(const limn_net *n, int k, net_memory *map);
/* above[k] = by which way, if at all, step k lies on or above step `end` in a backward pass from step `top`. */
void net_mark_above(const limn_net *n, int end, int top, unsigned char *above);

/* Plans every step; a node that the library cannot plan goes to _ref (n->ref, n->fallbacks). */
limn_status net_plan(limn_net *n) LIMN_CHECK;
void net_unplan(limn_net *n);

/* LIMN_EFAIL or LIMN_ENOMEM with a sentence where the library failed. */
limn_status net_dnnl(dnnl_status_t s, const char *what) LIMN_CHECK;

/* oneDNN takes its thread count from OpenMP: everything that creates or runs a primitive is between these two. */
int net_one_thread(void);
void net_threads_again(int was);

/* ---- running (session.c) ----------------------------------------------------------------------------------------- */
/* A session for the self-test, in which one step at a time has addresses; net_session_alone gives them to step k. */
limn_status net_session_tester(limn_session **out, const limn_net *n) LIMN_CHECK;
limn_status net_session_alone(limn_session *run, int k) LIMN_CHECK;
/* A session without memory of its own; before each use it is given some, of limn_session_bytes() and NET_ALIGN, whose content
 * does not matter and that holds nothing of it afterwards. */
limn_status net_session_guest(limn_session **out, const limn_net *n) LIMN_CHECK;
limn_status net_session_host(limn_session *run, unsigned char *arena) LIMN_CHECK;
limn_status net_call_run(const net_call *c, limn_session *run) LIMN_CHECK;
limn_status net_run_forward(const net_step *s, limn_session *run); /* of an op that is one primitive */
limn_status net_run_backward(const net_step *s, limn_session *run, limn_rule rule, int j);
limn_status net_step_forward(const net_step *s, limn_session *run) LIMN_CHECK;
/* To every input that run->above names and that has a gradient. */
limn_status net_step_vjp(const net_step *s, limn_session *run, limn_rule rule) LIMN_CHECK;
/* Zero again in the channels that fill up the last block of x, which lies as step s's value. */
void net_zero_tail(const net_step *s, const limn_session *run, float *x);
/* Between plain order (B, size) and the place (value or grad) of step s. */
limn_status net_put(limn_session *run, const net_step *s, int mem, const float *plain) LIMN_CHECK;
limn_status net_get(limn_session *run, const net_step *s, int mem, float *plain) LIMN_CHECK;

/* ---- the self-test (selftest.c) ---------------------------------------------------------------------------------- */
/* Lets a test spoil what a node computed before it is checked: out (B, size), backward 0 or 1. NULL: nothing is. */
typedef void (*net_tamper_fn)(void *ctx, int node, int backward, float *out, size_t n);
/* ref[k] = 1 for every node k on the library that fails; *failed = how many. */
limn_status net_selftest(const limn_net *n, net_tamper_fn tamper, void *ctx, unsigned char *ref,
                         int *failed) LIMN_CHECK;
/* Element i of a node's output, or of the gradient at its input, by the definition, in float64; rows in plain order. */
typedef struct {
    double value, scale; /* scale: sum of the |terms| */
} net_exact;
int net_exact_knows(const limn_node *n); /* whether the library computes it: own loops need no answer */
net_exact net_exact_forward(const limn_node *n, const limn_shape *in, const float *x, size_t i);
net_exact net_exact_vjp(const limn_node *n, const limn_shape *in, const float *x, const float *gy, size_t i);

/* limn_net_new for a chunk of B rows, without passes: every node is a step of its own. */
limn_status net_new_of(limn_net **out, const limn_graph *g, limn_backend backend, size_t B) LIMN_CHECK;
/* limn_net_new with a hook for tests. */
limn_status net_new(limn_net **out, const limn_graph *g, limn_backend backend, net_tamper_fn tamper,
                    void *ctx) LIMN_CHECK;

#endif
