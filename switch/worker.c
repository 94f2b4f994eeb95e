/* See worker.h. */
#include "switch/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/net/log.h"

#define REQUEST_SLOT_COUNT 256u /* requests of one burst towards the engine */
#define DONE_SLOT_COUNT 8u      /* of them, kept for orders that are done: those never wait */
#define ANSWER_SLOT_COUNT 2048u /* answers that one commit may let out */
#define RUN_DOWN_NS UINT64_C(3000000000)

enum request_mail_kind { MAIL_REQUEST, MAIL_SIGHTING, MAIL_DONE };

/* Worker to engine. */
struct request_mail {
    _Alignas(max_align_t) enum request_mail_kind kind;
    struct conn_handle conn;
    struct terminal_sighting sighting;
    void (*done)(void *argument, struct worker *worker);
    void *argument;
    struct payment payment;
};

enum answer_mail_kind { MAIL_REPLY, MAIL_SIGHTED, MAIL_ORDER };

/* Engine to worker. */
struct answer_mail {
    _Alignas(max_align_t) enum answer_mail_kind kind;
    struct conn_handle conn;
    enum txn_reason reason;
    uint8_t terminal_request;
    struct worker_order order;
    struct terminal_sighting sighting;
    struct payment payment;
};

struct worker {
    struct worker_setup setup;
    struct terminals *terminals;        /* owned */
    struct mailbox *requests, *answers; /* NULL for worker 0 */
    struct loop_hook hook;
    pthread_t thread;
    bool is_running;
    struct count answers_dropped;
};

/* ---- worker 0: calls ---- */

static bool core_room(void *argument)
{
    struct worker *worker = argument;
    return core_has_room(worker->setup.core);
}

static void request_by_call(void *argument, struct conn_handle conn, const struct payment *payment)
{
    struct worker *worker = argument;
    core_request(worker->setup.core, conn, payment);
}

static void sighting_by_call(void *argument, const struct terminal_sighting *sighting)
{
    struct worker *worker = argument;
    if (core_sighting(worker->setup.core, sighting->terminal_id, sighting->reason,
                      sighting->count)) {
        terminals_sighted(worker->terminals, sighting);
    }
}

/* ---- the others: mail ---- */

/* Requests leave some slots free: an order that could not say it is done would keep the mail behind
 * it waiting, while the engine, which waits in worker_ask(), receives nothing. */
static bool mail_room(void *argument)
{
    struct worker *worker = argument;
    return mailbox_depth(worker->requests) + DONE_SLOT_COUNT < REQUEST_SLOT_COUNT;
}

static void request_by_mail(void *argument, struct conn_handle conn, const struct payment *payment)
{
    struct worker *worker = argument;
    struct request_mail *mail = mailbox_reserve(worker->requests);
    REQUIRE(mail != NULL);
    mail->kind = MAIL_REQUEST;
    mail->conn = conn;
    payment_copy(&mail->payment, payment);
    mailbox_commit(worker->requests);
}

static void sighting_by_mail(void *argument, const struct terminal_sighting *sighting)
{
    struct worker *worker = argument;
    struct request_mail *mail = mailbox_reserve(worker->requests);
    REQUIRE(mail != NULL);
    mail->kind = MAIL_SIGHTING;
    mail->sighting = *sighting;
    mailbox_commit(worker->requests);
}

/* On the engine's thread. The end of a certificate is told until the worker hears that it was
 * taken, so where there is no room to say so nothing is lost. */
static void sight(struct worker *worker, const struct terminal_sighting *sighting)
{
    if (!core_sighting(worker->setup.core, sighting->terminal_id, sighting->reason,
                       sighting->count) ||
        !engine_is_certificate(sighting->reason) || worker->answers == NULL) {
        return;
    }
    struct answer_mail *mail = mailbox_reserve(worker->answers);
    if (mail != NULL) {
        mail->kind = MAIL_SIGHTED;
        mail->sighting = *sighting;
        mailbox_commit(worker->answers);
    }
}

