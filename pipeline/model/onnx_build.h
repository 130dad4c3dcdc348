/* Inside the ONNX reader: values and nodes while a file is translated into a graph.
 *
 * A value has its shape in the file's own coordinates, with the batch's axis marked, and lies in a node of the graph (one
 * sample's shape: without that axis), or is known: an initialiser, or a number that follows from known ones (onnx_fold.c).
 * In known integers the batch's unknown size is NaN: what is computed from it stays NaN, and a shape that holds it tells
 * where the batch's axis goes. A NaN that is known to be so many times the batch's size says how many (onnx_batch_size).
 */
#ifndef LIMN_ONNX_BUILD_H
#define LIMN_ONNX_BUILD_H

#include "model/onnx.h"

typedef struct {
    onnx_bytes name;
    int type, rank;
    int64_t dim[ONNX_MAX_RANK]; /* -1: the batch's axis */
    int batch;                  /* that axis; -1: there is none */
    size_t times;               /* over 1: that axis is the batch times so many: the sample has it, of that size */
    int inner;                  /* then: whether the batch counts faster than they do: (T, B, …) as (T B, …) */
    int node;                   /* of the graph; -1: none */
    double *known;              /* (size of one sample) owned; or NULL */
    const onnx_tensor *tensor;  /* an initialiser that has not been read into `known` */
    int nhwc;                   /* the file has it as (N, H, W, C), its node as (C, H, W): only the network's input */
} onnx_value;

enum { ONNX_MAX_INPUTS = 16 };

typedef struct {
    /* The operator library's use: given[i] is the tensor of the i-th input. The first of floats, or with `several` each
     * of floats, is an input of the network, the others are known, and nothing has a batch axis. NULL: one input, whose
     * first axis is the batch's. */
    const onnx_tensor *given;
    size_t n_given;
    int several;
    int mapped; /* the file is a private mapping: pages whose numbers have been copied are given back */
} onnx_options;
#define ONNX_OPTIONS_INIT ((onnx_options){NULL, 0, 0, 0})

/* Names, each once. */
typedef struct {
    onnx_bytes *name;
    size_t n, room;
    uint32_t *slot; /* open addressing: index + 1; 0: free */
    size_t n_slots; /* a power of two */
} onnx_names;
#define ONNX_NO_NAME SIZE_MAX
size_t onnx_names_find(const onnx_names *t, onnx_bytes name); /* or ONNX_NO_NAME */
/* Adds a name that is not there; its index is t->n - 1. */
limn_status onnx_names_add(onnx_names *t, onnx_bytes name) LIMN_CHECK;
void onnx_names_free(onnx_names *t);

typedef struct {
    limn_graph *g;
    onnx_model *m;
    int batched;     /* the network's input has a batch axis */
    int64_t n_batch; /* its size where the file fixes it; 1 where it does not */
    double budget;   /* numbers that may still be made of the file's bytes */
    onnx_names values, layers;
    onnx_value **value; /* (values.n) */
    size_t room_values;
    size_t input[ONNX_MAX_INPUTS]; /* which of the file's inputs is node 0, 1, … */
    size_t n_inputs;
} onnx_build;

typedef struct onnx_row onnx_row;
typedef struct {
    onnx_build *b;
    const onnx_node *n;
    const onnx_row *row;
    int64_t opset;
    onnx_value **in, **out; /* (n_in), (n_out): NULL where the file leaves one out */
    size_t n_in, n_out;
    int layer;    /* of the graph, once a node of this operator has been added; else -1 */
    size_t times; /* of its inputs that have a batch, and so of its outputs: 0 or 1, or see onnx_value */
    int inner;
} onnx_op;

struct onnx_row {
    const char *type;
    int64_t since; /* the first opset whose meaning is followed here */
    limn_kind kind;
    limn_status (*emit)(onnx_op *o); /* NULL: only known values */
    limn_status (*fold)(onnx_op *o); /* where all inputs are known and without a batch; NULL: emit */
    int f;                           /* of the graph's table of functions */
    struct {
        const char *name;
        double fallback;
    } p[2]; /* its parameters, as attributes */
};
extern const onnx_row onnx_op_table[]; /* sorted by type; ends with a row whose type is NULL */
const onnx_row *onnx_find_op(onnx_bytes type);

/* ---- values, nodes (onnx_values.c, onnx_graph.c) ------------------------------------------------------------------------------------------
 * Translates m into g, which is left unfinished. *result: the output, whose name and numbers are borrowed from b; b is
 * freed by the caller, also after a failure. */
limn_status onnx_build_graph(onnx_build *b, limn_graph *g, onnx_model *m, const onnx_options *options,
                             onnx_value **result) LIMN_CHECK;
void onnx_build_free(onnx_build *b);

