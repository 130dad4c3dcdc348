/* Inside the ONNX reader: the file as it lies there (onnx_wire.c), its tensors (onnx_tensor.c), its values while it is
 * translated (onnx_graph.c, onnx_fold.c), and its operators (onnx_ops.c).
 *
 * An onnx_model points into the mapped file: nothing of it is copied until a tensor's numbers are asked for. */
#ifndef LIMN_ONNX_H
#define LIMN_ONNX_H

#include <stddef.h>
#include <stdint.h>

#include "model/graph.h"

enum {
    ONNX_MAX_RANK = 8,
    ONNX_MAX_NAME = 512,       /* bytes of a name that becomes a layer's */
    ONNX_MAX_COUNT = 1 << 20,  /* of nodes, tensors, names or attributes of a file */
    ONNX_MAX_NODES = 1 << 16,  /* of a graph */
    ONNX_MAX_FILES = 64,       /* of external data */
    ONNX_MAX_NUMBERS = 1 << 28 /* of one tensor: 1 GiB as float32 */
};

/* ---- the file (onnx_wire.c) -----------------------------------------------------------------------------------------
 * Bytes of the mapping, not ended by a 0. */
typedef struct {
    const unsigned char *p;
    size_t n;
} onnx_bytes;

/* One field of a message: a number (varint, fixed32, fixed64) or bytes. */
typedef struct {
    uint32_t field;
    int is_bytes;
    uint64_t number;
    onnx_bytes bytes;
} onnx_field;

/* Takes the next field off the front of *rest; *more = 0 at the end. LIMN_EINPUT where it does not lie within. */
limn_status onnx_next(onnx_bytes *rest, onnx_field *f, int *more) LIMN_CHECK;
/* Takes a varint off the front of *rest. */
limn_status onnx_varint(onnx_bytes *rest, uint64_t *out) LIMN_CHECK;

typedef enum {
    ONNX_FLOAT = 1,
    ONNX_UINT8,
    ONNX_INT8,
    ONNX_UINT16,
    ONNX_INT16,
    ONNX_INT32,
    ONNX_INT64,
    ONNX_STRING,
    ONNX_BOOL,
    ONNX_FLOAT16,
    ONNX_DOUBLE,
    ONNX_UINT32,
    ONNX_UINT64,
    ONNX_BFLOAT16 = 16
} onnx_type;

typedef struct {
    onnx_bytes name, message; /* the whole TensorProto: its numbers are read from there when asked for */
    int type, rank, external;
    int64_t dim[ONNX_MAX_RANK];
    size_t count; /* of its numbers; at most ONNX_MAX_NUMBERS */
    onnx_bytes raw;
} onnx_tensor;

typedef struct {
    onnx_bytes name, message; /* the AttributeProto */
} onnx_attribute;

typedef struct {
    onnx_bytes name, type, domain;
    size_t in, n_in, out, n_out; /* ranges of onnx_model.text */
    size_t attr, n_attr;         /* range of onnx_model.attr */
} onnx_node;

/* dim -1: a name or nothing stands there; rank -1: no shape is given. */
typedef struct {
    onnx_bytes name;
    int type, rank;
    int64_t dim[ONNX_MAX_RANK];
} onnx_port;

typedef struct {
    const char *folder; /* of the model file: where external data may lie; borrowed */
    onnx_bytes file;
    onnx_bytes producer, producer_version;
    int64_t opset; /* of the standard operators */
    onnx_node *node;
    size_t n_nodes, room_nodes;
    onnx_tensor *tensor; /* initialisers */
    size_t n_tensors, room_tensors;
    onnx_port *in, *out;
    size_t n_in, room_in, n_out, room_out;
    onnx_bytes *text; /* names of nodes' inputs and outputs */
    size_t n_text, room_text;
    onnx_attribute *attr;
    size_t n_attr, room_attr;
    struct {
        onnx_bytes name, bytes;
    } external[ONNX_MAX_FILES]; /* the external files, mapped at first use */
    size_t n_external;
    int mapped; /* as onnx_options */
} onnx_model;

/* Reads a ModelProto that lies in `file` (borrowed until onnx_model_free). folder: where its external data may lie; NULL
 * where it may have none. */
limn_status onnx_model_parse(onnx_model **out, onnx_bytes file, const char *folder) LIMN_CHECK;
void onnx_model_free(onnx_model *m); /* NULL is fine */
/* Reads one TensorProto. */
limn_status onnx_tensor_parse(onnx_tensor *t, onnx_bytes message) LIMN_CHECK;

int onnx_is(onnx_bytes b, const char *text);
/* For sentences: b's printable ASCII, at most ONNX_MAX_NAME bytes; one of four buffers in turn, per thread. */
const char *onnx_text(onnx_bytes b);

/* Attributes of a node by name. Absent: the fallback; of another kind: LIMN_EINPUT. */
int onnx_has(const onnx_model *m, const onnx_node *n, const char *name);
limn_status onnx_int(const onnx_model *m, const onnx_node *n, const char *name, int64_t fallback,
                     int64_t *out) LIMN_CHECK;
limn_status onnx_float(const onnx_model *m, const onnx_node *n, const char *name, double fallback,
                       double *out) LIMN_CHECK;
limn_status onnx_string(const onnx_model *m, const onnx_node *n, const char *name, const char *fallback,
                        onnx_bytes *out) LIMN_CHECK;
/* Bytes that an attribute takes in the file: no less than it has numbers; 0 where it is absent. */
size_t onnx_attr_bytes(const onnx_model *m, const onnx_node *n, const char *name);
/* Up to `most` numbers into out, *count of them; absent: 0. */
limn_status onnx_ints(const onnx_model *m, const onnx_node *n, const char *name, int64_t *out, size_t most,
                      size_t *count) LIMN_CHECK;
limn_status onnx_floats(const onnx_model *m, const onnx_node *n, const char *name, double *out, size_t most,
                        size_t *count) LIMN_CHECK;
/* The tensor of an attribute; *found = 0 where it is absent. */
limn_status onnx_attr_tensor(const onnx_model *m, const onnx_node *n, const char *name, onnx_tensor *out,
                             int *found) LIMN_CHECK;

/* ---- tensors (onnx_tensor.c) ----------------------------------------------------------------------------------------
 * The t->count numbers, converted; out from limn_new, to be freed by the caller. m finds external data; it may be NULL.
 */
limn_status onnx_tensor_floats(onnx_model *m, const onnx_tensor *t, float **out) LIMN_CHECK;
limn_status onnx_tensor_doubles(onnx_model *m, const onnx_tensor *t, double **out) LIMN_CHECK;
void onnx_close_external(onnx_model *m);
const char *onnx_type_name(int type); /* "float16"; "type 99" is NULL */

#endif
