/* How brands, models, agents and service points do: figures over the cases that were opened within
 * a stretch of time, beside what is registered now.
 *
 * Glossary: a failure is a case of the kind FAULT of one terminal that was not found to be benign;
 * a fleet's case (of a brand, model or firmware) is one case of its group and no failure. A repeat
 * is a failure whose terminal had another one that was closed at most 30 days before it began.
 * Terminals are those registered as active, stopped or in repair.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/registry_rows.h"
#include "switch/desk/desk.h"

#define CASE_REPORT_REPEAT_DAYS 30
#define CASE_REPORT_LINE_COUNT_MAX 2000

/* X(name, word): what is compared. Of agents the merchant's agent as registered now; of points the
 * one that a case was sent to last. */
#define CASE_REPORT_MAP(X) X(BRAND, "brand") X(MODEL, "model") X(AGENT, "agent") X(POINT, "point")
enum case_report_kind {
#define X(name, word) CASE_REPORT_##name,
    CASE_REPORT_MAP(X)
#undef X
        CASE_REPORT_COUNT
};
const char *case_report_word(enum case_report_kind kind);
/* CASE_REPORT_COUNT: no such word. */
enum case_report_kind case_report_from_word(const char *word);

struct case_report_window {
    int64_t from_us, to_us; /* opened in it; its end is not within */
};

/* X(member, sentence): the figures of a line, in the order in which they are shown; whole numbers,
 * -1 where there is nothing to count. Times are in minutes, rounded down. */
#define CASE_REPORT_FIGURE_MAP(X)                                                                  \
    X(terminals, "terminals in service; of a point -1")                                            \
    X(cases, "cases of every kind")                                                                \
    X(failures, "failures")                                                                        \
    X(failures_per_1000_tenths, "failures for 1,000 terminals, in tenths")                         \
    X(answered, "cases that were answered")                                                        \
    X(answer_minutes, "median time on the clock of the answer")                                    \
    X(answer_minutes_p90, "nine of ten were answered within")                                      \
    X(repaired, "failures that were mended")                                                       \
    X(repair_minutes, "median time from opening to the last repair")                               \
    X(repair_minutes_p90, "nine of ten were mended within")                                        \
    X(repeats, "failures that came back within 30 days")                                           \
    X(reopenings, "how often cases were opened again")                                             \
    X(scored, "cases that merchants scored")                                                       \
    X(score_tenths, "the mean score of 1 to 5, in tenths")                                         \
    X(points, "service points that serve the brand; of an agent or a point -1")                    \
    X(areas, "cities in which its terminals stand; of a point -1")                                 \
    X(areas_served, "of these, cities with a service point of the brand; of an agent or a point "  \
                    "-1")                                                                          \
    X(parts, "parts that were replaced")                                                           \
    X(parts_per_1000_tenths, "parts for 1,000 terminals, in tenths")

struct case_report_line {
    char name[40]; /* "PAX", "PAX A920", agent or point id; empty: not registered */
    char text[64]; /* name of the agent or point */
#define X(member, sentence) int64_t member;
    CASE_REPORT_FIGURE_MAP(X)
#undef X
    int64_t parts_of[PART_COUNT]; /* of these each class */
};

struct case_report_sink {
    void (*on_line)(void *argument, const struct case_report_line *line);
    void *argument;
};
/* A line for each group with terminals or cases, the most failures for 1,000 terminals first, those
 * without terminals behind them. At most CASE_REPORT_LINE_COUNT_MAX; `*has_more`: some were left
 * out. Reads without a lock; of a million terminals some seconds. */
MUST_CHECK enum status case_report(struct desk *desk, enum case_report_kind kind,
                                   const struct case_report_window *window,
                                   const struct case_report_sink *sink, bool *has_more);
