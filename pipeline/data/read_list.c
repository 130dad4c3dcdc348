/* A file list as a data set: text with a picture's path a line and, behind a comma or a tab, its label; or as Caffe's
 * lists have it, a path, a blank and a whole number. Fields may be in double quotes, as in CSV. Paths are relative to
 * the list's folder. Labels are all whole numbers, or all names: classes in byte order. Blank lines are skipped, and a
 * first line that names no file (without a dot or a slash in its first field) is a header. Plain or gzip.
 *
 * A text is known as a list by a picture's ending in the first field of one of its first lines. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/bytes.h"
#include "data/pictures.h"

enum { MOST_BYTES = 1 << 28, LOOK_LINES = 3, MOST_CLASSES = 1 << 20 };

/* One field from *p, which goes on behind it, in place: quotes are taken off. NULL: a quote that does not end. */
static char *field(char **p, char separator) {
    char *s = *p, *to = s, *from = s;
    if (*from == '"') {
        for (from++;; from++) {
            if (*from == '\0') return NULL;
            if (*from == '"' && *++from != '"') break;
            *to++ = *from;
        }
        while (*from == ' ') from++;
        if (*from != '\0' && *from != separator) return NULL;
    } else {
        from = to = s + strcspn(s, (char[]){separator, '\0'});
    }
    *p = *from ? from + 1 : from;
    *to = '\0';
    return s;
}

/* The line's fields, blanks around them cut off; how many, 0 where quotes are wrong. */
static size_t split(char *line, char *out[3]) {
    size_t n = 0;
    char separator = strchr(line, '\t') ? '\t' : ',';
    if (!strchr(line, separator) && *line != '"') { /* Caffe's: a number behind the last blank */
        char *blank = strrchr(line, ' ');
        if (blank && blank[1] && strspn(blank + 1, "0123456789") == strlen(blank + 1)) *blank = separator;
    }
    for (char *p = line; n < 3 && (*p || n == 0); n++) {
        out[n] = field(&p, separator);
        if (!out[n]) return 0;
        while (isspace((unsigned char)*out[n])) out[n]++;
        char *end = out[n] + strlen(out[n]);
        while (end > out[n] && isspace((unsigned char)end[-1])) *--end = '\0';
    }
    return n;
}

int reader_is_list(const data_probe *p) {
    char text[PROBE_BYTES + 1], *f[3], *rest = text;
    if (p->folder || p->n == 0) return 0;
    memcpy(text, p->head, p->n);
    text[p->n] = '\0';
    if (strlen(text) != p->n) return 0;
    for (int k = 0; k < LOOK_LINES && *rest; k++) {
        char *line = rest, *end = line + strcspn(line, "\r\n");
        if (*end == '\0' && p->n == PROBE_BYTES) return 0;
        rest = *end ? end + 1 : end;
        *end = '\0';
        if (split(line, f) > 0 && (data_picture_name(f[0]) || data_foreign_name(f[0]))) return 1;
    }
    return 0;
}

typedef struct {
    data_source *s;
    const char *path;
    size_t line, room[2], folder; /* length of the list's folder with its slash */
    char *labels;                 /* texts, each with its NUL */
    size_t n_labels, used, labels_room;
} reading;

static limn_status add_label(reading *r, const char *text) {
    for (size_t n = strlen(text) + 1; n > 0; n--) {
        limn_status s = limn_grow(&r->labels, r->used, &r->labels_room, 1);
        if (s != LIMN_OK) return s;
        r->labels[r->used++] = *text++;
    }
    r->n_labels++;
    return LIMN_OK;
}

