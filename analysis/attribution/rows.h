/* What the option tables of several families share; methods.c alone includes it, and the tables. A family's options stand
 * in its options.inc, its methods in its rows.inc. */
#ifndef LIMN_ROWS_H
#define LIMN_ROWS_H

#include <stddef.h>

#include "attribution/attribute.h"

#define AT(field) offsetof(limn_attribute_options, field)
#define OPTION_BACKPROP                                                                                                \
    {                                                                                                                  \
        "backprop_modifier", "none|guided|relu", "none", "what the backward pass does at a ReLU; relu is deconvnet",   \
            LIMN_OPTION_CHOICE, AT(rule), LIMN_RULE_GRADIENT, 0, 0                                                     \
    }
#define OPTION_BACKPROP_GUIDED                                                                                         \
    {                                                                                                                  \
        "backprop_modifier", "guided", "guided", "what the backward pass does at a ReLU", LIMN_OPTION_CHOICE,          \
            AT(rule), LIMN_RULE_GUIDED, 0, 0                                                                           \
    }
#define OPTION_CHANNELS                                                                                                \
    {                                                                                                                  \
        "channels", "reduce|keep", "reduce", "one map a sample, or one a channel of the input", LIMN_OPTION_CHOICE,    \
            AT(keep_channels), 0, 0, 0                                                                                 \
    }
#define OPTION_CHANNELS_KEPT                                                                                           \
    {                                                                                                                  \
        "channels", "reduce|keep", "keep", "one map a sample, or one a channel of the input", LIMN_OPTION_CHOICE,      \
            AT(keep_channels), 0, 0, 0                                                                                 \
    }
#define OPTION_GRAD(fallback)                                                                                          \
    {                                                                                                                  \
        "grad_modifier", "none|absolute|negate|relu|invert|small_values", fallback, "what is done to the gradient",    \
            LIMN_OPTION_CHOICE, AT(grad_modifier), LIMN_GRAD_NONE, 0, 0                                                \
    }
#define OPTION_LAYER(choice)                                                                                           \
    {                                                                                                                  \
        "layer", "a layer's name or index, or a list of them", "auto",                                                 \
            "whose activations are combined; auto: " choice, LIMN_OPTION_LAYER, AT(layer), 0, 0, 0                     \
    }
#define OPTION_OUTPUT                                                                                                  \
    {                                                                                                                  \
        "output", "a layer's name or index", "last", "the layer whose unit is explained", LIMN_OPTION_LAYER,           \
            AT(output), 0, 0, 0                                                                                        \
    }
#define OPTION_SIZE                                                                                                    \
    {                                                                                                                  \
        "size", "input|layer", "input", "the size of a map: the input's, or the layer's own grid", LIMN_OPTION_CHOICE, \
            AT(layer_size), 0, 0, 0                                                                                    \
    }

#define OPTION_COUNT(key, fallback, help, slot, low, high)                                                             \
    { key, "a whole number", fallback, help, LIMN_OPTION_COUNT, AT(number[slot]), 0, low, high }
#define OPTION_NUMBER(key, fallback, help, slot, low, high)                                                            \
    { key, "a number", fallback, help, LIMN_OPTION_NUMBER, AT(number[slot]), 0, low, high }
#define OPTION_CHOICE(key, values, fallback, help, slot)                                                               \
    { key, values, fallback, help, LIMN_OPTION_CHOICE, AT(choice[slot]), 0, 0, 0 }

#endif
