/* A method's options by text: defaults, the parser, the stored JSON.
 *
 * A row says where in limn_attribute_options its value lies, so that all of these iterate one table: the method's own
 * rows, then those that every method has (noise.c). Threading: no state. */
#include "attribution/attribute.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attribution/methods.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/try.h"

enum { WORD = 40, MAX_CHOICES = 16 }; /* of a row's `values` */
enum { MAX_OPTIONS = 40 };            /* of a method */

/* ---- rows ---------------------------------------------------------------------------------------------- */

static size_t count(const limn_option_row *row) {
    size_t n = 0;
    while (row[n].key) n++;
    return n;
}

static const limn_option_row *own(const limn_method *m, const char *key) {
    for (const limn_option_row *row = m->options; row->key; row++)
        if (strcmp(row->key, key) == 0) return row;
    return NULL;
}

const limn_option_row *limn_method_option(const limn_method *m, size_t i) {
    size_t n = count(m->options);
    if (i < n) return &m->options[i];
    i -= n;
    if (!m->flavour[0]) return NULL; /* a measure */
    for (const limn_option_row *row = limn_common_options; row->key; row++)
        if (!own(m, row->key) && i-- == 0) return row;
    return NULL;
}

const char *limn_option_key(size_t i) {
    for (const limn_method *m = limn_methods_table; m->name; m++) {
        size_t n = count(m->options);
        if (i < n) return m->options[i].key;
        i -= n;
    }
    return i < count(limn_common_options) ? limn_common_options[i].key : NULL;
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

static double *number_of(const limn_option_row *row, limn_attribute_options *o) {
    return (double *)(void *)((char *)o + row->at);
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
        attribution_add_word(known, sizeof known, word[i]);
    }
    return limn_fail(LIMN_EINPUT, "`%s` is no value of `%s`%s; it takes %s", value, row->key,
                     limn_did_you_mean(hint, sizeof hint, limn_nearest(value, list)), known);
}

/* A number, or a fraction a/b. */
static int parse(const char *text, double *value) {
    char *end;
    *value = strtod(text, &end);
    if (end == text) return 0;
    if (*end == '/') {
        const char *below = end + 1;
        *value /= strtod(below, &end);
        if (end == below) return 0;
    }
    return *end == 0 && isfinite(*value);
}

static limn_status set_number(const limn_option_row *row, limn_attribute_options *o, const char *value) {
    int whole = row->kind == LIMN_OPTION_COUNT;
    double v;
    if (!parse(value, &v) || v < row->min || v > row->max || (whole && v != floor(v)))
        return limn_fail(LIMN_EINPUT, "`%.60s` is no value of `%s`; it takes %s from %.9g to %.9g", value, row->key,
                         whole ? "a whole number" : "a number", row->min, row->max);
    *number_of(row, o) = v;
    return LIMN_OK;
}

static limn_status set_layer(const limn_option_row *row, limn_attribute_options *o, const char *value) {
    *layer_of(row, o) = (limn_layer_choice){.name = value, .index = -1};
    return LIMN_OK;
}

/* How each kind is read. */
static limn_status (*const set_kind[])(const limn_option_row *, limn_attribute_options *,
                                       const char *) = {[LIMN_OPTION_CHOICE] = set_choice,
                                                        [LIMN_OPTION_LAYER] = set_layer,
                                                        [LIMN_OPTION_NUMBER] = set_number,
                                                        [LIMN_OPTION_COUNT] = set_number};

static limn_status set_row(const limn_option_row *row, limn_attribute_options *o, const char *value) {
    return set_kind[row->kind](row, o, value);
}

