/* One or more SQL statements on a results database, as text: what `limn sql` does. */
#ifndef LIMN_SQL_SHELL_H
#define LIMN_SQL_SHELL_H

#include "db/digest.h"

typedef enum { SQL_TABLE, SQL_CSV, SQL_JSON } sql_format;

/* Read-only, limn's SQL functions loaded; writes what the statements return. TABLE: aligned columns, BLOBs as
 * `<BLOB n bytes>`. CSV: RFC 4180, a header line a statement, BLOBs in hexadecimal, NULL empty. JSON: an array of
 * objects a statement, BLOBs in hexadecimal. LIMN_EINPUT with SQLite's words and the place where the SQL is wrong. */
limn_status sql_run(const char *path, const char *sql, sql_format as, store_text_fn write, void *ctx) LIMN_CHECK;

#endif
