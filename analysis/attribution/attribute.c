/* Methods by name, options by text: what is the same for every attribution method. See attribute.h.
 *
 * Options are read through a method's rows: a row says where in limn_attribute_options its value lies, so that the
 * defaults, the parser, the JSON and the help all iterate one table. Threading: no state. */
#include "attribution/attribute.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/try.h"

enum { WORD = 32, MAX_CHOICES = 16 }; /* of a row's `values` */

/* ---- methods ------------------------------------------------------------------------------------------- */

const limn_method *limn_method_find(const char *name, const char *flavour) {
    if (!flavour) flavour = "limn";
    for (const limn_method *m = limn_methods_table; m->name; m++)
        if (strcmp(m->name, name) == 0 && strcmp(m->flavour, flavour) == 0) return m;
    return NULL;
}

/* Adds "`word`" to a list in buf: "`a`, `b`". */
static void add_word(char *buf, size_t size, const char *word) {
    size_t n = strlen(buf);
    snprintf(buf + n, size - n, "%s`%s`", n > 0 ? ", " : "", word);
}

limn_status limn_method_get(const limn_method **out, const char *name, const char *flavour) {
    char hint[96], names[512] = "", flavours[256] = "";
    const char *last = "";
    *out = limn_method_find(name, flavour);
    if (*out) return LIMN_OK;
    for (const limn_method *m = limn_methods_table; m->name; m++) {
        if (strcmp(m->name, last) != 0) add_word(names, sizeof names, last = m->name);
        if (strcmp(m->name, name) == 0) add_word(flavours, sizeof flavours, m->flavour);
    }
    if (flavours[0])
        return limn_fail(LIMN_EINPUT, "method `%s` has no flavour `%s`; it has %s", name, flavour, flavours);
    return limn_fail(
        LIMN_EINPUT, "unknown method `%s`%s; there are %s", name,
        limn_did_you_mean(hint, sizeof hint, limn_nearest_in(name, limn_methods_table, sizeof limn_methods_table[0])),
        names);
}

/* ---- one option ---------------------------------------------------------------------------------------- */

/* The words of "a|b|c" into word[0 … n-1]; returns n. */
static int split(const char *values, char word[MAX_CHOICES][WORD]) {
    int n = 0;
    for (const char *p = values; n < MAX_CHOICES; n++) {
        size_t length = strcspn(p, "|");
        snprintf(word[n], WORD, "%.*s", (int)length, p);
        if (p[length] == 0) return n + 1;
        p += length + 1;
    }
    return n;
}

static int *choice_of(const limn_option_row *row, limn_attribute_options *o) {
    return (int *)(void *)((char *)o + row->at);
}

static limn_layer_choice *layer_of(const limn_option_row *row, limn_attribute_options *o) {
    return (limn_layer_choice *)(void *)((char *)o + row->at);
}

static limn_status set_choice(const limn_option_row *row, limn_attribute_options *o, const char *value) {
    char word[MAX_CHOICES][WORD], hint[96], known[MAX_CHOICES * (WORD + 4)] = "";
    const char *list[MAX_CHOICES + 1] = {NULL};
    int n = split(row->values, word);
    for (int i = 0; i < n; i++) {
        if (strcmp(word[i], value) == 0) return *choice_of(row, o) = row->first + i, LIMN_OK;
        list[i] = word[i];
        add_word(known, sizeof known, word[i]);
    }
    return limn_fail(LIMN_EINPUT, "`%s` is no value of `%s`%s; it takes %s", value, row->key,
                     limn_did_you_mean(hint, sizeof hint, limn_nearest(value, list)), known);
}

static limn_status set_row(const limn_option_row *row, limn_attribute_options *o, const char *value) {
    if (row->kind == LIMN_OPTION_CHOICE) return set_choice(row, o, value);
    *layer_of(row, o) = (limn_layer_choice){value, -1};
    return LIMN_OK;
}

