/* Keras 3's .keras: a zip of config.json, metadata.json and model.weights.h5.
 *
 * Only these three members are looked at, nothing is unpacked to disk: the two texts go to memory, the weights to a
 * file in memory for the helper program (hdf5.h). Each member must be there once, may unpack to at most its bound, and
 * its checksum is checked. Threading: none of its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zip.h>

#include "base/mem.h"
#include "base/try.h"
#include "model/helper.h"
#include "model/readers.h"

enum { MAX_MEMBERS = 10000, MAX_METADATA = 1 << 16, BLOCK = 1 << 18 };

int keras_zip_matches(const unsigned char *head, size_t n) {
    return n >= 4 && memcmp(head, "PK\3\4", 4) == 0;
}

/* Through a stream: zip_fdopen would make a descriptor that children inherit. */
static limn_status open_zip(zip_t **out, int fd) {
    limn_status status = LIMN_OK;
    zip_error_t e;
    zip_source_t *source = NULL;
    FILE *stream = NULL;
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    zip_error_init(&e);
    if (own < 0) FAIL(LIMN_EFAIL, "no file descriptor is left: %s", strerror(errno));
    stream = fdopen(own, "rb");
    if (!stream) FAIL(LIMN_ENOMEM, "no memory to read a zip");
    own = -1;
    source = zip_source_filep_create(stream, 0, -1, &e);
    if (!source) FAIL(LIMN_ENOMEM, "no memory to read a zip");
    stream = NULL; /* the source's now */
    *out = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &e);
    if (!*out) FAIL(LIMN_EINPUT, "damaged zip (%s)", zip_error_strerror(&e));
    source = NULL; /* the zip's now */
done:
    if (source) zip_source_free(source);
    if (stream) fclose(stream);
    if (own >= 0) close(own);
    zip_error_fini(&e);
    return status;
}

/* The only member of this name: its index, and its unpacked size if that is at most `max`. */
static limn_status find_member(zip_t *z, const char *name, size_t max, zip_uint64_t *index, size_t *size) {
    zip_int64_t n = zip_get_num_entries(z, 0);
    zip_stat_t st;
    int found = 0;
    if (n > MAX_MEMBERS)
        return limn_fail(LIMN_EINPUT, "a zip of more than %d members is no .keras file", (int)MAX_MEMBERS);
    for (zip_int64_t i = 0; i < n; i++) {
        const char *member = zip_get_name(z, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        if (!member || strcmp(member, name) != 0) continue;
        *index = (zip_uint64_t)i;
        found++;
    }
    if (found != 1)
        return limn_fail(LIMN_EINPUT, found ? "it holds %s twice" : "it is a zip, but no Keras network (it lacks %s)",
                         name);
    if (zip_stat_index(z, *index, 0, &st) != 0 || !(st.valid & ZIP_STAT_SIZE))
        return limn_fail(LIMN_EINPUT, "damaged zip (%s has no size)", name);
    if (st.size > max)
        return limn_fail(LIMN_EINPUT, "its %s would unpack to %llu bytes", name, (unsigned long long)st.size);
    *size = (size_t)st.size;
    return LIMN_OK;
}

typedef limn_status (*sink)(void *ctx, const char *data, size_t n);

/* Unpacks a member in blocks into put(ctx, …); reading beyond its end makes libzip check its checksum. */
static limn_status unpack(zip_t *z, zip_uint64_t index, const char *name, size_t size, sink put, void *ctx) {
    limn_status status = LIMN_OK;
    char *block = NULL;
    size_t have = 0;
    zip_file_t *f = zip_fopen_index(z, index, 0);
    if (!f) FAIL(LIMN_EINPUT, "damaged zip (%s: %s)", name, zip_strerror(z));
    TRY(limn_new(&block, BLOCK, 1));
    for (;;) {
        zip_int64_t n = zip_fread(f, block, BLOCK);
        if (n < 0) FAIL(LIMN_EINPUT, "damaged zip (%s: %s)", name, zip_error_strerror(zip_file_get_error(f)));
        if ((size_t)n > size - have || (n == 0 && have < size))
            FAIL(LIMN_EINPUT, "damaged zip (%s has not the size that it says)", name);
        if (n == 0) break;
        TRY(put(ctx, block, (size_t)n));
        have += (size_t)n;
    }
done:
    if (f) zip_fclose(f);
    free(block);
    return status;
}

static limn_status to_memory(void *ctx, const char *data, size_t n) {
    char **end = ctx;
    memcpy(*end, data, n);
    *end += n;
    return LIMN_OK;
}

static limn_status to_file(void *ctx, const char *data, size_t n) {
    const int *fd = ctx;
    while (n > 0) {
        ssize_t k = write(*fd, data, n);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) return limn_fail(LIMN_EFAIL, "the weights cannot be unpacked to memory: %s", strerror(errno));
        data += k;
        n -= (size_t)k;
    }
    return LIMN_OK;
}

/* *text = a member as a string, the caller's to free. */
static limn_status read_text(zip_t *z, const char *name, size_t max, char **text, size_t *size) {
    limn_status status = LIMN_OK;
    zip_uint64_t index;
    char *end;
    *text = NULL;
    TRY(find_member(z, name, max, &index, size));
    TRY(limn_new(text, *size + 1, 1));
    end = *text;
    TRY(unpack(z, index, name, *size, to_memory, &end));
done:
    return status;
}

/* The version in metadata.json. */
static limn_status name_format(limn_graph *g, zip_t *z) {
    limn_status status = LIMN_OK;
    char *text = NULL;
    cJSON *root = NULL;
    size_t n;
    TRY(read_text(z, "metadata.json", MAX_METADATA, &text, &n));
    root = cJSON_ParseWithLength(text, n);
    TRY(keras_name_format(g, "zip", cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "keras_version"))));
done:
    cJSON_Delete(root);
    free(text);
    return status;
}

static limn_status open_weights(zip_t *z, size_t file_size, hdf5_file **out) {
    static const char name[] = "model.weights.h5";
    limn_status status = LIMN_OK;
    zip_uint64_t index;
    size_t size, max = (1 << 20) + 16 * file_size; /* weights hardly compress */
    int fd = -1;
    TRY(find_member(z, name, max, &index, &size));
    TRY(helper_memory_file(&fd));
    TRY(unpack(z, index, name, size, to_file, &fd));
    status = hdf5_open(out, fd, keras_skip);
    if (status != LIMN_OK) status = limn_fail_at(status, "%s: ", name);
done:
    if (fd >= 0) close(fd);
    return status;
}

limn_status keras_zip_read(limn_graph *g, const limn_model_file *model, const limn_model_file *none) {
    limn_status status = LIMN_OK;
    zip_t *z = NULL;
    hdf5_file *f = NULL;
    keras_weights w;
    char *config = NULL;
    size_t n;
    (void)none;
    TRY(open_zip(&z, model->fd));
    TRY(read_text(z, "config.json", KERAS_MAX_JSON, &config, &n));
    TRY(name_format(g, z));
    TRY(open_weights(z, model->size, &f));
    zip_discard(z);
    z = NULL;
    TRY(keras_weights_in(&w, f));
    TRY(keras_build(g, config, n, &w));
done:
    if (z) zip_discard(z);
    hdf5_close(f);
    free(config);
    return status;
}
