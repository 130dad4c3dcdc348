/* Labels: one an image, as whole numbers or as texts: see labels.h.
 *
 * Numbers: (N) or (N, 1), MATLAB's also (1, N). Texts become classes in the byte order of the names. In a text file,
 * one number a line; blank lines and spaces around a number are skipped, and a first line that starts with a letter or a
 * quote is a header. Any of them may be gzip. */
#include "data/labels.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/array_read.h"

/* Far more than any data set has, and few enough that a table by class is small. */
enum { MOST_CLASSES = 1 << 20, MAX_LINE = 64, PIECE = 1024 };

void data_labels_clear(data_labels *l) {
    for (size_t i = 0; l->name && i < l->n_names; i++) free(l->name[i]);
    free(l->name);
    free(l->label);
    *l = (data_labels){0};
}

int data_labels_own(const limn_data_options *o) {
    return o->labels && o->labels[0] == ':';
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */
static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

limn_status data_labels_texts(data_labels *out, const char *text, size_t n) {
    limn_status status = LIMN_OK;
    const char **item = NULL, **sorted = NULL;
    size_t different = 0;
    TRY(limn_new(&item, n, sizeof *item));
    TRY(limn_new(&sorted, n, sizeof *sorted));
    for (size_t i = 0; i < n; i++, text += strlen(text) + 1) item[i] = sorted[i] = text;
    qsort(sorted, n, sizeof *sorted, by_text);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(sorted[i], sorted[i - 1]) != 0) sorted[different++] = sorted[i];
    if (different >= MOST_CLASSES) FAIL(LIMN_EINPUT, "the labels are %zu different texts", different);
    TRY(limn_new(&out->label, n, sizeof *out->label));
    TRY(limn_new(&out->name, different, sizeof *out->name));
    for (; out->n_names < different; out->n_names++) TRY(limn_strdup(&out->name[out->n_names], sorted[out->n_names]));
    for (size_t i = 0; i < n; i++) {
        const char **at = bsearch(&item[i], sorted, different, sizeof *sorted, by_text);
        out->label[i] = (int)(at - sorted);
    }
    out->n = n;
done:
    free(item);
    free(sorted);
    if (status != LIMN_OK) data_labels_clear(out);
    return status;
}

/* ---- arrays ------------------------------------------------------------------------------------------------------ */
static int is_vector(const limn_block *b) {
    size_t longer = 0;
    for (int k = 0; k < b->rank; k++) longer += b->dim[k] != 1;
    if (b->rank == 1) return 1;
    return b->matlab ? b->rank >= 1 && longer <= 1 : b->rank == 2 && b->dim[1] == 1;
}

/* Classes from 1 become classes from 0. */
static limn_status shift(data_labels *l, const limn_block *b, int base) {
    int zeros = 0;
    for (size_t i = 0; i < l->n; i++) zeros += l->label[i] == 0;
    if (base == LIMN_BASE_0 || (base == LIMN_BASE_AUTO && (!b->matlab || zeros))) return LIMN_OK;
    if (zeros) return limn_fail(LIMN_EINPUT, "%s: label_base is 1, but labels of 0 are there", b->name);
    for (size_t i = 0; i < l->n; i++) l->label[i]--;
    return LIMN_OK;
}

limn_status data_labels_block(data_labels *out, const limn_block *b, int base) {
    limn_status status = LIMN_OK;
    double piece[PIECE];
    if (!is_vector(b))
        FAIL(LIMN_EINPUT, "%s: labels with %d dimensions, where one number an image is needed", b->name, b->rank);
    if (b->text) return data_labels_texts(out, (const char *)b->bytes.memory, b->count);
    TRY(limn_new(&out->label, b->count, sizeof *out->label));
    for (; out->n < b->count; out->n++) {
        size_t i = out->n;
        if (i % PIECE == 0) TRY(limn_block_doubles(b, i, piece, b->count - i < PIECE ? b->count - i : PIECE));
        double v = piece[i % PIECE];
        if (!(v >= 0 && v < MOST_CLASSES) || v != floor(v))
            FAIL(LIMN_EINPUT, "%s: label %zu is %g, where a whole number from 0 to %d is needed", b->name, i, v,
                 MOST_CLASSES - 1);
        out->label[i] = (int)v;
    }
    TRY(shift(out, b, base));
done:
    if (status != LIMN_OK) data_labels_clear(out);
    return status;
}

