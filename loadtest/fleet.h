/* A fleet: terminals, their merchants and every key, all drawn from one seed.
 *
 * `tillway-load fleet` writes what the switch is to know (tables as CSV, keys as key blocks); the
 * simulators only need seed and counts, because they can draw the same keys again.
 */
#pragma once

#include <stdint.h>

#include "loadtest/pos_device.h"
#include "loadtest/tdes.h"
#include "protocols/base/status.h"

#define FLEET_TERMINAL_COUNT_MAX 1000000
#define FLEET_MERCHANT_COUNT_MAX 200000
#define FLEET_PATH_SIZE 512

struct fleet {
    uint32_t terminal_count, merchant_count;
    uint64_t seed;
};

/* "10000000" and up. */
void fleet_terminal_id(uint32_t terminal, char id[9]);
/* Institution 898, region 2900, category, serial number (unionpay-pos section 3, F42). */
void fleet_merchant_id(uint32_t merchant, char id[16]);
/* The category code inside the merchant's number. */
const char *fleet_merchant_mcc(uint32_t merchant);
uint32_t fleet_merchant_of(const struct fleet *fleet, uint32_t terminal);

/* The clear key of that name ("term:10000000:tmk", "chan:bank_a:zpk"): odd parity, two unequal
 * parts. */
void fleet_tdes_key(const struct fleet *fleet, const char *name, struct tdes_key *key);
/* What the terminal is and where it stands: a serial number of 16 digits, software by its model,
 * a place in one of some cities, near the others of its merchant. */
void fleet_device(const struct fleet *fleet, uint32_t terminal, struct pos_device *device);

/* 32 bytes for our own AES and HMAC keys. */
void fleet_wide_key(const struct fleet *fleet, const char *name, uint8_t key[32]);

/* fleet.json in `folder`: seed and counts, what the load tester needs to play the terminals.
 * STATUS_BROKEN: the file cannot be read or written. STATUS_MALFORMED, STATUS_BAD_VALUE. */
MUST_CHECK enum status fleet_save(const struct fleet *fleet, const char *folder);
MUST_CHECK enum status fleet_load(struct fleet *fleet, const char *folder);
