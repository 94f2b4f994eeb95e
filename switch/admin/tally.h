/* Sums by name, as JSON: {"bank_a": {"count": 3, "amount": 12300, …}, …}, kept in the order in
 * which names came. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/* The object of that name in `tallies`, made when there is none yet. The tallies'. */
json_t *tally_of(json_t *tallies, const char *name);
/* The same while they are fewer than `count_max`; then that of "others". */
json_t *tally_of_at_most(json_t *tallies, const char *name, size_t count_max);
/* Adds to a member, which begins at 0. */
void tally_add(json_t *tally, const char *member, int64_t value);
int64_t tally_get(const json_t *tally, const char *member);
/* Keeps `text` in the list "examples" while it holds fewer than `count_max`. */
void tally_example(json_t *tally, const char *text, size_t count_max);
/* Appends a sentence, printf-like. */
void tally_line(json_t *lines, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A list of the objects, each with its name as `member`, the largest `by` first (magnitudes); those
 * behind the first `count_max` are joined into a last one called "others". */
json_t *tally_list(const json_t *tallies, const char *member, const char *by, size_t count_max);
