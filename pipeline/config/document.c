/* YAML text to a bounded document, and the sentences with FILE:LINE.
 *
 * 1. The text is UTF-8 without NUL, as libyaml checks.
 * 2. One pass over the events counts nodes (aliases too), depth and documents, and stops at the first that is too many:
 *    no nesting bomb gets as far as being built. What libyaml takes quadratic time for is bounded closer: levels, anchors,
 *    directives.
 * 3. Only then is the document composed. Aliases are edges to one node, never copies; the tables of keys are nested a
 *    few levels deep, so that reading through aliases, cycles even, comes to an end.
 *
 * Threading: a parser and its document belong to one thread. */
#include "config/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/try.h"

int experiment_line(const yaml_node_t *node) {
    return node ? (int)node->start_mark.line + 1 : 1;
}

limn_status experiment_fail(const experiment_parser *p, const yaml_node_t *node, const char *fmt, ...) {
    char text[1600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return limn_fail(LIMN_EINPUT, "%s:%d: %s", p->e->path, experiment_line(node), text);
}

const char *experiment_show(experiment_shown *b, const char *text) {
    size_t n = 0, most = 60;
    for (; text[n] && n < most; n++) {
        unsigned char c = (unsigned char)text[n];
        b->s[n] = (char)(c < 0x20 || c == 0x7f ? '?' : c);
    }
    if (text[n]) { /* cut between characters, not inside one */
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) n--;
        memcpy(b->s + n, "...", 3);
        n += 3;
    }
    b->s[n] = 0;
    return b->s;
}

const char *experiment_show_node(experiment_shown *b, const yaml_node_t *node) {
    if (node->type == YAML_SCALAR_NODE) return experiment_show(b, (const char *)node->data.scalar.value);
    return node->type == YAML_SEQUENCE_NODE ? "a list" : "a mapping";
}

int experiment_is_plain(const yaml_node_t *node) {
    return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

int experiment_is_empty(const yaml_node_t *node) {
    return node && node->type == YAML_SEQUENCE_NODE && node->data.sequence.items.top == node->data.sequence.items.start;
}

int experiment_is_null(const yaml_node_t *node) {
    if (!experiment_is_plain(node)) return 0;
    const char *s = (const char *)node->data.scalar.value;
    return !*s || !strcmp(s, "~") || !strcmp(s, "null");
}

/* "a|b|c" as "a, b or c"; other phrases as they are. */
static void values_as_words(char *out, size_t size, const char *values) {
    size_t n = 0;
    for (const char *s = values; *s && n + 5 < size; s++) {
        if (*s != '|')
            out[n++] = *s;
        else
            n += (size_t)snprintf(out + n, size - n, "%s", strchr(s + 1, '|') ? ", " : " or ");
    }
    out[n] = 0;
}

limn_status experiment_wrong(const experiment_parser *p, const experiment_key *k, const yaml_node_t *node,
                             const char *const *known) {
    char words[512], list[512], hint[96];
    const char *split[32] = {NULL};
    experiment_shown shown;
    values_as_words(words, sizeof words, k->values);
    if (!known && strchr(k->values, '|')) { /* the words themselves are what is known */
        size_t n = 0;
        snprintf(list, sizeof list, "%s", k->values);
        for (char *save = NULL, *w = strtok_r(list, "|", &save); w && n < 31; w = strtok_r(NULL, "|", &save))
            split[n++] = w;
        known = split;
    }
    const char *is = experiment_show_node(&shown, node);
    const char *nearest =
        known && node->type == YAML_SCALAR_NODE ? limn_nearest((const char *)node->data.scalar.value, known) : NULL;
    const char *quote = node->type == YAML_SCALAR_NODE ? "`" : "";
    return experiment_fail(p, node, "`%s` is %s%s%s, but must be %s%s", k->key, quote, is, quote, words,
                           limn_did_you_mean(hint, sizeof hint, nearest));
}

limn_status experiment_scalar(const experiment_parser *p, const experiment_key *k, const yaml_node_t *node,
                              const char **text) {
    *text = k->fallback;
    if (!node) return LIMN_OK;
    if (node->type != YAML_SCALAR_NODE) return experiment_wrong(p, k, node, NULL);
    *text = (const char *)node->data.scalar.value;
    if (strlen(*text) != node->data.scalar.length)
        return experiment_fail(p, node, "the value of `%s` holds a NUL character", k->key);
    return LIMN_OK;
}

limn_status experiment_items(const experiment_parser *p, const experiment_key *k, yaml_node_t *node, size_t most,
                             experiment_list *list) {
    *list = (experiment_list){.one = node, .n = 1};
    if (!node || node->type != YAML_SEQUENCE_NODE) return LIMN_OK;
    list->node = node;
    list->n = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    if (list->n == 0) return experiment_fail(p, node, "`%s` is an empty list, but must be %s", k->key, k->values);
    if (list->n > most)
        return experiment_fail(p, node, "`%s` has %zu items, but at most %zu are allowed", k->key, list->n, most);
    return LIMN_OK;
}

yaml_node_t *experiment_item(const experiment_parser *p, const experiment_list *list, size_t i) {
    return list->node ? yaml_document_get_node(p->doc, list->node->data.sequence.items.start[i]) : list->one;
}

/* ---- text to document -------------------------------------------------------------------------------------------- */

/* Whether line `line` (from 0) of text is indented with a tab. */
static int tab_indents(const char *text, size_t size, size_t line) {
    size_t i = 0;
    for (; line > 0 && i < size; i++) line -= text[i] == '\n';
    for (; i < size && (text[i] == ' ' || text[i] == '\t'); i++)
        if (text[i] == '\t') return 1;
    return 0;
}

static limn_status yaml_failed(const yaml_parser_t *parser, const char *text, size_t size, const char *path) {
    size_t line = parser->problem_mark.line;
    const char *problem = parser->problem ? parser->problem : "it cannot be read";
    if (parser->error == YAML_MEMORY_ERROR) return limn_fail(LIMN_ENOMEM, "%s: no memory for the YAML document", path);
    if (parser->error == YAML_READER_ERROR) { /* it knows the byte, not the line */
        line = 0;
        for (size_t i = 0; i < parser->problem_offset && i < size; i++) line += text[i] == '\n';
        return limn_fail(LIMN_EINPUT, "%s:%zu: not UTF-8 text: %s", path, line + 1, problem);
    }
    if (tab_indents(text, size, line))
        return limn_fail(LIMN_EINPUT, "%s:%zu: a tab indents this line, but YAML is indented by spaces", path,
                         line + 1);
    return limn_fail(LIMN_EINPUT, "%s:%zu: not valid YAML: %s%s%s", path, line + 1,
                     parser->context ? parser->context : "", parser->context ? ", " : "", problem);
}

static void parser_on(yaml_parser_t *parser, const char *text, size_t size) {
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(parser, (const unsigned char *)text, size);
}

typedef struct {
    int depth, nodes, documents, anchors, directives;
} counts;

static int has_anchor(const yaml_event_t *event) {
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor != NULL;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor != NULL;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor != NULL;
    default:
        return 0;
    }
}

