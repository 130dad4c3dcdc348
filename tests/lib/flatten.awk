# Prints a header with every #include "X" replaced, once, by the file X found in one of `dirs` (space-separated).
function emit(path,    line, m, name, i, n, d, found, first) {
    seen[path] = 1
    while ((getline line < path) > 0) {
        if (line ~ /^#include "/) {
            name = line; sub(/^#include "/, "", name); sub(/".*/, "", name)
            n = split(dirs, d, " "); found = ""
            for (i = 1; i <= n; i++) if ((getline first < (d[i] "/" name)) >= 0) { close(d[i] "/" name); found = d[i] "/" name; break }
            if (found == "") { print "flatten: cannot find " name > "/dev/stderr"; exit 1 }
            if (!(found in seen)) emit(found)
        } else print line
    }
    close(path)
}
BEGIN { emit(ARGV[1]); exit 0 }
