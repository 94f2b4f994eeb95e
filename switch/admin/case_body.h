/* What a person says of a case in a JSON body: an event with its members, or a case to be opened.
 * Pure: what is wrong is named with what was expected; whether it is permitted is the case's own
 * business (switch/aftersales/service_case.h).
 *
 * Every body may hold `reason` (why, a sentence) and `as` (as what in the case: STAFF, MERCHANT …;
 * who may act as what, scope.h says). An event's own members stand in case_body.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "switch/admin/scope.h"
#include "switch/aftersales/service_case.h"

#define CASE_BODY_BYTES_MAX 16384
#define CASE_BODY_REASON_SIZE 400
#define CASE_BODY_RRN_COUNT_MAX 16

struct case_body {
    struct case_event event; /* kind, role and members; actor and time are the caller's */
    uint64_t flag_id;        /* of JOIN */
};

struct case_opening {
    enum case_kind kind;
    enum case_source source;
    char terminal_id[9], merchant_id[16]; /* one of them at least */
    char fault[4];
    uint8_t severity;
    uint32_t rrn_count;
    char rrns[CASE_BODY_RRN_COUNT_MAX][13];
    struct case_event event;
};

/* Whether people may say that it happened; else only the switch does, or another call. */
bool case_body_is_peoples(enum case_event_kind kind);
/* The members of an event beside `reason` and `as`, in order; NULL behind the last. */
const char *case_body_member(enum case_event_kind kind, uint32_t index);

/* `json` NULL is an empty body. False: `reason` says what is wrong. */
bool case_body_event(struct case_body *body, enum case_event_kind kind, const json_t *json,
                     const struct scope *scope, char reason[CASE_BODY_REASON_SIZE]);
bool case_body_open(struct case_opening *opening, const json_t *json, const struct scope *scope,
                    char reason[CASE_BODY_REASON_SIZE]);
