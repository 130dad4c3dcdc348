/* CSV as a data set: a picture a line, one of its columns the label. See reader.h; csv.c reads plain numbers.
 *
 * 1. The separator is the most frequent of `,` `;` and tab in the first line. Fields may be in double quotes, "" within
 *    them is a quote; behind `;` a number may have a decimal comma.
 * 2. The first line is a header where it has a word in a column that has a number in the second line.
 * 3. The label's column: `labels: :NAME` of the header, or :INDEX from 0, negative from the end; without it the one that
 *    the header calls label, class, target or y; else the only one with words.
 * 4. The numbers go to a spool as float32, so that memory is bounded; the labels are kept.
 * Known as such by its second line: at least 4 fields, all numbers but at most one, in a file of text. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/array_read.h"
#include "data/reader.h"

enum { CHUNK = 1 << 16, MOST_LINE = 64 << 20, FIELD = 63, MOST_LABEL = 1 << 10, LOOK = 16 };

/* ---- lines and fields -------------------------------------------------------------------------------------------- */
typedef struct {
    limn_bytes *b;
    const char *name;
    size_t number; /* of the line at hand, from 1 */
    char *chunk;
    size_t at, have;
    char *text; /* the line, ended by a NUL; the fields are cut in it */
    size_t room;
    char **field;
    size_t n, fields_room;
    char separator;
    int ended;
} lines;

/* The next line without its break into l->text; *length = 0 and l->ended at the end. */
static limn_status next_line(lines *l, size_t *length) {
    limn_status status = LIMN_OK;
    size_t n = 0;
    for (int more = 1; more;) {
        if (l->at == l->have) {
            TRY(limn_bytes_read(l->b, l->chunk, CHUNK, &l->have));
            l->at = 0;
            l->ended = l->have == 0;
            if (l->ended) break;
        }
        const char *from = l->chunk + l->at, *end = memchr(from, '\n', l->have - l->at);
        size_t part = end ? (size_t)(end - from) : l->have - l->at;
        if (n + part + 1 > l->room) {
            size_t room = 2 * (n + part + 1);
            if (room > 2 * (size_t)MOST_LINE)
                FAIL(LIMN_EINPUT, "%s:%zu: a line of more than %d bytes", l->name, l->number + 1, (int)MOST_LINE);
            char *larger = realloc(l->text, room);
            if (!larger) FAIL(LIMN_ENOMEM, "no memory for a line of %s", l->name);
            l->text = larger;
            l->room = room;
        }
        memcpy(l->text + n, from, part);
        n += part;
        l->at += part + (end != NULL);
        more = end == NULL;
    }
    if (l->ended && n > 0) l->ended = 0;
    if (!l->ended) l->number++;
    if (n > 0 && l->text[n - 1] == '\r') n--;
    if (l->text) l->text[n] = '\0';
    if (n > 0 && memchr(l->text, 0, n)) FAIL(LIMN_EINPUT, "%s:%zu: it is no text", l->name, l->number);
    *length = n;
done:
    return status;
}

/* Cuts one field out of *p in place: quotes are taken off, blanks around it too. NULL: a quote does not end. */
static char *cut_field(char **p, char separator, int *last) {
    char *s = *p, *to, *from;
    while (*s == ' ') s++;
    if (*s != '"') {
        char *end = s + strcspn(s, (char[]){separator, '\0'});
        *last = *end == '\0';
        *p = end + 1;
        for (*end = '\0'; end > s && end[-1] == ' ';) *--end = '\0';
        return s;
    }
    for (to = s, from = s + 1; *from && (*from != '"' || from[1] == '"'); from++) {
        if (*from == '"') from++;
        *to++ = *from;
    }
    if (*from != '"') return NULL;
    for (from++; *from == ' ';) from++;
    if (*from && *from != separator) return NULL;
    *last = *from == '\0';
    *p = from + 1;
    *to = '\0';
    return s;
}

/* The next line that is not blank, as fields; l->n = 0 at the end. */
static limn_status next_row(lines *l) {
    limn_status status = LIMN_OK;
    size_t length = 0;
    l->n = 0;
    do TRY(next_line(l, &length));
    while (!l->ended && l->text[strspn(l->text, " \t")] == '\0');
    if (l->ended) return LIMN_OK;
    if (!l->separator) {
        size_t best = 0;
        for (const char *c = ",;\t"; *c; c++) {
            size_t n = 0;
            for (size_t i = 0; i < length; i++) n += l->text[i] == *c;
            if (n > best) best = n, l->separator = *c;
        }
        if (best == 0) l->separator = ',';
    }
    char *p = l->text;
    for (int last = 0; !last;) {
        TRY(limn_grow(&l->field, l->n, &l->fields_room, sizeof *l->field));
        l->field[l->n] = cut_field(&p, l->separator, &last);
        if (!l->field[l->n]) FAIL(LIMN_EINPUT, "%s:%zu: a quote does not end", l->name, l->number);
        l->n++;
    }
done:
    return status;
}

