/* tillway-settle: one settlement day of a log as files. Reads only; may run beside the switch. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "switch/settlement/agent_sheet.h"
#include "switch/settlement/day_book.h"
#include "switch/settlement/day_check.h"
#include "switch/settlement/day_sheet.h"
#include "switch/settlement/held_sheet.h"
#include "switch/settlement/mismatch_sheet.h"
#include "switch/settlement/summary_sheet.h"
#include "switch/store/store_tools.h"

enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_FAILED = 1, /* log or folder cannot be used */
    EXIT_CODE_USAGE = 2,
    EXIT_CODE_NOTHING = 3,     /* nothing counts on that day */
    EXIT_CODE_CONTRADICTED = 4 /* the chain is broken, or sums differ: no file was made */
};

struct arguments {
    const char *log, *day, *out;
    bool skips_chain, is_bad, wants_help, wants_version;
};

static int usage(FILE *to)
{
    fputs(
        "usage: tillway-settle --log FOLDER --day YYYYMMDD --out FOLDER [--no-verify]\n"
        "       tillway-settle --help | --version\n"
        "\n"
        "Writes OUT/YYYYMMDD/: merchant-ID.csv and channel-NAME.csv with every movement of money\n"
        "of that settlement day, agent-ID.csv with sales agents' shares, open.csv (no outcome "
        "yet), held.csv (money\n"
        "held back by order), mismatch.csv (batches whose totals differed) and summary.csv, which "
        "comes last: without it the others are not complete.\n"
        "The log's hash chain is verified first, unless --no-verify; sums are checked against\n"
        "the log before any file gets its name. Running it again gives the same files.\n"
        "\n"
        "Exit codes: 0 ok, 1 log or folder cannot be used, 2 usage, 3 nothing counts on that\n"
        "day, 4 the log contradicts itself (chain, sums, fees): no file was made.\n",
        to);
    return to == stdout ? EXIT_CODE_OK : EXIT_CODE_USAGE;
}

static void parse_one(struct arguments *arguments, int argc, char **argv, int *at)
{
    const struct {
        const char *option, **value;
    } values[] = {
        {"--log", &arguments->log}, {"--day", &arguments->day}, {"--out", &arguments->out}};
    for (uint32_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (strcmp(argv[*at], values[i].option) == 0 && *at + 1 < argc) {
            *values[i].value = argv[++*at];
            return;
        }
    }
    if (strcmp(argv[*at], "--no-verify") == 0) {
        arguments->skips_chain = true;
    } else if (strcmp(argv[*at], "--help") == 0) {
        arguments->wants_help = true;
    } else if (strcmp(argv[*at], "--version") == 0) {
        arguments->wants_version = true;
    } else {
        fprintf(stderr, "tillway-settle: %s is not known here, or needs a value\n", argv[*at]);
        arguments->is_bad = true;
    }
}

static int fail(enum status status, const char *reason)
{
    fprintf(stderr, "tillway-settle: %s\n", reason);
    return status == STATUS_BAD_VALUE ? EXIT_CODE_CONTRADICTED : EXIT_CODE_FAILED;
}

static int verify(const char *folder)
{
    char reason[STORE_REASON_SIZE] = "";
    struct store_verified verified;
    enum status status = store_verify(folder, &verified, reason);
    if (status == STATUS_OK) {
        return EXIT_CODE_OK;
    }
    fprintf(stderr, "tillway-settle: %s\n", reason);
    return status == STATUS_BROKEN ? EXIT_CODE_CONTRADICTED : EXIT_CODE_FAILED;
}

static enum status write_sheets(struct settlement_log *log, struct sheet_set *set,
                                const struct settlement_span *span, uint32_t *disputes)
{
    enum status status = day_sheets_write(log, set, DAY_OWNER_MERCHANT, span->day);
    if (status == STATUS_OK) {
        status = day_sheets_write(log, set, DAY_OWNER_CHANNEL, span->day);
    }
    if (status == STATUS_OK) {
        status = agent_sheets_write(log, set, span->day);
    }
    if (status == STATUS_OK) {
        status = open_sheet_write(log, set, span->day);
    }
    if (status == STATUS_OK) {
        status = held_sheet_write(log, set, span->day);
    }
    if (status == STATUS_OK) {
        status = mismatch_sheet_write(log, set, span, disputes);
    }
    if (status == STATUS_OK) {
        status = summary_sheet_write(log, set, span->day);
    }
    return status == STATUS_OK ? day_check_sheets(log, set) : status;
}

static int write_all(struct settlement_log *log, const struct arguments *arguments,
                     const struct settlement_span *span, uint64_t lines)
{
    struct sheet_set set;
    uint32_t disputes = 0;
    enum status status = sheet_set_open(&set, arguments->out, arguments->day, log->reason);
    if (status != STATUS_OK) {
        return fail(status, log->reason);
    }
    status = write_sheets(log, &set, span, &disputes);
    if (status != STATUS_OK) {
        sheet_set_abandon(&set);
        return fail(status, log->reason);
    }
    uint32_t sheets = set.count;
    status = sheet_set_commit(&set, "summary.csv");
    if (status != STATUS_OK) {
        return fail(status, log->reason);
    }
    printf("%s: %llu movements in %u files, %u batches with different totals, log read up to "
           "position %lld\n",
           arguments->day, (unsigned long long)lines, sheets, disputes,
           (long long)log->last_position);
    return EXIT_CODE_OK;
}

static int settle(struct settlement_log *log, const struct arguments *arguments,
                  const struct settlement_span *span)
{
    uint64_t lines = 0;
    enum status status = day_book_fill(log, span, &lines);
    if (status == STATUS_OK) {
        status = day_check_book(log, span);
    }
    if (status != STATUS_OK) {
        return fail(status, log->reason);
    }
    if (lines == 0) {
        fprintf(stderr,
                "tillway-settle: nothing in the log %s counts on settlement day %s; expected a day "
                "that a channel has named or, where none has, one of the wall clock (UTC+8)\n",
                arguments->log, arguments->day);
        return EXIT_CODE_NOTHING;
    }
    return write_all(log, arguments, span, lines);
}

static int run(const struct arguments *arguments)
{
    struct settlement_log log;
    struct settlement_span span;
    if (!settlement_span_set(&span, arguments->day)) {
        fprintf(stderr, "tillway-settle: --day: expected a date as YYYYMMDD, got %.40s\n",
                arguments->day);
        return EXIT_CODE_USAGE;
    }
    enum status status = settlement_log_open(&log, arguments->log);
    if (status != STATUS_OK) {
        return fail(status, log.reason);
    }
    int code = arguments->skips_chain ? EXIT_CODE_OK : verify(arguments->log);
    if (code == EXIT_CODE_OK) {
        code = settle(&log, arguments, &span);
    }
    settlement_log_close(&log);
    return code;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {0};
    for (int i = 1; i < argc && !arguments.is_bad; i++) {
        parse_one(&arguments, argc, argv, &i);
    }
    if (arguments.wants_help && !arguments.is_bad) {
        return usage(stdout);
    }
    if (arguments.wants_version && !arguments.is_bad) {
        puts("tillway-settle " TILLWAY_VERSION);
        return EXIT_CODE_OK;
    }
    if (arguments.is_bad) {
        return usage(stderr);
    }
    if (arguments.log == NULL || arguments.day == NULL || arguments.out == NULL) {
        const char *missing = arguments.log == NULL   ? "--log"
                              : arguments.day == NULL ? "--day"
                                                      : "--out";
        fprintf(stderr, "tillway-settle: %s is missing\n", missing);
        return usage(stderr);
    }
    return run(&arguments);
}
