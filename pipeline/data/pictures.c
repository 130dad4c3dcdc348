/* Names and order of pictures: see pictures.h. */
#include "data/pictures.h"

#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/try.h"

static int ends_with(const char *name, const char *const *endings, size_t count) {
    const char *base = strrchr(name, '/');
    base = base ? base + 1 : name;
    size_t n = strlen(base);
    if (*base == '.') return 0;
    for (size_t i = 0; i < count; i++) {
        size_t e = strlen(endings[i]);
        if (n > e && strcasecmp(base + n - e, endings[i]) == 0) return 1;
    }
    return 0;
}

int data_picture_name(const char *name) {
    static const char *const endings[] = {".png", ".jpg", ".jpeg", ".pgm", ".ppm", ".pnm"};
    return ends_with(name, endings, COUNT_OF(endings));
}

int data_foreign_name(const char *name) {
    static const char *const endings[] = {".bmp", ".tif", ".tiff", ".webp"};
    return ends_with(name, endings, COUNT_OF(endings));
}

int data_by_folder(const char *a, const char *b) {
    const char *x = strrchr(a, '/'), *y = strrchr(b, '/');
    size_t n = x ? (size_t)(x - a) : 0, m = y ? (size_t)(y - b) : 0;
    int order = memcmp(a, b, n < m ? n : m);
    if (order == 0 && n != m) order = n < m ? -1 : 1;
    return order ? order : strcmp(x ? x : a, y ? y : b);
}

limn_status data_pictures_add(data_source *s, char *path, int label, size_t room[2]) {
    limn_status status = limn_grow(&s->path, s->count, &room[0], sizeof *s->path);
    if (status == LIMN_OK && label >= 0) status = limn_grow(&s->label, s->count, &room[1], sizeof *s->label);
    if (status != LIMN_OK) {
        free(path);
        return status;
    }
    if (label >= 0) s->label[s->count] = label;
    s->path[s->count++] = path;
    return LIMN_OK;
}
