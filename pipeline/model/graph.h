/* The graph of a network: what every reader produces and the engine plans.
 *
 * A graph is a list of nodes in topological order; node 0 is the input, which belongs to no layer (-1). A node is one
 * primitive operation with one output, which any number of later nodes may read, and reads in[0 … n_in-1]. A *layer* is
 * what the program that saved the network called one (name, type), and covers one or more consecutive nodes: Keras's
 * Conv2D with activation="relu" is the nodes CONV2D and RELU of one layer; its output is its last node's. Layers are
 * numbered as limn_diff numbers them: 0 … n_layers-1, without the input. The network's output is the last layer's.
 *
 * Shapes are one sample's, without the batch, pictures (C, H, W) whatever the file's layout was; `hwc` marks where the
 * file's order (row, column, channel) matters: FLATTEN, and the vectors people see. Axes count a sample's axes from 0.
 *
 * `batched` (set by graph_finish) tells whether a node has a value for each sample. A CONST, and what follows from
 * constants alone, is not batched: its shape is the whole tensor, the same for every sample; where it meets a batched
 * value the two broadcast as numpy does, by the sample's shape (so a reader drops a leading batch axis of 1 from such a
 * constant). A graph with `unbatched` set has no batch axis at all: its shapes and axes are those of the whole tensors,
 * and a picture is (N, C, H, W).
 *
 * Weights: CONV2D (O, C/groups, kh, kw), CONVT2D (C, O/groups, kh, kw), DENSE (out, in) with `in` in the order of the
 * node's input vector; bias (O). SCALE: weight and bias (size of its axis). CONST: weight is the tensor.
 * The graph owns nodes, names and weights. Readers fill it with graph_add_*; graph_finish() infers and checks shapes,
 * so that whatever a reader was fed, a finished graph is sound. */
#ifndef LIMN_GRAPH_H
#define LIMN_GRAPH_H

#include <stdint.h>

#include "base/shape.h"
#include "base/status.h"
#include "diff.h"
#include "model/functions.h"

/* What each reads of limn_op_attr stands behind it. */
typedef enum {
    LIMN_OP_INPUT,  /* shape. The first nodes, before any layer; node 0 is what gradients go to */
    LIMN_OP_CONST,  /* shape; weight: the values. May stand before any layer, or in the layer that reads it */
    LIMN_OP_CONV2D, /* kernel, stride, dilation, pad or same, groups, units. Conv1D: a picture of height 1 */
    LIMN_OP_CONVT2D, /* the same, and out_pad: the transposed convolution; pad is cut off its output. same: out = in stride */
    LIMN_OP_DENSE,       /* units; over the last axis of its input */
    LIMN_OP_MATMUL,      /* in[0] in[1], broadcast as numpy's matmul; both of rank 2 or more */
    LIMN_OP_MAXPOOL,     /* kernel, stride, dilation, pad or same, ceil */
    LIMN_OP_AVGPOOL,     /* the same, and count_pad */
    LIMN_OP_FLATTEN,     /* hwc */
    LIMN_OP_RELU,        /* the one with the rules guided and deconvnet */
    LIMN_OP_UNARY,       /* f (limn_unary), p */
    LIMN_OP_BINARY,      /* f (limn_binary): in[0] and in[1], broadcast */
    LIMN_OP_WHERE,       /* in[0] != 0 ? in[1] : in[2], broadcast */
    LIMN_OP_SCALE,       /* axis: y = weight[c] x + bias[c]: a batch norm at inference. bias may be absent */
    LIMN_OP_CONCAT,      /* axis: any number of inputs */
    LIMN_OP_SLICE,       /* start, step, and shape: the numbers of elements taken. step may be negative */
    LIMN_OP_PAD,         /* before, after (not negative: that is a SLICE), mode (limn_pad), p[0]: the constant */
    LIMN_OP_RESIZE,      /* shape, mode (limn_resize), coordinates, rounding, factor, p[0]: cubic's a, outside */
    LIMN_OP_RESHAPE,     /* shape, as it lies */
    LIMN_OP_TRANSPOSE,   /* perm: output axis i is input axis perm[i] */
    LIMN_OP_EXPAND,      /* shape: broadcast to it */
    LIMN_OP_REDUCE,      /* f (limn_reduce), axes, keep */
    LIMN_OP_NORM,        /* axes, p[0] = epsilon: (x - mean) / sqrt(variance + epsilon) over those axes */
    LIMN_OP_LRN,         /* axis, units = size, p = alpha, beta, bias (ONNX): x / (bias + alpha/size sum x^2)^beta */
    LIMN_OP_SOFTMAX,     /* axis: 0 is a vector's own, and a picture's channels */
    LIMN_OP_LOG_SOFTMAX, /* axis */
    LIMN_OP_IDENTITY,    /* Dropout and the like at inference */
    LIMN_OPS
} limn_op;

