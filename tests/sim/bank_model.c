/* Banks as the scheme's rules have them: post what is approved, find an original by what field 90
 * says of it, undo what is reversed, once, answer a repeat as before; with the quirks and the bad
 * lines that real ones have. */
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "tests/sim/world.h"

#define OVERLOOKED_NS (60 * SIM_S)

enum sim_ill bank_ill(const struct world *world, uint32_t channel)
{
    const struct bank_ailment *ailment = &world->ailments[channel];
    return world->now_ns < ailment->until_ns ? ailment->ill : ILL_COUNT;
}

void bank_maybe_ail(struct world *world)
{
    uint32_t channel = (uint32_t)(sim_random_next(&world->random) % SIM_CHANNEL_COUNT);
    bool is_drawn = world_draw(world, FAULT_BANK_AILS);
    if (is_drawn && bank_ill(world, channel) == ILL_COUNT) {
        enum sim_ill ill = (enum sim_ill)world_between(world, 0, ILL_COUNT - 1);
        world->ailments[channel] =
            (struct bank_ailment){ill, world->now_ns + world_between(world, 30, 300) * SIM_S};
        world_trace(world, "bank %u fails in way %u", channel, (unsigned)ill);
    }
}

static struct posting *posting_find(struct world *world, uint32_t channel, uint32_t stan,
                                    const char *sent_at)
{
    for (uint32_t i = world->posting_count; i > 0; i--) {
        struct posting *posting = &world->postings[i - 1];
        if (posting->channel == channel && posting->stan == stan &&
            strcmp(posting->sent_at, sent_at) == 0) {
            return posting;
        }
    }
    return NULL;
}

static struct reversal_seen *reversal_find(struct world *world, uint32_t channel,
                                           const char *original_rrn)
{
    for (uint32_t i = 0; i < world->reversal_seen_count; i++) {
        if (world->reversals_seen[i].channel == channel &&
            strcmp(world->reversals_seen[i].original_rrn, original_rrn) == 0) {
            return &world->reversals_seen[i];
        }
    }
    return NULL;
}

static void check_single(struct world *world, const struct attempt *attempt)
{
    uint32_t live = 0;
    for (uint32_t i = 0; i < world->posting_count; i++) {
        live +=
            world->postings[i].is_live && &world->attempts[world->postings[i].attempt] == attempt;
    }
    if (live > 1) {
        world_fail(world, SIM_I3, "terminal %u batch %u STAN %06u has %u live postings",
                   attempt->terminal + 1, attempt->batch, attempt->stan, live);
    }
}

/* A new line in the bank's book, with the answer that belongs to it. */
static struct posting *note(struct world *world, uint32_t channel, const struct payment *request,
                            const struct attempt *attempt, const char *code)
{
    REQUIRE(world->posting_count < SIM_POSTING_COUNT_MAX);
    struct posting *posting = &world->postings[world->posting_count++];
    *posting = (struct posting){.channel = channel,
                                .attempt = (uint32_t)(attempt - world->attempts),
                                .kind = request->kind,
                                .stan = request->stan,
                                .amount = request->amount.minor,
                                .posted_ns = world->now_ns};
    posting->is_posted = posting->is_live =
        payment_is_approval(code) && sim_kind_of(request->kind)->silence != SILENCE_LETS_GO;
    memcpy(posting->sent_at, request->sent_at, sizeof(posting->sent_at));
    memcpy(posting->rrn, request->rrn, sizeof(posting->rrn));
    memcpy(posting->terminal_id, request->terminal_id, sizeof(posting->terminal_id));
    snprintf(posting->response_code, sizeof(posting->response_code), "%s", code);
    if (posting->is_posted) {
        snprintf(posting->auth_code, sizeof(posting->auth_code), "%06u",
                 (world->posting_count * 7919 + channel) % 1000000);
        check_single(world, attempt);
    }
    return posting;
}

static uint64_t answer_delay(struct world *world, uint32_t channel)
{
    if (bank_ill(world, channel) == ILL_LATENCY) {
        return world_between(world, 3500, 20000) * SIM_MS;
    }
    return world_draw(world, FAULT_BANK_LATE) ? world_between(world, 46, 110) * SIM_S
                                              : world_between(world, 3, 400) * SIM_MS;
}