static int to_number(const lines *l, const char *text, float *v) {
    char own[FIELD + 1], *stop = own;
    size_t n = strlen(text);
    if (n == 0 || n > FIELD) return 0;
    memcpy(own, text, n + 1);
    for (char *c = own; l->separator == ';' && *c; c++)
        if (*c == ',') *c = '.';
    *v = strtof(own, &stop);
    return *stop == '\0';
}

static void lines_clear(lines *l) {
    limn_bytes_free(l->b);
    free(l->chunk);
    free(l->text);
    free(l->field);
}

static limn_status lines_open(lines *l, limn_bytes *b) {
    l->b = b;
    l->name = limn_bytes_name(b);
    return limn_new(&l->chunk, CHUNK, 1);
}

/* ---- what it is -------------------------------------------------------------------------------------------------- */
int reader_is_csv(const data_probe *p) {
    lines l = {0};
    limn_bytes *b = NULL;
    int words = 0, table = 0;
    float v;
    if (p->folder || p->members || p->n == 0 || p->paths != 1) return 0;
    for (size_t i = 0; i < p->n && i < LOOK; i++) /* what comes later, a line's message names */
        if (p->head[i] < 32 && !strchr("\t\r\n", p->head[i])) return 0;
    if (limn_bytes_open(&b, p->path) != LIMN_OK || lines_open(&l, b) != LIMN_OK) goto done;
    if (next_row(&l) != LIMN_OK) goto done;
    for (size_t k = 0; k < l.n; k++) words += !to_number(&l, l.field[k], &v);
    table = l.n >= 4 && words <= 1;
    if (next_row(&l) == LIMN_OK && l.n > 0) {
        words = 0;
        for (size_t k = 0; k < l.n; k++) words += !to_number(&l, l.field[k], &v);
        table = l.n >= 4 && words <= 1;
    }
done:
    lines_clear(&l);
    return table;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */
typedef struct {
    lines l;
    size_t columns, label; /* label: its column, or `columns` */
    char **header;         /* (columns), or NULL */
    limn_spool values;
    size_t rows;
    int bytes; /* all are whole numbers 0 … 255 */
    char *labels;
    size_t labels_n, labels_room; /* texts, each ended by a NUL */
    float *row;
} table;

static int usual_name(const char *s) {
    static const char *const names[] = {"label", "labels", "class", "target", "y"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcasecmp(s, names[i]) == 0) return 1;
    return 0;
}

/* The column that `wanted` (without the colon) names; or the one that is usual; or none. */
static limn_status find_label(table *t, const char *wanted, const int *word) {
    size_t words = 0, last = 0;
    t->label = t->columns;
    for (size_t k = 0; t->header && k < t->columns && t->label == t->columns; k++)
        if (wanted ? strcmp(t->header[k], wanted) == 0 : usual_name(t->header[k])) t->label = k;
    if (t->label < t->columns) return LIMN_OK;
    if (wanted) {
        char *stop = NULL;
        long k = strtol(wanted, &stop, 10);
        if (*wanted && *stop == '\0' && k < 0) k += (long)t->columns;
        if (*wanted && *stop == '\0' && k >= 0 && (size_t)k < t->columns) {
            t->label = (size_t)k;
            return LIMN_OK;
        }
        return limn_fail(LIMN_EINPUT, "%s: it has no column '%s': its %zu columns have %s", t->l.name, wanted,
                         t->columns, t->header ? "other names, or numbers from 0" : "no names, but numbers from 0");
    }
    for (size_t k = 0; k < t->columns; k++)
        if (word[k]) words++, last = k;
    if (words == 1) t->label = last;
    return LIMN_OK;
}

static limn_status add_label(table *t, const char *text) {
    size_t n = strlen(text) + 1;
    if (n > MOST_LABEL) return limn_fail(LIMN_EINPUT, "%s:%zu: its label is too long", t->l.name, t->l.number);
    if (t->labels_n + n > t->labels_room) {
        size_t room = 2 * t->labels_room + n + 4096;
        char *larger = realloc(t->labels, room);
        if (!larger) return limn_fail(LIMN_ENOMEM, "no memory for labels");
        t->labels = larger;
        t->labels_room = room;
    }
    memcpy(t->labels + t->labels_n, text, n);
    t->labels_n += n;
    return LIMN_OK;
}

/* The fields of a line: its label and its numbers. */
static limn_status add_row(table *t, char *const *field, size_t n, size_t line) {
    limn_status status = LIMN_OK;
    size_t at = 0;
    if (n != t->columns)
        FAIL(LIMN_EINPUT, "%s:%zu: %zu fields, where the lines before have %zu", t->l.name, line, n, t->columns);
    for (size_t k = 0; k < n; k++) {
        if (k == t->label) {
            TRY(add_label(t, field[k]));
            continue;
        }
        float v;
        if (!to_number(&t->l, field[k], &v)) {
            char shown[FIELD + 1];
            snprintf(shown, sizeof shown, "%s", field[k]);
            array_printable(shown);
            FAIL(LIMN_EINPUT, "%s:%zu: field %zu is '%s', where a number is needed", t->l.name, line, k + 1, shown);
        }
        if (!(v >= 0 && v <= 255 && v == floorf(v))) t->bytes = 0;
        t->row[at++] = v;
    }
    TRY(limn_spool_add(&t->values, t->row, at * sizeof *t->row));
    t->rows++;
done:
    return status;
}

/* A copy of the fields at hand. */
static limn_status keep_row(char ***copy, const lines *l) {
    limn_status s = limn_new(copy, l->n, sizeof **copy);
    for (size_t k = 0; s == LIMN_OK && k < l->n; k++) s = limn_strdup(&(*copy)[k], l->field[k]);
    return s;
}

/* The first two lines: header or not, which column is the label. */
static limn_status begin(table *t, const char *wanted) {
    limn_status status = LIMN_OK;
    char **first = NULL;
    int *word = NULL, header = 0;
    float v;
    TRY(next_row(&t->l));
    t->columns = t->l.n;
    size_t line = t->l.number;
    if (t->columns == 0) FAIL(LIMN_EINPUT, "%s: there are no numbers in it", t->l.name);
    TRY(keep_row(&first, &t->l));
    TRY(limn_new(&word, t->columns, sizeof *word));
    TRY(limn_new(&t->row, t->columns, sizeof *t->row));
    for (size_t k = 0; k < t->columns; k++) word[k] = !to_number(&t->l, first[k], &v);
    TRY(next_row(&t->l));
    for (size_t k = 0; k < t->l.n && k < t->columns; k++) {
        int now = !to_number(&t->l, t->l.field[k], &v);
        if (word[k] && !now) header = 1;
        word[k] = now;
    }
    if (header) t->header = first;
    TRY(find_label(t, wanted, word));
    if (!header) TRY(add_row(t, first, t->columns, line));
    if (t->l.n > 0) TRY(add_row(t, t->l.field, t->l.n, t->l.number));
done:
    for (size_t k = 0; first && !t->header && k < t->columns; k++) free(first[k]);
    if (!t->header) free(first);
    free(word);
    return status;
}

/* Labels: all whole numbers, or all texts. */
static limn_status take_labels(data_labels *out, table *t, int base) {
    limn_status status = LIMN_OK;
    limn_block b = {.dtype = LIMN_F64, .rank = 1, .dim = {t->rows}, .stride = {1}, .count = t->rows};
    const char *p = t->labels;
    int numbers = 1;
    for (size_t i = 0; i < t->rows && numbers; i++, p += strlen(p) + 1) {
        char *stop = NULL;
        double v = strtod(p, &stop);
        numbers = *p && *stop == '\0';
        TRY(limn_spool_add(&b.bytes, &v, sizeof v));
    }
    if (!numbers) {
        status = data_labels_texts(out, t->labels, t->rows);
        goto done;
    }
    TRY(limn_strdup(&b.name, t->l.name));
    status = data_labels_block(out, &b, base);
done:
    limn_block_clear(&b);
    return status;
}

limn_status csv_table_read(limn_block *out, data_labels *labels, limn_bytes *b, const char *column, int base) {
    limn_status status = LIMN_OK;
    table t = {.bytes = 1};
    const int gzip = limn_bytes_gzip(b);
    TRY(lines_open(&t.l, b));
    TRY(begin(&t, column));
    while (t.l.n > 0) {
        TRY(next_row(&t.l));
        if (t.l.n > 0) TRY(add_row(&t, t.l.field, t.l.n, t.l.number));
    }
    size_t D = t.columns - (t.label < t.columns);
    if (D == 0 || t.rows == 0) FAIL(LIMN_EINPUT, "%s: there are no numbers in it", t.l.name);
    if (t.label < t.columns) TRY(take_labels(labels, &t, base));
    *out = (limn_block){.dtype = LIMN_F32, .rank = 2, .dim = {t.rows, D}, .count = t.rows * D, .bytes = t.values};
    t.values = (limn_spool){0};
    out->whole = t.bytes;
    limn_block_order(out, 0);
    snprintf(out->format, sizeof out->format, "CSV%s", gzip ? " (gzip)" : "");
    TRY(limn_strdup(&out->name, t.l.name));
done:
    for (size_t k = 0; t.header && k < t.columns; k++) free(t.header[k]);
    free(t.header);
    free(t.labels);
    free(t.row);
    limn_spool_clear(&t.values);
    lines_clear(&t.l);
    if (status != LIMN_OK) {
        limn_block_clear(out);
        data_labels_clear(labels);
    }
    return status;
}
