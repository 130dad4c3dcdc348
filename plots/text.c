/* Text that goes into a script: see text.h.
 *
 * Why a gate and not an escape here and there: in gnuplot 5.4 backticks inside double quotes run a shell command, `@x`
 * is a macro, and a line break ends even a single-quoted string, so that the next line runs as a command. Cleaned text
 * has no line breaks, and single quotes switch off everything else but the quote itself. To double that one, as the
 * manual says, is not enough: the scanner takes a pair in only behind another character, so that a name that begins with
 * a quote or has two in a row falls apart into several strings. It leaves the string instead: 'it'."'".'s'. That in turn
 * misleads the search for macros, which then takes what follows for code: a string ends behind each @ too, so that no
 * name follows it: 'a@'.'b'. */
#include "plots/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/try.h"
#include "base/utf8.h"
#include "plots/glyphs.h"

enum { REPLACEMENT = 0xfffd, ELLIPSIS = 0x2026 };

static limn_status reserve(plots_text *t, size_t more) {
    if (t->status != LIMN_OK) return t->status;
    while (t->room - t->n <= more) {
        size_t want = t->room ? t->room * 2 : 4096;
        char *text = want > t->room ? realloc(t->text, want) : NULL;
        if (!text) return t->status = limn_fail(LIMN_ENOMEM, "out of memory for the text of a figure");
        t->text = text;
        t->room = want;
    }
    return LIMN_OK;
}

void plots_put(plots_text *t, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0 || reserve(t, (size_t)n + 1) != LIMN_OK) return;
    va_start(ap, fmt);
    vsnprintf(t->text + t->n, t->room - t->n, fmt, ap);
    va_end(ap);
    t->n += (size_t)n;
}

/* Reads one character and advances *s; a byte that starts none is read as U+FFFD. */
static uint32_t next_character(const unsigned char **s) {
    uint32_t c;
    size_t n = limn_utf8(*s, strnlen((const char *)*s, 4), &c);
    *s += n ? n : 1;
    return n ? c : REPLACEMENT;
}

/* Ranges that no label may hold, and what stands for them. */
static const struct {
    uint32_t first, last, instead;
} forbidden[] = {
    {0x09, 0x0d, ' '},                /* tab, line breaks */
    {0x00, 0x1f, REPLACEMENT},        /* other control characters */
    {0x7f, 0x84, REPLACEMENT},        /* DEL, C1 */
    {0x85, 0x85, ' '},                /* NEL: a line break */
    {0x86, 0x9f, REPLACEMENT},        /* C1 */
    {0x200e, 0x200f, REPLACEMENT},    /* direction marks: they would reorder the text around them */
    {0x2028, 0x2029, ' '},            /* line and paragraph separator */
    {0x202a, 0x202e, REPLACEMENT},    /* direction embeddings and overrides */
    {0x2066, 0x2069, REPLACEMENT},    /* direction isolates */
    {0xfdd0, 0xfdef, REPLACEMENT},    /* not characters: XML forbids them */
    {0xfffe, 0xffff, REPLACEMENT},    /* the same */
    {0x1fffe, 0x1ffff, REPLACEMENT},  /* the same, for what follows the first plane */
    {0xe0000, 0x10ffff, REPLACEMENT}, /* tags, private planes */
};

/* c, or what stands for it: nothing that may not be in a label, and nothing that no font has. */
static uint32_t allowed(uint32_t c) {
    for (size_t i = 0; i < COUNT_OF(forbidden); i++)
        if (c >= forbidden[i].first && c <= forbidden[i].last) {
            c = forbidden[i].instead;
            break;
        }
    return plots_has_glyph(c) ? c : plots_has_glyph(REPLACEMENT) ? REPLACEMENT : '?';
}

static size_t encode(char *out, uint32_t c) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const unsigned lead[] = {0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(lead[more] | c >> (6 * more));
    for (int i = 1; i <= more; i++) out[i] = (char)(0x80 | (c >> (6 * (more - i)) & 0x3f));
    return (size_t)more + 1;
}

