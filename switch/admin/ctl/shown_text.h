/* A line of a rule file as an approver sees it: nothing that a console would obey, nothing left out
 * without a mark. */
#pragma once

#include <stddef.h>
#include <stdio.h>

/* Shown as '?': control characters (C0 but the tab, DEL, C1), marks that turn the direction of
 * text, characters of no width, bytes that are no UTF-8. Of more than `max` bytes a mark says how
 * many follow. */
void shown_text_write(FILE *to, const char *text, size_t length, size_t max);
/* The same of a short text, in its place. */
void shown_text_clean(char *text);
/* The same of a whole file, line by line, uncut. */
void shown_text_write_file(FILE *to, const char *text);
