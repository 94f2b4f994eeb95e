/* Which case a flag belongs to: flags become few cases, not many.
 *
 * One open case per subject, cause and life; further flags join it. Of the life too, for whoever
 * opens a case names its cause: a service request by the name of a risk would take in what risk
 * must see, and permit no step that the flag asks for. After closing, the same rule is quiet
 * for the same subject for some days, except at severity 4. A flag that a cohort's flag explains is
 * linked to the cohort's case and opens none of its own; a flag of a rule in watch mode opens
 * nothing. Of money (M) each row is a case of its own. Stateless: the caller shows what there is.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/flag.h"
#include "switch/aftersales/service_case.h"

/* A case as far as merging asks: those of the flag's subject, of its terminal, and of the cohorts
 * it belongs to; open, or closed within the quiet days. */
#define CASE_BRIEF_FLAG_COUNT_MAX 16
struct case_brief {
    uint64_t id;
    enum case_kind kind;
    enum flag_subject subject;
    char subject_id[40], cause[24], terminal_id[9];
    bool is_open;
    int64_t closed_us;
    uint32_t flag_count;
    struct case_brief_flag {
        enum signal_code signal;
        uint8_t severity;
        uint64_t position;
    } flags[CASE_BRIEF_FLAG_COUNT_MAX]; /* of each signal the newest; severity 4 before others */
};

enum merge_verdict {
    MERGE_NOTHING, /* noted, no case */
    MERGE_LINK, /* noted at case_id, which is the cohort's; 0: its case is not among the briefs */
    MERGE_JOIN, /* joins case_id */
    MERGE_OPEN  /* opens a case of `kind` and `cause` */
};

struct merge_answer {
    enum merge_verdict verdict;
    uint64_t case_id;
    enum case_kind kind;
    char cause[24];
    uint8_t severity;
    enum follow_up follow;         /* what the rules ask for; never STOP unless permitted */
    bool is_stop_permitted;        /* the switch may stop the terminal by itself */
    bool is_person_asked;          /* the signal asks for STOP, and a person must decide */
    bool is_makers;                /* of a brand, model or firmware: one case, with the maker */
    char reason[CASE_REASON_SIZE]; /* why so, for the history */
};

void case_merge(const struct flag *flag, const struct case_brief *briefs, uint32_t count,
                const struct case_rules *rules, struct merge_answer *answer);
/* The cause by which cases of one subject are told apart: the fault's code, or of money its row. */
void case_cause(char cause[24], const struct flag *flag);
/* Whether two of them are one: equal, or both of the terminal's keys (K1, K2). */
bool case_cause_is_same(const char *left, const char *right);
/* Whether cases of the two kinds lead one life (case_state.def), so that a flag of one may join the
 * other. */
bool case_life_is_same(enum case_kind left, enum case_kind right);
/* The service class of a new case by its severity: P1 at 4 and 3, P2 at 2, P3 at 1. */
enum service_class case_service_class(uint8_t severity);