static limn_status take_line(reading *r, char *line) {
    limn_status status = LIMN_OK;
    char *f[3], *path = NULL;
    size_t n;
    r->line++;
    if (line[strspn(line, " \t\r")] == '\0') return LIMN_OK;
    n = split(line, f);
    if (n == 0 || n > 2 || !*f[0]) FAIL(LIMN_EINPUT, "%s:%zu: this is not `path` or `path,label`", r->path, r->line);
    if (r->line == 1 && !strpbrk(f[0], "./")) return LIMN_OK; /* a header */
    if (n == 2 ? r->n_labels != r->s->count : r->n_labels > 0)
        FAIL(LIMN_EINPUT, "%s:%zu: some pictures have a label and some have none", r->path, r->line);
    TRY(limn_format(&path, "%.*s%s", *f[0] == '/' ? 0 : (int)r->folder, r->path, f[0]));
    TRY(data_pictures_add(r->s, path, -1, r->room));
    if (n == 2) TRY(add_label(r, f[1]));
done:
    return status;
}

/* Labels that are whole numbers, all of them, into the source; *done = 0 where one is not. */
static limn_status take_numbers(reading *r, int base, int *done) {
    limn_status status = LIMN_OK;
    const char *text = r->labels;
    *done = 0;
    for (size_t i = 0; i < r->n_labels; i++, text += strlen(text) + 1)
        if (!*text || strspn(text, "0123456789") != strlen(text)) return LIMN_OK;
    *done = 1;
    TRY(limn_new(&r->s->label, r->n_labels, sizeof *r->s->label));
    text = r->labels;
    for (size_t i = 0; i < r->n_labels; i++, text += strlen(text) + 1) {
        unsigned long v = strtoul(text, NULL, 10);
        if (strlen(text) > 7 || v >= MOST_CLASSES + (unsigned long)base || v < (unsigned long)base)
            FAIL(LIMN_EINPUT, "%s: its label %s is not a whole number from %d to %d", r->path, text, base,
                 MOST_CLASSES - 1 + base);
        r->s->label[i] = (int)v - base;
    }
done:
    return status;
}

static limn_status take_labels(reading *r, int base) {
    limn_status status = LIMN_OK;
    data_labels labels = {0};
    int numbers;
    TRY(take_numbers(r, base, &numbers));
    if (numbers) goto done;
    TRY(data_labels_texts(&labels, r->labels, r->n_labels));
    r->s->label = labels.label;
    r->s->class_name = labels.name;
    r->s->n_classes = labels.n_names;
done:
    return status;
}

static limn_status read_all(char **text, size_t *n, const char *path) {
    limn_status status = LIMN_OK;
    limn_bytes *b = NULL;
    size_t room = 0, got = 1;
    TRY(limn_bytes_open(&b, path));
    while (got > 0) {
        if (*n > MOST_BYTES) FAIL(LIMN_EINPUT, "%s: a list of more than %d bytes", path, MOST_BYTES);
        while (room < *n + (1 << 16)) TRY(limn_grow(text, room, &room, 1));
        TRY(limn_bytes_read(b, *text + *n, room - *n - 1, &got));
        *n += got;
    }
    (*text)[*n] = '\0';
    if (strlen(*text) != *n) FAIL(LIMN_EINPUT, "%s: a list of files that holds the character NUL", path);
done:
    limn_bytes_free(b);
    return status;
}

limn_status reader_open_list(data_source *s, const limn_data_options *o) {
    limn_status status = LIMN_OK;
    char *text = NULL;
    size_t n = 0;
    reading r = {.s = s, .path = o->images[0]};
    const char *slash = strrchr(r.path, '/');
    if (o->n_images > 1)
        FAIL(LIMN_EINPUT, "%s: one list makes a data set; of several paths each must be a picture", r.path);
    r.folder = slash ? (size_t)(slash - r.path) + 1 : 0;
    TRY(read_all(&text, &n, r.path));
    char *next = text + (strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0); /* a byte order mark */
    while (*next) {
        char *line = next, *end = line + strcspn(line, "\n");
        next = *end ? end + 1 : end;
        *end = '\0';
        if (end > line && end[-1] == '\r') end[-1] = '\0';
        TRY(take_line(&r, line));
    }
    if (s->count == 0) FAIL(LIMN_EINPUT, "%s: there is no picture in this list", r.path);
    if (r.n_labels > 0) TRY(take_labels(&r, o->label_base == LIMN_BASE_1));
    TRY(reader_begin_pictures(s, o, "list of "));
done:
    free(r.labels);
    free(text);
    return status;
}
