/* The nearest known word, by edit distance.
 *
 * Distance: the least number of insertions, deletions, substitutions and swaps of neighbours (optimal string alignment,
 * the restricted form of Damerau 1964), letters compared without case, '-' equal to '_'. A known word that begins with
 * the given one (three letters or more) is at distance 1: people shorten. Near is at most 1 + length/4 of the shorter
 * word; of equals the first in the table wins. Words longer than WORD bytes are never near.
 *
 * Not done: phonetics, keyboard layout. Threading: no state. */
#include "base/nearest.h"

#include <stdio.h>
#include <string.h>

enum { WORD = 63 };

static int fold(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A' + 'a';
    return c == '-' ? '_' : (unsigned char)c;
}

static int least(int a, int b) {
    return a < b ? a : b;
}

/* a (n bytes), b (m bytes), both at most WORD. */
static int distance(const char *a, int n, const char *b, int m) {
    int row[3][WORD + 1]; /* rows i-2, i-1, i of the table D[i][j] */
    int *before = row[0], *above = row[1], *now = row[2];
    for (int j = 0; j <= m; j++) above[j] = before[j] = j;
    for (int i = 1; i <= n; i++) {
        now[0] = i;
        for (int j = 1; j <= m; j++) {
            int differ = fold(a[i - 1]) != fold(b[j - 1]);
            now[j] = least(least(above[j] + 1, now[j - 1] + 1), above[j - 1] + differ);
            if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) && fold(a[i - 2]) == fold(b[j - 1]))
                now[j] = least(now[j], before[j - 2] + 1);
        }
        int *free_row = before;
        before = above;
        above = now;
        now = free_row;
    }
    return above[m];
}

static int begins_with(const char *known, const char *word, int n) {
    for (int i = 0; i < n; i++)
        if (fold(known[i]) != fold(word[i])) return 0;
    return 1;
}

const char *limn_nearest_in(const char *word, const void *table, size_t stride) {
    const char *best = NULL, *known;
    int best_distance = WORD;
    size_t length = word ? strlen(word) : 0;
    if (length == 0 || length > WORD) return NULL;
    int n = (int)length;
    for (const char *row = table; memcpy(&known, row, sizeof known), known; row += stride) {
        size_t known_length = strlen(known);
        if (known_length > WORD) continue;
        int m = (int)known_length, d;
        if (n >= 3 && m > n && begins_with(known, word, n))
            d = 1;
        else
            d = distance(word, n, known, m);
        if (d <= 1 + least(n, m) / 4 && d < best_distance && d < least(n, m)) best = known, best_distance = d;
    }
    return best;
}

const char *limn_nearest(const char *word, const char *const *known) {
    return limn_nearest_in(word, known, sizeof *known);
}

const char *limn_did_you_mean(char *buf, size_t size, const char *nearest) {
    if (!nearest || snprintf(buf, size, " (did you mean `%s`?)", nearest) < 0) buf[0] = 0;
    return buf;
}
