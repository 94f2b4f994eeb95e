/* See scope.h. */
#include "switch/admin/scope.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"

static const struct position_row {
    const char *word;
    unsigned roles;
    const char *text;
    enum case_role own;
} POSITIONS[] = {
#define X(name, word, roles, text) {word, roles, text, CASE_ROLE_##name},
    SCOPE_POSITION_MAP(X)
#undef X
};

/* What a tokens file can carry: no colon, comma or equals sign. */
static bool id_is_plain(const char *id)
{
    static const char LETTERS[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_.";
    return id[0] != '\0' && strspn(id, LETTERS) == strlen(id);
}

static bool put_id(char *to, size_t size, const char *const name_and_value[2], char *reason)
{
    const char *value = name_and_value[1];
    if (!id_is_plain(value) || strlen(value) >= size) {
        snprintf(reason, SCOPE_REASON_SIZE,
                 "%s: expected 1 to %zu letters, digits, '-', '_' or '.', got \"%.40s\"",
                 name_and_value[0], size - 1, value);
        return false;
    }
    snprintf(to, size, "%s", value);
    return true;
}

static bool put_position(struct scope *scope, const char *value, char *reason)
{
    for (unsigned i = 0; i < SCOPE_POSITION_COUNT; i++) {
        if (strcmp(POSITIONS[i].word, value) == 0) {
            scope->position = (enum scope_position)i;
            return true;
        }
    }
    snprintf(reason, SCOPE_REASON_SIZE,
             "as: expected staff, manager, engineer, agent or merchant, got \"%.40s\"", value);
    return false;
}

bool scope_put(struct scope *scope, const char *name, const char *value,
               char reason[SCOPE_REASON_SIZE])
{
    const char *const pair[2] = {name, value};
    if (strcmp(name, "agent") == 0) {
        return put_id(scope->agent_id, sizeof(scope->agent_id), pair, reason);
    }
    if (strcmp(name, "merchant") == 0) {
        return put_id(scope->merchant_id, sizeof(scope->merchant_id), pair, reason);
    }
    if (strcmp(name, "point") == 0) {
        return put_id(scope->point_id, sizeof(scope->point_id), pair, reason);
    }
    if (strcmp(name, "as") == 0) {
        return put_position(scope, value, reason);
    }
    snprintf(reason, SCOPE_REASON_SIZE, "%.40s: expected agent, merchant, point or as", name);
    return false;
}

bool scope_is_whole(const struct scope *scope, char reason[SCOPE_REASON_SIZE])
{
    if (scope->position == SCOPE_POSITION_MERCHANT && scope->merchant_id[0] == '\0') {
        snprintf(reason, SCOPE_REASON_SIZE,
                 "as: who acts as the merchant is one; name it, --merchant ID");
        return false;
    }
    return true;
}

bool scope_parse(struct scope *scope, const char *text)
{
    char copy[SCOPE_TEXT_SIZE], again[SCOPE_TEXT_SIZE], reason[SCOPE_REASON_SIZE];
    *scope = (struct scope){.position = SCOPE_POSITION_STAFF};
    if (strlen(text) >= sizeof(copy)) {
        return false;
    }
    snprintf(copy, sizeof(copy), "%s", text);
    for (char *at = copy; *at != '\0';) {
        char *end = at + strcspn(at, ",");
        char *next = *end == ',' ? end + 1 : end;
        *end = '\0';
        char *value = strchr(at, '=');
        if (value == NULL) {
            return false;
        }
        *value++ = '\0';
        if (!scope_put(scope, at, value, reason)) {
            return false;
        }
        at = next;
    }
    scope_write(again, scope);
    /* no member twice, none in another order */
    return strcmp(again, text) == 0 && scope_is_whole(scope, reason);
}

static void write_member(char *text, const char *name, const char *value)
{
    size_t used = strlen(text);
    snprintf(text + used, SCOPE_TEXT_SIZE - used, "%s%s=%s", used == 0 ? "" : ",", name, value);
}

void scope_write(char text[SCOPE_TEXT_SIZE], const struct scope *scope)
{
    REQUIRE((unsigned)scope->position < SCOPE_POSITION_COUNT);
    text[0] = '\0';
    if (scope->agent_id[0] != '\0') {
        write_member(text, "agent", scope->agent_id);
    }
    if (scope->merchant_id[0] != '\0') {
        write_member(text, "merchant", scope->merchant_id);
    }
    if (scope->point_id[0] != '\0') {
        write_member(text, "point", scope->point_id);
    }
    if (scope->position != SCOPE_POSITION_STAFF) {
        write_member(text, "as", POSITIONS[scope->position].word);
    }
}

bool scope_is_narrow(const struct scope *scope)
{
    return scope->agent_id[0] != '\0' || scope->merchant_id[0] != '\0' ||
           scope->point_id[0] != '\0';
}

bool scope_is_point(const struct scope *scope)
{
    return scope->point_id[0] != '\0';
}

enum role_reach scope_reach(const struct scope *scope)
{
    return scope_is_point(scope)    ? ROLE_REACH_POINT
           : scope_is_narrow(scope) ? ROLE_REACH_SCOPED
                                    : ROLE_REACH_ALL;
}

static const struct position_row *position_of(const struct scope *scope)
{
    REQUIRE((unsigned)scope->position < SCOPE_POSITION_COUNT);
    return &POSITIONS[scope_is_point(scope) ? SCOPE_POSITION_ENGINEER : scope->position];
}

bool scope_may_act(const struct scope *scope, enum case_role role)
{
    REQUIRE((unsigned)role < CASE_ROLE_COUNT);
    return (position_of(scope)->roles >> role & 1) != 0;
}

enum case_role scope_own_role(const struct scope *scope)
{
    return position_of(scope)->own;
}

const char *scope_roles_text(const struct scope *scope)
{
    return position_of(scope)->text;
}
