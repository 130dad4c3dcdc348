/* SQL in, text out: see sql_shell.h.
 *
 * Nothing is written: the connection is read-only, and the authorizer refuses what would reach beyond the database:
 * ATTACH of anything but an existing SQLite file (which also stops VACUUM INTO) and pragmas that choose folders. The
 * schema is not trusted: what a view of a foreign file may call is innocuous.
 *
 * CSV and JSON stream; a table is collected first, because the widths of its columns depend on all rows. */
#include "db/sql_shell.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "base/utf8.h"
#include "db/db.h"
#include "db/functions.h"

typedef struct {
    store_text_fn write;
    void *ctx;
    char out[8192]; /* not yet written */
    size_t n_out;
    limn_status status; /* of what was emitted: the first failure stays */
    const char *denied; /* why the authorizer refused */
    /* a table: the text of all cells, each ended by 0, row by row, the names first */
    char *cells;
    size_t n_cells, room_cells;
} shell;

/* ---- output --------------------------------------------------------------------------------------------- */

static void flush(shell *sh) {
    if (sh->status == LIMN_OK && sh->n_out > 0 && sh->write(sh->ctx, sh->out, sh->n_out))
        sh->status = limn_fail(LIMN_EFAIL, "the output cannot be written");
    sh->n_out = 0;
}

static void emit(shell *sh, const char *text, size_t n) {
    while (n > 0 && sh->status == LIMN_OK) {
        size_t k = sizeof sh->out - sh->n_out < n ? sizeof sh->out - sh->n_out : n;
        memcpy(sh->out + sh->n_out, text, k);
        sh->n_out += k;
        text += k;
        n -= k;
        if (sh->n_out == sizeof sh->out) flush(sh);
    }
}

static void emit_text(shell *sh, const char *text) {
    emit(sh, text, strlen(text));
}

static void emit_hex(shell *sh, const unsigned char *p, size_t n) {
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < n; i++) emit(sh, (char[]){hex[p[i] >> 4], hex[p[i] & 15]}, 2);
}

/* The shortest of 15 to 17 digits that reads back as d, always with a point or exponent, whatever the locale. */
static void real_text(char text[40], double d) {
    if (isinf(d)) {
        memcpy(text, d < 0 ? "-1e999" : "1e999", d < 0 ? 7 : 6); /* reads back as infinity, also in JSON */
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, 40, "%.*g", digits, d);
        if (strtod(text, NULL) == d) break;
    }
    for (char *c = text; *c; c++)
        if (*c == ',') *c = '.';
    if (!strpbrk(text, ".e")) strncat(text, ".0", 3);
}

/* ---- JSON ----------------------------------------------------------------------------------------------- */

static void json_string(shell *sh, const char *text, size_t n) {
    const unsigned char *p = (const unsigned char *)text;
    char escape[8];
    emit_text(sh, "\"");
    for (size_t i = 0, len; i < n; i += len ? len : 1) {
        uint32_t c = 0;
        len = limn_utf8(p + i, n - i, &c);
        if (len == 0)
            emit_text(sh, "\xef\xbf\xbd"); /* U+FFFD */
        else if (c == '"' || c == '\\')
            emit(sh, (char[]){'\\', (char)c}, 2);
        else if (c < ' ')
            emit(sh, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)c));
        else
            emit(sh, text + i, len);
    }
    emit_text(sh, "\"");
}

static void json_value(shell *sh, sqlite3_stmt *stmt, int i) {
    char text[40];
    switch (sqlite3_column_type(stmt, i)) {
    case SQLITE_NULL:
        emit_text(sh, "null");
        break;
    case SQLITE_FLOAT:
        real_text(text, sqlite3_column_double(stmt, i)), emit_text(sh, text);
        break;
    case SQLITE_INTEGER:
        emit_text(sh, (const char *)sqlite3_column_text(stmt, i));
        break;
    case SQLITE_BLOB: {
        const unsigned char *p = sqlite3_column_blob(stmt, i);
        emit_text(sh, "\"");
        emit_hex(sh, p, (size_t)sqlite3_column_bytes(stmt, i));
        emit_text(sh, "\"");
        break;
    }
    default: {
        const char *p = (const char *)sqlite3_column_text(stmt, i);
        json_string(sh, p, (size_t)sqlite3_column_bytes(stmt, i));
    }
    }
}

