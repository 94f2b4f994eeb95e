/* One reading of all files while payments go on, shared by the files that carry it out: what is
 * asked for, and how far it is.
 */
#pragma once

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "switch/rule_choice.h"
#include "switch/server_state.h"

/* X(NAME, sentence) */
#define RELOAD_KIND_MAP(X)                                                                         \
    X(FILES, "the configuration's files are taken over")                                           \
    X(ACTIVATE, "the same, with the rule files of one version")                                    \
    X(CHECK, "rule files are tried, and nothing is kept")                                          \
    X(PROPOSE, "rule files are tried and kept as a version that may be activated")                 \
    X(ROLL_BACK, "the same, with the rule files of an earlier version")

enum reload_kind {
#define X(name, text) RELOAD_##name,
    RELOAD_KIND_MAP(X)
#undef X
};

struct reload_order {
    enum reload_kind kind;
    uint32_t number; /* ACTIVATE; ROLL_BACK: 0 is the version before */
    bool is_signal;  /* SIGHUP asks */
    char by[RULE_VERSION_NAME_SIZE], reason[RULE_VERSION_TEXT_SIZE];
    struct {
        char *bytes; /* owner; NULL: not given */
        uint32_t length;
        bool is_none; /* ROLL_BACK: the earlier version had none */
    } files[RULE_FILE_COUNT];
};

enum reload_step { RELOAD_IS_READING, RELOAD_IS_READ, RELOAD_IS_CLEARED };

struct reload {
    struct server *server;
    pthread_t thread;
    uv_async_t progress; /* from the thread: a step is done */
    sem_t decided;       /* to the thread: the swap is over, or will not be */
    _Atomic int step;
    struct configuration_source source;
    struct configuration *fresh, *old; /* `old` goes when the last worker has let go of it */
    struct key_set *keys;              /* owned; NULL: not read */
    struct keys_missing keys_missing;
    struct fact_book *facts; /* owned until the swap; NULL: terminals are not watched */
    struct listen_plan *listens;
    struct swap_plan channels;
    struct reload_order order;
    struct rule_choice rules;
    enum rule_kept kept;
    bool has_call, is_refused, is_told, is_swapped;
    struct control_call call;
    uint16_t waiting_count; /* workers that have not taken the new rules yet */
    char faults[CONFIGURATION_FAULTS_SIZE];
    char text[CONTROL_TEXT_SIZE];              /* what came of it, for whoever asked */
    char undo_fault[RULE_VERSION_REASON_SIZE]; /* why the disk could not be put back; else empty */
};

/* Whether the files come in force if they are good, or are only tried. */
bool reload_has_effect(enum reload_kind kind);

/* ---- of the thread: server_version.c ---- */

/* Looks whether the version may be had, and says to the choice what is to be read. False: `faults`
 * says why not. */
MUST_CHECK bool reload_choose(struct reload *reload);
/* What was read is good: it is kept, and in force on disk where it has an effect. False: `faults`
 * says why nothing changed. */
MUST_CHECK bool reload_keep(struct reload *reload);
/* What was kept does not take effect after all. */
void reload_undo(struct reload *reload);
/* Faults of what was proposed name the files as they were proposed. */
void reload_shorten_faults(struct reload *reload);
