/* A YAML mapping against a table of keys.
 *
 * 1. Every key of the mapping is a plain name that the table has, once; null values count as absent.
 * 2. The entry's kind, where its section has kinds: the value of `kind_key`, or the one of `kinds` that is given.
 * 3. Row by row: a key of another kind must not be given; else the value, or the row's fallback, is read by the row's
 *    type; a row without fallback must be given.
 *
 * Ownership: values are read into `into`, which belongs to the experiment from the start, so that experiment_free()
 * frees it whole after a failure too. */
#include "config/parse.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/try.h"

const experiment_section *experiment_section_find(const char *where) {
    const experiment_section *s = experiment_sections;
    while (s->where && strcmp(s->where, where)) s++;
    return s;
}

int experiment_word_in(const char *words, char separator, const char *word) {
    size_t n = strlen(word);
    int place = 0;
    for (const char *w = words;; place++) {
        const char *end = strchr(w, separator);
        size_t length = end ? (size_t)(end - w) : strlen(w);
        if (length == n && n > 0 && !memcmp(w, word, n)) return place;
        if (!end) return -1;
        w = end + 1;
    }
}

int experiment_described(const experiment_key *k) {
    return k->fallback && k->fallback[0] == '(';
}

/* Whether the row holds for entries of this kind. */
static int applies(const experiment_key *k, const char *kind) {
    return !k->only || (kind && experiment_word_in(k->only, ' ', kind) >= 0);
}

/* " in `embed`", "" at the top. */
static const char *in_section(char *buf, size_t size, const experiment_section *s) {
    if (s == experiment_sections)
        buf[0] = 0;
    else
        snprintf(buf, size, " in `%s`", s->where);
    return buf;
}

static int is_option(const experiment_section *s, const char *name) {
    const char *key;
    for (size_t i = 0; s->option && (key = s->option(i)); i++)
        if (!strcmp(key, name)) return 1;
    return 0;
}

/* The nearest of the first of the section's options, or NULL. */
static const char *nearest_option(const experiment_section *s, const char *name) {
    const char *key[512];
    size_t n = 0;
    while (n + 1 < COUNT_OF(key) && (key[n] = s->option(n))) n++;
    key[n] = NULL;
    return limn_nearest(name, key);
}

static limn_status unknown_key(const experiment_parser *p, const experiment_section *s, const yaml_node_t *key) {
    experiment_shown shown;
    char where[40], hint[96], known[400];
    const char *name = (const char *)key->data.scalar.value;
    const char *nearest = limn_nearest_in(name, s->key, sizeof *s->key);
    if (!nearest && s->option) nearest = nearest_option(s, name);
    size_t n = 0;
    for (const experiment_key *k = s->key; k->key && n < sizeof known; k++)
        n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", n ? ", " : " (known: ", k->key);
    if (n + 1 < sizeof known) snprintf(known + n, sizeof known - n, ")");
    return experiment_fail(p, key, "unknown key `%s`%s%s", experiment_show(&shown, name),
                           in_section(where, sizeof where, s),
                           nearest ? limn_did_you_mean(hint, sizeof hint, nearest) : known);
}

/* A key that is an option of the section's entries. */
static limn_status add_option(const experiment_parser *p, const experiment_section *s, yaml_node_t *key,
                              yaml_node_t *value, experiment_given *given) {
    char where[40];
    const char *name = (const char *)key->data.scalar.value;
    for (size_t i = 0; i < given->n_options; i++)
        if (!strcmp((const char *)given->option[0][i]->data.scalar.value, name))
            return experiment_fail(p, key, "the key `%s` is given twice%s", name, in_section(where, sizeof where, s));
    if (experiment_is_null(value)) return LIMN_OK;
    if (given->n_options == EXPERIMENT_MAX_OPTIONS)
        return experiment_fail(p, key, "an entry may have %d options", EXPERIMENT_MAX_OPTIONS);
    given->option[0][given->n_options] = key;
    given->option[1][given->n_options++] = value;
    return LIMN_OK;
}

/* 1. Which row each pair of the mapping is for. */
static limn_status sort_pairs(const experiment_parser *p, const experiment_section *s, const yaml_node_t *node,
                              experiment_given *given) {
    char where[40];
    unsigned char seen[EXPERIMENT_MAX_KEYS] = {0};
    if (!node) return LIMN_OK;
    if (node->type != YAML_MAPPING_NODE) {
        experiment_shown shown;
        return experiment_fail(p, node, "`%s` is `%s`, but must hold `key: value` pairs", s->where,
                               experiment_show_node(&shown, node));
    }
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        yaml_node_t *key = yaml_document_get_node(p->doc, pair->key);
        yaml_node_t *value = yaml_document_get_node(p->doc, pair->value);
        if (key->type != YAML_SCALAR_NODE)
            return experiment_fail(p, key, "a key%s is not a word", in_section(where, sizeof where, s));
        const char *name = (const char *)key->data.scalar.value;
        size_t i = 0;
        while (s->key[i].key && strcmp(s->key[i].key, name)) i++;
        if (!s->key[i].key) {
            if (!is_option(s, name)) return unknown_key(p, s, key);
            limn_status status = add_option(p, s, key, value, given);
            if (status != LIMN_OK) return status;
            continue;
        }
        if (seen[i]++)
            return experiment_fail(p, key, "the key `%s` is given twice%s", name, in_section(where, sizeof where, s));
        if (!experiment_is_null(value)) given->value[i] = value;
    }
    return LIMN_OK;
}

