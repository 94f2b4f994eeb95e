/* See evidence_call.h. What desk and log prove comes from switch/evidence/; transactions and fees
 * are told by the same code that shows them to an operator, as long as time is left. */
#define _GNU_SOURCE /* memfd_create */
#include "switch/admin/evidence_call.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "protocols/base/digits.h"
#include "switch/admin/case_desk.h"
#include "switch/admin/case_view.h"
#include "switch/admin/control_client.h"
#include "switch/admin/fee_case.h"
#include "switch/admin/status_json.h"
#include "switch/admin/txn_story.h"
#include "switch/admin/wall_text.h"
#include "switch/evidence/bundle_readme.h"
#include "switch/evidence/row_gather.h"

#define KCV_TERMINAL_COUNT_MAX 16
#define TURN_SECONDS 5          /* waited for whoever exports just now */
#define TELLING_NS 12000000000U /* of the 30 s that an answer may take */

struct making {
    const struct call *call;
    struct answer *answer;
    uint64_t case_id;
    struct desk_actor by;
    struct bundle_key key; /* owner, as all below */
    struct bundle_writer *writer;
    struct gathered_case *gathered;
    struct gathered_rows *rows;
    json_t *key_names; /* check value by name; null: not known */
    json_t *terminals; /* a set */
    struct fee_signed terms;
};

/* --- problems ------------------------------------------------------------------------------- */

static bool refuse(struct making *making, unsigned code, const char *detail)
{
    answer_problem(making->answer, code, detail);
    return false;
}

static bool refuse_desk(struct making *making, const struct desk *desk, enum status status)
{
    case_desk_problem(desk, status, making->answer);
    return false;
}

static unsigned code_of(enum status status)
{
    if (status == STATUS_NOT_FOUND) {
        return 404;
    }
    return status == STATUS_NO_ROOM || status == STATUS_MALFORMED ? 409 : 503;
}

/* Also for what is out of memory, of which nobody wrote a reason. */
static bool must_be_added(struct making *making, enum status status)
{
    char detail[160];
    if (status == STATUS_OK) {
        return true;
    }
    snprintf(detail, sizeof(detail), "%s: %s",
             bundle_member_name(bundle_writer_full(making->writer)),
             status == STATUS_NO_ROOM ? "the case holds more than this member of a bundle takes"
                                      : "no memory");
    return refuse(making, code_of(status), detail);
}

/* --- what is asked -------------------------------------------------------------------------- */

static bool read_call(struct making *making)
{
    const struct call *call = making->call;
    char reason[BUNDLE_KEY_REASON_SIZE];
    if (digits_parse(&making->case_id, call->parameter, (uint32_t)strlen(call->parameter),
                     (struct number_range){1, INT64_MAX}) != STATUS_OK) {
        return refuse(making, 400, "expected the number of a case");
    }
    if (call->evidence_key[0] == '\0') {
        return refuse(
            making, 409,
            "aftersales.evidence_key is not set: name a PEM file with an Ed25519 key, made "
            "with: openssl genpkey -algorithm ed25519 -out evidence.key");
    }
    if (bundle_key_load_private(&making->key, call->evidence_key, reason) != STATUS_OK) {
        return refuse(making, 503, reason);
    }
    making->by.wall_us = wall_text_now_us();
    snprintf(making->by.actor, sizeof(making->by.actor), "%s", call->operator_name);
    return true;
}

/* What the holder does not see is not there for him; what is not there, gathering tells better. */
static bool may_see(struct making *making, struct desk *desk)
{
    char detail[80];
    struct case_line line;
    struct service_case it;
    if (case_book_find(desk, making->case_id, &it) != STATUS_OK) {
        return true;
    }
    enum status status = case_view_find(desk, making->call->holder, making->case_id, &line);
    if (status == STATUS_NOT_FOUND) {
        snprintf(detail, sizeof(detail), "no case has the number %" PRIu64, making->case_id);
        return refuse(making, 404, detail);
    }
    return status == STATUS_OK || refuse_desk(making, desk, status);
}