static void json_begin(shell *sh, sqlite3_stmt *stmt) {
    (void)stmt;
    emit_text(sh, "[");
}

static void json_row(shell *sh, sqlite3_stmt *stmt, size_t row) {
    emit_text(sh, row ? ",\n{" : "{");
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
        const char *name = sqlite3_column_name(stmt, i);
        if (i) emit_text(sh, ",");
        json_string(sh, name, strlen(name));
        emit_text(sh, ":");
        json_value(sh, stmt, i);
    }
    emit_text(sh, "}");
}

static void json_end(shell *sh, sqlite3_stmt *stmt, size_t rows) {
    (void)stmt, (void)rows;
    emit_text(sh, "]\n");
}

/* ---- CSV ------------------------------------------------------------------------------------------------ */

static void csv_field(shell *sh, const char *text, size_t n) {
    int plain = n > 0; /* an empty text is "", unlike NULL */
    for (size_t i = 0; i < n && plain; i++) plain = !memchr("\",\r\n", text[i], 4);
    if (plain) {
        emit(sh, text, n);
        return;
    }
    emit_text(sh, "\"");
    for (size_t i = 0; i < n; i++) emit(sh, (char[]){text[i], text[i]}, text[i] == '"' ? 2 : 1);
    emit_text(sh, "\"");
}

static void csv_begin(shell *sh, sqlite3_stmt *stmt) {
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
        const char *name = sqlite3_column_name(stmt, i);
        if (i) emit_text(sh, ",");
        csv_field(sh, name, strlen(name));
    }
    emit_text(sh, "\n");
}

static void csv_row(shell *sh, sqlite3_stmt *stmt, size_t row) {
    char text[40];
    (void)row;
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
        int type = sqlite3_column_type(stmt, i);
        if (i) emit_text(sh, ",");
        if (type == SQLITE_FLOAT) {
            real_text(text, sqlite3_column_double(stmt, i));
            emit_text(sh, text);
        } else if (type == SQLITE_BLOB) {
            const unsigned char *p = sqlite3_column_blob(stmt, i);
            emit_hex(sh, p, (size_t)sqlite3_column_bytes(stmt, i));
        } else if (type != SQLITE_NULL) {
            const char *p = (const char *)sqlite3_column_text(stmt, i);
            csv_field(sh, p, (size_t)sqlite3_column_bytes(stmt, i));
        }
    }
    emit_text(sh, "\n");
}

/* ---- table ---------------------------------------------------------------------------------------------- */

static void cell_add(shell *sh, const char *text, size_t n) {
    if (sh->status == LIMN_OK) sh->status = limn_grow(&sh->cells, sh->n_cells + n, &sh->room_cells, 1);
    if (sh->status != LIMN_OK) return;
    memcpy(sh->cells + sh->n_cells, text, n);
    sh->n_cells += n;
}

/* Text as a terminal may show it: control characters and bytes that are no UTF-8 become escapes. */
static void cell_text(shell *sh, const char *text, size_t n) {
    const unsigned char *p = (const unsigned char *)text;
    char escape[8];
    for (size_t i = 0, len; i < n; i += len ? len : 1) {
        uint32_t c = 0;
        len = limn_utf8(p + i, n - i, &c);
        if (len == 0)
            cell_add(sh, escape, (size_t)snprintf(escape, sizeof escape, "\\x%02x", p[i]));
        else if (c == '\n')
            cell_add(sh, "\\n", 2);
        else if (c < ' ' || (c >= 0x7f && c < 0xa0) || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
            cell_add(sh, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)c));
        else
            cell_add(sh, text + i, len);
    }
    cell_add(sh, "", 1);
}

static void table_begin(shell *sh, sqlite3_stmt *stmt) {
    sh->n_cells = 0;
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
        const char *name = sqlite3_column_name(stmt, i);
        cell_text(sh, name, strlen(name));
    }
}