/* 2. The kind: a borrowed word of the tables, or NULL where the section has none (or kind_key's value is wrong, which
 * its own row reports). */
static limn_status find_kind(const experiment_parser *p, const experiment_section *s, const yaml_node_t *node,
                             experiment_given *given) {
    const char *first = NULL;
    char kinds[64];
    for (size_t i = 0; s->key[i].key; i++) {
        const experiment_key *k = &s->key[i];
        const yaml_node_t *v = given->value[i];
        if (s->kind_key && !strcmp(k->key, s->kind_key))
            given->kind = v && v->type == YAML_SCALAR_NODE ? (const char *)v->data.scalar.value : k->fallback;
        if (!s->kinds || !v || experiment_word_in(s->kinds, ' ', k->key) < 0) continue;
        if (first) return experiment_fail(p, v, "`%s`: either `%s` or `%s`, not both", s->where, first, k->key);
        given->kind = first = k->key;
    }
    if (!s->kinds || first) return LIMN_OK;
    snprintf(kinds, sizeof kinds, "%s", s->kinds);
    for (char *c = kinds; *c; c++)
        if (*c == ' ') *c = '|';
    return experiment_fail(p, node, "`%s`: the key that says what it is (%s) is missing", s->where, kinds);
}

/* 3. */
static limn_status read_row(experiment_parser *p, const experiment_section *s, const experiment_key *k,
                            yaml_node_t *node, yaml_node_t *value, void *into, const char *kind) {
    char where[40];
    experiment_shown shown;
    if (!applies(k, kind)) {
        if (!value) return LIMN_OK;
        return experiment_fail(p, value, "`%s` is for `%s` only, not for `%s`", k->key, k->only,
                               experiment_show(&shown, kind ? kind : ""));
    }
    if (!value && !k->fallback)
        return experiment_fail(p, node, "the key `%s`%s is missing: %s", k->key, in_section(where, sizeof where, s),
                               k->help);
    if (!value && experiment_described(k)) return LIMN_OK;
    return k->type->set(p, k, value, into);
}

limn_status experiment_read_map(experiment_parser *p, const experiment_section *s, yaml_node_t *node, void *into,
                                experiment_given *given) {
    limn_status status = LIMN_OK;
    memset(given, 0, sizeof *given);
    TRY(sort_pairs(p, s, node, given));
    TRY(find_kind(p, s, node, given));
    for (size_t i = 0; s->key[i].key; i++) TRY(read_row(p, s, &s->key[i], node, given->value[i], into, given->kind));
done:
    return status;
}

yaml_node_t *experiment_given_for(const experiment_section *s, const experiment_given *given, const char *key) {
    for (size_t i = 0; s->key[i].key; i++)
        if (!strcmp(s->key[i].key, key)) return given->value[i];
    return NULL;
}

limn_status experiment_put_map(cJSON *object, const experiment_section *s, const void *from, const char *kind,
                               const char *skip) {
    for (const experiment_key *k = s->key; k->key; k++) {
        if (!applies(k, kind) || experiment_word_in(skip, ' ', k->key) >= 0) continue;
        cJSON *value = k->type->put(k, from);
        if (!value || !cJSON_AddItemToObject(object, k->key, value)) {
            cJSON_Delete(value);
            return limn_fail(LIMN_ENOMEM, "no memory for the options as JSON");
        }
    }
    return LIMN_OK;
}