/* --- parts ---------------------------------------------------------------------------------- */

static bool add_case(struct making *making)
{
    char reason[DESK_SHARE_REASON_SIZE > CASE_GATHER_REASON_SIZE ? DESK_SHARE_REASON_SIZE
                                                                 : CASE_GATHER_REASON_SIZE];
    struct desk *desk = desk_share_take(making->call->desk, reason);
    if (desk == NULL) {
        return refuse(making, 503, reason);
    }
    bool is_good = may_see(making, desk);
    if (is_good) {
        enum status status = case_gather(desk, making->case_id, &making->by, making->writer,
                                         making->gathered, reason);
        is_good = status == STATUS_OK || refuse(making, code_of(status), reason);
    }
    if (is_good) {
        enum status status =
            fee_signed_take(desk, making->gathered->it.merchant_id, &making->terms);
        is_good = status == STATUS_OK || refuse_desk(making, desk, status);
    }
    desk_share_give(making->call->desk);
    return is_good;
}

static bool add_rows(struct making *making)
{
    char reason[LOG_REASON_SIZE];
    enum status status =
        row_gather(making->call->log, making->gathered, making->writer, making->rows, reason);
    return status == STATUS_OK || refuse(making, code_of(status), reason);
}

static void note_key(struct making *making, const char *kind, const json_t *holder, const char *use)
{
    char name[64];
    const char *whose = json_string_value(holder);
    if (whose != NULL && whose[0] != '\0') {
        snprintf(name, sizeof(name), "%s:%.32s:%s", kind, whose, use);
        json_object_set_new(making->key_names, name, json_null());
    }
}

/* Those by which its messages were made safe: names are fixed (switch/security/security.h). */
static void note_keys(struct making *making, const json_t *txn)
{
    size_t at;
    json_t *record;
    json_array_foreach(json_object_get(txn, "records"), at, record)
    {
        const json_t *terminal = json_object_get(record, "terminal_id");
        const json_t *channel = json_object_get(record, "channel");
        note_key(making, "term", terminal, "tmk");
        note_key(making, "term", terminal, "pik");
        note_key(making, "term", terminal, "mak");
        note_key(making, "chan", channel, "zpk");
        note_key(making, "chan", channel, "zak");
        if (json_string_length(terminal) > 0) {
            json_object_set_new(making->terminals, json_string_value(terminal), json_true());
        }
    }
}

struct telling {
    struct log_view view;
    struct fee_files files;
    json_t *txns, *fees; /* owner */
    uint32_t left_out;
};

/* Takes a folder of this machine out of a text, which names files in it. */
static json_t *text_without(const char *text, const char *folder)
{
    char *shorter = strdup(text);
    size_t length = strlen(folder);
    while (shorter != NULL && length > 0) {
        char *found = strstr(shorter, folder);
        if (found == NULL) {
            break;
        }
        const char *rest = found + length + strspn(found + length, "/");
        memmove(found, rest, strlen(rest) + 1);
    }
    json_t *value = shorter == NULL ? NULL : json_string(shorter);
    free(shorter);
    return value;
}

static void cut_folder(json_t *explanation, const char *folder)
{
    json_t *lines = json_object_get(explanation, "lines");
    const char *file = json_string_value(json_object_get(explanation, "file"));
    if (file != NULL) {
        json_object_set_new(explanation, "file", text_without(file, folder));
    }
    for (size_t i = 0; i < json_array_size(lines); i++) {
        json_array_set_new(lines, i,
                           text_without(json_string_value(json_array_get(lines, i)), folder));
    }
}

