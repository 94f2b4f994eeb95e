/* Opens a case as the switch does: a flag with its evidence, a case, its first steps. For system
 * tests: case_stage aftersales.db KIND TERMINAL MERCHANT POSITION ... prints the case's number. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "switch/desk/case_book.h"
#include "switch/desk/flag_book.h"

struct asked {
    const char *path, *kind, *terminal_id, *merchant_id;
    uint64_t positions[256];
    uint32_t position_count;
};

static enum status open_case(struct desk *desk, const struct asked *asked, int64_t now_us,
                             uint64_t *case_id)
{
    struct case_rules rules;
    struct case_effects effects;
    struct service_case it = {.kind = case_kind_from_name(asked->kind),
                              .source = CASE_SOURCE_HOTLINE,
                              .subject = FLAG_OF_TERMINAL,
                              .cause = "N2",
                              .severity = 2,
                              .service_class = SERVICE_P2};
    struct case_event event = {.kind = CASE_EVENT_OPEN,
                               .role = CASE_ROLE_STAFF,
                               .wall_us = now_us,
                               .actor = "bob",
                               .reason = "商户来电: slow"};
    snprintf(it.subject_id, sizeof(it.subject_id), "%s", asked->terminal_id);
    snprintf(it.terminal_id, sizeof(it.terminal_id), "%s", asked->terminal_id);
    snprintf(it.merchant_id, sizeof(it.merchant_id), "%s", asked->merchant_id);
    case_rules_default(&rules);
    enum status status = case_book_open(desk, &it, &event, &rules, &effects);
    *case_id = it.id;
    event.kind = CASE_EVENT_TRIAGE;
    event.wall_us++;
    return status == STATUS_OK ? case_book_step(desk, it.id, &event, &rules, &effects) : status;
}

static enum status add_flag(struct desk *desk, const struct asked *asked, int64_t now_us,
                            uint64_t case_id)
{
    uint64_t flag_id = 0;
    bool is_new = false;
    struct flag flag = {.signal = SIGNAL_TIMEOUTS,
                        .subject = FLAG_OF_TERMINAL,
                        .severity = 2,
                        .window_begin_us = now_us - 1000000,
                        .window_end_us = now_us,
                        .value = 12,
                        .threshold = 10,
                        .position = asked->positions[0]};
    snprintf(flag.subject_id, sizeof(flag.subject_id), "%s", asked->terminal_id);
    snprintf(flag.terminal_id, sizeof(flag.terminal_id), "%s", asked->terminal_id);
    snprintf(flag.merchant_id, sizeof(flag.merchant_id), "%s", asked->merchant_id);
    for (uint32_t i = 0; i < asked->position_count && i < FLAG_EVIDENCE_COUNT_MAX; i++) {
        flag.evidence[flag.evidence_count++] = asked->positions[i];
    }
    enum status status = flag_book_add(desk, &flag, &flag_id, &is_new);
    return status == STATUS_OK ? case_book_link_flag(desk, case_id, flag_id) : status;
}

static enum status fill(struct desk *desk, const struct asked *asked, uint64_t *case_id)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t now_us = (int64_t)now.tv_sec * 1000000;
    enum status status = open_case(desk, asked, now_us, case_id);
    if (status == STATUS_OK) {
        status = add_flag(desk, asked, now_us, *case_id);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < asked->position_count; i++) {
        status = case_book_link_txn(desk, *case_id, asked->positions[i]);
    }
    return status;
}

int main(int argument_count, char **arguments)
{
    char reason[DESK_REASON_SIZE] = "";
    struct desk *desk = NULL;
    uint64_t case_id = 0;
    struct asked asked = {.position_count = 0};
    if (argument_count < 6 || argument_count > 256) {
        fputs("usage: case_stage aftersales.db KIND TERMINAL MERCHANT POSITION ...\n", stderr);
        return 2;
    }
    asked = (struct asked){.path = arguments[1],
                           .kind = arguments[2],
                           .terminal_id = arguments[3],
                           .merchant_id = arguments[4]};
    for (int i = 5; i < argument_count; i++) {
        asked.positions[asked.position_count++] = strtoull(arguments[i], NULL, 10);
    }
    enum status status = desk_open(&desk, asked.path, reason);
    if (status == STATUS_OK) {
        status = fill(desk, &asked, &case_id);
        snprintf(reason, sizeof(reason), "%s", desk_reason(desk));
    }
    desk_close(desk);
    if (status != STATUS_OK) {
        fprintf(stderr, "case_stage: %s\n", reason);
        return 1;
    }
    printf("%llu\n", (unsigned long long)case_id);
    return 0;
}