/* On the engine's thread. */
static bool on_request_mail(void *argument, void *slot)
{
    struct worker *worker = argument;
    struct request_mail *mail = slot;
    if (mail->kind == MAIL_DONE) {
        mail->done(mail->argument, worker);
        return true;
    }
    if (!core_has_room(worker->setup.core)) {
        return false;
    }
    if (mail->kind == MAIL_SIGHTING) {
        sight(worker, &mail->sighting);
        return true;
    }
    core_request(worker->setup.core, mail->conn, &mail->payment);
    payment_wipe(&mail->payment);
    return true;
}

static void carry_out(struct worker *worker, const struct worker_order *order)
{
    switch (order->kind) {
    case WORKER_USE:
        terminals_use(worker->terminals, order->ruleset);
        terminals_change(worker->terminals, order->change);
        return;
    case WORKER_DRAIN:
        terminals_drain(worker->terminals);
        return;
    case WORKER_CLOSE:
        terminals_close(worker->terminals);
        if (worker->setup.index > 0) {
            loop_stop(worker->setup.loop);
        }
        return;
    }
}

/* On the worker's thread. */
static bool on_answer_mail(void *argument, void *slot)
{
    struct worker *worker = argument;
    struct answer_mail *mail = slot;
    if (mail->kind == MAIL_REPLY) {
        struct engine_effect effect = {.kind = ENGINE_REPLY,
                                       .reason = mail->reason,
                                       .terminal_request = mail->terminal_request,
                                       .conn = mail->conn,
                                       .payment = &mail->payment};
        terminals_reply(worker->terminals, &effect);
        payment_wipe(&mail->payment);
    } else if (mail->kind == MAIL_SIGHTED) {
        terminals_sighted(worker->terminals, &mail->sighting);
    } else {
        struct request_mail *done = mailbox_reserve(worker->requests);
        if (done == NULL) {
            return false;
        }
        carry_out(worker, &mail->order);
        done->kind = MAIL_DONE;
        done->done = mail->order.done;
        done->argument = mail->order.argument;
        mailbox_commit(worker->requests);
    }
    return true;
}

static void on_turn(void *argument)
{
    struct worker *worker = argument;
    mailbox_receive(worker->answers);
    mailbox_flush(worker->requests);
}

static bool mailboxes_create(struct worker *worker)
{
    struct mailbox_setup requests = {sizeof(struct request_mail), REQUEST_SLOT_COUNT,
                                     on_request_mail, worker};
    struct mailbox_setup answers = {sizeof(struct answer_mail), ANSWER_SLOT_COUNT, on_answer_mail,
                                    worker};
    worker->requests = mailbox_create(&worker->setup.engine_loop->uv, &requests);
    worker->answers = mailbox_create(&worker->setup.loop->uv, &answers);
    worker->hook = (struct loop_hook){.on_turn = on_turn, .argument = worker};
    loop_enroll(worker->setup.loop, &worker->hook);
    return worker->requests != NULL && worker->answers != NULL;
}

struct worker *worker_create(const struct worker_setup *setup)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    if (worker == NULL) {
        return NULL;
    }
    bool is_first = setup->index == 0;
    worker->setup = *setup;
    struct terminals_setup terminals = {
        .loop = setup->loop,
        .unit = setup->unit,
        .worker = setup->index,
        .conn_count_max = setup->conn_count_max,
        .has_room = is_first ? core_room : mail_room,
        .on_request = is_first ? request_by_call : request_by_mail,
        .on_sighting = is_first ? sighting_by_call : sighting_by_mail,
        .argument = worker,
    };
    worker->terminals = terminals_create(&terminals);
    if (worker->terminals == NULL || (!is_first && !mailboxes_create(worker))) {
        terminals_destroy(worker->terminals);
        free(worker);
        return NULL;
    }
    return worker;
}

