/* Attribution: the table of methods that explain one score of a network, per sample, as a map (docs/attribution.md).
 *
 * A method = one file + one row of limn_methods_table for each flavour that it has. It sees a limn_diff after its
 * forward pass, the input of that pass, and a seed at the output layer (1 at the target; +1 and -1 for a contrast), and
 * writes raw maps, signed where the method is: of the network's input size, unless `size: layer`. Nothing is normalised
 * but what a flavour defines. A method that needs the network's answer to other inputs (a path, noise, masks) puts the
 * whole chunk through forward() again, row b always a variant of sample b: so its memory is that of one chunk, however
 * many variants it takes.
 *
 * In the order of a caller:
 *     limn_method_get(&m, "gradcam", "keras-vis");        a row of the table
 *     limn_attribute_options o = limn_attribute_defaults(m);
 *     limn_attribute_set(m, &o, "layer", "conv2d_2");     any number of "key", "value" of m->options
 *     limn_attribute_resolve(m, d, &o);                   fills what was left to be chosen, checks all against a model
 *     limn_attribute_shape(), _scratch(), _json(), _note()
 *     limn_attribute_run() for every chunk and seed; limn_attribute_zeros() finds empty maps
 *
 * Threading: no state; any number of threads may run one method, each with its own diff and scratch. */
#ifndef LIMN_ATTRIBUTE_H
#define LIMN_ATTRIBUTE_H

#include <stdint.h>

#include "diff.h"

/* ---- options ------------------------------------------------------------------------------------------- */

typedef enum {
    LIMN_OPTION_CHOICE, /* one of `values`; stored as an int */
    LIMN_OPTION_LAYER,  /* a layer's name or index; stored as text and resolved to an index */
    LIMN_OPTION_NUMBER, /* a finite number from `min` to `max`, or a fraction a/b; stored as a double */
    LIMN_OPTION_COUNT   /* the same, whole; stored as a double too */
} limn_option_kind;

/* One option of one method. */
typedef struct {
    const char *key;       /* "grad_modifier" */
    const char *values;    /* CHOICE: "none|absolute|…"; else: what it may be, in words */
    const char *fallback;  /* what "auto", or no value, means */
    const char *help;      /* one line */
    limn_option_kind kind; /* */
    size_t at;             /* offset in limn_attribute_options of its int, limn_layer_choice or double */
    int first;             /* CHOICE: the int of the first of `values`; the others count on from it */
    double min, max;       /* NUMBER, COUNT */
} limn_option_row;

/* A layer, or several: `name` is one, or a list of them, one a line. */
enum { LIMN_MOST_LAYERS = 16 };
typedef struct {
    const char *name;           /* as written (borrowed from the caller), "auto" or "last"; resolved: one layer's own */
    int index;                  /* resolved: the (first) layer's; -1 where the method has none */
    int n;                      /* resolved: how many, */
    int each[LIMN_MOST_LAYERS]; /* their indices */
    const char *names[LIMN_MOST_LAYERS]; /* and names */
} limn_layer_choice;

typedef enum {
    LIMN_GRAD_NONE,
    LIMN_GRAD_ABSOLUTE,
    LIMN_GRAD_NEGATE,
    LIMN_GRAD_RELU,
    LIMN_GRAD_INVERT,
    LIMN_GRAD_SMALL_VALUES,
    LIMN_GRADS
} limn_grad_modifier;

/* The average over noisy copies of the input, around any method: see noise.c. */
typedef enum { LIMN_NOISE_NONE, LIMN_NOISE_SMOOTH, LIMN_NOISE_SMOOTH2, LIMN_NOISE_VARIANCE } limn_noise_kind;
typedef struct {
    int kind;       /* limn_noise_kind */
    int absolute;   /* sigma is in units of the input; else a share of each sample's range, max - min */
    double samples; /* noisy copies */
    double sigma;   /* standard deviation of the noise */
} limn_noise;

enum { LIMN_OPTION_SLOTS = 8 };

typedef struct {
    limn_layer_choice layer;  /* CAM: the layer whose activations are combined */
    limn_layer_choice output; /* the layer whose unit is explained */
    int rule;                 /* limn_rule of the backward pass */
    int grad_modifier;        /* limn_grad_modifier */
    int keep_channels;        /* maps are (C, h, w) instead of (1, h, w) */
    int layer_size;           /* CAM: maps keep the layer's grid */
    limn_noise noise;         /* every method */
    /* What only one method or family has: an enum in its file names the slots. */
    int choice[LIMN_OPTION_SLOTS];
    double number[LIMN_OPTION_SLOTS];
} limn_attribute_options;

/* ---- methods ------------------------------------------------------------------------------------------- */

typedef struct limn_method limn_method;