/* Counts one event; a sentence without "FILE:LINE: " where there is too much of something. */
static const char *count_event(counts *c, const yaml_event_t *event) {
    c->anchors += has_anchor(event);
    if (c->anchors > EXPERIMENT_MAX_ANCHORS) return "too many anchors (at most 1000)";
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return ++c->documents > 1 ? "a second YAML document begins here, but an experiment is one document" : NULL;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        if (++c->depth > EXPERIMENT_MAX_DEPTH) return "lists and mappings are nested too deeply (at most 16 levels)";
        break;
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        c->depth--;
        return NULL;
    case YAML_SCALAR_EVENT:
    case YAML_ALIAS_EVENT:
        break;
    default:
        return NULL;
    }
    return ++c->nodes > EXPERIMENT_MAX_NODES ? "too many values (at most 200000)" : NULL;
}

static limn_status check_bounds(const char *text, size_t size, const char *path) {
    limn_status status = LIMN_OK;
    yaml_parser_t parser;
    counts c = {0};
    if (!yaml_parser_initialize(&parser)) return limn_fail(LIMN_ENOMEM, "no memory for a YAML parser");
    for (size_t i = 0; i < size; i++) c.directives += text[i] == '%' && (i == 0 || text[i - 1] == '\n');
    if (c.directives > EXPERIMENT_MAX_ANCHORS)
        FAIL(LIMN_EINPUT, "%s: more than 1000 lines begin with %%: these are no directives of YAML", path);
    parser_on(&parser, text, size);
    for (int end = 0; !end;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) TRY(yaml_failed(&parser, text, size, path));
        const char *wrong = count_event(&c, &event);
        size_t line = event.start_mark.line + 1;
        end = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        if (wrong) FAIL(LIMN_EINPUT, "%s:%zu: %s", path, line, wrong);
    }
    if (c.nodes == 0) FAIL(LIMN_EINPUT, "%s: is empty, but an experiment has `model` and `data` at least", path);
done:
    yaml_parser_delete(&parser);
    return status;
}

limn_status experiment_document(yaml_document_t *doc, const char *text, size_t size, const char *path) {
    limn_status status = LIMN_OK;
    yaml_parser_t parser;
    limn_status s = check_bounds(text, size, path);
    if (s != LIMN_OK) return s;
    if (!yaml_parser_initialize(&parser)) return limn_fail(LIMN_ENOMEM, "no memory for a YAML parser");
    parser_on(&parser, text, size);
    if (!yaml_parser_load(&parser, doc)) TRY(yaml_failed(&parser, text, size, path));
done:
    yaml_parser_delete(&parser);
    return status;
}
