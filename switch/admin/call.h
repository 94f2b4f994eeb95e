/* One call of an operator, after role and audit have let it through, and who serves it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "switch/admin/answer.h"
#include "switch/admin/control_client.h"
#include "switch/admin/day_job.h"
#include "switch/admin/desk_share.h"
#include "switch/admin/endpoint.h"
#include "switch/admin/log_job.h"
#include "switch/admin/metrics_text.h"
#include "switch/admin/registry_job.h"
#include "switch/admin/token_file.h"
#include "switch/admin/txn_query.h"

struct event_waits;

struct call {
    enum endpoint endpoint;
    const char *parameter;                   /* what stood at `{}` */
    const char *second_parameter;            /* at the second one; "" where there is none */
    const char *operator_name;               /* "" for a call without a token */
    const char *control_socket, *log, *fees; /* paths */
    bool is_verbose;                         /* ?verbose */
    const struct txn_query *query;           /* of a search */
    const struct metrics_own *own;
    struct log_job *job;               /* borrowed */
    struct desk_share *desk;           /* borrowed */
    const char *evidence_key;          /* PEM file; "": none */
    struct registry_job *registry_job; /* borrowed */
    struct day_job *day_job;           /* borrowed; NULL: there is no after-sales */
    const struct token_holder *holder; /* who asks */
    const struct token_holder *second; /* who stands beside, by a token too; NULL: nobody */
    const char *body;                  /* borrowed; of a call that takes one */
    size_t body_length;
    /* A parameter behind the `?`; NULL: not given. */
    const char *(*option)(void *connection, const char *name);
    /* A header of the request; NULL: not given. */
    const char *(*header)(void *connection, const char *name);
    void *connection;
    struct event_waits *waits;       /* borrowed; those who wait for events */
    unsigned option_count;           /* how many there are */
    struct control_pending *pending; /* filled in where the switch gave no answer in time */
};

/* Fills the answer; may wait for the switch as long as control_client_call() does. */
void call_serve(const struct call *call, struct answer *answer);
/* Puts into the answer that the switch gave none, and why: 504 where it was asked for an effect and
 * may carry it out all the same, else 503. */
void call_unanswered(const struct call *call, const char *reason, struct answer *answer);