/* Of one transaction. False: the log failed. */
static bool tell_txn(struct making *making, struct telling *telling, uint32_t at)
{
    bool is_failed = false;
    const struct fee_case about = {.files = &telling->files, .terms = &making->terms};
    json_t *txn = txn_story_show(&telling->view, making->rows->rrns[at], &is_failed);
    if (txn != NULL) {
        note_keys(making, txn);
        json_array_append_new(telling->txns, txn);
    }
    json_t *fee =
        is_failed ? NULL : fee_case_explain(&telling->view, &about, making->rows->positions[at]);
    if (fee == NULL) {
        return false;
    }
    cut_folder(json_object_get(fee, "explanation"), making->call->log);
    json_array_append_new(telling->fees, fee);
    return true;
}

static bool tell_all(struct making *making, struct telling *telling)
{
    const uint64_t end_ns = log_view_clock_ns() + TELLING_NS;
    const struct gathered_rows *rows = making->rows;
    for (uint32_t i = 0; i < rows->txn_count; i++) {
        if (log_view_clock_ns() > end_ns) {
            telling->left_out = rows->txn_count - i;
            break;
        }
        if (!tell_txn(making, telling, i)) {
            return refuse(making, 503, telling->view.fault);
        }
    }
    return true;
}

/* The version in force is not asked of the switch, so that evidence can be had while it is down:
 * fees are explained by the files that were kept. */
static bool add_txns(struct making *making)
{
    struct telling telling = {.files = {making->call->log, making->call->fees, 0},
                              .txns = json_array(),
                              .fees = json_array()};
    bool is_good = log_view_open(&telling.view, making->call->log);
    if (!is_good) {
        refuse(making, 503, telling.view.fault);
    }
    is_good = is_good && tell_all(making, &telling);
    log_view_close(&telling.view);
    is_good =
        is_good &&
        must_be_added(
            making, bundle_writer_add_json(making->writer, BUNDLE_TXNS,
                                           json_pack("{s:O, s:I}", "transactions", telling.txns,
                                                     "left_out", (json_int_t)telling.left_out))) &&
        must_be_added(making,
                      bundle_writer_add_json(making->writer, BUNDLE_FEES,
                                             json_pack("{s:O, s:I}", "fees", telling.fees,
                                                       "left_out", (json_int_t)telling.left_out)));
    json_decref(telling.txns);
    json_decref(telling.fees);
    return is_good;
}

/* Check values of a terminal's keys, as the switch has them now; NULL: it does not answer. */
static json_t *terminal_keys(const struct making *making, const char *terminal_id)
{
    char reason[CONTROL_CLIENT_REASON_SIZE] = "";
    struct control_client client = {making->call->control_socket, making->by.actor, NULL};
    Control__Answer *told =
        control_client_call(&client, CONTROL__REQUEST__CALL_TERMINAL, terminal_id, reason);
    if (told == NULL) {
        return NULL;
    }
    json_t *keys = told->terminal == NULL ? json_array() : status_json_keys(told->terminal);
    control__answer__free_unpacked(told, NULL);
    return keys;
}

/* Puts the check values beside the names. A switch that is silent once is not asked again. */
static void note_kcvs(struct making *making)
{
    const char *terminal_id;
    json_t *ignored;
    uint32_t asked = 0;
    json_object_foreach(making->terminals, terminal_id, ignored)
    {
        size_t at;
        json_t *key;
        json_t *keys = asked < KCV_TERMINAL_COUNT_MAX ? terminal_keys(making, terminal_id) : NULL;
        if (keys == NULL) {
            return;
        }
        json_array_foreach(keys, at, key)
        {
            json_object_set(making->key_names, json_string_value(json_object_get(key, "name")),
                            json_object_get(key, "kcv"));
        }
        json_decref(keys);
        asked++;
    }
}

