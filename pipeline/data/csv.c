/* Numbers in text: see csv.h.
 *
 * Grammar: a field is a number as strtof reads it (nan and inf too), at most FIELD characters; `,` `;` and tab separate
 * fields, spaces surround them or separate them, and double quotes may surround a field; blank lines are skipped; \r is a space. If a field of the first line is
 * no number, that line is a header. The file is read in chunks by a small automaton and never held whole; what it holds
 * is bounded by the bytes that came. */
#define _GNU_SOURCE
#include "data/csv.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/replace.h"
#include "base/try.h"
#include "data/bytes.h"

enum { FIELD = 63, CHUNK = 1 << 16 };

typedef struct {
    const char *name;
    size_t line;  /* from 1 */
    float *value; /* (n) */
    size_t n, room;
    size_t columns, field; /* of the rows before; fields of this line so far */
    char text[FIELD + 1];  /* the field at hand */
    size_t length;
    int header;    /* this line, the first, is one */
    int gap;       /* a space ended the field at hand */
    int separated; /* the last thing on this line was a comma, semicolon or tab */
    int quoted;    /* inside the quotes around the field at hand: 1; behind them: 2 */
} reader;

static limn_status bad_field(reader *r) {
    char shown[FIELD + 1];
    if (r->line == 1) { /* only the first line may be a header */
        r->header = 1;
        return LIMN_OK;
    }
    if (r->length == 0)
        return limn_fail(LIMN_EINPUT, "%s:%zu: field %zu is empty, where a number is needed", r->name, r->line,
                         r->field + 1);
    for (size_t i = 0; i <= r->length; i++)
        shown[i] = r->text[i] == 0 || isprint((unsigned char)r->text[i]) ? r->text[i] : '?';
    return limn_fail(LIMN_EINPUT, "%s:%zu: field %zu is '%s', where a number is needed", r->name, r->line, r->field + 1,
                     shown);
}

static limn_status end_field(reader *r) {
    limn_status status = LIMN_OK;
    char *stop = r->text;
    r->text[r->length] = 0;
    float v = strtof(r->text, &stop); /* infinite where it is too large */
    if (r->length == 0 || *stop || r->quoted == 1) {
        TRY(bad_field(r));
    } else {
        TRY(limn_grow(&r->value, r->n, &r->room, sizeof *r->value));
        r->value[r->n++] = v;
    }
    r->field++;
    r->length = 0;
    r->gap = r->quoted = 0;
done:
    return status;
}

static limn_status end_line(reader *r) {
    limn_status status = LIMN_OK;
    if (r->length > 0 || r->separated || r->quoted) TRY(end_field(r));
    if (r->header) {
        r->n = 0;
    } else if (r->field > 0) {
        if (r->columns == 0) r->columns = r->field;
        if (r->field != r->columns)
            FAIL(LIMN_EINPUT, "%s:%zu: %zu numbers, where the lines before have %zu", r->name, r->line, r->field,
                 r->columns);
    }
    r->field = 0;
    r->header = r->separated = r->gap = 0;
    r->line++;
done:
    return status;
}

/* Quotes may stand around a whole field. */
static int is_quote(reader *r, char c) {
    if (c != '"' || r->gap || !(r->quoted == 1 || (r->quoted == 0 && r->length == 0))) return 0;
    r->quoted++;
    r->separated = 0;
    return 1;
}

static limn_status take(reader *r, char c) {
    limn_status status = LIMN_OK;
    if (is_quote(r, c)) return LIMN_OK;
    if (c == '\n') return end_line(r);
    if (c == ',' || c == ';' || c == '\t') {
        TRY(end_field(r));
        r->separated = 1;
    } else if (c == ' ' || c == '\r') {
        r->gap = r->length > 0 || r->quoted;
    } else {
        if (r->gap) TRY(end_field(r));
        r->separated = 0;
        if (r->length == FIELD || c == 0) {
            TRY(bad_field(r));
            r->length = 0; /* of a header: what its words are does not matter */
            c = '?';
        }
        r->text[r->length++] = c;
    }
done:
    return status;
}

static limn_status parse(limn_array *out, limn_bytes *b) {
    limn_status status = LIMN_OK;
    reader r = {.name = limn_bytes_name(b), .line = 1};
    char *chunk = NULL;
    size_t got = CHUNK;
    memset(out, 0, sizeof *out);
    TRY(limn_new(&chunk, CHUNK, 1));
    while (got == CHUNK) {
        TRY(limn_bytes_read(b, chunk, CHUNK, &got));
        for (size_t i = 0; i < got; i++) TRY(take(&r, chunk[i]));
    }
    TRY(end_line(&r));
    TRY(limn_bytes_end(b, "text"));
    if (r.n == 0) FAIL(LIMN_EINPUT, "%s: there are no numbers in it", r.name);
    *out =
        (limn_array){.dtype = LIMN_F32, .rank = 2, .dim = {r.n / r.columns, r.columns}, .data = r.value, .count = r.n};
    snprintf(out->format, sizeof out->format, "CSV%s", limn_bytes_gzip(b) ? " (gzip)" : "");
    r.value = NULL;
done:
    free(chunk);
    free(r.value);
    return status;
}

limn_status limn_csv_read(limn_array *out, const char *path) {
    limn_status status = LIMN_OK;
    limn_bytes *b = NULL;
    memset(out, 0, sizeof *out);
    TRY(limn_bytes_open(&b, path));
    TRY(parse(out, b));
done:
    limn_bytes_free(b);
    return status;
}

limn_status limn_csv_parse(limn_array *out, const void *bytes, size_t n, const char *name) {
    limn_status status = LIMN_OK;
    limn_bytes *b = NULL;
    memset(out, 0, sizeof *out);
    TRY(limn_bytes_memory(&b, bytes, n, name));
    TRY(parse(out, b));
done:
    limn_bytes_free(b);
    return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

typedef struct {
    const char *const *header;
    const float *data;
    size_t rows, columns;
} sheet;

static int write_sheet(FILE *f, const void *ctx) {
    const sheet *s = ctx;
    for (size_t c = 0; c < s->columns; c++) fprintf(f, "%s%s", c ? "," : "", s->header[c]);
    fputc('\n', f);
    for (size_t r = 0; r < s->rows; r++)
        for (size_t c = 0; c < s->columns; c++)
            fprintf(f, "%.9g%c", (double)s->data[r * s->columns + c], c + 1 < s->columns ? ',' : '\n');
    return ferror(f);
}

limn_status limn_csv_write(const char *path, const char *const *header, const float *data, size_t rows,
                           size_t columns) {
    return limn_replace_file(path, write_sheet, &(sheet){header, data, rows, columns});
}
