/* CIFAR-10 and CIFAR-100 in their binary versions, one or several batch files. https://www.cs.toronto.edu/~kriz/cifar.html
 *
 * A file is records without any header: one byte of label (CIFAR-10), or coarse and fine label (CIFAR-100), then 3072
 * bytes: 32 x 32 red, green, blue. So a file is known by its size, which is a multiple of 3073 or 3074, and by every
 * record's labels being below 10, or 20 and 100; what is exactly as long as its IDX header says is IDX.
 * Labels: CIFAR-10's, or fine ones; `labels: :coarse` asks for the coarse. Names come from batches.meta.txt,
 * fine_label_names.txt or coarse_label_names.txt beside the first file, where that is there.
 * The files stay open and are read record by record. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/bytes.h"
#include "data/reader.h"
#include "data/spool.h"

enum { SIDE = 32, PIXELS = 3 * SIDE * SIDE, MAX_FILES = 1024, MAX_NAMES = 1 << 16 };

/* The label bytes of a record: how many, the first class number that is none, what labels they are called, names' file. */
static const struct {
    const char *format;
    size_t labels;
    struct {
        unsigned end;
        const char *name, *file;
    } of[2];
} kinds[] = {{"CIFAR-10", 1, {{10, "label", "batches.meta.txt"}, {0, NULL, NULL}}},
             {"CIFAR-100", 2, {{20, "coarse", "coarse_label_names.txt"}, {100, "fine", "fine_label_names.txt"}}}};

typedef struct {
    int kind, *fd; /* (files) */
    char **name;
    size_t files, *first; /* (files + 1) the first record of each */
} cifar_state;

static size_t record_bytes(int kind) {
    return kinds[kind].labels + PIXELS;
}

/* IDX that is as long as its header says. */
static int is_whole_idx(int fd, size_t size) {
    static const unsigned char width[] = {1, 1, 0, 2, 4, 4, 8};
    unsigned char h[4 + 4 * 8] = {0};
    if (limn_read_at(fd, 0, h, size < sizeof h ? size : sizeof h, "") != LIMN_OK || h[0] || h[1]) return 0;
    if (h[2] < 8 || h[2] > 14 || h[3] < 1 || h[3] > 8) return 0;
    size_t bytes = width[h[2] - 8];
    for (int k = 0; k < h[3]; k++) {
        size_t d = (size_t)h[4 + 4 * k] << 24 | (size_t)h[5 + 4 * k] << 16 | (size_t)h[6 + 4 * k] << 8 | h[7 + 4 * k];
        if (d > size || (d > 0 && bytes > size / d)) return 0;
        bytes *= d;
    }
    return bytes + 4 + 4 * (size_t)h[3] == size;
}

/* Which kind the open file is, or -1: the labels of all records decide. */
static int kind_of(int fd, size_t size) {
    for (int k = 0; k < (int)COUNT_OF(kinds); k++) {
        size_t step = record_bytes(k), good = 0;
        if (size == 0 || size % step != 0) continue;
        for (size_t at = 0; at < size; at += step, good++) {
            unsigned char label[2];
            if (limn_read_at(fd, at, label, kinds[k].labels, "") != LIMN_OK) return -1;
            if (label[0] >= kinds[k].of[0].end || (kinds[k].labels > 1 && label[1] >= kinds[k].of[1].end)) break;
        }
        if (good == size / step && !is_whole_idx(fd, size)) return k;
    }
    return -1;
}

int reader_is_cifar(const data_probe *p) {
    int fd = -1, kind = -1;
    size_t size = 0;
    if (p->folder || p->members || p->n == 0) return 0;
    if (limn_open_regular(&fd, &size, p->path) != LIMN_OK) return 0;
    kind = kind_of(fd, size);
    close(fd);
    return kind >= 0;
}

static limn_status open_file(cifar_state *st, const char *path) {
    size_t size, f = st->files;
    limn_status s = limn_open_regular(&st->fd[f], &size, path);
    if (s != LIMN_OK) return s;
    st->files++;
    int kind = kind_of(st->fd[f], size);
    if (f == 0) st->kind = kind;
    if (kind < 0 || kind != st->kind)
        return limn_fail(LIMN_EINPUT, "%s: it is no batch file of %s, as %s is", path,
                         kinds[st->kind < 0 ? 0 : st->kind].format, f ? st->name[0] : "needed");
    s = limn_strdup(&st->name[f], path);
    st->first[f + 1] = st->first[f] + size / record_bytes(kind);
    return s;
}

/* ---- labels ------------------------------------------------------------------------------------------------------ */
/* Which of the label bytes `labels` asks for. */
static limn_status choose_label(size_t *which, const cifar_state *st, const limn_data_options *o) {
    size_t n = kinds[st->kind].labels;
    *which = n - 1; /* fine */
    if (!data_labels_own(o)) return LIMN_OK;
    for (*which = 0; *which < n; ++*which)
        if (strcmp(kinds[st->kind].of[*which].name, o->labels + 1) == 0) return LIMN_OK;
    return limn_fail(LIMN_EINPUT, "%s: there are no labels '%s' in %s, but :%s%s%s", st->name[0], o->labels + 1,
                     kinds[st->kind].format, kinds[st->kind].of[0].name, n > 1 ? " and :" : "",
                     n > 1 ? kinds[st->kind].of[1].name : "");
}