/* One chunk and its seeds. A struct, so that what later methods ask for can be added without touching the others. */
typedef struct {
    const limn_diff *diff; /* after its forward pass of x */
    const float *x;        /* (B, input): what that pass was given; may be NULL where m->forwards is 0 and noise none */
    size_t n_seeds;        /* targets; a method whose row is not `many` sees one at a time */
    const float *seed;     /* (n_seeds, B, size of the output layer) */
    uint64_t random;       /* the experiment's seed: random streams are keyed by it, by key[b], and by the draw */
    const uint64_t *key;   /* (B) each sample's number in its data set; NULL where x may be */
    const float *background; /* (n_background, input) samples of the data set, where m->background asks for them */
    size_t n_background;
    float *scratch;        /* (limn_attribute_scratch()), aligned to 64 bytes; content does not matter */
    float *map;            /* (n_seeds, B, limn_attribute_shape()): the result */
    float *value;          /* (n_seeds, B), measures: the result (map is given then, and only read) */
    size_t channels;       /* measures: of a map, whose rows and columns are the input's */
    const limn_method *of; /* measures: the method that made the maps, with its options */
    const limn_attribute_options *of_options;
    /* Draws that take the place of a measure's own, such as another program's: (samples, B, size) places, or (samples, B,
     * input) changes, which are the noise of a method's copies too; NULL: its own. */
    const int *places;
    const float *changes;
    float *curve;    /* (n_seeds, B, steps + 1), or NULL: the scores along a curve */
    float *residual; /* (n_seeds, B), or NULL: the figure that m->residual names */
} limn_attribute_job;

struct limn_method {
    const char *name, *flavour;     /* "gradcam", "limn" | "keras-vis" */
    const char *help;               /* one line */
    const limn_option_row *options; /* sorted by key; ends with key NULL */
    const void *recipe;             /* the method's own constants: what sets one flavour apart from another */
    /* The layer that `layer: auto` means for this output layer, or -1; NULL: the method has no layer. */
    int (*choose_layer)(const limn_diff *d, int output);
    /* Floats of work space for a chunk of n_seeds seeds (one, unless `many`). */
    size_t (*scratch)(const limn_method *m, const limn_diff *d, const limn_attribute_options *o, size_t n_seeds);
    limn_status (*run)(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job);
    int forwards; /* it puts other inputs through diff->forward(): the pass of x is gone afterwards */
    int many;     /* run() takes all seeds of a job at once (a forward pass serves them all); scratch() counts them */
    /* What job->residual is: "completeness_gap" (|sum of the map - what it should be| / |what it should be|), or NULL. */
    const char *residual;
    /* How many samples job->background must hold; NULL: none. */
    size_t (*background)(const limn_attribute_options *o);
    const char *lacks; /* what choose_layer() did not find, as a message says it; NULL: a convolutional layer */
};
extern const limn_method limn_methods_table[]; /* ends with name NULL */

/* The row for a name and flavour (NULL: "limn"); NULL where there is none. */
const limn_method *limn_method_find(const char *name, const char *flavour);
/* The same, or LIMN_EINPUT with the nearest name, or with the flavours that the method has. */
limn_status limn_method_get(const limn_method **out, const char *name, const char *flavour) LIMN_CHECK;

/* ---- one method with its options ----------------------------------------------------------------------- */

/* Options that every method has (noise); ends with key NULL. A method's own row of the same key stands before it. */
extern const limn_option_row limn_common_options[];
/* The i-th option of m, its own and then the common ones that it has no row of its own for; NULL at the end. */
const limn_option_row *limn_method_option(const limn_method *m, size_t i);
/* The i-th key of any method's options (a key may come more than once); NULL at the end. */
const char *limn_option_key(size_t i);

limn_attribute_options limn_attribute_defaults(const limn_method *m);
/* Sets one option by its text; value NULL or "auto" means the method's own default. LIMN_EINPUT, naming the nearest,
 * for a key or value that is unknown. A key that only other methods have is accepted with the value that says what this
 * method does anyway (`channels: reduce`, `size: input`, `grad_modifier: none`, `backprop_modifier: none`). */
limn_status limn_attribute_set(const limn_method *m, limn_attribute_options *o, const char *key,
                               const char *value) LIMN_CHECK;
/* Finds the layers in the model, chooses what is "auto", checks that the method is defined there. May be called again
 * for another diff of the same model. */
limn_status limn_attribute_resolve(const limn_method *m, const limn_diff *d, limn_attribute_options *o) LIMN_CHECK;

/* (channels, h, w) of a map, resolved options. */
limn_shape limn_attribute_shape(const limn_method *m, const limn_diff *d, const limn_attribute_options *o);
/* Floats of work space for a chunk of n_seeds seeds, resolved options. */
size_t limn_attribute_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o,
                              size_t n_seeds);
/* Whether limn_attribute_run() leaves the diff with another forward pass than that of job->x. */
int limn_attribute_forwards(const limn_method *m, const limn_attribute_options *o);
/* *out = the resolved options with every default, as a JSON object with sorted keys and no spaces. */
limn_status limn_attribute_json(char **out, const limn_method *m, const limn_attribute_options *o) LIMN_CHECK;
/* *out = a sentence about the layers in use ("gradcam explains `dense_2` by layer `conv2d_2` (64 x 24 x 24)"), and
 * a warning where that layer is 1 x 1; NULL where nothing was chosen. */
limn_status limn_attribute_note(char **out, const limn_method *m, const limn_diff *d,
                                const limn_attribute_options *o) LIMN_CHECK;
/* Whether the method walks through the network (walk.h): it then needs job->x. */
int limn_attribute_walks(const limn_method *m);
/* The maps of one chunk. */
limn_status limn_attribute_run(const limn_method *m, const limn_attribute_options *o,
                               const limn_attribute_job *job) LIMN_CHECK;
/* How many of n maps of `size` floats are zero everywhere: what a user should be told. */
size_t limn_attribute_zeros(const float *map, size_t n, size_t size);

#endif
