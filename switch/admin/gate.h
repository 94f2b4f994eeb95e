/* The gate in front of every call: whose token, which role, how many wrong tries, and the audit
 * line before an effect. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "switch/admin/answer.h"
#include "switch/admin/audit.h"
#include "switch/admin/endpoint.h"
#include "switch/admin/token_file.h"

struct gate {
    struct token_file *tokens; /* borrowed */
    struct audit *audit;       /* borrowed; NULL: calls with an effect are refused */
    pthread_mutex_t mutex;     /* guards the next two */
    double tries_left;         /* of tokens that nobody knows yet */
    uint64_t counted_ns;
};

/* Who asks, as far as it was found out. */
struct gate_finding {
    enum token_answer token;
    struct token_holder holder;
};

struct gate_request {
    enum endpoint endpoint;
    const char *method, *path, *address;
    const char *authorization; /* the header; NULL: none */
    /* Gives what the first audit line of an effect holds, or NULL. Called once the token was found
     * good, since it may read the disk. NULL: nothing to note. */
    const char *(*note)(void *argument);
    void *note_argument;
    /* What gate_may has found, so that a wrong token is not tried twice; borrowed. NULL: nobody has
     * looked yet. */
    const struct gate_finding *finding;
};

void gate_open(struct gate *gate, struct token_file *tokens, struct audit *audit);
void gate_close(struct gate *gate);

/* Whether gate_pass will let it through, as things stand: asked before a long body is read. */
bool gate_may(struct gate *gate, const struct gate_request *request, struct gate_finding *finding);
/* True: the call may go on, `holder` says whose it is, and an audit line is on disk if it has an
 * effect. False: `answer` says why not. */
bool gate_pass(struct gate *gate, const struct gate_request *request, struct token_holder *holder,
               struct answer *answer);
/* A second person beside the first, by a token of another name that may make the same call. False:
 * `answer` says why not. */
bool gate_pass_second(struct gate *gate, const struct gate_request *request,
                      const struct token_holder *first, const char *authorization,
                      struct token_holder *second, struct answer *answer);
/* After an effect: what came of it. Code 504 is "unknown": the switch was asked and gave no answer.
 */
void gate_report(struct gate *gate, const struct gate_request *request,
                 const struct token_holder *holder, const struct answer *answer);
/* A line of its own: outcome and text. */
void gate_note(struct gate *gate, const struct gate_request *request,
               const struct token_holder *holder, const char *const outcome_and_text[2]);
