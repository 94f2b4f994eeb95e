/* See pos_device.h. */
#include "loadtest/pos_device.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"

#define DEGREE_E6 1000000
#define RANDOM_DIGITS 6
#define SCATTER_E6 50 /* some 5 m */
#define POSITION_SIZE 32
#define SET_SIZE 96

/* A number that goes round, from -SCATTER_E6 to SCATTER_E6. */
static int32_t scatter(uint32_t stan, uint32_t step)
{
    return (int32_t)(stan * step % (2 * SCATTER_E6 + 1)) - SCATTER_E6;
}

static int put_e6(char *text, size_t size, int32_t e6)
{
    const unsigned magnitude = (unsigned)(e6 < 0 ? -e6 : e6);
    return snprintf(text, size, "%s%03u.%06u", e6 < 0 ? "-" : "", magnitude / DEGREE_E6,
                    magnitude % DEGREE_E6);
}

void pos_device_text(char text[POS_DEVICE_TEXT_SIZE], const struct pos_device *device,
                     uint32_t stan, const struct card *card)
{
    char latitude[POSITION_SIZE], longitude[POSITION_SIZE], set[SET_SIZE];
    const size_t pan_digits = strlen(card->pan);
    text[0] = '\0';
    if (device->serial[0] == '\0') {
        return;
    }
    put_e6(latitude, sizeof latitude, device->latitude_e6 + scatter(stan, 37));
    put_e6(longitude, sizeof longitude, device->longitude_e6 + scatter(stan, 59));
    int length = snprintf(
        set, sizeof set, "01020402%02zu%s0306%s05%02zu%s", strlen(device->serial), device->serial,
        pan_digits < RANDOM_DIGITS ? "000000" : card->pan + pan_digits - RANDOM_DIGITS,
        strlen(device->firmware), device->firmware);
    REQUIRE(length > 0 && (size_t)length < sizeof set);
    length =
        snprintf(text, POS_DEVICE_TEXT_SIZE, "13%03zu%s17%03zuBD%s,%sA2%03zu%s",
                 strlen(device->firmware), device->firmware,
                 strlen(latitude) + strlen(longitude) + 3, latitude, longitude, strlen(set), set);
    REQUIRE(length > 0 && length < POS_DEVICE_TEXT_SIZE);
}
