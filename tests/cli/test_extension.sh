#!/usr/bin/env bash
# The loadable extension: what it depends on, and that sqlite3 and the system's Python use it.
. tests/lib/tap.sh
: "${BUILD:=$top/build}"
so=$BUILD/lib/limn.so
preload=
[ -z "${SANITIZED:-}" ] || preload=$(${CC:-cc} -print-file-name=libasan.so) # a program without ASan loads a library with it
host() { env LD_PRELOAD="$preload" ASAN_OPTIONS=detect_leaks=0 "$@" >"$work/out" 2>"$work/err"; }

nm -D --undefined-only "$so" | grep -E ' (sqlite3_|limn_|GOMP_|omp_)' >"$work/err"
check 'the host gives SQLite, and nothing of limn is missing' [ ! -s "$work/err" ]
readelf -d "$so" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -vE '^(libgsl(cblas)?|libm|libpng16|libc|ld-linux[a-z0-9-]*|libasan|libubsan)\.so' >"$work/err"
check 'it depends on libm, libpng and GSL only' [ ! -s "$work/err" ]
nm -D --defined-only "$so" | awk '$2 == "T" && $3 !~ /^(sqlite3_limn_init|limn_)/ { print "#", $3 }' >"$work/err"
check 'it exports its entry' [ ! -s "$work/err" ]

if [ -x /usr/bin/sqlite3 ]; then
    host /usr/bin/sqlite3 :memory: ".load ${so%.so}" "SELECT vec_norm(x'000040c000008040'), median(value) FROM vec_each(x'0000803f0000004000000040')"
    check 'the sqlite3 shell loads it' [ "$(cat "$work/out")" = '5.0|2.0' ]
else
    skip 'the sqlite3 shell loads it' 'no sqlite3'
fi
cat >"$work/load.py" <<'P'
import sqlite3, struct, sys
db = sqlite3.connect(":memory:")
db.enable_load_extension(True)
db.load_extension(sys.argv[1])
v = struct.pack("<4f", 1, 2, 3, 4)
one = lambda sql, *a: db.execute(sql, a).fetchall()
assert one("SELECT vec_dot(?1, ?1)", v) == [(30.0,)]
assert one("SELECT x, y, value FROM map_each(?, 2, 2) WHERE x = y", v) == [(0, 0, 1.0), (1, 1, 4.0)]
assert one("SELECT map_png(?, 2, 2)", v)[0][0][:8] == b"\x89PNG\r\n\x1a\n"
db.executescript("CREATE TABLE t (side, x, v); CREATE INDEX i ON t (vec_norm(v)); CREATE VIEW w AS SELECT median(x) AS m FROM t;")
db.executemany("INSERT INTO t VALUES (?, ?, ?)", [(i % 2, i * i, struct.pack("<2f", i, 1)) for i in range(100)])
assert one("SELECT m FROM w") == [(2450.5,)]
assert 0 < one("SELECT mann_whitney_p(x, side) FROM t")[0][0] <= 1
assert one("SELECT vec_get(vec_avg(v) OVER (ORDER BY rowid ROWS 1 PRECEDING), 0) FROM t LIMIT 2") == [(0.0,), (0.5,)]
try:
    one("SELECT vec_dot(?, ?)", v, b"abc")
except sqlite3.OperationalError as e:
    assert "3 bytes is no array" in str(e)
else:
    sys.exit("no error")
print("well")
P
if [ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import sqlite3; sqlite3.connect(":memory:").enable_load_extension(True)' 2>/dev/null; then
    host /usr/bin/python3 "$work/load.py" "$so"
    check "the system's Python loads it" [ "$(cat "$work/out")" = well ]
else
    skip "the system's Python loads it" 'no python3 with extensions'
fi
finish
