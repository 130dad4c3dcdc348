/* Arrays of ../shared/goldens: see golden.h. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/array.h"
#include "tests/lib/golden.h"

static const char ROOT[] = "../shared/goldens";

int goldens_present(void) {
    return access(ROOT, R_OK) == 0;
}

static void full_path(char *out, size_t size, const char *path) {
    snprintf(out, size, "%s/%s", ROOT, path);
}

double *golden(const char *path, const char *member, size_t *count) {
    char full[512];
    limn_array a;
    full_path(full, sizeof full, path);
    limn_status s = member ? limn_array_read_npz(&a, full, member) : limn_array_read(&a, full);
    if (s != LIMN_OK) fail_msg("%s", limn_message());
    double *v = malloc((a.count + 1) * sizeof *v);
    assert_non_null(v);
    for (size_t i = 0; i < a.count; i++) v[i] = limn_array_get(&a, i);
    if (count) *count = a.count;
    limn_array_clear(&a);
    return v;
}

static char *read_all(const char *path) {
    char full[512], *text = calloc(1, 1 << 20);
    full_path(full, sizeof full, path);
    FILE *f = fopen(full, "rb");
    assert_non_null(f);
    assert_non_null(text);
    size_t n = fread(text, 1, (1 << 20) - 1, f);
    assert_true(n > 0);
    fclose(f);
    return text;
}

double *golden_text(const char *path, size_t *count) {
    char *text = read_all(path), *at = text;
    double *v = malloc((strlen(text) + 1) * sizeof *v);
    assert_non_null(v);
    *count = 0;
    for (;;) {
        at += strspn(at, ", \t\r\n");
        if (*at == 0) break;
        char *end;
        v[(*count)++] = strtod(at, &end);
        if (end == at) fail_msg("%s: not a number: %.20s", path, at);
        at = end;
    }
    free(text);
    return v;
}

double golden_number(const char *path, const char *section, const char *key) {
    char *text = read_all(path), quoted[128];
    snprintf(quoted, sizeof quoted, "\"%s\": {", section);
    char *at = strstr(text, quoted), *end = at ? strchr(at, '}') : NULL;
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    at = at ? strstr(at, quoted) : NULL;
    if (!at || !end || at > end) fail_msg("%s: no %s in %s", path, key, section);
    double v = strtod(at + strlen(quoted), NULL);
    free(text);
    return v;
}
