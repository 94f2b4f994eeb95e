/* Characters in EBCDIC: IBM code pages 037 and 1047, which differ in brackets and caret only.
 *
 * What can be printed in ASCII has its place in both; other bytes have no character here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/iso8583/spec.h"

/* The ASCII character of a byte; 0: none. `coding` is SPEC_EBCDIC_037 or SPEC_EBCDIC_1047; digits
 * and letters are the same in both. */
char ebcdic_to_ascii(enum spec_coding coding, uint8_t byte);
/* The byte of a printable ASCII character; 0: none. */
uint8_t ebcdic_from_ascii(enum spec_coding coding, char character);

/* Translates `count` bytes into characters, or back. Bytes without a character become '?', which no
 * value has that ebcdic_first_bad has let pass. */
void ebcdic_read(char *text, enum spec_coding coding, const uint8_t *from, uint32_t count);
void ebcdic_write(uint8_t *to, enum spec_coding coding, const char *text, uint32_t count);

/* The place of the first byte whose character may not stand in a field of this row; `count`: all
 * may. */
uint32_t ebcdic_first_bad(const struct spec_row *row, const uint8_t *from, uint32_t count);