limn_attribute_options limn_attribute_defaults(const limn_method *m) {
    limn_attribute_options o = {.layer = {NULL, -1}, .output = {NULL, -1}};
    for (const limn_option_row *row = m->options; row->key; row++)
        if (set_row(row, &o, row->fallback) != LIMN_OK) break; /* a test sets every default of every row */
    return o;
}

/* What a method without the option does anyway. */
static const struct {
    const char *key, *value;
} neutral[] = {{"channels", "reduce"}, {"size", "input"}, {"grad_modifier", "none"}, {"backprop_modifier", "none"}};

static int is_neutral(const char *key, const char *value) {
    for (size_t i = 0; i < COUNT_OF(neutral); i++)
        if (strcmp(neutral[i].key, key) == 0 && strcmp(neutral[i].value, value) == 0) return 1;
    return 0;
}

/* A key that is none of m's: fine where it asks for nothing, otherwise a sentence that says which kind of wrong it is.
 */
static limn_status refuse_key(const limn_method *m, const char *key, const char *value, int is_auto) {
    char hint[96], own[256] = "";
    int known = 0;
    for (const limn_method *k = limn_methods_table; k->name; k++)
        for (const limn_option_row *row = k->options; row->key; row++) known |= strcmp(row->key, key) == 0;
    if (known && (is_auto || is_neutral(key, value))) return LIMN_OK;
    for (const limn_option_row *row = m->options; row->key; row++) add_word(own, sizeof own, row->key);
    if (known)
        return limn_fail(LIMN_EINPUT, "method `%s` of flavour `%s` has no option `%s`; it has %s", m->name, m->flavour,
                         key, own);
    return limn_fail(LIMN_EINPUT, "unknown option `%s`%s; method `%s` of flavour `%s` has %s", key,
                     limn_did_you_mean(hint, sizeof hint, limn_nearest_in(key, m->options, sizeof m->options[0])),
                     m->name, m->flavour, own);
}

limn_status limn_attribute_set(const limn_method *m, limn_attribute_options *o, const char *key, const char *value) {
    int is_auto = !value || strcmp(value, "auto") == 0;
    for (const limn_option_row *row = m->options; row->key; row++)
        if (strcmp(row->key, key) == 0) return set_row(row, o, is_auto ? row->fallback : value);
    return refuse_key(m, key, value, is_auto);
}

/* ---- against a model ----------------------------------------------------------------------------------- */

static limn_status resolve_layer(const limn_method *m, const limn_diff *d, limn_attribute_options *o) {
    limn_status status = LIMN_OK;
    limn_layer_choice *l = &o->layer;
    const char *output = o->output.name;
    if (strcmp(l->name, "auto") == 0) {
        l->index = m->choose_layer(d, o->output.index);
        if (l->index < 0)
            FAIL(LIMN_EINPUT,
                 "method `%s` of flavour `%s` finds no convolutional layer before `%s` to look at; name one with "
                 "`layer`",
                 m->name, m->flavour, output);
    } else {
        TRY(limn_diff_find(&l->index, d, l->name));
    }
    const limn_diff_layer *layer = &d->layer[l->index];
    l->name = layer->name;
    if (layer->out.rank != 3)
        FAIL(LIMN_EINPUT, "method `%s` needs a layer of channels, rows and columns; the output of `%s` is a vector",
             m->name, l->name);
    if (l->index >= o->output.index)
        FAIL(LIMN_EINPUT, "method `%s` needs a layer before its output `%s`; `%s` is not", m->name, output, l->name);
done:
    return status;
}

limn_status limn_attribute_resolve(const limn_method *m, const limn_diff *d, limn_attribute_options *o) {
    limn_status status = LIMN_OK;
    if (limn_shape_picture(&d->input).rank == 0)
        FAIL(LIMN_EINPUT, "maps need an input of at most three dimensions; the model's has %d", d->input.rank);
    if (strcmp(o->output.name, "last") == 0)
        o->output.index = d->n_layers - 1;
    else
        TRY(limn_diff_find(&o->output.index, d, o->output.name));
    o->output.name = d->layer[o->output.index].name;
    if (m->choose_layer) TRY(resolve_layer(m, d, o));
done:
    return status;
}