limn_attribute_options limn_attribute_defaults(const limn_method *m) {
    limn_attribute_options o = {.layer = {.index = -1}, .output = {.index = -1}};
    const limn_option_row *row;
    for (size_t i = 0; (row = limn_method_option(m, i)); i++)
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
    char hint[96], own[512] = "";
    const char *any, *all[MAX_OPTIONS + 1] = {NULL};
    const limn_option_row *row;
    int known = 0;
    for (size_t i = 0; (any = limn_option_key(i)); i++) known |= strcmp(any, key) == 0;
    if (known && (is_auto || is_neutral(key, value))) return LIMN_OK;
    for (row = m->options; row->key; row++) attribution_add_word(own, sizeof own, row->key);
    for (size_t i = 0; i + 1 < COUNT_OF(all) && (row = limn_method_option(m, i)); i++) all[i] = row->key;
    if (known)
        return limn_fail(LIMN_EINPUT, "method `%s` of flavour `%s` has no option `%s`; it has %s", m->name, m->flavour,
                         key, own);
    return limn_fail(LIMN_EINPUT, "unknown option `%s`%s; method `%s` of flavour `%s` has %s", key,
                     limn_did_you_mean(hint, sizeof hint, limn_nearest(key, all)), m->name, m->flavour, own);
}

limn_status limn_attribute_set(const limn_method *m, limn_attribute_options *o, const char *key, const char *value) {
    int is_auto = !value || strcmp(value, "auto") == 0;
    const limn_option_row *row;
    for (size_t i = 0; (row = limn_method_option(m, i)); i++)
        if (strcmp(row->key, key) == 0) return set_row(row, o, is_auto ? row->fallback : value);
    return refuse_key(m, key, value, is_auto);
}

/* ---- as JSON ------------------------------------------------------------------------------------------- */

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

/* One name, or a list. */
static size_t json_layers(char *out, const limn_layer_choice *l) {
    size_t n = 0;
    if (l->n <= 1) return json_string(out, l->name);
    for (int i = 0; i < l->n; i++) {
        if (out) out[n] = i == 0 ? '[' : ',';
        n++;
        n += json_string(out ? out + n : NULL, l->names[i]);
    }
    if (out) out[n] = ']';
    return n + 1;
}

/* The value of a row as JSON at out (NULL: only count): a string, or the shortest number that reads back to the same. */
static size_t json_value(char *out, const limn_option_row *row, const limn_attribute_options *o) {
    char words[MAX_CHOICES][WORD], number[WORD];
    const char *base = (const char *)o + row->at;
    if (row->kind == LIMN_OPTION_LAYER) return json_layers(out, (const limn_layer_choice *)(const void *)base);
    if (row->kind == LIMN_OPTION_CHOICE) {
        split(row->values, words);
        return json_string(out, words[*(const int *)(const void *)base - row->first]);
    }
    double v = *(const double *)(const void *)base;
    int n = fabs(v) < 1e15 && v == floor(v) ? snprintf(number, sizeof number, "%.0f", v) : 0;
    for (int digits = 1; n == 0 || strtod(number, NULL) != v; digits++)
        n = snprintf(number, sizeof number, "%.*g", digits, v); /* 17 digits always read back */
    if (out) memcpy(out, number, (size_t)n);
    return (size_t)n;
}

/* The rows that are stored, sorted by key: without noise, none of its own. Returns how many. */
static size_t stored_rows(const limn_option_row *row[MAX_OPTIONS], const limn_method *m,
                          const limn_attribute_options *o) {
    size_t n = 0;
    const limn_option_row *r;
    for (size_t i = 0; (r = limn_method_option(m, i)) && n < MAX_OPTIONS; i++) {
        if (strncmp(r->key, "noise", 5) == 0 && o->noise.kind == LIMN_NOISE_NONE) continue;
        size_t at = n++;
        for (; at > 0 && strcmp(row[at - 1]->key, r->key) > 0; at--) row[at] = row[at - 1];
        row[at] = r;
    }
    return n;
}

static size_t json_object(char *out, const limn_method *m, const limn_attribute_options *o) {
    const limn_option_row *row[MAX_OPTIONS];
    size_t n = 0, rows = stored_rows(row, m, o);
    if (out) out[n] = '{';
    n++;
    for (size_t i = 0; i < rows; i++) {
        if (i > 0) {
            if (out) out[n] = ',';
            n++;
        }
        n += json_string(out ? out + n : NULL, row[i]->key);
        if (out) out[n] = ':';
        n++;
        n += json_value(out ? out + n : NULL, row[i], o);
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