limn_status plots_clean(char **out, const char *s, size_t max) {
    const unsigned char *p = (const unsigned char *)(s ? s : "");
    char *text = NULL;
    size_t n = 0, last = 0;
    *out = NULL;
    if (limn_new(&text, max + 1, 4) != LIMN_OK) return LIMN_ENOMEM;
    for (size_t count = 0; *p; count++) {
        if (count == max) { /* the last that fits gives way to the ellipsis */
            n = last + encode(text + last, ELLIPSIS);
            break;
        }
        last = n;
        n += encode(text + n, allowed(next_character(&p)));
    }
    text[n] = '\0';
    *out = text;
    return LIMN_OK;
}

void plots_put_quoted(plots_text *t, const char *s, size_t max) {
    char *clean = NULL;
    if (t->status != LIMN_OK) return;
    if ((t->status = plots_clean(&clean, s, max)) != LIMN_OK) return;
    plots_put(t, "'");
    for (const char *p = clean; *p;) {
        size_t n = strcspn(p, "'@");
        plots_put(t, "%.*s%s", (int)n, p, p[n] == '\'' ? "'.\"'\".'" : p[n] ? "@'.'" : "");
        p += n + (p[n] != '\0');
    }
    plots_put(t, "'");
    free(clean);
}

double plots_text_width(const char *s) {
    /* advance widths of U+0020 … U+007E in DejaVu Sans, 1/1000 em */
    static const short ascii[] = {318,  401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337,
                                  636,  636, 636, 636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531,
                                  1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787,
                                  603,  787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500,
                                  500,  613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612,
                                  635,  635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838};
    const unsigned char *p = (const unsigned char *)s;
    double width = 0;
    while (*p) {
        uint32_t c = next_character(&p);
        width += c >= 0x20 && c < 0x7f ? ascii[c - 0x20] / 1000. : c < 0x500 ? .65 : c < 0x1100 ? .7 : 1;
    }
    return width;
}

/* Bytes of `s` that fit into `em`: up to the last place to break, or as many characters as fit (at least one). */
static size_t fitting(const char *s, double em) {
    const unsigned char *p = (const unsigned char *)s;
    size_t whole = 0, broken = 0;
    char piece[8];
    double width = 0;
    while (*p) {
        const unsigned char *from = p;
        next_character(&p);
        memcpy(piece, from, (size_t)(p - from));
        piece[p - from] = '\0';
        width += plots_text_width(piece);
        if (width > em && whole > 0 && *from != ' ') return broken ? broken : whole;
        whole = (size_t)(p - (const unsigned char *)s);
        if (strchr(" -/_", *from)) broken = whole;
    }
    return whole;
}

double plots_widest_word(const char *text) {
    double widest = 0;
    char *clean = NULL;
    if (plots_clean(&clean, text, 400) != LIMN_OK) return 0;
    for (char *p = clean; *p;) {
        char *end = p + strcspn(p, " "), held = *end;
        *end = '\0';
        double width = plots_text_width(p);
        if (width > widest) widest = width;
        *end = held;
        p = end + (held == ' ');
    }
    free(clean);
    return widest;
}

/* Whether a break before byte `at` parts a word of a script that hyphens belong to. */
static int within_word(const char *s, size_t at) {
    return at > 0 && isalpha((unsigned char)s[at - 1]) && isalpha((unsigned char)s[at]);
}

limn_status plots_wrap(char **line, size_t *n, size_t most, const char *text, double em) {
    limn_status status = LIMN_OK;
    char *clean = NULL;
    const char *p;
    *n = 0;
    TRY(plots_clean(&clean, text, 400));
    for (p = clean; *p && *n < most;) {
        int last = *n + 1 == most;
        size_t bytes = fitting(p, em);
        int cut = last && p[bytes] != '\0';
        if (cut) bytes = fitting(p, em - 1); /* room for the ellipsis, which is 1 em wide */
        int hyphen = !cut && within_word(p, bytes) && em > 2;
        if (hyphen) bytes = fitting(p, em - .361); /* a hyphen's width */
        size_t trimmed = bytes;
        while (trimmed > 0 && p[trimmed - 1] == ' ') trimmed--;
        TRY(limn_format(&line[*n], "%.*s%s", (int)trimmed, p, cut ? "…" : hyphen ? "-" : ""));
        ++*n;
        p += bytes;
    }
done:
    free(clean);
    return status;
}

plots_numbers plots_numbers_begin(void) {
    plots_numbers n = {.own = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
    if (n.own) n.before = uselocale(n.own);
    return n;
}

void plots_numbers_end(plots_numbers n) {
    if (!n.own) return;
    uselocale(n.before);
    freelocale(n.own);
}
