/* What terminals download: parameters, CA public keys, chip application parameters, BIN lists
 * (unionpay-pos 8).
 *
 * Parameters are two-digit codes with values: for all terminals, for those of one merchant, for
 * one terminal; the narrower one counts. All else are items in the order of their file: an item is
 * the bytes that a terminal gets for it, whose beginning names it and whose beginning a list shows.
 *
 *   CA key   9F06 9F22 | DF05 | DF06 DF07 DF02 DF04 DF03     name | in the list | rest
 *   AID      9F06      |      | DF01 9F08 ...
 *   BIN                | length 2 digits, digits |
 *
 * Each class has a version, a hash of what it holds, so that the same content has the same version
 * in every run; what a terminal has is compared with it.
 *
 * Life:  create -> set_parameter, add ... -> freeze -> version, page, find ... -> destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/bytes.h"
#include "protocols/base/status.h"

/* X(NAME, name, sentence) */
#define DOWNLOAD_CLASS_MAP(X)                                                                      \
    X(PARAMETERS, "parameters", "terminal parameters")                                             \
    X(CA_KEYS, "ca_keys", "CA public keys")                                                        \
    X(AIDS, "aids", "chip application parameters")                                                 \
    X(BLACKLIST, "blacklist", "BINs that are not taken")                                           \
    X(SECOND_BLACKLIST, "second_blacklist", "BINs that are not taken, second list")                \
    X(NO_PIN, "no_pin", "BINs that need no PIN for small amounts")                                 \
    X(CARD_BINS, "card_bins", "BINs of the card table")

enum download_class {
#define X(name, word, text) DOWNLOAD_##name,
    DOWNLOAD_CLASS_MAP(X)
#undef X
        DOWNLOAD_CLASS_COUNT
};
const char *download_class_name(enum download_class class); /* "ca_keys" */
/* DOWNLOAD_CLASS_COUNT: no class has that name. */
enum download_class download_class_from_name(const char *name);

#define DOWNLOAD_ITEM_BYTES_MAX 480 /* field 62 takes 512 */
#define DOWNLOAD_ITEM_COUNT_MAX 4096
#define DOWNLOAD_HOLDER_SIZE 16
#define DOWNLOAD_VALUE_SIZE 41
#define DOWNLOAD_PARAMETER_BYTES_MAX 480

/* What the value of a parameter code looks like. */
struct download_shape {
    const char *code;
    uint8_t length;   /* characters on the wire; shorter texts get blanks behind */
    bool is_digits;   /* exactly `length` digits; else a text of at most that many bytes */
    const char *text; /* "time-out, seconds" */
};
/* NULL: no such code. */
const struct download_shape *download_shape_of(const char *code);
bool download_shape_takes(const struct download_shape *shape, const char *value);

struct download_parameter {
    char holder[DOWNLOAD_HOLDER_SIZE]; /* empty: all; a merchant id; a terminal id */
    char code[3];
    char value[DOWNLOAD_VALUE_SIZE];
    uint32_t line; /* in its file */
};

struct download_item {
    enum download_class class; /* any but PARAMETERS */
    uint32_t line;
    uint16_t name_length, list_length; /* beginnings of the bytes */
    struct byte_view bytes;            /* copied */
};

/* Two rows of one file that say the same thing twice. */
struct download_fault {
    enum download_class class;
    uint32_t first_line, second_line;
};

struct download_table;

/* NULL: no memory. */
struct download_table *download_table_create(uint32_t parameter_count_max, uint32_t item_count_max);
void download_table_destroy(struct download_table *table);

/* STATUS_BAD_VALUE: no such code, or a value that is not its. STATUS_NO_ROOM. */
MUST_CHECK enum status download_table_set_parameter(struct download_table *table,
                                                    const struct download_parameter *parameter);
/* STATUS_NO_ROOM. */
MUST_CHECK enum status download_table_add(struct download_table *table,
                                          const struct download_item *item);
/* Sorts and counts. STATUS_DUPLICATE: `fault` says where. */
MUST_CHECK enum status download_table_freeze(struct download_table *table,
                                             struct download_fault *fault);

/* Of a class of items; 0: it has none. */
uint32_t download_table_version(const struct download_table *table, enum download_class class);
uint32_t download_table_count(const struct download_table *table, enum download_class class);
/* Appends the list entries of items `from` and on, as many as there is room for whole; how many. */
uint32_t download_table_page(const struct download_table *table, enum download_class class,
                             uint32_t from, struct byte_writer *writer);
/* The whole item of that name; length 0: there is none. The table's. */
struct byte_view download_table_find(const struct download_table *table, enum download_class class,
                                     struct byte_view name);

/* Of a frozen table, NULL behind the last: so that a loader can look at their holders. */
const struct download_parameter *download_table_parameter_at(const struct download_table *table,
                                                             uint32_t index);
/* Writes the parameters of a terminal, codes ascending, each followed by its value; answers their
 * version, 0 where there are none. The writer must have DOWNLOAD_PARAMETER_BYTES_MAX of room. */
uint32_t download_table_parameters(const struct download_table *table, const char *merchant_id,
                                   const char *terminal_id, struct byte_writer *writer);