static void send_response(struct world *world, uint32_t channel, const struct payment *response,
                          bool is_spoiled)
{
    if (world_draw(world, FAULT_BANK_SILENT) || bank_ill(world, channel) == ILL_TIMEOUT) {
        world_trace(world, "bank %u: answer %s to %s lost", channel, response->response_code,
                    response->rrn);
        return;
    }
    struct agenda_item item = {.kind = AGENDA_SWITCH_RESPONSE,
                               .a = channel,
                               .b = world->link_generation[channel],
                               .c = is_spoiled,
                               .payload = world_keep(world, response)};
    uint64_t delay_ns = answer_delay(world, channel);
    world_later(world, delay_ns, &item);
    if (world_draw(world, FAULT_BANK_TWICE)) {
        item.payload = world_keep(world, response);
        world_later(world, delay_ns + world_between(world, 0, 90000) * SIM_MS, &item);
    }
}

/* A line or host that mixes things up: the answer says approved, but of something else. */
static bool spoil(struct world *world, struct payment *response)
{
    bool is_spoiled = true;
    if (world_draw(world, FAULT_BANK_WRONG_STAN)) {
        response->stan = response->stan % 999999 + 1;
    } else if (world_draw(world, FAULT_BANK_WRONG_RRN)) {
        response->rrn[11] = response->rrn[11] == '9' ? '0' : (char)(response->rrn[11] + 1);
    } else if (response->amount.minor > 0 && world_draw(world, FAULT_BANK_WRONG_AMOUNT)) {
        response->amount.minor += 100000;
    } else if (world_draw(world, FAULT_BANK_WRONG_TERMINAL)) {
        response->terminal_id[7] = response->terminal_id[7] == '1' ? '2' : '1';
    } else {
        is_spoiled = false;
    }
    if (is_spoiled) {
        world_mark(world, MARK_APPROVAL_SPOILED);
        memcpy(response->response_code, "00", 3);
        memcpy(response->auth_code, "666666", 7);
    }
    return is_spoiled;
}

static bool is_follow_up(const struct payment *request)
{
    return request->original.mti[0] != '\0';
}

/* What a bank says to something new. It does not add up refunds, nor remember completions: the
 * switch must not lean on a bank for that. */
static const char *judge(struct world *world, uint32_t channel, const struct payment *request)
{
    const struct reversal_seen *seen = reversal_find(world, channel, request->rrn);
    bool is_declined = world_draw(world, FAULT_BANK_DECLINES);
    if ((seen != NULL && seen->has_tombstone) || is_declined) {
        return "51";
    }
    if (is_follow_up(request)) {
        const struct posting *original =
            posting_find(world, channel, request->original.stan, request->original.sent_at);
        if (original == NULL || !original->is_posted) {
            return "25";
        }
        return original->is_live ? "00" : "22";
    }
    return "00";
}

static void put_answer(struct world *world, struct payment *response, const struct posting *posting)
{
    static const uint8_t ICC[] = {0x91, 0x0A, 1, 2, 3, 4, 5, 6, 7, 8, 0x30, 0x30};
    static const uint8_t BALANCE[] = "0102156C000000012345";
    memcpy(response->response_code, posting->response_code, sizeof(response->response_code));
    memcpy(response->auth_code, posting->auth_code, sizeof(response->auth_code));
    snprintf(response->settlement_date, sizeof(response->settlement_date), "01%02u",
             world->bank_day[posting->channel] + 1);
    response->cargo_length = 0;
    memset(response->cargo, 0, sizeof(response->cargo));
    enum status status =
        payment_set_cargo(response, PAYMENT_CARGO_ICC, (struct byte_view){ICC, sizeof(ICC)});
    REQUIRE(status == STATUS_OK);
    if (posting->kind == PAYMENT_BALANCE) {
        status = payment_set_cargo(response, PAYMENT_CARGO_BALANCE,
                                   (struct byte_view){BALANCE, sizeof(BALANCE) - 1});
        REQUIRE(status == STATUS_OK);
    }
}

/* An approval out of the blue, for whatever trace number. */
static void maybe_stray(struct world *world, uint32_t channel, struct payment *response)
{
    if (!world_draw(world, FAULT_BANK_STRAY) ||
        sim_kind_of(response->kind)->silence == SILENCE_LETS_GO) {
        return;
    }
    response->stan = (uint32_t)world_between(world, 1, 40);
    response->amount.minor = (int64_t)world_between(world, 1, 50);
    memcpy(response->response_code, "00", 3);
    send_response(world, channel, response, true);
}