/* A name a line, blank lines skipped; *n = 0 where there is no such file. */
static limn_status read_names(char ***name, size_t *n, const char *beside, const char *file) {
    limn_status status = LIMN_OK;
    const char *slash = strrchr(beside, '/');
    struct stat st;
    unsigned char *text = NULL;
    char *path = NULL;
    size_t size = 0, room = 0;
    TRY(limn_format(&path, "%.*s%s", slash ? (int)(slash + 1 - beside) : 0, beside, file));
    if (stat(path, &st) != 0) goto done;
    if (st.st_size > MAX_NAMES) FAIL(LIMN_EINPUT, "%s: it is too long for names of classes", path);
    TRY(limn_file_read(&text, &size, path));
    for (size_t at = 0; at < size;) {
        size_t end = at;
        while (end < size && text[end] != '\n') end++;
        size_t length = end - at;
        while (length > 0 && (text[at + length - 1] == '\r' || text[at + length - 1] == ' ')) length--;
        if (length > 0) {
            if (memchr(text + at, 0, length)) FAIL(LIMN_EINPUT, "%s: it is no text", path);
            TRY(limn_grow(name, *n, &room, sizeof **name));
            TRY(limn_format(&(*name)[*n], "%.*s", (int)length, (const char *)text + at));
            ++*n;
        }
        at = end + 1;
    }
done:
    free(path);
    free(text);
    return status;
}

static limn_status read_labels(data_source *s, const cifar_state *st, size_t which) {
    limn_status status = LIMN_OK;
    size_t step = record_bytes(st->kind), end = kinds[st->kind].of[which].end;
    TRY(limn_new(&s->label, s->count, sizeof *s->label));
    for (size_t f = 0; f < st->files; f++) {
        for (size_t i = st->first[f]; i < st->first[f + 1]; i++) {
            unsigned char label;
            TRY(limn_read_at(st->fd[f], (i - st->first[f]) * step + which, &label, 1, st->name[f]));
            s->label[i] = label;
        }
    }
    TRY(read_names(&s->class_name, &s->n_classes, st->name[0], kinds[st->kind].of[which].file));
    if (s->class_name && s->n_classes != end)
        FAIL(LIMN_EINPUT, "%s: %s beside it has %zu names, where %s has %zu classes", st->name[0],
             kinds[st->kind].of[which].file, s->n_classes, kinds[st->kind].format, end);
done:
    return status;
}

/* ---- the reader -------------------------------------------------------------------------------------------------- */
limn_status reader_open_cifar(data_source *s, const limn_data_options *o) {
    limn_status status = LIMN_OK;
    cifar_state *st = NULL;
    size_t which = 0;
    if (o->n_images > MAX_FILES) FAIL(LIMN_EINPUT, "%s: more than %d batch files", o->images[0], (int)MAX_FILES);
    TRY(limn_new(&st, 1, sizeof *st));
    s->state = st;
    TRY(limn_new(&st->fd, o->n_images, sizeof *st->fd));
    TRY(limn_new(&st->name, o->n_images, sizeof *st->name));
    TRY(limn_new(&st->first, o->n_images + 1, sizeof *st->first));
    for (size_t f = 0; f < o->n_images; f++) TRY(open_file(st, o->images[f]));
    s->count = st->first[st->files];
    s->H = s->W = SIDE;
    s->bytes = 1;
    TRY(data_channels(&s->C, 3, o->channels, st->name[0]));
    snprintf(s->format, sizeof s->format, "%s", kinds[st->kind].format);
    TRY(choose_label(&which, st, o));
    if (!o->labels || data_labels_own(o)) TRY(read_labels(s, st, which));
done:
    return status;
}

limn_status reader_read_cifar(const data_source *s, size_t i, float *x) {
    const cifar_state *st = s->state;
    unsigned char raw[PIXELS];
    float planes[PIXELS];
    size_t f = 0;
    while (i >= st->first[f + 1]) f++;
    size_t at = (i - st->first[f]) * record_bytes(st->kind) + kinds[st->kind].labels;
    limn_status status = limn_read_at(st->fd[f], at, raw, sizeof raw, st->name[f]);
    if (status != LIMN_OK) return status;
    for (size_t k = 0; k < PIXELS; k++) planes[k] = raw[k];
    data_convert(x, s->C, planes, 3, (size_t)SIDE * SIDE, 1);
    return LIMN_OK;
}

void reader_close_cifar(data_source *s) {
    cifar_state *st = s->state;
    if (!st) return;
    for (size_t f = 0; f < st->files; f++) {
        close(st->fd[f]);
        free(st->name[f]);
    }
    free(st->fd);
    free(st->name);
    free(st->first);
    free(st);
    s->state = NULL;
}
