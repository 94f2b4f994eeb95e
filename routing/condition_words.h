/* The words by which rule files and tables name schemes, card types, kinds, classes and products.
 */
#pragma once

/* The word of one bit of a part that is a set of bits (enum condition_part); NULL behind the last.
 */
const char *condition_word(unsigned part, unsigned bit);

/* The bit that `text` names, or -1. */
int condition_word_find(unsigned part, const char *text);

/* The word that `text` was most likely meant to be, or NULL. */
const char *condition_word_nearest(unsigned part, const char *text);
