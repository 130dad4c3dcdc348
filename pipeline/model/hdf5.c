/* The parent's side of reading HDF5: the helper's answer, parsed as if it were hostile too.
 *
 * 1. The header: magic, size, status; a status other than complete carries a sentence.
 * 2. Each entry: its parts lie inside the answer; path and name are strings that end where they say; the shape's
 * product times the size of an element is the number of bytes; as many NULs as strings.
 * 3. Sort by (path, kind, name), so that finding is a binary search.
 * Nothing is copied: entries point into the answer. Threading: a file is read-only once it is open. */
#define _DEFAULT_SOURCE /* madvise */
#include "model/hdf5.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/array.h"
#include "model/helper.h"

struct hdf5_file {
    void *map; /* owned, or NULL where the caller keeps the bytes */
    size_t map_bytes;
    hdf5_entry *entry;
    size_t n;
};

typedef struct {
    const unsigned char *at;
    size_t left;
    const char *what; /* "HDF5" */
} cursor;

static limn_status torn(const cursor *c) {
    return limn_fail(LIMN_EINPUT, "damaged %s (the answer of its reader is not whole)", c->what);
}

/* The next n bytes and the zeros after them up to a multiple of 8. */
static const void *take(cursor *c, uint64_t n) {
    if (n > c->left || c->left - n < (8 - n % 8) % 8) return NULL;
    const void *p = c->at;
    n += (8 - n % 8) % 8;
    c->at += n;
    c->left -= n;
    return p;
}

static const char *take_text(cursor *c, uint32_t n) {
    const char *p = n > 0 ? take(c, n) : NULL;
    return p && memchr(p, 0, n) == p + n - 1 ? p : NULL;
}

/* Whether data_bytes are what the type and the shape ask for. */
static int data_fits(const hdf5_entry *e) {
    static const size_t size[ANSWER_TYPES] = {[ANSWER_VALUES] = 4, [ANSWER_INTEGERS] = 8};
    size_t element = e->type == ANSWER_ARRAY ? limn_dtype_size((limn_dtype)e->dtype) : size[e->type];
    if (e->kind == ANSWER_GROUP || e->type == ANSWER_OTHER || e->type == ANSWER_LISTED) return e->data_bytes == 0;
    if (e->type != ANSWER_TEXTS) return e->n <= SIZE_MAX / 8 && e->data_bytes == e->n * element;
    const char *p = e->data, *end = p + e->data_bytes;
    size_t n = 0;
    while (p < end) {
        const char *nul = memchr(p, 0, (size_t)(end - p));
        if (!nul) return 0;
        p = nul + 1;
        n++;
    }
    return n == e->n;
}

static limn_status parse_entry(hdf5_entry *e, cursor *c) {
    const answer_entry *a = take(c, sizeof *a);
    if (!a || a->kind >= ANSWER_KINDS || a->type >= ANSWER_TYPES || a->rank > ANSWER_RANK || a->dtype > LIMN_DTYPES ||
        (a->type == ANSWER_ARRAY && a->dtype == LIMN_DTYPES))
        return torn(c);
    *e = (hdf5_entry){.kind = (answer_kind)a->kind,
                      .type = (answer_type)a->type,
                      .rank = (int)a->rank,
                      .n = 1,
                      .dtype = (int)a->dtype};
    for (int i = 0; i < e->rank; i++) {
        if (a->dim[i] != 0 && e->n > SIZE_MAX / a->dim[i]) return torn(c);
        e->dim[i] = a->dim[i];
        e->n *= a->dim[i];
    }
    e->path = take_text(c, a->path_bytes);
    e->name = e->path ? take_text(c, a->name_bytes) : NULL;
    e->data = e->name ? take(c, a->data_bytes) : NULL;
    e->data_bytes = a->data_bytes;
    return e->data && data_fits(e) ? LIMN_OK : torn(c);
}

static int compare(const void *x, const void *y) {
    const hdf5_entry *a = x, *b = y;
    int d = strcmp(a->path, b->path);
    if (d == 0) d = (a->kind > b->kind) - (a->kind < b->kind);
    return d ? d : strcmp(a->name, b->name);
}