typedef enum { LIMN_PAD_CONSTANT, LIMN_PAD_REFLECT, LIMN_PAD_EDGE, LIMN_PAD_WRAP } limn_pad;
typedef enum { LIMN_RESIZE_NEAREST, LIMN_RESIZE_LINEAR, LIMN_RESIZE_CUBIC } limn_resize;
/* Where output pixel i of n looks in an input of m pixels, s = n/m or attr.factor (ONNX's names). */
typedef enum {
    LIMN_AT_HALF_PIXEL,           /* (i + 0.5) / s - 0.5 */
    LIMN_AT_ASYMMETRIC,           /* i / s */
    LIMN_AT_ALIGN_CORNERS,        /* i (m - 1) / (m s - 1) */
    LIMN_AT_PYTORCH_HALF_PIXEL,   /* as half_pixel; 0 where n = 1 */
    LIMN_AT_HALF_PIXEL_SYMMETRIC, /* half_pixel about the middle where n is not m s */
} limn_coordinates;
typedef enum { LIMN_ROUND_PREFER_FLOOR, LIMN_ROUND_PREFER_CEIL, LIMN_ROUND_FLOOR, LIMN_ROUND_CEIL } limn_rounding;

typedef struct {
    int kernel[2], stride[2], dilation[2]; /* (h, w) */
    int pad[4];                            /* top, left, bottom, right, in pixels (resolved by graph_finish if same) */
    int same;       /* TensorFlow's SAME: out = ceil(in / stride), the odd pixel at bottom/right; 2: at top/left */
    int ceil;       /* pools: the last window may hang over the bottom/right edge (not begin beyond it) */
    int hang[2];    /* filled by graph_finish: rows and columns by which it does; never counted by count_pad */
    int count_pad;  /* AVGPOOL: pixels of padding count in the divisor */
    int out_pad[2]; /* CONVT2D: rows, columns more at bottom, right */
    int groups;
    int units;        /* filters of a convolution, DENSE's units */
    int hwc;          /* FLATTEN: order row, column, channel instead of channel, row, column */
    limn_shape shape; /* of the output: INPUT, CONST, RESHAPE, EXPAND, SLICE, RESIZE */
    int f;            /* limn_unary, limn_binary or limn_reduce */
    float p[4];       /* parameters, by op or function */
    int axis;
    unsigned axes; /* bit i: axis i */
    int keep;      /* REDUCE: the reduced axes stay, with length 1 */
    int perm[LIMN_MAX_RANK];
    long start[LIMN_MAX_RANK], step[LIMN_MAX_RANK], before[LIMN_MAX_RANK], after[LIMN_MAX_RANK];
    int mode, coordinates, rounding;
    double factor[LIMN_MAX_RANK]; /* RESIZE: the file's own scale where it gives one; 0: out / in */
    int outside;                  /* cubic: taps outside weigh nothing, the others are scaled to sum to 1 */
    int antialias;                /* linear, cubic: the filter widens where it shrinks */
} limn_op_attr;

/* n floats from limn_new; {NULL, 0} where there are none. */
typedef struct {
    float *v;
    size_t n;
} limn_values;

typedef struct {
    limn_op op;
    int layer; /* index into layers; -1 for INPUT, and for a CONST before any layer */
    int *in;   /* (n_in) owned: the nodes whose outputs it reads; NULL for INPUT and CONST */
    int n_in;
    limn_op_attr attr;
    float *weight; /* (n_weight) owned, or NULL */
    float *bias;   /* (n_bias) owned, or NULL */
    size_t n_weight, n_bias;
    int batched;    /* filled by graph_finish, as is */
    limn_shape out; /* the shape of its output */
} limn_node;

typedef struct {
    char *name, *type; /* as the file says: "conv2d_1", "Conv2D" */
    int first, last;   /* its nodes */
    limn_kind kind;
    int hwc;       /* set by the reader: the file's program shows its output (H, W, C) */
    size_t params; /* filled by graph_finish: weights and biases of its nodes, unless the reader has counted */
    int counted;   /* set by the reader: `params` are the file's own, of which some may be folded into others */
    int settled; /* filled by graph_finish: the layer at which its pictures end up before they are pooled or flattened, behind
                    * the batch norm, sum with a shortcut, activation that follow; itself where none does */
} limn_layer;

typedef struct {
    char *format;   /* "Keras 2 HDF5", … */
    char *producer; /* "keras 2.21.0", … */
    char hash[65];  /* SHA-256 of the model file(s), hex */
    limn_node *node;
    int n_nodes;
    size_t room_nodes;
    limn_layer *layer;
    int n_layers;
    size_t room_layers;
    int n_inputs;          /* INPUT nodes: 0 … n_inputs-1 */
    char **output;         /* (n_outputs) names of the outputs that the file has, in its order */
    int n_outputs, chosen; /* chosen: the one that was read */
    size_t room_outputs;
    const char *wanted; /* set before reading: name or index of the output to read; NULL: the first. Borrowed */
    int input_hwc;      /* set by the reader: the file's program takes (H, W, C) */
    int unbatched;      /* set by the reader before graph_finish: there is no batch axis */
    /* What swap_softmax removed: SOFTMAX, LOG_SOFTMAX, UNARY (a sigmoid), or IDENTITY where the scores were linear. */
    limn_op final_activation;
} limn_graph;

