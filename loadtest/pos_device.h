/* What a terminal tells of itself in field 59 (unionpay-pos section 10): application version,
 * position, terminal set with serial number and random factor. */
#pragma once

#include <stdint.h>

#include "loadtest/card.h"

struct pos_device {
    char serial[21];  /* empty: it tells nothing */
    char firmware[9]; /* "V1.2.03" */
    int32_t latitude_e6, longitude_e6;
};

#define POS_DEVICE_TEXT_SIZE 160

/* The elements, with lengths of three digits; empty where the device tells nothing. `stan` moves
 * the position by some metres, as every fix of a satellite receiver does; the random factor is of
 * the card, or zeros without one. */
void pos_device_text(char text[POS_DEVICE_TEXT_SIZE], const struct pos_device *device,
                     uint32_t stan, const struct card *card);
