/* Whose cases a token shows, and as what its holder acts in them: what stands behind a token's hash
 * in the tokens file, "as=engineer,point=P3". Pure.
 *
 * Nothing given: all cases, as staff. Several given: a case must fit each. Who has a service point
 * is an engineer of it, and sees of its cases what the repair needs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"
#include "switch/admin/role.h"
#include "switch/aftersales/service_case.h"

#define SCOPE_TEXT_SIZE 96
#define SCOPE_REASON_SIZE 200

#define SCOPE_ROLE_BIT(name) (1u << CASE_ROLE_##name)
/* X(name, word, roles in a case, sentence): the first one is what nothing said means. Staff write
 * down what merchants, engineers and makers tell them; nobody acts as the switch. */
#define SCOPE_POSITION_MAP(X)                                                                      \
    X(STAFF, "staff",                                                                              \
      SCOPE_ROLE_BIT(STAFF) | SCOPE_ROLE_BIT(MERCHANT) | SCOPE_ROLE_BIT(ENGINEER) |                \
          SCOPE_ROLE_BIT(MAKER),                                                                   \
      "staff, merchant, engineer, maker")                                                          \
    X(MANAGER, "manager",                                                                          \
      SCOPE_ROLE_BIT(MANAGER) | SCOPE_ROLE_BIT(STAFF) | SCOPE_ROLE_BIT(MERCHANT) |                 \
          SCOPE_ROLE_BIT(ENGINEER) | SCOPE_ROLE_BIT(MAKER),                                        \
      "manager, staff, merchant, engineer, maker")                                                 \
    X(ENGINEER, "engineer", SCOPE_ROLE_BIT(ENGINEER), "engineer")                                  \
    X(AGENT, "agent", SCOPE_ROLE_BIT(AGENT) | SCOPE_ROLE_BIT(MERCHANT), "agent, merchant")         \
    X(MERCHANT, "merchant", SCOPE_ROLE_BIT(MERCHANT), "merchant")

enum scope_position {
#define X(name, word, roles, text) SCOPE_POSITION_##name,
    SCOPE_POSITION_MAP(X)
#undef X
        SCOPE_POSITION_COUNT
};

struct scope {
    char agent_id[12];    /* cases of merchants of this agent, or of one below it; empty: any */
    char merchant_id[16]; /* of this merchant; empty: any */
    char point_id[16];    /* that are with this service point; empty: any */
    enum scope_position position;
};

/* One member: "agent", "merchant", "point" or "as". False: `reason` names it, and what was
 * expected. */
bool scope_put(struct scope *scope, const char *name, const char *value,
               char reason[SCOPE_REASON_SIZE]);
/* Whether the whole can be: who acts as the merchant is one. False: `reason` says what is missing.
 */
bool scope_is_whole(const struct scope *scope, char reason[SCOPE_REASON_SIZE]);
/* "agent=A17,as=agent"; the text is as scope_write left it, and whole. False: it is not. */
bool scope_parse(struct scope *scope, const char *text);
/* Empty when nothing is given. */
void scope_write(char text[SCOPE_TEXT_SIZE], const struct scope *scope);
/* False: all cases are shown. */
bool scope_is_narrow(const struct scope *scope);
/* Of a service point, so of people who repair on our behalf and are not ours: they see the least
 * (point_view.h), and act as the engineer whatever position is written there. */
bool scope_is_point(const struct scope *scope);
enum role_reach scope_reach(const struct scope *scope);

/* Whether the holder may act as `role` in a case. */
bool scope_may_act(const struct scope *scope, enum case_role role);
/* What is meant when a call does not say as what: STAFF of staff. */
enum case_role scope_own_role(const struct scope *scope);
/* "staff, merchant, engineer, maker", for sentences. */
const char *scope_roles_text(const struct scope *scope);
