/* Tables of states, events and first steps, and the words in them. */
#include "switch/aftersales/case_table.h"

#include <string.h>

#include "protocols/base/require.h"

_Static_assert(CASE_STATE_COUNT <= 32, "followers are 32 bits");
_Static_assert(CASE_EVENT_COUNT <= 64, "events are 64 bits");
_Static_assert(CASE_ROLE_COUNT <= 8, "roles are 8 bits");

#define LIFE(name) CASE_LIFE_##name
#define BY(name) (UINT64_C(1) << CASE_EVENT_##name)
#define TO(name) (UINT32_C(1) << CASE_STATE_##name)
static const struct case_state_row STATES[CASE_STATE_COUNT] = {
#define X(name, lives, enters, followers, zh, text)                                                \
    [CASE_STATE_##name] = {#name, zh, text, lives, enters, followers},
#include "switch/aftersales/case_state.def"
#undef X
};

#define ROLE(name) (1u << CASE_ROLE_##name)
#define NEEDS(name) CASE_NEEDS_##name
static const struct case_event_row EVENTS[CASE_EVENT_COUNT] = {
#define X(name, roles, needs, text) [CASE_EVENT_##name] = {#name, text, roles, needs},
#include "switch/aftersales/case_event.def"
#undef X
};

struct first_step_row {
    enum case_kind kind;
    struct case_first_step step;
};
static const struct first_step_row FIRST_STEPS[] = {
#define X(kind, name, order, zh, en) {CASE_##kind, {#name, zh, en, CASE_EFFECT_##order}},
#include "switch/aftersales/case_first_step.def"
#undef X
};

#define X(name) #name,
static const char *const ROLES[CASE_ROLE_COUNT] = {CASE_ROLE_MAP(X)};
static const char *const SOURCES[CASE_SOURCE_COUNT] = {CASE_SOURCE_MAP(X)};
#undef X
#define KIND_COUNT (CASE_FEE + 1)
static const char *const KINDS[KIND_COUNT] = {[CASE_FAULT] = "FAULT",
                                              [CASE_TRANSACTION] = "TRANSACTION",
                                              [CASE_RISK] = "RISK",
                                              [CASE_SERVICE] = "SERVICE",
                                              [CASE_FEE] = "FEE"};
static const char *const EFFECTS[CASE_EFFECT_COUNT][2] = {
#define X(name, text) [CASE_EFFECT_##name] = {#name, text},
    CASE_EFFECT_MAP(X)
#undef X
};

const struct case_state_row *case_state_row(enum case_state state)
{
    REQUIRE((unsigned)state < CASE_STATE_COUNT);
    return &STATES[state];
}

const struct case_event_row *case_event_row(enum case_event_kind kind)
{
    REQUIRE((unsigned)kind < CASE_EVENT_COUNT);
    return &EVENTS[kind];
}

uint8_t case_kind_life(enum case_kind kind)
{
    static const uint8_t LIVES[KIND_COUNT] = {[CASE_FAULT] = CASE_LIFE_SERVICE,
                                              [CASE_TRANSACTION] = CASE_LIFE_RISK,
                                              [CASE_RISK] = CASE_LIFE_RISK,
                                              [CASE_SERVICE] = CASE_LIFE_REQUEST,
                                              [CASE_FEE] = CASE_LIFE_FEE};
    REQUIRE((unsigned)kind < KIND_COUNT);
    return LIVES[kind];
}

enum case_state case_state_after(enum case_state from, enum case_event_kind kind, uint8_t life)
{
    uint32_t followers = case_state_row(from)->followers;
    for (unsigned to = 0; to < CASE_STATE_COUNT; to++) {
        if ((followers >> to & 1) != 0 && (STATES[to].lives & life) != 0 &&
            (STATES[to].enters >> kind & 1) != 0) {
            return (enum case_state)to;
        }
    }
    return CASE_STATE_COUNT;
}

const struct case_first_step *case_first_step(enum case_kind kind, uint8_t step)
{
    uint8_t seen = 0;
    for (uint32_t i = 0; i < sizeof(FIRST_STEPS) / sizeof(FIRST_STEPS[0]); i++) {
        seen = (uint8_t)(seen + (FIRST_STEPS[i].kind == kind));
        if (FIRST_STEPS[i].kind == kind && seen == step) {
            return &FIRST_STEPS[i].step;
        }
    }
    return NULL;
}

const char *case_state_name(enum case_state state)
{
    return case_state_row(state)->name;
}
const char *case_state_text(enum case_state state, bool is_chinese)
{
    const struct case_state_row *row = case_state_row(state);
    return is_chinese ? row->zh : row->text;
}
const char *case_event_name(enum case_event_kind kind)
{
    return case_event_row(kind)->name;
}
const char *case_event_text(enum case_event_kind kind)
{
    return case_event_row(kind)->text;
}
const char *case_kind_name(enum case_kind kind)
{
    REQUIRE((unsigned)kind < KIND_COUNT);
    return KINDS[kind];
}
const char *case_role_name(enum case_role role)
{
    REQUIRE((unsigned)role < CASE_ROLE_COUNT);
    return ROLES[role];
}
const char *case_source_name(enum case_source source)
{
    REQUIRE((unsigned)source < CASE_SOURCE_COUNT);
    return SOURCES[source];
}
const char *case_part_payer_word(enum case_part_payer payer)
{
    static const char *const WORDS[CASE_PART_PAYER_COUNT] = {
#define X(name, word) word,
        CASE_PART_PAYER_MAP(X)
#undef X
    };
    REQUIRE((unsigned)payer < CASE_PART_PAYER_COUNT);
    return WORDS[payer];
}
const char *case_effect_name(enum case_effect_kind kind)
{
    REQUIRE((unsigned)kind < CASE_EFFECT_COUNT);
    return EFFECTS[kind][0];
}
const char *case_effect_text(enum case_effect_kind kind)
{
    REQUIRE((unsigned)kind < CASE_EFFECT_COUNT);
    return EFFECTS[kind][1];
}

enum case_state case_state_from_name(const char *name)
{
    unsigned i = 0;
    while (i < CASE_STATE_COUNT && strcmp(STATES[i].name, name) != 0) {
        i++;
    }
    return (enum case_state)i;
}

enum case_event_kind case_event_from_name(const char *name)
{
    unsigned i = 0;
    while (i < CASE_EVENT_COUNT && strcmp(EVENTS[i].name, name) != 0) {
        i++;
    }
    return (enum case_event_kind)i;
}

static unsigned find_name(const char *const *names, unsigned count, const char *name)
{
    unsigned i = 0;
    while (i < count && strcmp(names[i], name) != 0) {
        i++;
    }
    return i;
}

enum case_role case_role_from_name(const char *name)
{
    return (enum case_role)find_name(ROLES, CASE_ROLE_COUNT, name);
}
enum case_source case_source_from_name(const char *name)
{
    return (enum case_source)find_name(SOURCES, CASE_SOURCE_COUNT, name);
}
enum case_kind case_kind_from_name(const char *name)
{
    return (enum case_kind)find_name(KINDS, KIND_COUNT, name);
}