/* The host behind cannot be asked: nothing is booked, and the next time it may be. */
static void send_ill_code(struct world *world, uint32_t channel, const struct payment *request)
{
    struct payment response;
    payment_copy(&response, request);
    response.leg = PAYMENT_RESPONSE;
    memcpy(response.response_code, world_between(world, 0, 1) == 0 ? "91" : "96", 3);
    world_trace(world, "bank %u: %s: %s, not now", channel, request->rrn, response.response_code);
    send_response(world, channel, &response, false);
}

static void on_transaction(struct world *world, uint32_t channel, const struct payment *request)
{
    struct attempt *attempt = attempt_of_rrn(world, request->rrn);
    if (attempt == NULL) {
        world_trace(world, "bank %u: %s is of a log that was lost", channel, request->rrn);
        return; /* the oracle at the forward has seen it */
    }
    attempt->bank_seen_count++;
    struct posting *posting = posting_find(world, channel, request->stan, request->sent_at);
    if (bank_ill(world, channel) == ILL_CODE) {
        send_ill_code(world, channel, request);
        return;
    }
    if (posting == NULL) {
        posting = note(world, channel, request, attempt, judge(world, channel, request));
    } else {
        world_mark(world, MARK_BANK_REPEAT);
    }
    world_trace(world, "bank %u: %s %s of %lld: %s", channel, payment_kind_name(request->kind),
                request->rrn, (long long)request->amount.minor, posting->response_code);
    struct payment response;
    payment_copy(&response, request);
    response.leg = PAYMENT_RESPONSE;
    put_answer(world, &response, posting);
    bool is_spoiled = spoil(world, &response);
    send_response(world, channel, &response, is_spoiled);
    maybe_stray(world, channel, &response);
}

static struct reversal_seen *see_reversal(struct world *world, uint32_t channel,
                                          const struct payment *request, const char *original_rrn)
{
    struct reversal_seen *seen = reversal_find(world, channel, original_rrn);
    if (seen == NULL) {
        REQUIRE(world->reversal_seen_count < SIM_POSTING_COUNT_MAX);
        seen = &world->reversals_seen[world->reversal_seen_count++];
        *seen =
            (struct reversal_seen){.channel = channel,
                                   .stan = request->stan,
                                   .has_tombstone = !world_draw(world, FAULT_BANK_NO_TOMBSTONE)};
        snprintf(seen->original_rrn, sizeof(seen->original_rrn), "%s", original_rrn);
        memcpy(seen->rrn, request->rrn, sizeof(seen->rrn));
    } else if (seen->stan != request->stan || strcmp(seen->rrn, request->rrn) != 0) {
        world_fail(world, SIM_I8,
                   "a repeated reversal of %s came with STAN %06u RRN %s, the first had %06u %s",
                   seen->original_rrn, request->stan, request->rrn, seen->stan, seen->rrn);
    }
    return seen;
}

static void on_reversal(struct world *world, uint32_t channel, const struct payment *request)
{
    const char *original_rrn =
        request->original.rrn[0] != '\0' ? request->original.rrn : request->rrn;
    struct posting *posting =
        posting_find(world, channel, request->original.stan, request->original.sent_at);
    see_reversal(world, channel, request, original_rrn);
    struct payment response;
    payment_copy(&response, request);
    response.leg = PAYMENT_RESPONSE;
    memcpy(response.response_code, "00", 3);
    bool is_posted = posting != NULL && posting->is_posted;
    mark_on_bank_reversal(world, attempt_of_rrn(world, original_rrn), posting != NULL);
    bool is_overlooked = world_draw(world, FAULT_BANK_EARLY_25) && is_posted &&
                         world->now_ns - posting->posted_ns < OVERLOOKED_NS;
    if (is_overlooked || !is_posted) {
        memcpy(response.response_code, "25", 3);
    } else if (strcmp(posting->rrn, original_rrn) != 0) {
        world_fail(world, SIM_I8, "the reversal of %s names STAN %06u, under which %s was posted",
                   original_rrn, request->original.stan, posting->rrn);
    } else if (posting->is_live) {
        posting->is_live = false;
        posting->reversal_count++;
    }
    world_trace(world, "bank %u: reversal of %s (%06u %s): %s", channel, original_rrn,
                request->original.stan, request->original.sent_at, response.response_code);
    send_response(world, channel, &response, false);
}

void bank_on_request(struct world *world, uint32_t channel, const struct payment *request)
{
    if (request->kind == PAYMENT_REVERSAL) {
        on_reversal(world, channel, request);
    } else {
        on_transaction(world, channel, request);
    }
}
