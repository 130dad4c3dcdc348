/* Types of scalar values. A value is checked by its key's type, never guessed from its looks: `no` is a text where a
 * text is wanted and false where true|false is; "30" in quotes is a number where a number is wanted; 1e3 is 1000, also
 * where a whole number is; 010 is ten. Numbers have no locale.
 *
 * Ownership: texts are copies, owned by the struct that they are read into. */
#include "config/parse.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"

static void *member(const experiment_key *k, void *into) {
    return (char *)into + k->offset;
}

static const void *const_member(const experiment_key *k, const void *from) {
    return (const char *)from + k->offset;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* strtod and printf in the C locale, whatever the program's is. */
static locale_t c_numbers(locale_t *old) {
    locale_t c = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    *old = c ? uselocale(c) : (locale_t)0;
    return c;
}

static void own_numbers(locale_t c, locale_t old) {
    if (!c) return;
    uselocale(old);
    freelocale(c);
}

/* [+-]digits[.digits][e[+-]digits] and nothing else: no hex, no inf, no nan. *end: after it. */
static const char *number_end(const char *s) {
    size_t digits = 0;
    if (*s == '+' || *s == '-') s++;
    for (; *s >= '0' && *s <= '9'; s++) digits++;
    if (*s == '.')
        for (s++; *s >= '0' && *s <= '9'; s++) digits++;
    if (digits == 0) return NULL;
    if (*s != 'e' && *s != 'E') return s;
    s++;
    if (*s == '+' || *s == '-') s++;
    if (*s < '0' || *s > '9') return NULL;
    while (*s >= '0' && *s <= '9') s++;
    return s;
}

limn_status experiment_number(const char *text, double *value) {
    const char *end = number_end(text), *below = NULL;
    if (!end) return LIMN_EINPUT;
    if (*end) {
        while (*end == ' ') end++;
        if (*end++ != '/') return LIMN_EINPUT;
        while (*end == ' ') end++;
        below = end;
        end = number_end(below);
        if (!end || *end) return LIMN_EINPUT;
    }
    locale_t old, c = c_numbers(&old);
    *value = strtod(text, NULL);
    if (below) *value /= strtod(below, NULL);
    own_numbers(c, old);
    return isfinite(*value) ? LIMN_OK : LIMN_EINPUT;
}

cJSON *experiment_json_number(double value) {
    char text[40];
    locale_t old, c = c_numbers(&old);
    int digits = value == floor(value) && fabs(value) < 1e15 ? 15 : 1; /* whole numbers as such */
    for (; digits <= 17; digits++) { /* the shortest that reads back to the same bits */
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    own_numbers(c, old);
    return cJSON_CreateRaw(isfinite(value) ? text : "null");
}

/* The node as a number in [k->min, k->max]. */
static limn_status ranged(const experiment_parser *p, const experiment_key *k, const yaml_node_t *node, double *value) {
    const char *text;
    limn_status s = experiment_scalar(p, k, node, &text);
    if (s != LIMN_OK) return s;
    if (experiment_number(text, value) != LIMN_OK || *value < k->min || *value > k->max)
        return experiment_wrong(p, k, node, NULL);
    return LIMN_OK;
}

static limn_status ranged_whole(const experiment_parser *p, const experiment_key *k, const yaml_node_t *node,
                                double *value) {
    limn_status s = ranged(p, k, node, value);
    if (s == LIMN_OK && *value != floor(*value)) return experiment_wrong(p, k, node, NULL);
    return s;
}

static limn_status set_number(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    return ranged(p, k, node, member(k, into));
}

static cJSON *put_number(const experiment_key *k, const void *from) {
    double value = *(const double *)const_member(k, from);
    return experiment_described(k) && value == 0 ? cJSON_CreateNull() : experiment_json_number(value); /* not given */
}
const experiment_type experiment_number_type = {set_number, put_number};

static limn_status set_auto(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    const char *text;
    limn_status s = experiment_scalar(p, k, node, &text);
    if (s != LIMN_OK) return s;
    if (strcmp(text, "auto")) return ranged(p, k, node, member(k, into));
    *(double *)member(k, into) = 0;
    return LIMN_OK;
}

static cJSON *put_auto(const experiment_key *k, const void *from) {
    double value = *(const double *)const_member(k, from);
    return value == 0 ? cJSON_CreateString("auto") : experiment_json_number(value);
}
/* A number above 0, or `auto` for 0. */
const experiment_type experiment_auto_type = {set_auto, put_auto};

static limn_status set_int(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    double value = 0;
    limn_status s = ranged_whole(p, k, node, &value);
    if (s == LIMN_OK) *(int *)member(k, into) = (int)value;
    return s;
}

static cJSON *put_int(const experiment_key *k, const void *from) {
    return experiment_json_number(*(const int *)const_member(k, from));
}
const experiment_type experiment_int_type = {set_int, put_int};

static limn_status set_count(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    double value = 0;
    limn_status s = ranged_whole(p, k, node, &value);
    if (s == LIMN_OK) *(size_t *)member(k, into) = (size_t)value;
    return s;
}

static cJSON *put_count(const experiment_key *k, const void *from) {
    return experiment_json_number((double)*(const size_t *)const_member(k, from));
}
const experiment_type experiment_count_type = {set_count, put_count};

/* Seeds have 63 bits (SQLite's integers): more than a double holds. */
static limn_status set_seed(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    const char *text;
    uint64_t value = 0;
    limn_status s = experiment_scalar(p, k, node, &text);
    if (s != LIMN_OK) return s;
    if (!*text) return experiment_wrong(p, k, node, NULL);
    for (const char *c = text; *c; c++) {
        if (*c < '0' || *c > '9' || value > (INT64_MAX - (uint64_t)(*c - '0')) / 10)
            return experiment_wrong(p, k, node, NULL);
        value = value * 10 + (uint64_t)(*c - '0');
    }
    *(uint64_t *)member(k, into) = value;
    return LIMN_OK;
}

static cJSON *put_seed(const experiment_key *k, const void *from) {
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, *(const uint64_t *)const_member(k, from));
    return cJSON_CreateRaw(text);
}
const experiment_type experiment_seed_type = {set_seed, put_seed};

/* ---- words ------------------------------------------------------------------------------------------------------- */

static limn_status set_bool(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    static const char *const words = "false|true|no|yes|off|on|False|True|No|Yes|Off|On|FALSE|TRUE|NO|YES|OFF|ON";
    const char *text;
    limn_status s = experiment_scalar(p, k, node, &text);
    if (s != LIMN_OK) return s;
    int place = experiment_word_in(words, '|', text);
    if (place < 0) return experiment_wrong(p, k, node, NULL);
    *(int *)member(k, into) = place % 2;
    return LIMN_OK;
}

static cJSON *put_bool(const experiment_key *k, const void *from) {
    return cJSON_CreateBool(*(const int *)const_member(k, from));
}
const experiment_type experiment_bool_type = {set_bool, put_bool};

static limn_status set_enum(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    const char *text;
    limn_status s = experiment_scalar(p, k, node, &text);
    if (s != LIMN_OK) return s;
    int place = experiment_word_in(k->values, '|', text);
    if (place < 0) return experiment_wrong(p, k, node, NULL);
    *(int *)member(k, into) = place;
    return LIMN_OK;
}

static cJSON *put_enum(const experiment_key *k, const void *from) {
    char word[64];
    const char *w = k->values;
    for (int i = *(const int *)const_member(k, from); i > 0; i--) w = strchr(w, '|') + 1;
    snprintf(word, sizeof word, "%.*s", (int)strcspn(w, "|"), w);
    return cJSON_CreateString(word);
}
/* An enum whose constants are in the order of the words in k->values. */
const experiment_type experiment_enum_type = {set_enum, put_enum};

/* ---- texts ------------------------------------------------------------------------------------------------------- */

static limn_status set_text(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    const char *text;
    limn_status s = experiment_scalar(p, k, node, &text);
    return s == LIMN_OK ? limn_strdup(member(k, into), text) : s;
}

static cJSON *put_text(const experiment_key *k, const void *from) {
    const char *text = *(char *const *)const_member(k, from);
    return text ? cJSON_CreateString(text) : cJSON_CreateNull();
}
const experiment_type experiment_text_type = {set_text, put_text};

static limn_status set_word(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    const char *text;
    limn_status s = experiment_scalar(p, k, node, &text);
    if (s != LIMN_OK) return s;
    if (experiment_word_in(k->values, '|', text) < 0) return experiment_wrong(p, k, node, NULL);
    return limn_strdup(member(k, into), text);
}
/* One of the words in k->values, kept as a text. */
const experiment_type experiment_word_type = {set_word, put_text};

int experiment_name_ok(const char *name) {
    static const char *const first = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    size_t n = strspn(name, first) > 0 ? 1 : 0;
    for (; n > 0 && name[n]; n++)
        if (!strchr(first, name[n]) && name[n] != '.' && name[n] != '-') return 0;
    return n >= 1 && n <= 64;
}

static limn_status set_name(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    const char *text;
    limn_status s = experiment_scalar(p, k, node, &text);
    if (s != LIMN_OK) return s;
    return experiment_name_ok(text) ? limn_strdup(member(k, into), text) : experiment_wrong(p, k, node, NULL);
}
/* A text that may become a file name. */
const experiment_type experiment_name_type = {set_name, put_text};

limn_status experiment_resolve_path(char **out, const limn_experiment *e, const char *path) {
    if (path[0] == '/' || !strcmp(e->dir, ".") || !e->dir[0]) return limn_strdup(out, path);
    size_t n = strlen(e->dir);
    return limn_format(out, "%s%s%s", e->dir, e->dir[n - 1] == '/' ? "" : "/", path);
}

static limn_status set_path(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    const char *text;
    limn_status s = experiment_scalar(p, k, node, &text);
    if (s != LIMN_OK) return s;
    if (!*text) return experiment_wrong(p, k, node, NULL);
    return experiment_resolve_path(member(k, into), p->e, text);
}
/* A path, relative to the experiment file's folder. */
const experiment_type experiment_path_type = {set_path, put_text};

static limn_status set_labels(experiment_parser *p, const experiment_key *k, yaml_node_t *node, void *into) {
    const char *text;
    limn_status s = experiment_scalar(p, k, node, &text);
    if (s == LIMN_OK && text[0] == ':' && text[1]) return limn_strdup(member(k, into), text);
    return s == LIMN_OK ? set_path(p, k, node, into) : s;
}
/* A path, or `:NAME` for a member of the images' own file. */
const experiment_type experiment_labels_type = {set_labels, put_text};
