/* Options by a table, through getopt_long: abbreviations, --name=value, letters, `--`, operands anywhere. Numbers are
 * read in the C locale, which the program never leaves. */
#define _GNU_SOURCE
#include "cli/cli.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOP 40 /* options of a command */

/* Place of `word` among "a|b|c", or -1. */
static int place_of(const char *words, const char *word) {
    size_t n = strlen(word);
    for (int place = 0;; place++) {
        size_t length = strcspn(words, "|");
        if (length == n && !memcmp(words, word, n)) return place;
        if (!words[length]) return -1;
        words += length + 1;
    }
}

/* "a|b|c" as "a, b or c"; other phrases as they are. */
static void as_words(char *out, size_t size, const char *values) {
    size_t n = 0;
    for (const char *s = values; *s && n + 5 < size; s++) {
        if (*s != '|')
            out[n++] = *s;
        else
            n += (size_t)snprintf(out + n, size - n, "%s", strchr(s + 1, '|') ? ", " : " or ");
    }
    out[n] = 0;
}

static int wrong(const cli_command *c, const cli_option *o, const char *value) {
    char list[200], words[200], hint[96];
    const char *known[16] = {NULL};
    size_t n = 0;
    snprintf(list, sizeof list, "%s", o->kind == CLI_WORD ? o->values : "");
    as_words(words, sizeof words, o->values);
    for (char *save = NULL, *w = strtok_r(list, "|", &save); w && n < 15; w = strtok_r(NULL, "|", &save))
        known[n++] = w;
    return cli_error(CLI_USAGE, "`--%s` of `limn %s` is `%s`, but must be %s%s", o->name, c->name, value, words,
                     limn_did_you_mean(hint, sizeof hint, limn_nearest(value, known)));
}

static int number(const cli_option *o, const char *text, double *value) {
    char *end;
    if (text[strspn(text, "0123456789+-.eE")]) return 0; /* no inf, nan, hex, blanks */
    *value = strtod(text, &end);
    return *text && !*end && isfinite(*value) && *value >= o->min && *value <= o->max;
}

static int seed(const char *text, uint64_t *value) {
    *value = 0;
    for (const char *t = text; *t; t++) {
        if (*t < '0' || *t > '9' || *value > (INT64_MAX - (uint64_t)(*t - '0')) / 10) return 0;
        *value = *value * 10 + (uint64_t)(*t - '0');
    }
    return *text != 0;
}

int cli_add_set(cli_list *list, const cli_option *o, const char *value) {
    int whole = !strcmp(o->name, "set");
    size_t n = strlen(o->name) + strlen(value) + 2;
    char *word = malloc(n), **grown = realloc(list->item, (list->n + 1) * sizeof *grown);
    if (grown) list->item = grown;
    if (!word || !grown) {
        free(word);
        return cli_error(CLI_FAILED, "no memory");
    }
    snprintf(word, n, "%s%s%s", whole ? "" : o->name, whole ? "" : "=", value);
    for (char *w = word; !whole && *w != '='; w++)
        if (*w == '-') *w = '_';
    list->item[list->n++] = word;
    return CLI_GO_ON;
}

void cli_list_clear(cli_list *list) {
    for (size_t i = 0; i < list->n; i++) free(list->item[i]);
    free(list->item);
    *list = (cli_list){NULL, 0};
}

static int store(const cli_command *c, const cli_option *o, const char *value, void *into) {
    void *at = (char *)into + o->offset;
    double v = 0;
    switch (o->kind) {
    case CLI_FLAG:
        *(int *)at = 1;
        break;
    case CLI_TEXT:
        *(const char **)at = value;
        break;
    case CLI_WORD:
        *(int *)at = place_of(o->values, value);
        return *(int *)at < 0 ? wrong(c, o, value) : CLI_GO_ON;
    case CLI_INT:
        if (!number(o, value, &v) || v != floor(v)) return wrong(c, o, value);
        *(int *)at = (int)v;
        break;
    case CLI_COUNT:
        if (!number(o, value, &v) || v != floor(v)) return wrong(c, o, value);
        *(size_t *)at = (size_t)v;
        break;
    case CLI_SEED:
        return seed(value, at) ? CLI_GO_ON : wrong(c, o, value);
    case CLI_NUMBER:
        return number(o, value, at) ? CLI_GO_ON : wrong(c, o, value);
    case CLI_AUTO:
        *(double *)at = 0;
        if (strcmp(value, "auto") && !number(o, value, at)) return wrong(c, o, value);
        break;
    case CLI_SET:
        return cli_add_set(at, o, value);
    }
    return CLI_GO_ON;
}

/* getopt_long's '?' and ':'. */
static int refused(const cli_command *c, int what, char **argv) {
    const char *word = argv[optind - 1];
    char hint[96], name[64], best[64] = "";
    if (what == ':') return cli_error(CLI_USAGE, "`%s` of `limn %s` needs a value", word, c->name);
    if (optopt >= 256 || (optopt && !strncmp(word, "--", 2)))
        return cli_error(CLI_USAGE, "`%s` of `limn %s` takes no value", word, c->name);
    if (optopt) return cli_error(CLI_USAGE, "unknown option `-%c` of `limn %s`", optopt, c->name);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    const char *nearest = limn_nearest_in(name, c->option, sizeof *c->option);
    if (nearest) snprintf(best, sizeof best, "--%s", nearest);
    return cli_error(CLI_USAGE, "unknown option `--%s` of `limn %s`%s", name, c->name,
                     limn_did_you_mean(hint, sizeof hint, nearest ? best : NULL));
}

/* The tables of getopt: option i has the value 256 + i, --help 'h'. */
static void tables(const cli_command *c, struct option *longs, char *shorts) {
    size_t n = 0, s = 0;
    shorts[s++] = ':';
    shorts[s++] = 'h';
    for (; c->option[n].name; n++) {
        const cli_option *o = &c->option[n];
        longs[n] = (struct option){o->name, o->kind == CLI_FLAG ? no_argument : required_argument, NULL, 256 + (int)n};
        if (!o->letter) continue;
        shorts[s++] = o->letter;
        if (o->kind != CLI_FLAG) shorts[s++] = ':';
    }
    longs[n++] = (struct option){"help", no_argument, NULL, 'h'};
    longs[n] = (struct option){NULL, 0, NULL, 0};
    shorts[s] = 0;
}

int cli_parse(const cli_command *c, int argc, char **argv, void *into, int *first) {
    struct option longs[TOP + 2];
    char shorts[2 * TOP + 3];
    int what;
    tables(c, longs, shorts);
    opterr = 0;
    optind = 0; /* starts anew */
    while ((what = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (what == 'h') return fputs(c->usage, stdout), CLI_DONE;
        if (what == '?' || what == ':') return refused(c, what, argv);
        size_t i = what >= 256 ? (size_t)(what - 256) : 0;
        while (what < 256 && c->option[i].letter != what) i++;
        int code = store(c, &c->option[i], optarg, into);
        if (code != CLI_GO_ON) return code;
    }
    *first = optind;
    int n = argc - optind;
    if (n < c->least || (c->most >= 0 && n > c->most))
        return cli_error(CLI_USAGE, "`limn %s` takes %s; `limn help %s` says more", c->name, c->operands, c->name);
    return CLI_GO_ON;
}
