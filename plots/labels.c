/* Texts on a figure: see labels.h.
 *
 * Boxes are relaxed: in each round every overlapping pair is pushed apart along the axis of the smaller overlap, half
 * each; then every box is drawn a little to its anchor and kept inside. gnuplot has no halo for texts: copies in white
 * around the place give one in every format. */
#include "plots/labels.h"

#include <math.h>

enum { ROUNDS = 300, COPIES = 12 };

static double clamp(double x, double lo, double hi) {
    return x < lo ? lo : x > hi ? hi : x;
}

/* 1 where the pair overlapped. */
static int push_apart(plots_box *a, plots_box *b) {
    double dx = b->x - a->x, dy = b->y - a->y;
    double over_x = (a->w + b->w) / 2 - fabs(dx), over_y = (a->h + b->h) / 2 - fabs(dy);
    if (over_x <= 0 || over_y <= 0) return 0;
    if (over_y <= over_x) {
        double move = (dy < 0 ? -over_y : over_y) / 2 * 1.02;
        a->y -= move;
        b->y += move;
    } else {
        double move = (dx < 0 ? -over_x : over_x) / 2 * 1.02;
        a->x -= move;
        b->x += move;
    }
    return 1;
}

void plots_place_boxes(plots_box *box, size_t n, double left, double right, double bottom, double top) {
    for (int round = 0; round < ROUNDS; round++) {
        int moved = 0;
        for (size_t i = 0; i < n; i++) {
            double pull = round < ROUNDS / 2 ? .05 : 0; /* the second half only separates */
            box[i].x = clamp(box[i].x + pull * (box[i].anchor_x - box[i].x), left + box[i].w / 2, right - box[i].w / 2);
            box[i].y = clamp(box[i].y + pull * (box[i].anchor_y - box[i].y), bottom + box[i].h / 2, top - box[i].h / 2);
        }
        for (size_t i = 0; i < n; i++)
            for (size_t k = i + 1; k < n; k++) moved |= push_apart(&box[i], &box[k]);
        if (!moved) return;
    }
}

void plots_put_haloed(plots_sheet *s, const char *text, double x, double y, double font_cm) {
    for (int i = 0; i < COPIES; i++) {
        double angle = 6.283185307179586 * i / COPIES, r = .13 * font_cm;
        plots_put_text(s, text, x + r * cos(angle), y + r * sin(angle), "center front font name_font tc rgb 'white'");
    }
    plots_put_text(s, text, x, y, "center front font name_font");
}
