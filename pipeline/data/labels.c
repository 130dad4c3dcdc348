/* Labels: one whole number >= 0 an image, from IDX or npy (N) or (N, 1), or from text with one integer a line.
 *
 * In text, blank lines and spaces around a number are skipped, and a first line that starts with a letter or a quote is
 * a header. Any of them may be gzip. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/array.h"
#include "data/bytes.h"
#include "data/reader.h"

/* Far more than any data set has, and few enough that a table by class is small. */
enum { MOST_CLASSES = 1 << 20, MAX_LINE = 64 };

static limn_status from_array(int **label, size_t *n, const char *path) {
    limn_status status = LIMN_OK;
    limn_array a = {0};
    TRY(limn_array_read(&a, path));
    if (a.rank != 1 && !(a.rank == 2 && a.dim[1] == 1))
        FAIL(LIMN_EINPUT, "%s: labels with %d dimensions, where one number an image is needed", path, a.rank);
    TRY(limn_new(label, a.count, sizeof **label));
    for (size_t i = 0; i < a.count; i++) {
        double v = limn_array_get(&a, i);
        if (!(v >= 0 && v < MOST_CLASSES) || v != (double)(int)v)
            FAIL(LIMN_EINPUT, "%s: label %zu is %g, where a whole number from 0 to %d is needed", path, i, v,
                 MOST_CLASSES - 1);
        (*label)[i] = (int)v;
    }
    *n = a.count;
done:
    limn_array_clear(&a);
    return status;
}

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

limn_status data_labels_read(int **label, size_t *n, const char *path) {
    limn_status status = LIMN_OK;
    limn_bytes *b = NULL;
    unsigned char head[2] = {0};
    size_t got = 0;
    *label = NULL;
    *n = 0;
    TRY(limn_bytes_open(&b, path));
    TRY(limn_bytes_read(b, head, sizeof head, &got));
    int array = got == 2 && ((head[0] == 0 && head[1] == 0) || head[0] == 0x93);
    limn_bytes_free(b);
    b = NULL;
    if (got == 0) FAIL(LIMN_EINPUT, "%s: it is empty", path);
    if (array) {
        TRY(from_array(label, n, path));
    } else {
        TRY(limn_bytes_open(&b, path));
        TRY(from_text(label, n, b, path));
    }
done:
    limn_bytes_free(b);
    if (status != LIMN_OK) {
        free(*label);
        *label = NULL;
    }
    return status;
}
