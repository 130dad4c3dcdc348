/* Versions of the schema: see db.h. A change of db/schema.sql comes with a new db/migrations/NNNN.sql, which turns the
 * version before into it, a row here, and DB_VERSION; tests/unit/test_store.c holds the chain against schema.sql. */
#include "db/db.h"

#include <stdio.h>

#include "base/try.h"

const char db_schema[] = {
#include "gen/db/schema.sql.inc"
};

static const char version_1[] = {
#include "gen/db/migrations/0001.sql.inc"
};

static const char version_2[] = {
#include "gen/db/migrations/0002.sql.inc"
};

static const char version_3[] = {
#include "gen/db/migrations/0003.sql.inc"
};

static const char version_4[] = {
#include "gen/db/migrations/0004.sql.inc"
};

static const char version_5[] = {
#include "gen/db/migrations/0005.sql.inc"
};

const db_migration db_migrations[] = {
    {1, version_1}, {2, version_2}, {3, version_3}, {4, version_4}, {5, version_5}, {0, NULL},
};

static limn_status user_version(sqlite3 *db, const char *path, int *version) {
    limn_status status = LIMN_OK;
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL) != SQLITE_OK || sqlite3_step(stmt) != SQLITE_ROW)
        TRY(db_fail(db, path));
    *version = sqlite3_column_int(stmt, 0);
done:
    sqlite3_finalize(stmt);
    return status;
}

limn_status db_migrate(sqlite3 *db, const char *path, const db_migration *m) {
    limn_status status = LIMN_OK;
    int version = 0;
    char mark[64];
    TRY(user_version(db, path, &version));
    for (; m->sql; m++) {
        if (m->version <= version) continue;
        snprintf(mark, sizeof mark, "PRAGMA user_version = %d; COMMIT", m->version);
        const char *const step[] = {"BEGIN IMMEDIATE", m->sql, mark};
        for (size_t i = 0; i < COUNT_OF(step); i++)
            if (sqlite3_exec(db, step[i], NULL, NULL, NULL) != SQLITE_OK) {
                status = db_fail(db, path);
                if (!sqlite3_get_autocommit(db)) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
                goto done;
            }
    }
done:
    return status;
}
