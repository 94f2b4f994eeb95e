/* What calls about cases and flags have in common: whose turn it is at the one connection to the
 * desk, who acts, how a status is told. Each is short; calls that read much have a connection of
 * their own (desk_call.h). */
#pragma once

#include <jansson.h>

#include "switch/admin/call.h"

/* The desk until desk_share_give(). NULL: a problem was put into `answer`. */
struct desk *case_desk_take(const struct call *call, struct answer *answer);
/* The holder of the token, now. */
struct desk_actor case_desk_actor(const struct call *call);
/* What is not OK becomes a problem: the desk's reason, with the code that fits the status: 404 not
 * there, 409 in the way of what is stored, 400 wrong, 503 the database. */
void case_desk_problem(const struct desk *desk, enum status status, struct answer *answer);
/* The number at `{}`: of a case or a flag. 0: it is none, and there is no such thing. */
uint64_t case_desk_number(const char *text);
/* The body as JSON, *body the caller's; NULL for a call without one. False: it is no JSON, and a
 * problem was put into `answer`. */
bool case_desk_body(const struct call *call, json_t **body, struct answer *answer);
