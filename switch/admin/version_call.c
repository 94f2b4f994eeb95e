/* See version_call.h. */
#include "switch/admin/version_call.h"

#include <stdio.h>
#include <string.h>

#include "switch/admin/control_client.h"
#include "switch/admin/text_json.h"
#include "switch/admin/version_list.h"

#define FILES_BYTES_MAX 1048576
#define REASON_BYTES_MAX (RULE_VERSION_TEXT_SIZE - 1)

const char *version_call_note(const struct call *call, char note[VERSION_NOTE_SIZE])
{
    char hash[RULE_HASH_SIZE];
    if (call->endpoint == ENDPOINT_VERSION_PROPOSE && call->body != NULL) {
        rule_hash(call->body, call->body_length, hash);
        snprintf(note, VERSION_NOTE_SIZE, "body of SHA-256 %s", hash);
        return note;
    }
    bool is_roll_back = call->endpoint == ENDPOINT_VERSION_ROLL_BACK;
    if (call->endpoint != ENDPOINT_VERSION_ACTIVATE && !is_roll_back) {
        return NULL;
    }
    int64_t number = version_list_number(call->parameter, is_roll_back);
    bool is_noted = number >= 0 && (is_roll_back ? version_list_way_back : version_list_changes)(
                                       call->log, (uint32_t)number, note, VERSION_NOTE_SIZE);
    return is_noted ? note : NULL;
}

/* ---- what is asked ---- */

/* The words of one call to the switch; texts and bytes stay the body's. */
struct wish {
    Control__VersionCall call;
    Control__RuleFile files[RULE_FILE_COUNT];
    Control__RuleFile *places[RULE_FILE_COUNT];
};

/* Answers a sentence about what is wrong, or NULL. */
static const char *files_fill(struct wish *wish, json_t *files)
{
    const char *name;
    json_t *text;
    size_t length = 0;
    json_object_foreach(files, name, text)
    {
        size_t at = wish->call.n_files;
        if (at == RULE_FILE_COUNT || rule_file_find(name) < 0 || !json_is_string(text)) {
            return "files: expected texts of these files:" RULE_FILE_NAMES;
        }
        control__rule_file__init(&wish->files[at]);
        wish->files[at].name = (char *)(uintptr_t)name;
        wish->files[at].content.data = (uint8_t *)(uintptr_t)json_string_value(text);
        wish->files[at].content.len = json_string_length(text);
        wish->places[at] = &wish->files[at];
        length += json_string_length(text);
        wish->call.n_files++;
    }
    wish->call.files = wish->places;
    return length > FILES_BYTES_MAX ? "files: expected 1 MiB at most, together" : NULL;
}

static const char *reason_fill(struct wish *wish, const char *reason)
{
    wish->call.reason = (char *)(uintptr_t)reason;
    return reason != NULL && strlen(reason) > REASON_BYTES_MAX
               ? "reason: expected at most 255 bytes"
               : NULL;
}

static const char *body_fill(struct wish *wish, json_t *body)
{
    json_t *files = json_object_get(body, "files");
    const char *name;
    json_t *value;
    json_object_foreach(body, name, value)
    {
        if (strcmp(name, "files") != 0 && strcmp(name, "reason") != 0) {
            return "expected the members files and reason, and no other";
        }
    }
    if (!json_is_object(files) || json_object_size(files) == 0) {
        return "files: expected the text of at least one file, by its name:" RULE_FILE_NAMES;
    }
    const char *fault = reason_fill(wish, json_string_value(json_object_get(body, "reason")));
    return fault != NULL ? fault : files_fill(wish, files);
}

/* ---- what came of it ---- */

static void tell(const struct call *call, const Control__Done *done, struct answer *answer)
{
    static const char *const RESULTS[] = {"good", "proposed", "activated", "proposed"};
    char changes[VERSION_NOTE_SIZE];
    unsigned at = (unsigned)call->endpoint - ENDPOINT_VERSION_CHECK;
    json_t *object = json_pack("{s:s, s:o*}", "result", RESULTS[at], "text", text_json(done->text));
    if (done->has_version) {
        json_object_set_new(object, "version", json_integer(done->version));
    }
    answer_json(answer, 200, object);
    if (done->has_version &&
        version_list_changes(call->log, done->version, changes, sizeof(changes))) {
        snprintf(answer->detail, sizeof(answer->detail), "version %u: %s", done->version, changes);
    }
}

static void ask(const struct call *call, Control__VersionCall *version, struct answer *answer)
{
    char reason[CONTROL_CLIENT_REASON_SIZE] = "";
    struct control_client client = {call->control_socket, call->operator_name, call->pending};
    Control__Request request = CONTROL__REQUEST__INIT;
    request.call_case = CONTROL__REQUEST__CALL_VERSION;
    request.version = version;
    Control__Answer *told = control_client_ask(&client, &request, reason);
    if (told == NULL) {
        call_unanswered(call, reason, answer);
        return;
    }
    if (told->fault != NULL || told->done == NULL) {
        answer_problem(answer, 503,
                       told->fault != NULL ? told->fault
                                           : "the switch gave an answer of another kind");
    } else if (told->done->is_done) {
        tell(call, told->done, answer);
    } else {
        answer_problem(answer, 422,
                       told->done->text != NULL ? told->done->text : "the switch refused");
    }
    control__answer__free_unpacked(told, NULL);
}

static void serve_files(const struct call *call, struct wish *wish, struct answer *answer)
{
    json_error_t where;
    json_t *body = call->body == NULL
                       ? NULL
                       : json_loadb(call->body, call->body_length, JSON_REJECT_DUPLICATES, &where);
    if (body == NULL) {
        char detail[JSON_ERROR_TEXT_LENGTH + 64];
        snprintf(detail, sizeof(detail), "expected a JSON body with files and reason: %s",
                 call->body == NULL ? "there is none" : where.text);
        answer_problem(answer, 400, detail);
        return;
    }
    const char *fault = body_fill(wish, body);
    if (fault != NULL) {
        answer_problem(answer, 400, fault);
    } else {
        ask(call, &wish->call, answer);
    }
    json_decref(body);
}

void version_call_serve(const struct call *call, struct answer *answer)
{
    static const Control__VersionCall__Act ACTS[] = {
        CONTROL__VERSION_CALL__ACT__CHECK, CONTROL__VERSION_CALL__ACT__PROPOSE,
        CONTROL__VERSION_CALL__ACT__ACTIVATE, CONTROL__VERSION_CALL__ACT__ROLL_BACK};
    struct wish wish = {.call = CONTROL__VERSION_CALL__INIT};
    bool is_roll_back = call->endpoint == ENDPOINT_VERSION_ROLL_BACK;
    wish.call.act = ACTS[call->endpoint - ENDPOINT_VERSION_CHECK];
    if (endpoint_takes_files(call->endpoint)) {
        serve_files(call, &wish, answer);
        return;
    }
    int64_t number = version_list_number(call->parameter, is_roll_back);
    const char *fault =
        is_roll_back ? reason_fill(&wish, call->option(call->connection, "reason")) : NULL;
    if (number < 0 || fault != NULL) {
        answer_problem(answer, 400, fault != NULL ? fault : "expected the number of a version");
        return;
    }
    wish.call.has_number = true;
    wish.call.number = (uint32_t)number;
    ask(call, &wish.call, answer);
}
