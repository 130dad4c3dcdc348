/* The graph of a network: what every reader produces and the engine plans.
 *
 * A graph is a list of nodes in topological order; node 0 is the input. A node is one primitive operation with one
 * output; a *layer* is what the program that saved the network called one (name, type), and covers one or more
 * consecutive nodes: Keras's Conv2D with activation="relu" is the nodes CONV2D and RELU of one layer; its output is its
 * last node's. Shapes are one sample's, pictures (C, H, W) whatever the file's layout was; `hwc` marks where the file's
 * order (row, column, channel) matters: FLATTEN, and the vectors people see.
 *
 * Weights: CONV2D (O, C/groups, kh, kw), DENSE (out, in) with `in` in the order of the node's input vector; bias (O).
 * The graph owns nodes, names and weights. Readers fill it with graph_add_*; graph_finish() infers and checks shapes,
 * so that whatever a reader was fed, a finished graph is sound. */
#ifndef LIMN_GRAPH_H
#define LIMN_GRAPH_H

#include <stdint.h>

#include "base/shape.h"
#include "base/status.h"
#include "diff.h"

typedef enum {
    LIMN_OP_INPUT,
    LIMN_OP_CONV2D,
    LIMN_OP_DENSE,
    LIMN_OP_MAXPOOL,
    LIMN_OP_FLATTEN,
    LIMN_OP_RELU,
    LIMN_OP_SOFTMAX,
    LIMN_OP_IDENTITY, /* Dropout and the like at inference */
    LIMN_OPS
} limn_op;

typedef struct {
    int kernel[2], stride[2], dilation[2]; /* (h, w) */
    int pad[4];                            /* top, left, bottom, right, in pixels (resolved by graph_finish if same) */
    int same; /* TensorFlow's SAME: out = ceil(in / stride), the odd pixel at bottom/right */
    int groups;
    int units; /* CONV2D's filters, DENSE's units */
    int hwc;   /* FLATTEN: order row, column, channel instead of channel, row, column */
} limn_op_attr;

typedef struct {
    limn_op op;
    int layer; /* index into layers */
    int in;    /* the node whose output it reads (-1 for INPUT) */
    limn_op_attr attr;
    float *weight;  /* owned, or NULL */
    float *bias;    /* owned, or NULL */
    limn_shape out; /* filled by graph_finish */
} limn_node;

typedef struct {
    char *name, *type; /* as the file says: "conv2d_1", "Conv2D" */
    int first, last;   /* its nodes */
    limn_kind kind;
    int hwc; /* the file's program shows its output (H, W, C) */
    size_t params;
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
    limn_op final_activation; /* what swap_softmax removed: SOFTMAX, or IDENTITY where the scores were linear */
} limn_graph;

typedef struct {
    const char *name;
    int has_weight, has_bias;
    limn_status (*shape)(const limn_graph *g, limn_node *n, const limn_shape *in); /* infers n->out, checks all */
} limn_op_row;
extern const limn_op_row limn_op_table[LIMN_OPS];

limn_status graph_new(limn_graph **out) LIMN_CHECK;
void graph_free(limn_graph *g); /* NULL is fine */
/* Adds a layer (names are copied) whose nodes follow; *index = its index. */
limn_status graph_add_layer(limn_graph *g, const char *name, const char *type, limn_kind kind, int *index) LIMN_CHECK;
/* Adds a node to the last layer, reading node `in`; takes ownership of weight and bias, also when it fails. */
limn_status graph_add_node(limn_graph *g, limn_op op, int in, const limn_op_attr *attr, float *weight, float *bias,
                           int *index) LIMN_CHECK;
/* Infers every shape and checks weights against them. LIMN_EINPUT with the layer's name where they do not fit. */
limn_status graph_finish(limn_graph *g) LIMN_CHECK;
/* Removes a final softmax: the scores become linear; notes it in final_activation. */
limn_status graph_swap_softmax(limn_graph *g) LIMN_CHECK;

/* Index of a layer by name, or by its decimal index; -1 where there is none. */
int graph_find_layer(const limn_graph *g, const char *name_or_index);
/* `features: auto`: the last dense hidden layer, or where there is none the input of the last dense layer; -1 if none.
 */
int graph_feature_layer(const limn_graph *g);
/* `layer: auto` of a CAM: the last conv layer whose output is larger than 1x1; -1 if none. */
int graph_cam_layer(const limn_graph *g);
const limn_shape *graph_layer_shape(const limn_graph *g, int layer);

/* Reads a network as it was saved. `path` is a model file, or a config for which `weights` is the weight file (else
 * NULL). The format is found by content, through the table of readers. */
limn_status model_read(limn_graph **out, const char *path, const char *weights) LIMN_CHECK;

typedef struct {
    const char *name, *help;                             /* "keras-h5", "Keras 1-3 HDF5 (.h5)" */
    int (*matches)(const unsigned char *head, size_t n); /* by the first bytes of the file */
    limn_status (*read)(limn_graph *g, const char *path, const char *weights);
} limn_model_reader;
extern const limn_model_reader limn_model_readers[]; /* ends with a row whose name is NULL */

#endif
