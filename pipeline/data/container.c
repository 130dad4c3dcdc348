/* Files with members: which there are, how a path names one, and what messages say of them. See block.h. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/array_read.h"

enum { HEAD = 128 };

struct block_container {
    const char *name, *what;
    int (*matches)(const unsigned char *head, size_t n, const char *file);
    limn_status (*list)(limn_members *out, const char *file);
    limn_status (*open)(limn_block *out, const limn_members *m, const char *file, const char *member);
    int matlab;
};

static int is_npz(const unsigned char *h, size_t n, const char *file) {
    (void)file;
    return n >= 4 && (memcmp(h, "PK\x03\x04", 4) == 0 || memcmp(h, "PK\x05\x06", 4) == 0);
}

static int is_hdf5(const unsigned char *h, size_t n, const char *file) {
    (void)file;
    return n >= 8 && memcmp(h, "\x89HDF\r\n\x1a\n", 8) == 0;
}

/* MATLAB 5 to 7.3 say so; version 4 has no magic: a file named .mat whose first words can be one. */
static int is_mat(const unsigned char *h, size_t n, const char *file) {
    size_t length = strlen(file);
    if (n >= 16 && (memcmp(h, "MATLAB 5.0 MAT-f", 16) == 0 || memcmp(h, "MATLAB 7.3 MAT-f", 16) == 0)) return 1;
    if (n < 20 || length < 4 || strcmp(file + length - 4, ".mat") != 0) return 0;
    uint32_t little = (uint32_t)h[0] | (uint32_t)h[1] << 8 | (uint32_t)h[2] << 16 | (uint32_t)h[3] << 24;
    uint32_t big = (uint32_t)h[3] | (uint32_t)h[2] << 8 | (uint32_t)h[1] << 16 | (uint32_t)h[0] << 24;
    return little < 5000 || big < 5000 ||
           (n >= HEAD && (memcmp(h + 126, "IM", 2) == 0 || memcmp(h + 126, "MI", 2) == 0));
}

static const block_container containers[] = {
    {"npz", "npz", is_npz, npz_list, npz_open, 0},
    {"HDF5", "HDF5", is_hdf5, hdf5_list_arrays, hdf5_open_array, 0},
    {"MATLAB", "MATLAB", is_mat, mat_list, mat_open, 1},
};

/* ---- names ------------------------------------------------------------------------------------------------------- */
limn_status limn_member_split(char **file, char **member, const char *path) {
    limn_status status = LIMN_OK;
    struct stat st;
    *file = *member = NULL;
    TRY(limn_strdup(file, path));
    if (stat(path, &st) == 0) return LIMN_OK;
    for (size_t i = strlen(path); i-- > 1;) {
        if (path[i] != ':') continue;
        (*file)[i] = '\0';
        if (stat(*file, &st) == 0 && S_ISREG(st.st_mode)) {
            TRY(limn_strdup(member, path + i + 1));
            return LIMN_OK;
        }
        (*file)[i] = ':';
    }
done:
    return status;
}

limn_status limn_members_add(limn_members *m, size_t *room, const char *name, limn_member **added) {
    limn_status s = limn_grow(&m->member, m->n, room, sizeof *m->member);
    if (s != LIMN_OK) return s;
    *added = &m->member[m->n];
    s = limn_strdup(&(*added)->name, name);
    if (s == LIMN_OK) m->n++;
    return s;
}

void limn_members_clear(limn_members *m) {
    for (size_t i = 0; i < m->n; i++) free(m->member[i].name);
    free(m->member);
    *m = (limn_members){0};
}

const char *limn_members_format(const limn_members *m) {
    return m->kind ? m->kind->what : "";
}