void worker_destroy(struct worker *worker)
{
    if (worker != NULL) {
        REQUIRE(!worker->is_running);
        terminals_destroy(worker->terminals);
        if (worker->setup.index > 0) {
            loop_destroy(worker->setup.loop);
        }
        free(worker);
    }
}

/* On the engine's thread, when the worker's has ended: until then the engine may still be at the
 * mailbox that is closed here. */
static void run_down(struct worker *worker)
{
    terminals_close(worker->terminals);
    mailbox_close(worker->answers);
    loop_run_down(worker->setup.loop, RUN_DOWN_NS);
}

static void *worker_run(void *argument)
{
    struct worker *worker = argument;
    loop_run(worker->setup.loop);
    return NULL;
}

enum status worker_start(struct worker *worker)
{
    if (worker->setup.index == 0) {
        return STATUS_OK;
    }
    worker->is_running = pthread_create(&worker->thread, NULL, worker_run, worker) == 0;
    return worker->is_running ? STATUS_OK : STATUS_BROKEN;
}

void worker_join(struct worker *worker)
{
    if (worker->is_running) {
        pthread_join(worker->thread, NULL);
        worker->is_running = false;
    }
    if (worker->setup.index > 0) {
        run_down(worker);
    }
    worker->answers = NULL;
    if (worker->requests != NULL) {
        mailbox_close(worker->requests);
        worker->requests = NULL;
    }
}

/* ---- from the engine's thread ---- */

static struct answer_mail *answer_reserve(struct worker *worker, enum answer_mail_kind kind)
{
    struct answer_mail *mail = worker->answers == NULL ? NULL : mailbox_reserve(worker->answers);
    if (mail == NULL) {
        count_add(&worker->answers_dropped, 1);
        LOG(LOG_ERROR, "answer_dropped", LOG_NUMBER("worker", worker->setup.index),
            LOG_TEXT("text", "the worker's mailbox is full; the answer is kept for a repeat"));
        return NULL;
    }
    mail->kind = kind;
    return mail;
}

void worker_reply(struct worker *worker, const struct engine_effect *effect)
{
    if (worker->setup.index == 0) {
        terminals_reply(worker->terminals, effect);
        return;
    }
    struct answer_mail *mail = answer_reserve(worker, MAIL_REPLY);
    if (mail != NULL) {
        mail->conn = effect->conn;
        mail->reason = effect->reason;
        mail->terminal_request = effect->terminal_request;
        payment_copy(&mail->payment, effect->payment);
        mailbox_commit(worker->answers);
    }
}

void worker_receive(struct worker *worker)
{
    if (worker->requests != NULL) {
        mailbox_receive(worker->requests);
    }
}

void worker_flush(struct worker *worker)
{
    if (worker->answers != NULL) {
        mailbox_flush(worker->answers);
    }
}

/* Orders are few and must not be lost: the mailbox is empty enough as soon as the worker takes its
 * turn, so a full one is waited for. */
void worker_ask(struct worker *worker, const struct worker_order *order)
{
    struct answer_mail *mail;
    if (worker->setup.index == 0) {
        carry_out(worker, order);
        order->done(order->argument, worker);
        return;
    }
    while ((mail = mailbox_reserve(worker->answers)) == NULL) {
        mailbox_flush(worker->answers);
    }
    mail->kind = MAIL_ORDER;
    mail->order = *order;
    mailbox_commit(worker->answers);
    mailbox_flush(worker->answers);
}

struct terminals *worker_terminals(const struct worker *worker)
{
    return worker->terminals;
}

struct loop *worker_loop(const struct worker *worker)
{
    return worker->setup.loop;
}

uint32_t worker_request_depth(const struct worker *worker)
{
    return worker->requests == NULL ? 0 : mailbox_depth(worker->requests);
}

uint32_t worker_answer_depth(const struct worker *worker)
{
    return worker->answers == NULL ? 0 : mailbox_depth(worker->answers);
}
