/* Card numbers that people have written into a text, where none may stand. */
#pragma once

#include <stdint.h>

/* Puts `*` in the place of all but the first 6 and last 4 digits of what looks like a card number:
 * 13 to 19 digits with a right check digit, in one or with single blanks or hyphens between groups
 * of 3 or more, and beginning as cards of that length do, so that merchants' numbers (15 digits)
 * stay. Gives how many there were. */
uint32_t pan_text_mask(char *text);