/* HDF5's names may begin with a slash, npz's may end in .npy. */
const limn_member *limn_members_find(const limn_members *m, const char *name) {
    while (*name == '/') name++;
    size_t n = strlen(name);
    if (n > 4 && strcmp(name + n - 4, ".npy") == 0) n -= 4;
    for (size_t i = 0; i < m->n; i++)
        if (strncmp(m->member[i].name, name, n) == 0 && m->member[i].name[n] == '\0') return &m->member[i];
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->member[i].name, name) == 0) return &m->member[i];
    return NULL;
}

void limn_members_text(char to[BLOCK_NAMES], const limn_members *m) {
    char shape[ARRAY_SHAPE_ROOM];
    size_t at = 0;
    to[0] = '\0';
    for (size_t i = 0; i < m->n && at < BLOCK_NAMES - 1; i++) {
        const limn_member *e = &m->member[i];
        array_shape_text(shape, e->rank, e->dim);
        int n =
            snprintf(to + at, BLOCK_NAMES - at, "%s%s %s", i ? ", " : "", e->name, e->why[0] ? "(not numbers)" : shape);
        at = n < 0 || (size_t)n >= BLOCK_NAMES - at ? BLOCK_NAMES - 1 : at + (size_t)n;
    }
    array_printable(to);
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */
/* The row that knows the file's first bytes, or NULL. */
static limn_status recognize(const block_container **kind, const char *file) {
    limn_bytes *b = NULL;
    unsigned char head[HEAD] = {0};
    size_t n = 0;
    *kind = NULL;
    limn_status s = limn_bytes_open(&b, file);
    if (s != LIMN_OK) return s;
    if (!limn_bytes_gzip(b)) s = limn_bytes_read(b, head, sizeof head, &n);
    limn_bytes_free(b);
    for (size_t i = 0; s == LIMN_OK && n > 0 && i < COUNT_OF(containers); i++) {
        if (!*kind && containers[i].matches(head, n, file)) *kind = &containers[i];
    }
    return s;
}

limn_status limn_members_list(limn_members *out, const char *file) {
    limn_status status = LIMN_OK;
    *out = (limn_members){0};
    TRY(recognize(&out->kind, file));
    if (!out->kind) goto done;
    out->matlab = out->kind->matlab;
    TRY(out->kind->list(out, file));
done:
    if (status != LIMN_OK) limn_members_clear(out);
    return status;
}

limn_status limn_members_any(int *any, const char *path) {
    limn_status status = LIMN_OK;
    const block_container *kind = NULL;
    char *file = NULL, *member = NULL;
    struct stat st;
    *any = 0;
    TRY(limn_member_split(&file, &member, path));
    if (stat(file, &st) != 0 || !S_ISREG(st.st_mode)) goto done;
    TRY(recognize(&kind, file));
    *any = kind != NULL;
done:
    free(file);
    free(member);
    return status;
}

limn_status limn_member_open(limn_block *out, const limn_members *m, const char *file, const char *member) {
    limn_status status = LIMN_OK;
    char list[BLOCK_NAMES];
    const limn_member *e = member ? limn_members_find(m, member) : m->n == 1 ? &m->member[0] : NULL;
    *out = (limn_block){0};
    limn_members_text(list, m);
    if (m->n == 0) FAIL(LIMN_EINPUT, "%s: there is no array in this %s file", file, m->kind->what);
    if (!e && member)
        FAIL(LIMN_EINPUT, "%s: there is no '%s' in this %s file; it has: %s", file, member, m->kind->what, list);
    if (!e)
        FAIL(LIMN_EINPUT, "%s: this %s file has several arrays, of which one must be named (FILE:NAME): %s", file,
             m->kind->what, list);
    if (e->why[0]) FAIL(LIMN_EINPUT, "%s: %s", file, e->why);
    TRY(limn_format(&out->name, "%s:%s", file, e->name));
    TRY(m->kind->open(out, m, file, e->name));
    if (!out->format[0]) snprintf(out->format, sizeof out->format, "%s", m->kind->name);
done:
    if (status != LIMN_OK) limn_block_clear(out);
    return status;
}
