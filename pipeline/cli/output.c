/* Messages on standard error, results on standard output. */
#include "cli/cli.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cli_colour(int fd) {
    const char *off = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fd) && !(off && *off) && term && *term && strcmp(term, "dumb") != 0;
}

int cli_error(int code, const char *fmt, ...) {
    char text[2200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (char *c = text; *c; c++) /* a file's words must not steer the terminal */
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
    fflush(stdout);
    fprintf(stderr, cli_colour(STDERR_FILENO) ? "\x1b[1;31mlimn:\x1b[0m %s\n" : "limn: %s\n", text);
    return code;
}

int cli_failed(limn_status s) {
    return cli_error(limn_exit_code(s), "%s", limn_message());
}

int cli_write(void *ctx, const char *text, size_t n) {
    (void)ctx;
    return fwrite(text, 1, n, stdout) != n;
}

int cli_finish(int code) {
    int lost = ferror(stdout); /* then errno is another's by now */
    if (fflush(stdout) == 0 && !lost) return code;
    if (code != CLI_DONE) return code; /* it was said */
    return cli_error(CLI_FAILED, "standard output cannot be written%s%s", lost ? "" : ": ",
                     lost ? "" : strerror(errno));
}

const char *cli_quote(char *out, size_t size, const char *text) {
    static const char *const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@%+=:,./_-";
    size_t n = 0;
    if (*text && !text[strspn(text, plain)]) return snprintf(out, size, "%s", text), out;
    out[n++] = '\'';
    for (; *text && n + 6 < size; text++) {
        if (*text == '\'')
            n += (size_t)snprintf(out + n, size - n, "'\\''");
        else
            out[n++] = *text;
    }
    out[n++] = '\'';
    out[n] = 0;
    return out;
}

void cli_json_text(const char *text) {
    putchar('"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 0x20)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

void cli_json_number(double value) {
    if (isfinite(value))
        printf("%.17g", value);
    else
        fputs("null", stdout);
}