/* A cell's first byte is 'n' for a number and 't' for anything else; names have none. */
static void table_row(shell *sh, sqlite3_stmt *stmt, size_t row) {
    char text[64];
    (void)row;
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
        int type = sqlite3_column_type(stmt, i);
        cell_add(sh, type == SQLITE_INTEGER || type == SQLITE_FLOAT ? "n" : type == SQLITE_NULL ? "0" : "t", 1);
        if (type == SQLITE_BLOB) {
            snprintf(text, sizeof text, "<BLOB %d bytes>", sqlite3_column_bytes(stmt, i));
            cell_text(sh, text, strlen(text));
        } else {
            const char *p = (const char *)sqlite3_column_text(stmt, i);
            cell_text(sh, p ? p : "", p ? (size_t)sqlite3_column_bytes(stmt, i) : 0);
        }
    }
}

/* Characters, which on a terminal are columns (wide and combining ones aside). */
static size_t width_of(const char *text) {
    size_t n = 0;
    for (; *text; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* One line; blanks are written only before a text, so that none end it. */
static void table_line(shell *sh, const char *cell, const size_t *width, const unsigned char *right, size_t columns,
                       int marked) {
    size_t blanks = 0;
    for (size_t i = 0; i < columns; i++) {
        const char *text = cell + marked;
        size_t room = width[i] - width_of(text);
        if (right[i]) blanks += room;
        if (*text)
            for (; blanks > 0; blanks--) emit(sh, " ", 1);
        emit_text(sh, text);
        blanks += (right[i] ? 0 : room) + 2;
        cell = text + strlen(text) + 1;
    }
    emit_text(sh, "\n");
}

static void table_end(shell *sh, sqlite3_stmt *stmt, size_t rows) {
    size_t columns = (size_t)sqlite3_column_count(stmt), *width = NULL;
    unsigned char *right = NULL;
    if (sh->status == LIMN_OK) sh->status = limn_new(&width, columns, sizeof *width);
    if (sh->status == LIMN_OK) sh->status = limn_new(&right, columns, 1);
    if (sh->status != LIMN_OK) goto done;
    const char *cell = sh->cells, *body = NULL;
    memset(right, rows > 0, columns);
    for (size_t row = 0; row <= rows; row++) {
        if (row == 1) body = cell;
        for (size_t i = 0; i < columns; i++) {
            if (row > 0) right[i] &= *cell++ != 't';
            size_t w = width_of(cell);
            if (w > width[i]) width[i] = w;
            cell += strlen(cell) + 1;
        }
    }
    table_line(sh, sh->cells, width, right, columns, 0);
    for (size_t i = 0; i < columns; i++) {
        if (i) emit_text(sh, "  ");
        for (size_t k = 0; k < width[i]; k++) emit(sh, "-", 1);
    }
    emit_text(sh, "\n");
    for (size_t row = 0; row < rows; row++) {
        table_line(sh, body, width, right, columns, 1);
        for (size_t i = 0; i < columns; i++) body += strlen(body) + 1;
    }
done:
    free(width);
    free(right);
}

/* ---- statements ----------------------------------------------------------------------------------------- */

typedef struct {
    void (*begin)(shell *sh, sqlite3_stmt *stmt);
    void (*row)(shell *sh, sqlite3_stmt *stmt, size_t row);
    void (*end)(shell *sh, sqlite3_stmt *stmt, size_t rows); /* or NULL */
} format_row;
static const format_row format_table[] = {
    [SQL_TABLE] = {table_begin, table_row, table_end},
    [SQL_CSV] = {csv_begin, csv_row, NULL},
    [SQL_JSON] = {json_begin, json_row, json_end},
};

static int authorize(void *ctx, int action, const char *a, const char *b, const char *database, const char *trigger) {
    static const char *const refused[] = {"temp_store_directory", "data_store_directory", "writable_schema"};
    shell *sh = ctx;
    (void)b, (void)database, (void)trigger;
    sh->denied = NULL;
    if (action == SQLITE_ATTACH) {
        if (!a || !store_is_sqlite(a))
            sh->denied = "ATTACH takes the name of a SQLite file that exists, and VACUUM nothing";
    } else if (action == SQLITE_PRAGMA) {
        for (size_t i = 0; i < COUNT_OF(refused); i++)
            if (sqlite3_stricmp(a, refused[i]) == 0) sh->denied = "this pragma is refused";
    }
    return sh->denied ? SQLITE_DENY : SQLITE_OK;
}

/* The sentence for a statement that SQLite refused or that failed; `start` is where it begins in the text. */
static limn_status sql_failed(shell *sh, limn_store *s, const char *sql, const char *start) {
    int rc = sqlite3_errcode(s->db), at = sqlite3_error_offset(s->db);
    size_t line = 1, column = 1;
    switch (rc) {
    case SQLITE_AUTH:
        return limn_fail(LIMN_EINPUT, "SQL: %s", sh->denied ? sh->denied : sqlite3_errmsg(s->db));
    case SQLITE_READONLY:
        return limn_fail(LIMN_EINPUT, "SQL: %s is opened for reading only", s->path);
    case SQLITE_ERROR:
    case SQLITE_TOOBIG:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
        break;
    default:
        return db_fail(s->db, s->path);
    }
    if (at < 0) return limn_fail(LIMN_EINPUT, "SQL: %s", sqlite3_errmsg(s->db));
    for (const char *c = sql; c < start + at; c++) line += *c == '\n', column = *c == '\n' ? 1 : column + 1;
    return limn_fail(LIMN_EINPUT, "SQL, line %zu, column %zu: %s", line, column, sqlite3_errmsg(s->db));
}

static limn_status run_one(shell *sh, limn_store *s, sqlite3_stmt *stmt, const format_row *as, const char *sql,
                           const char *start) {
    size_t rows = 0;
    int rc = SQLITE_ROW, shown = sqlite3_column_count(stmt) > 0;
    if (shown) as->begin(sh, stmt);
    while (sh->status == LIMN_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
        if (shown) as->row(sh, stmt, rows++);
    if (sh->status != LIMN_OK) return sh->status;
    if (rc != SQLITE_DONE) return sql_failed(sh, s, sql, start);
    if (shown && as->end) as->end(sh, stmt, rows);
    return sh->status;
}

static limn_status prepare_connection(limn_store *s, shell *sh) {
    if (sqlite3_db_readonly(s->db, "main") != 1)
        return limn_fail(LIMN_EFAIL, "%s: is not open for reading only", s->path);
    if (sql_functions_register(s->db) != SQLITE_OK) return db_fail(s->db, s->path);
    (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_set_authorizer(s->db, authorize, sh);
    return LIMN_OK;
}

limn_status sql_run(const char *path, const char *sql, sql_format as, store_text_fn write, void *ctx) {
    limn_status status = LIMN_OK;
    limn_store *s = NULL;
    sqlite3_stmt *stmt = NULL;
    shell *sh = NULL;
    size_t statements = 0;
    TRY(limn_new(&sh, 1, sizeof *sh));
    sh->write = write;
    sh->ctx = ctx;
    TRY(store_open_readonly(&s, path));
    TRY(prepare_connection(s, sh));
    for (const char *start = sql, *next = sql; *start; start = next) {
        if (sqlite3_prepare_v2(s->db, start, -1, &stmt, &next) != SQLITE_OK) TRY(sql_failed(sh, s, sql, start));
        if (!stmt) continue; /* a comment or white space */
        statements++;
        TRY(run_one(sh, s, stmt, &format_table[as], sql, start));
        sqlite3_finalize(stmt);
        stmt = NULL;
    }
    if (statements == 0) FAIL(LIMN_EINPUT, "there is no SQL statement to run");
done:
    sqlite3_finalize(stmt);
    if (sh) {
        limn_status before = status;
        flush(sh); /* also what came before a failure */
        if (before == LIMN_OK) status = sh->status;
        free(sh->cells);
    }
    free(sh);
    store_close(s);
    return status;
}
