/* The graph of a network: what every reader produces and the engine plans.
 *
 * A graph is a list of nodes in topological order; node 0 is the input, which belongs to no layer (-1). A node is one
 * primitive operation with one output; a *layer* is what the program that saved the network called one (name, type),
 * and covers one or more consecutive nodes: Keras's Conv2D with activation="relu" is the nodes CONV2D and RELU of one
 * layer; its output is its last node's. Layers are numbered as limn_diff numbers them: 0 … n_layers-1, without the
 * input. Shapes are one sample's, pictures (C, H, W) whatever the file's layout was; `hwc` marks where the file's
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
    int units;        /* CONV2D's filters, DENSE's units */
    int hwc;          /* FLATTEN: order row, column, channel instead of channel, row, column */
    limn_shape shape; /* INPUT's */
} limn_op_attr;

/* n floats from limn_new; {NULL, 0} where there are none. */
typedef struct {
    float *v;
    size_t n;
} limn_values;

typedef struct {
    limn_op op;
    int layer; /* index into layers; -1 for INPUT */
    int in;    /* the node whose output it reads (-1 for INPUT) */
    limn_op_attr attr;
    float *weight; /* (n_weight) owned, or NULL */
    float *bias;   /* (n_bias) owned, or NULL */
    size_t n_weight, n_bias;
    limn_shape out; /* filled by graph_finish */
} limn_node;

typedef struct {
    char *name, *type; /* as the file says: "conv2d_1", "Conv2D" */
    int first, last;   /* its nodes */
    limn_kind kind;
    int hwc;       /* set by the reader: the file's program shows its output (H, W, C) */
    size_t params; /* filled by graph_finish: weights and biases of its nodes */
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
    int input_hwc;            /* set by the reader: the file's program takes (H, W, C) */
    limn_op final_activation; /* what swap_softmax removed: SOFTMAX, or IDENTITY where the scores were linear */
} limn_graph;

typedef struct {
    const char *name;         /* "conv2d" */
    int has_weight, has_bias; /* needs a weight; may have a bias */
    /* Infers n->out from the input's shape (NULL for INPUT), resolves `same`, checks attributes and numbers of weights.
     * The sentence of a failure names no layer: graph_finish puts it in front. */
    limn_status (*shape)(limn_node *n, const limn_shape *in);
} limn_op_row;
extern const limn_op_row limn_op_table[LIMN_OPS];

limn_status graph_new(limn_graph **out) LIMN_CHECK;
void graph_free(limn_graph *g); /* NULL is fine */
/* Adds a layer (names are copied) whose nodes follow; *index = its index. */
limn_status graph_add_layer(limn_graph *g, const char *name, const char *type, limn_kind kind, int *index) LIMN_CHECK;
/* Adds a node to the last layer, reading node `in` (-1: INPUT, which must be the first node, before any layer); takes
 * ownership of weight and bias, also when it fails. attr NULL: all zero. index may be NULL. */
limn_status graph_add_node(limn_graph *g, limn_op op, int in, const limn_op_attr *attr, limn_values weight,
                           limn_values bias, int *index) LIMN_CHECK;
#define LIMN_NO_VALUES ((limn_values){NULL, 0})
/* Infers every shape and checks weights against them. LIMN_EINPUT with the layer's name where they do not fit. */
limn_status graph_finish(limn_graph *g) LIMN_CHECK;
/* Removes a final softmax: the scores become linear; notes it in final_activation. Works on a finished graph, which
 * stays finished; a second call changes nothing. */
limn_status graph_swap_softmax(limn_graph *g) LIMN_CHECK;

/* Index of a layer by name, or by its decimal index; -1 where there is none. */
int graph_find_layer(const limn_graph *g, const char *name_or_index);
/* `features: auto`: the last dense hidden layer, or where there is none the input of the last dense layer; -1 if none.
 */
int graph_feature_layer(const limn_graph *g);
/* `layer: auto` of a CAM: the last conv layer whose output is larger than 1x1; -1 if none. */
int graph_cam_layer(const limn_graph *g);
const limn_shape *graph_layer_shape(const limn_graph *g, int layer); /* LIMN_INPUT: the input's */
/* "(28, 28, 1)" of a picture (C, H, W) = (1, 28, 28) where hwc, else in our order; returns buf. */
enum { LIMN_SHAPE_TEXT = 128 };
const char *graph_shape_text(const limn_shape *s, int hwc, char buf[LIMN_SHAPE_TEXT]);

/* Reads a network as it was saved. `path` is a model file, or a config for which `weights` is the weight file (else
 * NULL). The format is found by content, through the table of readers. The graph is finished. A failure is one sentence
 * that begins with the file's name. */
limn_status model_read(limn_graph **out, const char *path, const char *weights) LIMN_CHECK;

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