static bool add_keys(struct making *making)
{
    json_t *names = json_array();
    const char *name;
    json_t *kcv;
    note_kcvs(making);
    json_object_foreach(making->key_names, name, kcv)
    {
        json_array_append_new(names, json_pack("{s:s, s:O}", "name", name, "kcv_at_export", kcv));
    }
    return must_be_added(making,
                         bundle_writer_add_json(making->writer, BUNDLE_KEYS,
                                                json_pack("{s:{s:s, s:s}, s:o}", "signing_key",
                                                          "algorithm", "Ed25519", "fingerprint",
                                                          making->key.fingerprint, "keys", names)));
}

static bool add_readme(struct making *making)
{
    char *text = bundle_readme();
    return must_be_added(making, bundle_writer_add(making->writer, BUNDLE_README, text,
                                                   text == NULL ? 0 : strlen(text)));
}

/* --- the file ------------------------------------------------------------------------------- */

static enum status write_bundle(struct making *making, int descriptor)
{
    struct bundle_heading heading = {.case_id = making->case_id,
                                     .event_count = making->gathered->it.event_count,
                                     .changed_us = making->gathered->it.changed_us,
                                     .actor = making->by.actor,
                                     .wall_us = making->by.wall_us};
    int second = dup(descriptor);
    FILE *to = second < 0 ? NULL : fdopen(second, "w");
    memcpy(heading.last_hash, making->gathered->last_hash, sizeof(heading.last_hash));
    if (to == NULL) {
        return STATUS_BROKEN;
    }
    enum status status = bundle_writer_finish(making->writer, &heading, &making->key, to);
    return fclose(to) == 0 ? status : STATUS_BROKEN;
}

/* In memory that is a file, so that it is sent in pieces and never lies on a disk here. */
static bool send_bundle(struct making *making)
{
    int descriptor = memfd_create("evidence", MFD_CLOEXEC);
    off_t length = -1;
    if (descriptor >= 0 && write_bundle(making, descriptor) == STATUS_OK) {
        length = lseek(descriptor, 0, SEEK_END);
    }
    if (length < 0 || lseek(descriptor, 0, SEEK_SET) != 0) {
        if (descriptor >= 0) {
            close(descriptor);
        }
        return refuse(making, 503, "the bundle could not be written or signed: no memory");
    }
    answer_file(making->answer, "application/x-tar", descriptor, (size_t)length);
    snprintf(making->answer->detail, sizeof(making->answer->detail),
             "case %" PRIu64 ", %" PRIu32 " rows, key %s", making->case_id, making->rows->row_count,
             making->key.fingerprint);
    making->answer->header = "Content-Disposition";
    snprintf(making->answer->header_value, sizeof(making->answer->header_value),
             "attachment; filename=\"case-%" PRIu64 ".evidence.tar\"", making->case_id);
    return true;
}

/* One bundle at a time: it is made in memory, and may be large. */
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

static bool take_turn(struct making *making)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += TURN_SECONDS;
    return pthread_mutex_timedlock(&turn, &end) == 0 ||
           refuse(making, 503, "other evidence is being exported; try again in a moment");
}

static void make(struct making *making)
{
    bool is_ready = making->writer != NULL && making->gathered != NULL && making->rows != NULL;
    if (!is_ready) {
        refuse(making, 503, "no memory");
    } else if (read_call(making) && add_readme(making) && add_case(making) && add_rows(making) &&
               add_txns(making) && add_keys(making)) {
        send_bundle(making);
    }
}

void evidence_call_serve(const struct call *call, struct answer *answer)
{
    struct making making = {.call = call, .answer = answer};
    if (!take_turn(&making)) {
        return;
    }
    making.writer = bundle_writer_create();
    making.gathered = calloc(1, sizeof(struct gathered_case));
    making.rows = calloc(1, sizeof(struct gathered_rows));
    making.key_names = json_object();
    making.terminals = json_object();
    make(&making);
    bundle_key_free(&making.key);
    bundle_writer_destroy(making.writer);
    free(making.gathered);
    free(making.rows);
    json_decref(making.key_names);
    json_decref(making.terminals);
    pthread_mutex_unlock(&turn);
}