typedef struct {
    const char *name;         /* "conv2d" */
    int has_weight, has_bias; /* needs a weight; may have a bias */
    int min_in, max_in;       /* how many inputs */
    /* Infers n->out from the nodes that it reads (n->batched is known), resolves `same`, checks attributes and numbers of
     * weights. The sentence of a failure names no layer: graph_finish puts it in front. */
    limn_status (*shape)(limn_node *n, const limn_node *const *in);
} limn_op_row;
extern const limn_op_row limn_op_table[LIMN_OPS];
enum { LIMN_MAX_IN = 1024 }; /* inputs of one node */
/* "relu", "sigmoid", "add", …: the function's name where the op has a table of them, else the op's. */
const char *limn_op_name(const limn_node *n);
/* The shape that broadcasting a and b gives; 0 where they do not fit. */
int limn_broadcast(const limn_shape *a, const limn_shape *b, limn_shape *out);

limn_status graph_new(limn_graph **out) LIMN_CHECK;
void graph_free(limn_graph *g); /* NULL is fine */
/* Adds a layer (names are copied) whose nodes follow; *index = its index. */
limn_status graph_add_layer(limn_graph *g, const char *name, const char *type, limn_kind kind, int *index) LIMN_CHECK;
/* Adds a node to the last layer, reading node `in` (-1: none, INPUT and CONST); takes ownership of weight and bias, also
 * when it fails. attr NULL: all zero. index may be NULL. */
limn_status graph_add_node(limn_graph *g, limn_op op, int in, const limn_op_attr *attr, limn_values weight,
                           limn_values bias, int *index) LIMN_CHECK;
/* The same, reading n_in nodes (copied). */
limn_status graph_add_node_n(limn_graph *g, limn_op op, int n_in, const int *in, const limn_op_attr *attr,
                             limn_values weight, limn_values bias, int *index) LIMN_CHECK;
#define LIMN_NO_VALUES ((limn_values){NULL, 0})
/* Infers every shape and checks weights against them. LIMN_EINPUT with the layer's name where they do not fit. */
limn_status graph_finish(limn_graph *g) LIMN_CHECK;
/* Removes a final softmax, log-softmax, or the sigmoid of a single output: the scores become linear; notes it in
 * final_activation. A layer that was nothing else becomes an identity. Works on a finished graph, which stays finished; a
 * second call changes nothing. */
limn_status graph_swap_softmax(limn_graph *g) LIMN_CHECK;

/* Index of a layer by name, or by its decimal index; -1 where there is none. */
int graph_find_layer(const limn_graph *g, const char *name_or_index);
/* `features: auto`: the dense layer that feeds the last dense layer (or the last convolution of one pixel, where no layer is
 * dense) through activations and the like, or where there is none what that layer reads; -1 if none. */
int graph_feature_layer(const limn_graph *g);
/* `layer: auto` of a CAM: where the last conv layer whose output is larger than 1x1 settles; -1 if none. */
int graph_cam_layer(const limn_graph *g);
const limn_shape *graph_layer_shape(const limn_graph *g, int layer); /* LIMN_INPUT: the input's */
/* "(28, 28, 1)" of a picture (C, H, W) = (1, 28, 28) where hwc, else in our order; returns buf. */
enum { LIMN_SHAPE_TEXT = 128 };
const char *graph_shape_text(const limn_shape *s, int hwc, char buf[LIMN_SHAPE_TEXT]);

/* Reads a network as it was saved. `path` is a model file, or a config for which `weights` is the weight file (else
 * NULL). The format is found by content, through the table of readers. The graph is finished. A failure is one sentence
 * that begins with the file's name. */
limn_status model_read(limn_graph **out, const char *path, const char *weights) LIMN_CHECK;
/* The same, of the output of that name or index (NULL: the first). graph->hash of any but the first is another. */
limn_status model_read_output(limn_graph **out, const char *path, const char *weights, const char *output) LIMN_CHECK;

/* For readers (outputs.c): lists an output (the name is copied); chooses the one that g->wanted says, or refuses with a
 * sentence that lists them. */
limn_status graph_add_output(limn_graph *g, const char *name) LIMN_CHECK;
limn_status graph_choose_output(limn_graph *g) LIMN_CHECK;

/* A regular file of at least one byte, open for reading. */
typedef struct {
    const char *path;
    int fd;
    size_t size;
} limn_model_file;

enum { LIMN_MODEL_HEAD = 2048 }; /* bytes by which a format is known */

typedef struct {
    const char *name, *help;                             /* "keras-h5", "Keras 2 and 3 HDF5 (.h5, .hdf5)" */
    int (*matches)(const unsigned char *head, size_t n); /* by the first n <= LIMN_MODEL_HEAD bytes of the file */
    int wants_weights;                                   /* it is a config, and its weights are another file */
    /* Fills g and finishes it; weights is NULL unless wants_weights. Sentences need not name `model`. */
    limn_status (*read)(limn_graph *g, const limn_model_file *model, const limn_model_file *weights);
} limn_model_reader;
extern const limn_model_reader limn_model_readers[]; /* ends with a row whose name is NULL */

#endif
