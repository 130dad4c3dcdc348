/* NumPy's .npz: a zip of .npy members, stored or deflated, read through libzip. One member is read, as a stream.
 *
 * Nothing is ever written under a member's name; even so, a name that leads out of its folder and a name that comes
 * twice are refused, because such a file means harm or is damaged. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

#include "base/mem.h"
#include "base/try.h"
#include "data/array_read.h"

enum { NAMES_ROOM = 400 /* of a message that lists the members */, MAX_MEMBERS = 1 << 12 };

static limn_status zip_failed(const char *name, zip_error_t *e) {
    limn_status s = limn_fail(LIMN_EINPUT, "%s: it is not a readable npz (zip) file: %s", name, zip_error_strerror(e));
    zip_error_fini(e);
    return s;
}

static limn_status pull_member(void *ctx, const char *name, void *to, size_t n, size_t *got) {
    zip_int64_t r = zip_fread(ctx, to, n);
    if (r < 0)
        return limn_fail(LIMN_EINPUT, "%s: the zip data are damaged (%s)", name,
                         zip_error_strerror(zip_file_get_error(ctx)));
    *got = (size_t)r;
    return LIMN_OK;
}

static void close_member(void *ctx) {
    zip_fclose(ctx);
}

/* Whether the name stays in its folder: not absolute, no drive, no "..". */
static int stays(const char *name) {
    if (name[0] == '/' || name[0] == '\\' || (name[0] && name[1] == ':')) return 0;
    for (const char *p = name; (p = strstr(p, "..")) != NULL; p += 2) {
        int starts = p == name || p[-1] == '/' || p[-1] == '\\', ends = !p[2] || p[2] == '/' || p[2] == '\\';
        if (starts && ends) return 0;
    }
    return 1;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names as a whole: not too many, none twice, none that leads out. */
static limn_status check_names(zip_t *z, const char *file) {
    limn_status status = LIMN_OK;
    zip_int64_t n = zip_get_num_entries(z, 0);
    const char **name = NULL;
    if (n == 0) FAIL(LIMN_EINPUT, "%s: the npz is empty", file);
    if (n < 0 || n > MAX_MEMBERS)
        FAIL(LIMN_EINPUT, "%s: the npz has %lld members, more than %d", file, (long long)n, MAX_MEMBERS);
    TRY(limn_new(&name, (size_t)n, sizeof *name));
    for (zip_int64_t i = 0; i < n; i++) {
        name[i] = zip_get_name(z, (zip_uint64_t)i, 0);
        if (!name[i]) FAIL(LIMN_EINPUT, "%s: a member of the npz has no name", file);
        if (!stays(name[i])) FAIL(LIMN_EINPUT, "%s: a member of the npz has a name that leads out of it", file);
    }
    qsort(name, (size_t)n, sizeof *name, by_name);
    for (zip_int64_t i = 1; i < n; i++)
        if (strcmp(name[i], name[i - 1]) == 0) FAIL(LIMN_EINPUT, "%s: a member comes twice in the npz", file);
done:
    free(name);
    return status;
}

/* The member's index. NULL asks for the only one; a message names those that are there. */
static limn_status find(zip_int64_t *index, zip_t *z, const char *name, const char *member) {
    limn_status status = LIMN_OK;
    char *with = NULL, list[NAMES_ROOM] = "";
    zip_int64_t n = zip_get_num_entries(z, 0);
    size_t at = 0;
    *index = -1;
    TRY(check_names(z, name));
    if (member) {
        TRY(limn_format(&with, "%s.npy", member));
        *index = zip_name_locate(z, with, 0);
        if (*index < 0) *index = zip_name_locate(z, member, 0);
    } else if (n == 1) {
        *index = 0;
    }
    if (*index >= 0) goto done;
    for (zip_int64_t i = 0; i < n && at < sizeof list - 1; i++) {
        int w = snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", zip_get_name(z, (zip_uint64_t)i, 0));
        at = w < 0 || (size_t)w >= sizeof list - at ? sizeof list - 1 : at + (size_t)w;
    }
    array_printable(list);
    if (member) FAIL(LIMN_EINPUT, "%s: the npz has no member '%s'; it has: %s", name, member, list);
    FAIL(LIMN_EINPUT, "%s: the npz has %lld members, and none was named: %s", name, (long long)n, list);
done:
    free(with);
    return status;
}

/* The most bytes that the member can have: what its entry says, but never more than the file can inflate to; and one
 * more, so that the stream's end is read, where libzip checks the CRC. */
static limn_status bound(size_t *most, zip_t *z, zip_uint64_t index, size_t file_size, const char *name) {
    zip_stat_t st;
    const zip_uint64_t need = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    if (zip_stat_index(z, index, 0, &st) != 0 || (st.valid & need) != need)
        return limn_fail(LIMN_EINPUT, "%s: the zip entry cannot be read", name);
    if ((st.valid & ZIP_STAT_ENCRYPTION_METHOD) && st.encryption_method != ZIP_EM_NONE)
        return limn_fail(LIMN_EINPUT, "%s: the zip entry is encrypted", name);
    if (st.comp_method != ZIP_CM_STORE && st.comp_method != ZIP_CM_DEFLATE)
        return limn_fail(LIMN_EINPUT, "%s: zip compression method %d cannot be read: stored and deflated can", name,
                         st.comp_method);
    zip_uint64_t in = st.comp_size < file_size ? st.comp_size : file_size;
    zip_uint64_t can = st.comp_method == ZIP_CM_STORE ? in : in > SIZE_MAX / 2 / 1032 ? SIZE_MAX / 2 : in * 1032;
    *most = (size_t)(st.size < can ? st.size : can) + 1;
    return LIMN_OK;
}

/* A stream of the member's bytes. */
static limn_status member_stream(limn_bytes **b, zip_t *z, zip_uint64_t index, size_t file_size, const char *name) {
    size_t most = 0;
    *b = NULL;
    limn_status s = bound(&most, z, index, file_size, name);
    if (s != LIMN_OK) return s;
    zip_file_t *f = zip_fopen_index(z, index, 0);
    if (!f) return limn_fail(LIMN_EINPUT, "%s: the zip entry cannot be opened: %s", name, zip_strerror(z));
    return limn_bytes_from(b, (limn_bytes_source){pull_member, close_member, f}, most, name);
}

static limn_status read_member(limn_block *out, zip_t *z, size_t file_size, const char *path, const char *member) {
    limn_status status = LIMN_OK;
    limn_bytes *b = NULL;
    char *name = NULL;
    zip_int64_t index;
    TRY(find(&index, z, path, member));
    TRY(limn_format(&name, "%s[%s]", path, member ? member : zip_get_name(z, (zip_uint64_t)index, 0)));
    TRY(member_stream(&b, z, (zip_uint64_t)index, file_size, name));
    TRY(array_stream(out, b, 1));
    snprintf(out->format, sizeof out->format, "npz");
done:
    limn_bytes_free(b);
    free(name);
    return status;
}

/* ---- from a file, from memory ------------------------------------------------------------------------------------ */
static limn_status open_file(zip_t **z, size_t *size, const char *path) {
    int fd = -1, code = 0;
    *z = NULL;
    limn_status s = limn_open_regular(&fd, size, path);
    if (s != LIMN_OK) return s;
    close(fd);
    *z = zip_open(path, ZIP_RDONLY, &code);
    if (*z) return LIMN_OK;
    zip_error_t e;
    zip_error_init_with_code(&e, code);
    return zip_failed(path, &e);
}

static limn_status open_memory(zip_t **z, const void *bytes, size_t n, const char *name) {
    zip_error_t e;
    *z = NULL;
    zip_error_init(&e);
    zip_source_t *source = zip_source_buffer_create(bytes, n, 0, &e);
    if (!source) return zip_failed(name, &e);
    *z = zip_open_from_source(source, ZIP_RDONLY, &e);
    if (!*z) {
        zip_source_free(source);
        return zip_failed(name, &e);
    }
    zip_error_fini(&e);
    return LIMN_OK;
}

/* What the member is, as far as its head tells. */
static limn_status list_member(limn_member *m, zip_t *z, zip_uint64_t index, size_t file_size) {
    limn_status status = LIMN_OK;
    limn_bytes *b = NULL;
    limn_block block = {0};
    size_t bytes, n = strlen(m->name);
    if (n > 4 && strcmp(m->name + n - 4, ".npy") == 0) m->name[n - 4] = '\0';
    status = member_stream(&b, z, index, file_size, m->name);
    if (status == LIMN_OK) status = array_stream_head(&block, b);
    if (status == LIMN_OK) status = array_measure(&block, &bytes, m->name);
    if (status == LIMN_EINPUT) {
        snprintf(m->why, sizeof m->why, "%s", limn_message());
        array_printable(m->why);
        status = LIMN_OK;
        goto done; /* the others may be sound */
    }
    TRY(status);
    m->dtype = block.dtype;
    m->rank = block.rank;
    m->count = block.count;
    memcpy(m->dim, block.dim, sizeof m->dim);
done:
    limn_bytes_free(b);
    return status;
}

limn_status npz_list(limn_members *out, const char *file) {
    limn_status status = LIMN_OK;
    zip_t *z = NULL;
    size_t size, room = 0;
    limn_member *m;
    TRY(open_file(&z, &size, file));
    TRY(check_names(z, file));
    for (zip_int64_t i = 0; i < zip_get_num_entries(z, 0); i++) {
        TRY(limn_members_add(out, &room, zip_get_name(z, (zip_uint64_t)i, 0), &m));
        TRY(list_member(m, z, (zip_uint64_t)i, size));
    }
done:
    if (z) zip_discard(z);
    return status;
}

limn_status npz_open(limn_block *out, const limn_members *m, const char *file, const char *member) {
    zip_t *z;
    size_t size;
    (void)m;
    limn_status s = open_file(&z, &size, file);
    if (s != LIMN_OK) return s;
    s = read_member(out, z, size, file, member);
    zip_discard(z);
    return s;
}

/* The member as an array; z is discarded. */
static limn_status as_array(limn_array *out, zip_t *z, size_t size, const char *name, const char *member) {
    limn_block block = {0};
    limn_status s = read_member(&block, z, size, name, member);
    if (s == LIMN_OK) s = limn_block_array(out, &block);
    limn_block_clear(&block);
    zip_discard(z);
    return s;
}

limn_status limn_array_read_npz(limn_array *out, const char *path, const char *member) {
    zip_t *z;
    size_t size;
    *out = (limn_array){0};
    limn_status s = open_file(&z, &size, path);
    return s == LIMN_OK ? as_array(out, z, size, path, member) : s;
}

limn_status limn_array_parse_npz(limn_array *out, const void *bytes, size_t n, const char *name, const char *member) {
    zip_t *z;
    *out = (limn_array){0};
    limn_status s = open_memory(&z, bytes, n, name);
    return s == LIMN_OK ? as_array(out, z, n, name, member) : s;
}