limn_shape limn_attribute_shape(const limn_method *m, const limn_diff *d, const limn_attribute_options *o) {
    limn_shape s = limn_shape_picture(m->choose_layer && o->layer_size ? &d->layer[o->layer.index].out : &d->input);
    if (!o->keep_channels) s.dim[0] = 1;
    return s;
}

size_t limn_attribute_scratch(const limn_method *m, const limn_diff *d, const limn_attribute_options *o) {
    return m->scratch(m, d, o);
}

limn_status limn_attribute_run(const limn_method *m, const limn_attribute_options *o, const limn_attribute_job *job) {
    return m->run(m, o, job);
}

/* ---- what is said and stored --------------------------------------------------------------------------- */

/* s as a JSON string at out (NULL: only count); returns the bytes, without an end. */
static size_t json_string(char *out, const char *s) {
    size_t n = 0;
    char piece[8];
#define PUT(text, length)                                                                                              \
    do {                                                                                                               \
        if (out) memcpy(out + n, text, length);                                                                        \
        n += (size_t)(length);                                                                                         \
    } while (0)
    PUT("\"", 1);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        int length = 1;
        if (c == '"' || c == '\\')
            length = snprintf(piece, sizeof piece, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            length = snprintf(piece, sizeof piece, "\\u%04x", c);
        else
            piece[0] = *s;
        PUT(piece, length);
    }
    PUT("\"", 1);
#undef PUT
    return n;
}

/* The text of a row's value. */
static const char *value_of(const limn_option_row *row, const limn_attribute_options *o, char word[WORD]) {
    char words[MAX_CHOICES][WORD];
    const char *base = (const char *)o + row->at;
    if (row->kind == LIMN_OPTION_LAYER) return ((const limn_layer_choice *)(const void *)base)->name;
    split(row->values, words);
    memcpy(word, words[*(const int *)(const void *)base - row->first], WORD);
    return word;
}

static size_t json_object(char *out, const limn_method *m, const limn_attribute_options *o) {
    size_t n = 0;
    char word[WORD];
    for (const limn_option_row *row = m->options; row->key; row++) {
        if (out) out[n] = row == m->options ? '{' : ',';
        n++;
        n += json_string(out ? out + n : NULL, row->key);
        if (out) out[n] = ':';
        n++;
        n += json_string(out ? out + n : NULL, value_of(row, o, word));
    }
    if (out) out[n] = '}';
    return n + 1;
}

limn_status limn_attribute_json(char **out, const limn_method *m, const limn_attribute_options *o) {
    limn_status status = LIMN_OK;
    TRY(limn_new(out, json_object(NULL, m, o) + 1, 1));
    json_object(*out, m, o);
done:
    return status;
}

limn_status limn_attribute_note(char **out, const limn_method *m, const limn_diff *d, const limn_attribute_options *o) {
    *out = NULL;
    if (!m->choose_layer) return LIMN_OK;
    const limn_diff_layer *l = &d->layer[o->layer.index];
    const char *warning = l->out.dim[1] * l->out.dim[2] > 1
                              ? ""
                              : ". Warning: a layer of 1 x 1 has no places to tell apart, each of its maps is constant";
    return limn_format(out, "%s (%s) explains `%s` by layer `%s` (%zu x %zu x %zu)%s", m->name, m->flavour,
                       o->output.name, l->name, l->out.dim[0], l->out.dim[1], l->out.dim[2], warning);
}

size_t limn_attribute_zeros(const float *map, size_t n, size_t size) {
    size_t zeros = 0;
    for (size_t i = 0; i < n; i++, map += size) {
        size_t k = 0;
        while (k < size && map[k] == 0) k++;
        zeros += k == size;
    }
    return zeros;
}