/* *out = the numbers of a known value (borrowed). */
limn_status onnx_numbers(onnx_op *o, onnx_value *v, const double **out) LIMN_CHECK;
int onnx_is_known(const onnx_value *v);
/* Number of elements of one sample. */
size_t onnx_size(const onnx_value *v);
/* One sample's shape. LIMN_EINPUT where it has too many axes. */
limn_status onnx_sample(const onnx_value *v, limn_shape *out) LIMN_CHECK;
/* Input i, which must be there. */
limn_status onnx_need(const onnx_op *o, size_t i, onnx_value **out) LIMN_CHECK;
/* Input i as a short list of integers; absent: *count = 0. */
limn_status onnx_need_ints(onnx_op *o, size_t i, double *out, size_t most, size_t *count) LIMN_CHECK;
/* `times` the batch's size, as a NaN; 0: some number that follows from it. And back: 0 also of any other NaN. */
double onnx_batch_size(size_t times);
size_t onnx_batch_times(double nan);
/* Takes n numbers out of the budget. */
limn_status onnx_spend(onnx_build *b, size_t n) LIMN_CHECK;
/* An axis as the file counts it, possibly from the end, as 0 … rank-1. */
limn_status onnx_axis(int64_t axis, int rank, int *out) LIMN_CHECK;
/* Whether axis i of v is the batch's alone, and so none of the sample's. */
int onnx_is_batch(const onnx_value *v, int i);
/* The sample's axis; LIMN_EINPUT where it is the batch's. */
limn_status onnx_sample_axis(const onnx_value *v, int axis, int *out) LIMN_CHECK;

/* Output `which` is a known tensor; takes ownership of known. */
void onnx_set_known(onnx_op *o, size_t which, int type, int rank, const int64_t *dim, double *known);
/* Output `which` is the same as v. */
limn_status onnx_set_alias(onnx_op *o, size_t which, const onnx_value *v) LIMN_CHECK;
/* Output `which` is what a node of the graph gives, with the batch's axis (-1: none) put in at `batch`. */
limn_status onnx_set_node(onnx_op *o, size_t which, int node, int batch, int type) LIMN_CHECK;

/* Whether a node of the file reads this value, or it is the chosen output. */
int onnx_is_read(const onnx_build *b, onnx_bytes name);

/* Adds a node to the layer of this operator and infers its shape. */
limn_status onnx_emit(onnx_op *o, limn_op op, int n_in, const int *in, const limn_op_attr *attr, limn_values weight,
                      limn_values bias, int *node) LIMN_CHECK;
limn_status onnx_emit1(onnx_op *o, limn_op op, int in, const limn_op_attr *attr, int *node) LIMN_CHECK;
/* The node that holds v; a known value becomes a CONST. */
limn_status onnx_node_of(onnx_op *o, onnx_value *v, int *node) LIMN_CHECK;
/* The same, so that v broadcasts, sample by sample, with a value of `rank` axes whose batch axis is `batch`. */
limn_status onnx_node_beside(onnx_op *o, onnx_value *v, int rank, int batch, int *node) LIMN_CHECK;
/* The rank and the batch axis that the n inputs from `first` on have together, aligned from the right. */
limn_status onnx_together(const onnx_op *o, size_t first, size_t n, int *rank, int *batch) LIMN_CHECK;
/* Its numbers as float32. */
limn_status onnx_weights(onnx_op *o, onnx_value *v, limn_values *out) LIMN_CHECK;
limn_status onnx_reshape(onnx_op *o, int node, const limn_shape *shape, int *out) LIMN_CHECK;
const limn_shape *onnx_node_shape(const onnx_op *o, int node);

/* ---- shapes that fold and emit share (onnx_shape.c) -----------------------------------------------------------------
 * What Reshape gives of v: dim, the batch's axis, and (o->times, o->inner) how many rows of it a sample has. */
limn_status onnx_reshape_dims(onnx_op *o, const onnx_value *v, int64_t dim[ONNX_MAX_RANK], int *rank,
                              int *batch) LIMN_CHECK;
limn_status onnx_squeeze_dims(onnx_op *o, const onnx_value *v, int64_t dim[ONNX_MAX_RANK], int *rank,
                              int *batch) LIMN_CHECK;
limn_status onnx_unsqueeze_dims(onnx_op *o, const onnx_value *v, int64_t dim[ONNX_MAX_RANK], int *rank,
                                int *batch) LIMN_CHECK;
typedef struct {
    int64_t start, step, size;
} onnx_range;
/* What Slice takes of each axis. */
limn_status onnx_slice_ranges(onnx_op *o, const onnx_value *v, onnx_range range[ONNX_MAX_RANK]) LIMN_CHECK;
limn_status onnx_split_sizes(onnx_op *o, const onnx_value *v, int *axis, int64_t **sizes) LIMN_CHECK;
limn_status onnx_perm(const onnx_op *o, const onnx_value *v, int perm[ONNX_MAX_RANK]) LIMN_CHECK;

/* ---- onnx.c ---------------------------------------------------------------------------------------------------------
 * Parses, translates and finishes. */
limn_status onnx_read_bytes(limn_graph *g, onnx_bytes file, const char *folder, const onnx_options *options) LIMN_CHECK;

#endif
