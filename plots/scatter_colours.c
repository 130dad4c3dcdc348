/* What a map of points can be coloured by: the table, see scatter.h. */
#include <math.h>
#include <string.h>

#include "plots/scatter.h"

const limn_scatter_colour limn_scatter_colours[] = {
    {"label", LIMN_COLOUR_CLASS, "label", NULL, NAN, NAN, "class given with the data"},
    {"prediction", LIMN_COLOUR_CLASS, "prediction", NULL, NAN, NAN, "class that the network predicts"},
    {"correct", LIMN_COLOUR_CORRECT, NULL, NULL, NAN, NAN, "right or wrong; wrong ones on top"},
    {"margin", LIMN_COLOUR_VALUE, "margin (largest − second largest probability)", "viridis", 0, 1,
     "largest minus second largest probability"},
    {"entropy", LIMN_COLOUR_VALUE, "entropy of the probabilities (nats)", "magma", 0, NAN, "entropy in nats"},
    {"loss", LIMN_COLOUR_VALUE, "loss −ln p(label)", "magma", 0, NAN, "-ln p(label)"},
    {"probability", LIMN_COLOUR_VALUE, "probability of the predicted class", "viridis", NAN, 1,
     "probability of the predicted class"},
    {"overlap", LIMN_COLOUR_VALUE, "share of neighbours that the other maps have too", "viridis", 0, 1,
     "share of neighbours that maps compared with this one have too"},
    {"none", LIMN_COLOUR_NONE, NULL, NULL, NAN, NAN, "one colour"},
    {NULL, LIMN_COLOUR_NONE, NULL, NULL, NAN, NAN, NULL},
};

const limn_scatter_colour *limn_scatter_colour_find(const char *name) {
    for (const limn_scatter_colour *c = limn_scatter_colours; c->name; c++)
        if (name && strcmp(c->name, name) == 0) return c;
    return NULL;
}
