/* A program's command line, declared as a table: reading, checking and --help come from it.
 *
 * Every option has a value but flags: `--name value` or `--name=value`.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "protocols/base/status.h"

enum argument_kind {
    ARGUMENT_TEXT,    /* const char *, the command line's */
    ARGUMENT_NUMBER,  /* uint64_t within min .. max */
    ARGUMENT_DECIMAL, /* double within min .. max */
    ARGUMENT_FLAG,    /* bool, set to true */
    ARGUMENT_LIST     /* struct argument_list: one more each time the option is given */
};

#define ARGUMENT_LIST_COUNT_MAX 64
struct argument_list {
    const char *items[ARGUMENT_LIST_COUNT_MAX]; /* the command line's */
    uint32_t count;
};

struct argument {
    const char *name; /* without the dashes */
    enum argument_kind kind;
    void *place; /* of the kind's type; holds what stands when the option is absent */
    uint64_t min, max;
    const char *text; /* one sentence */
};

struct arguments {
    const struct argument *items;
    uint32_t count;
};

/* Reads argv[1] and on. Not STATUS_OK: one line on `faults` says which option, what was expected
 * and what stood there. */
MUST_CHECK enum status arguments_read(const struct arguments *arguments, int argc,
                                      char *const *argv, FILE *faults);
void arguments_describe(const struct arguments *arguments, FILE *file);
