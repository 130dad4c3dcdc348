/* What `limn info` prints of a network. */
#ifndef LIMN_MODEL_DESCRIBE_H
#define LIMN_MODEL_DESCRIBE_H

#include "limn.h"
#include "model/graph.h"

/* Facts and a table of layers; CSV: the layers alone; JSON: one object. Works before and after graph_swap_softmax. */
limn_status model_describe(const limn_graph *g, limn_format_kind as, limn_text_fn write, void *ctx) LIMN_CHECK;

#endif
