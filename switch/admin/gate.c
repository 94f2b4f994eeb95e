/* See gate.h. */
#include "switch/admin/gate.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* Trying an unknown token costs 50 ms of scrypt: so many at once, and so many a second after. */
#define TRIES_AT_ONCE 10.0
#define TRIES_A_SECOND 1.0
#define ACTION_SIZE 160

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

void gate_open(struct gate *gate, struct token_file *tokens, struct audit *audit)
{
    *gate = (struct gate){
        .tokens = tokens, .audit = audit, .tries_left = TRIES_AT_ONCE, .counted_ns = clock_ns()};
    pthread_mutex_init(&gate->mutex, NULL);
}

void gate_close(struct gate *gate)
{
    pthread_mutex_destroy(&gate->mutex);
}

static bool tries_are_left(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    uint64_t now_ns = clock_ns();
    gate->tries_left += (double)(now_ns - gate->counted_ns) / 1e9 * TRIES_A_SECOND;
    gate->tries_left = gate->tries_left > TRIES_AT_ONCE ? TRIES_AT_ONCE : gate->tries_left;
    gate->counted_ns = now_ns;
    bool are_left = gate->tries_left >= 1;
    pthread_mutex_unlock(&gate->mutex);
    return are_left;
}

static void count_wrong(struct gate *gate)
{
    pthread_mutex_lock(&gate->mutex);
    gate->tries_left -= 1;
    pthread_mutex_unlock(&gate->mutex);
}

/* What came from outside is shown as printable ASCII only. */
static void action_format(char action[ACTION_SIZE], const struct gate_request *request)
{
    snprintf(action, ACTION_SIZE, "%.10s %.140s", request->method, request->path);
    for (char *at = action; *at != '\0'; at++) {
        *at = *at < ' ' || *at > '~' ? '?' : *at;
    }
}

static bool write_audit(struct gate *gate, const struct gate_request *request,
                        const struct token_holder *holder, const char *const outcome_and_text[2])
{
    char action[ACTION_SIZE];
    action_format(action, request);
    struct audit_entry entry = {.actor = holder->name,
                                .role = role_word(holder->role),
                                .action = action,
                                .outcome = outcome_and_text[0],
                                .address = request->address,
                                .text = outcome_and_text[1]};
    return gate->audit != NULL && audit_write(gate->audit, &entry) == STATUS_OK;
}

static bool deny(struct gate *gate, const struct gate_request *request,
                 const struct token_holder *holder, const char *why)
{
    if (!write_audit(gate, request, holder, (const char *const[2]){"denied", why})) {
        fprintf(stderr, "tillway-admin: denied %s %s from %s: %s\n", request->method, request->path,
                request->address, why);
    }
    return false;
}

/* Whose token the header carries. */
static enum token_answer identify_header(struct gate *gate, const char *header,
                                         struct token_holder *holder)
{
    static const char scheme[] = "Bearer ";
    if (header == NULL || strncasecmp(header, scheme, sizeof(scheme) - 1) != 0) {
        return TOKEN_WRONG;
    }
    return token_check(gate->tokens, header + sizeof(scheme) - 1, tries_are_left(gate), holder);
}

static bool holder_may(const struct token_holder *holder, enum endpoint endpoint)
{
    return role_may(holder->role, scope_reach(&holder->scope), endpoint_roles(endpoint));
}

static enum token_answer identify(struct gate *gate, const struct gate_request *request,
                                  struct token_holder *holder)
{
    return identify_header(gate, request->authorization, holder);
}

bool gate_may(struct gate *gate, const struct gate_request *request, struct gate_finding *finding)
{
    *finding = (struct gate_finding){.holder = {.role = ROLE_NOBODY}};
    finding->token = identify(gate, request, &finding->holder);
    return finding->token == TOKEN_RIGHT && holder_may(&finding->holder, request->endpoint);
}