/* ---- text files -------------------------------------------------------------------------------------------------- */
typedef struct {
    const char *path;
    int *label;
    size_t n, room, line;
} text;

/* One line without its break. */
static limn_status take_line(text *t, char *s) {
    t->line++;
    while (*s && isspace((unsigned char)*s)) s++;
    char *end = s + strlen(s);
    while (end > s && isspace((unsigned char)end[-1])) *--end = '\0';
    if (*s == '\0' || (t->line == 1 && (isalpha((unsigned char)*s) || *s == '"'))) return LIMN_OK;
    char *stop = NULL;
    long v = strtol(s, &stop, 10);
    if (*stop != '\0' || v < 0 || v >= MOST_CLASSES) {
        for (char *c = s; *c; c++) {
            if (!isprint((unsigned char)*c)) *c = '?';
        }
        return limn_fail(LIMN_EINPUT, "%s:%zu: '%s' is not a label: a whole number from 0 to %d is needed", t->path,
                         t->line, s, MOST_CLASSES - 1);
    }
    limn_status status = limn_grow(&t->label, t->n, &t->room, sizeof *t->label);
    if (status == LIMN_OK) t->label[t->n++] = (int)v;
    return status;
}

static limn_status from_text(int **label, size_t *n, limn_bytes *b, const char *path) {
    limn_status status = LIMN_OK;
    text t = {.path = path};
    char line[MAX_LINE + 1];
    unsigned char chunk[4096];
    size_t used = 0, got = sizeof chunk;
    while (got == sizeof chunk) {
        TRY(limn_bytes_read(b, chunk, sizeof chunk, &got));
        for (size_t i = 0; i <= got; i++) {
            int last = i == got;
            if (last && got == sizeof chunk) break;
            if (!last && chunk[i] != '\n') {
                if (used == MAX_LINE || chunk[i] == '\0')
                    FAIL(LIMN_EINPUT, "%s:%zu: this is not a line of a label file: one whole number a line is needed",
                         path, t.line + 1);
                line[used++] = (char)chunk[i];
                continue;
            }
            line[used] = '\0';
            used = 0;
            TRY(take_line(&t, line));
        }
    }
    if (t.n == 0) FAIL(LIMN_EINPUT, "%s: there is no label in it", path);
    *label = t.label;
    *n = t.n;
    t.label = NULL;
done:
    free(t.label);
    return status;
}

/* Whether the path is an array: a member, or what starts as IDX or npy. */
static limn_status is_array(int *array, const char *path) {
    limn_status status = LIMN_OK;
    limn_bytes *b = NULL;
    unsigned char head[2] = {0};
    size_t got = 0;
    TRY(limn_members_any(array, path));
    if (*array) return LIMN_OK;
    TRY(limn_bytes_open(&b, path));
    TRY(limn_bytes_read(b, head, sizeof head, &got));
    if (got == 0) FAIL(LIMN_EINPUT, "%s: it is empty", path);
    *array = got == 2 && ((head[0] == 0 && head[1] == 0) || head[0] == 0x93);
done:
    limn_bytes_free(b);
    return status;
}

limn_status data_labels_read(data_labels *out, const char *path, int base) {
    limn_status status = LIMN_OK;
    limn_block block = {0};
    limn_bytes *b = NULL;
    int array;
    *out = (data_labels){0};
    TRY(is_array(&array, path));
    if (array) {
        TRY(limn_block_open(&block, path));
        TRY(data_labels_block(out, &block, base));
    } else {
        TRY(limn_bytes_open(&b, path));
        TRY(from_text(&out->label, &out->n, b, path));
        TRY(shift(out, &(limn_block){.name = (char *)(uintptr_t)path}, base));
    }
done:
    limn_block_clear(&block);
    limn_bytes_free(b);
    if (status != LIMN_OK) data_labels_clear(out);
    return status;
}
