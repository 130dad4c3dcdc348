/* npy(): an array as the content of a .npy file (NumPy's format 1.0), for `writefile()`, pandas or `limn sql --csv`. */
#include <stdint.h>
#include <string.h>

#include "db/functions.h"

enum { MOST_SIDES = 32 }; /* as NumPy 1 */

/* The sides in a text such as "[28, 28]", "(28,28)" or "28 28" (a lone integer too); their number, or -1. */
static int sides_in(const char *text, size_t side[MOST_SIDES]) {
    int n = 0;
    for (const char *c = text; *c;) {
        if (*c >= '0' && *c <= '9') {
            size_t v = 0;
            for (; *c >= '0' && *c <= '9'; c++) {
                if (v > INT32_MAX) return -1;
                v = 10 * v + (size_t)(*c - '0');
            }
            if (n == MOST_SIDES) return -1;
            side[n++] = v;
        } else if (strchr("[]() ,", *c)) {
            c++;
        } else {
            return -1;
        }
    }
    return n;
}

/* Whether the sides multiply to `elements`. */
static int holds(const size_t *side, int n, size_t elements) {
    size_t product = 1;
    for (int i = 0; i < n; i++) {
        if (side[i] > 0 && product > SIZE_MAX / side[i]) return 0;
        product *= side[i];
    }
    return product == elements;
}

SQL_SCALAR(sql_npy) {
    enum { HEAD = 448, PREFIX = 10 }; /* 32 sides of at most 10 digits and a comma fit */
    sql_array a;
    size_t side[MOST_SIDES];
    int sides = 1;
    if (!sql_array_of(ctx, value[0], &a)) return;
    side[0] = a.n;
    if (n > 1) {
        const char *shape = (const char *)sqlite3_value_text(value[1]);
        if (!shape) return;
        sides = sides_in(shape, side);
        if (sides < 0 || sqlite3_value_type(value[1]) == SQLITE_BLOB) {
            sql_error(ctx, "a shape is a list of sides such as '[28, 28]'");
            return;
        }
        if (!holds(side, sides, a.n)) {
            sql_error(ctx, "%lld values do not have the shape %s", (long long)a.n, shape);
            return;
        }
    }
    char head[HEAD];
    sqlite3_snprintf(HEAD, head, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (int i = 0; i < sides; i++) {
        size_t used = strlen(head);
        sqlite3_snprintf((int)(HEAD - used), head + used, "%s%lld%s", i ? " " : "", (long long)side[i],
                         i + 1 < sides || sides == 1 ? "," : "");
    }
    size_t used = strlen(head);
    sqlite3_snprintf((int)(HEAD - used), head + used, "), }");
    used = strlen(head);
    const size_t whole = (PREFIX + used + 1 + 63) / 64 * 64; /* blanks and a line feed: the data begins at 64 k */
    unsigned char *file = sqlite3_malloc64(whole + 4 * a.n);
    if (!file) {
        sqlite3_result_error_nomem(ctx);
        return;
    }
    memcpy(file, "\x93NUMPY\x01\x00", 8);
    file[8] = (unsigned char)((whole - PREFIX) & 255);
    file[9] = (unsigned char)((whole - PREFIX) >> 8);
    memset(file + PREFIX, ' ', whole - PREFIX);
    memcpy(file + PREFIX, head, used);
    file[whole - 1] = '\n';
    if (a.n > 0) memcpy(file + whole, a.p, 4 * a.n);
    sqlite3_result_blob64(ctx, file, whole + 4 * a.n, sqlite3_free);
}
