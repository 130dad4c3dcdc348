/* limn.so: limn's SQL functions for any program with SQLite (`.load limn`, load_extension(), Python, R, Datasette).
 * Entry point by SQLite's convention, from the file's name. Built with LIMN_EXTENSION, beside the files of functions.h. */
#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT1

#include "db/functions.h"

LIMN_API int sqlite3_limn_init(sqlite3 *db, char **message, const sqlite3_api_routines *api);

int sqlite3_limn_init(sqlite3 *db, char **message, const sqlite3_api_routines *api) {
    SQLITE_EXTENSION_INIT2(api);
    if (sqlite3_libversion_number() < 3031000) { /* SQLITE_INNOCUOUS, and what virtual tables say of themselves */
        *message = sqlite3_mprintf("limn's functions need SQLite 3.31 or later, not %s", sqlite3_libversion());
        return SQLITE_ERROR;
    }
    return sql_functions_register(db);
}