static bool note_begun(struct gate *gate, const struct gate_request *request,
                       const struct token_holder *holder)
{
    const char *note = request->note == NULL ? NULL : request->note(request->note_argument);
    return write_audit(gate, request, holder, (const char *const[2]){"begun", note});
}

bool gate_pass(struct gate *gate, const struct gate_request *request, struct token_holder *holder,
               struct answer *answer)
{
    *holder = (struct token_holder){.role = ROLE_NOBODY};
    if (endpoint_roles(request->endpoint) == ROLE_SET_OF_NOBODY) {
        return true;
    }
    const struct gate_finding *finding = request->finding;
    enum token_answer token = finding != NULL ? finding->token : identify(gate, request, holder);
    if (finding != NULL) {
        *holder = finding->holder;
    }
    if (token == TOKEN_UNTRIED) {
        answer_problem(answer, 429, "too many wrong tokens; wait a few seconds");
        return false;
    }
    if (token == TOKEN_WRONG) {
        if (!tries_are_left(gate)) {
            answer_problem(answer, 429, "too many wrong tokens; wait a few seconds");
            return false;
        }
        count_wrong(gate);
        answer_problem(answer, 401,
                       request->authorization == NULL
                           ? "this call needs a token: Authorization: Bearer …"
                           : "this token is not known here");
        return deny(gate, request, holder,
                    request->authorization == NULL ? "no token" : "a wrong token");
    }
    if (!holder_may(holder, request->endpoint)) {
        char why[160];
        snprintf(why, sizeof(why), "the role of this token may not do that; who may: %s",
                 role_set_words(endpoint_roles(request->endpoint)));
        answer_problem(
            answer, 403,
            scope_is_point(&holder->scope)
                ? "this token is a service point's: it lists and shows the cases that are with it, "
                  "and takes an engineer's steps in them"
            : scope_is_narrow(&holder->scope)
                ? "this token is for some merchants' cases only, and may not do that"
                : why);
        return deny(gate, request, holder, "the role does not suffice");
    }
    if (endpoint_has_effect(request->endpoint) && !note_begun(gate, request, holder)) {
        answer_problem(answer, 503,
                       "the audit file cannot be written (see admin.audit), so nothing is done");
        return false;
    }
    return true;
}

bool gate_pass_second(struct gate *gate, const struct gate_request *request,
                      const struct token_holder *first, const char *authorization,
                      struct token_holder *second, struct answer *answer)
{
    enum token_answer token = identify_header(gate, authorization, second);
    if (token != TOKEN_RIGHT) {
        if (token == TOKEN_WRONG) {
            count_wrong(gate);
        }
        answer_problem(answer, token == TOKEN_UNTRIED ? 429 : 401,
                       "the second person's token is not known here, or too many wrong ones came");
        return deny(gate, request, first, "a wrong second token");
    }
    if (strcmp(first->name, second->name) == 0 || !holder_may(second, request->endpoint)) {
        answer_problem(answer, 403,
                       "the second person must be another than the first, and may make this call");
        return deny(gate, request, first, "the second token is the first, or may not do that");
    }
    return true;
}

void gate_report(struct gate *gate, const struct gate_request *request,
                 const struct token_holder *holder, const struct answer *answer)
{
    const char *outcome = answer->code < 400 ? "done" : answer->code == 504 ? "unknown" : "failed";
    const char *text = answer->detail[0] == '\0' ? NULL : answer->detail;
    gate_note(gate, request, holder, (const char *const[2]){outcome, text});
}

void gate_note(struct gate *gate, const struct gate_request *request,
               const struct token_holder *holder, const char *const outcome_and_text[2])
{
    if (!write_audit(gate, request, holder, outcome_and_text)) {
        fprintf(stderr, "tillway-admin: the audit file cannot be written: %s by %s: %s\n",
                endpoint_path(request->endpoint), holder->name, outcome_and_text[0]);
    }
}
