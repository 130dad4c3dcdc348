#!/usr/bin/env bash
# make install puts a program, a library, one header and a pkg-config file where a client finds them, and the installed
# program finds its helper.
. tests/lib/tap.sh
: "${BUILD:=$top/build}"
make --no-print-directory install BUILD="$BUILD" PREFIX="$work/usr" ${SANITIZED:+SANITIZER=address,undefined OPT=-O1} >"$work/out" 2>"$work/err"
check 'make install' [ $? = 0 ]
check 'one header' [ "$(ls "$work/usr/include")" = limn.h ]
cat >"$work/client.c" <<'C'
#include <limn.h>
#include <stdio.h>
int main(void) {
    float X[20][3];
    limn_embed_options o;
    limn_embedding *e = NULL;
    for (int i = 0; i < 60; i++) X[i / 3][i % 3] = (float)((i * 7919) % 101);
    limn_embed_defaults(&o);
    o.perplexity = 5;
    o.iterations = 50;
    if (limn_embed(&e, &X[0][0], 20, 3, &o, NULL, NULL) != LIMN_OK) return puts(limn_message()), 1;
    printf("%zu points, version %s\n", e->n, LIMN_VERSION);
    limn_embedding_free(e);
    o.perplexity = 50;
    return limn_embed(&e, &X[0][0], 20, 3, &o, NULL, NULL) == LIMN_EINPUT ? 0 : 1;
}
C
flags=$(PKG_CONFIG_PATH=$work/usr/lib/pkgconfig pkg-config --cflags --libs limn)
# shellcheck disable=SC2086
${CC:-cc} ${SANITIZED:+-fsanitize=address,undefined} -std=c11 -Wall -Wextra -Werror -o "$work/client" "$work/client.c" $flags -Wl,-rpath,"$work/usr/lib" 2>"$work/err"
check 'a client builds with pkg-config' [ $? = 0 ]
check 'the client runs' [ "$("$work/client")" = "20 points, version $(sed -n 's/^#define LIMN_VERSION "\(.*\)"/\1/p' pipeline/limn.h)" ]
# shellcheck disable=SC2086
${CC:-cc} ${SANITIZED:+-fsanitize=address,undefined} -std=c11 -Wall -Wextra -Werror -o "$work/tsne" examples/tsne.c $flags -Wl,-rpath,"$work/usr/lib" 2>"$work/err"
check 'the example builds' [ $? = 0 ]
"$work/tsne" >"$work/out" 2>"$work/err"
check 'it tells its progress and how far two maps agree' [ "$? $(grep -c '^map .* of 300$' "$work/out") $(grep -cE "^KL [0-9.]+ and [0-9.]+; of a point's 10 neighbours [0-9]+ % are shared" "$work/out")" = '0 8 1' ]
"$work/tsne" 150 >"$work/out" 2>"$work/err"
check 'it can be stopped' [ "$? $(tail -1 "$work/out") $(grep -c '^map' "$work/out")" = '0 stopped 2' ]
cd "$work" || exit 1
env -u LIMN_LIBEXEC "$work/usr/bin/limn" info "$top/examples/mnist/mnist_small.h5" >"$work/out" 2>"$work/err"
check 'the installed program finds its helper' [ $? = 0 ]
nm -D --defined-only "$work/usr/lib/liblimn.so" | awk '$3 !~ /^limn_/ && $2 == "T" { print "#", $3 }' >"$work/err"
check 'the library exports limn_ names only' [ ! -s "$work/err" ]
finish