static limn_status sentence(const answer_header *h, cursor *c) {
    const char *text = c->left > 0 && c->left <= UINT32_MAX ? (const char *)c->at : NULL;
    if (!text || !memchr(text, 0, c->left) || !*text) return torn(c);
    if (h->status == ANSWER_REFUSED) return limn_fail(LIMN_EINPUT, "%s", text);
    return limn_fail(LIMN_EINPUT, "damaged %s (%s)", c->what, text);
}

static limn_status parse(hdf5_file **out, const void *bytes, size_t n, const char *what) {
    limn_status status = LIMN_OK;
    cursor c = {bytes, n, what};
    hdf5_file *f = NULL;
    *out = NULL;
    const answer_header *h = take(&c, sizeof *h);
    if (!h || h->magic != ANSWER_MAGIC || h->bytes != n) TRY(torn(&c));
    if (h->status == ANSWER_DAMAGED || h->status == ANSWER_REFUSED) TRY(sentence(h, &c));
    if (h->status != ANSWER_COMPLETE || h->entries > c.left / sizeof(answer_entry)) TRY(torn(&c));
    TRY(limn_new(&f, 1, sizeof *f));
    TRY(limn_new(&f->entry, h->entries, sizeof *f->entry));
    for (; f->n < h->entries; f->n++) TRY(parse_entry(&f->entry[f->n], &c));
    qsort(f->entry, f->n, sizeof *f->entry, compare);
    *out = f;
    f = NULL;
done:
    hdf5_close(f);
    return status;
}

limn_status hdf5_parse(hdf5_file **out, const void *bytes, size_t n) {
    return parse(out, bytes, n, helper_hdf5.what);
}

/* The parsed answer keeps its memory. */
static limn_status keep(hdf5_file **out, const helper_kind *kind, void *map, size_t n) {
    limn_status s = parse(out, map, n, kind->what);
    if (s != LIMN_OK) {
        helper_release(map, n);
        return s;
    }
    (*out)->map = map;
    (*out)->map_bytes = n;
    return LIMN_OK;
}

limn_status hdf5_open(hdf5_file **out, int fd, const char *const *skip) {
    void *map;
    size_t n;
    *out = NULL;
    limn_status s = helper_run(fd, skip, &map, &n);
    return s == LIMN_OK ? keep(out, &helper_hdf5, map, n) : s;
}

limn_status hdf5_ask(hdf5_file **out, const helper_kind *kind, int fd, int answer, const char *name) {
    const char *const args[] = {ANSWER_ASK_ARRAYS, name, NULL};
    void *map;
    size_t n;
    *out = NULL;
    limn_status s = helper_call(kind, fd, answer, args, &map, &n);
    return s == LIMN_OK ? keep(out, kind, map, n) : s;
}

size_t hdf5_offset(const hdf5_file *f, const hdf5_entry *e) {
    return (size_t)((const char *)e->data - (const char *)f->map);
}

void hdf5_close(hdf5_file *f) {
    if (!f) return;
    helper_release(f->map, f->map_bytes);
    free(f->entry);
    free(f);
}

const hdf5_entry *hdf5_find(const hdf5_file *f, answer_kind kind, const char *path, const char *name) {
    hdf5_entry key = {.kind = kind, .path = path, .name = name};
    return bsearch(&key, f->entry, f->n, sizeof key, compare);
}

const char *hdf5_text(const hdf5_file *f, const char *path, const char *name) {
    const hdf5_entry *e = hdf5_find(f, ANSWER_ATTRIBUTE, path, name);
    return e && e->type == ANSWER_TEXTS && e->n == 1 ? e->data : NULL;
}

const hdf5_entry *hdf5_entries(const hdf5_file *f, size_t *n) {
    *n = f->n;
    return f->entry;
}

void hdf5_done(const hdf5_file *f, const hdf5_entry *e) {
    long page = sysconf(_SC_PAGESIZE);
    if (!f->map || page <= 0) return;
    size_t size = (size_t)page, from = (size_t)((const char *)e->data - (const char *)f->map),
           to = from + e->data_bytes;
    from = (from + size - 1) / size * size; /* whole pages inside the data */
    to = to / size * size;
    if (to > from) madvise((char *)f->map + from, to - from, MADV_DONTNEED);
}
