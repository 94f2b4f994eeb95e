/* Banks as the scheme's rules have them: post what is approved, reverse what is reversed, once;
 * with the quirks and the bad lines that real ones have. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"

static struct posting *posting_find(struct world *world, uint32_t channel, const char *rrn)
{
    for (uint32_t i = 0; i < world->posting_count; i++) {
        if (world->postings[i].channel == channel && strcmp(world->postings[i].rrn, rrn) == 0) {
            return &world->postings[i];
        }
    }
    return NULL;
}

static struct reversal_seen *reversal_find(struct world *world, const char *original_rrn)
{
    for (uint32_t i = 0; i < world->reversal_seen_count; i++) {
        if (strcmp(world->reversals_seen[i].original_rrn, original_rrn) == 0) {
            return &world->reversals_seen[i];
        }
    }
    return NULL;
}

static void post(struct world *world, uint32_t channel, const struct payment *request)
{
    struct attempt *attempt = attempt_by_amount(world, request->amount.minor);
    if (attempt == NULL) {
        world_fail(world, SIM_I13, "the bank was asked for %lld fen, which no terminal asked for",
                   (long long)request->amount.minor);
        return;
    }
    struct posting *posting = &world->postings[world->posting_count++];
    *posting = (struct posting){.channel = channel,
                                .attempt = (uint32_t)(attempt - world->attempts),
                                .stan = request->stan,
                                .amount = request->amount.minor,
                                .is_live = true};
    memcpy(posting->rrn, request->rrn, sizeof(posting->rrn));
    memcpy(posting->terminal_id, request->terminal_id, sizeof(posting->terminal_id));
    uint32_t live = 0;
    for (uint32_t i = 0; i < world->posting_count; i++) {
        const struct attempt *other = &world->attempts[world->postings[i].attempt];
        live += world->postings[i].is_live && other->terminal == attempt->terminal &&
                other->batch == attempt->batch && other->stan == attempt->stan;
    }
    if (live > 1) {
        world_fail(world, SIM_I3, "terminal %s batch %u STAN %06u has %u live postings",
                   request->terminal_id, attempt->batch, attempt->stan, live);
    }
}

static uint64_t answer_delay(struct world *world)
{
    return world_draw(world, FAULT_BANK_LATE) ? world_between(world, 46, 110) * SIM_S
                                              : world_between(world, 3, 400) * SIM_MS;
}

static void send_response(struct world *world, uint32_t channel, const struct payment *response)
{
    if (world_draw(world, FAULT_BANK_SILENT)) {
        world_trace(world, "bank %u: answer %s to %s lost", channel, response->response_code,
                    response->rrn);
        return;
    }
    struct agenda_item item = {.kind = AGENDA_SWITCH_RESPONSE,
                               .a = channel,
                               .b = world->link_generation[channel],
                               .payload = world_keep(world, response)};
    uint64_t delay_ns = answer_delay(world);
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
    } else if (world_draw(world, FAULT_BANK_WRONG_AMOUNT)) {
        response->amount.minor += 100000;
    } else if (world_draw(world, FAULT_BANK_WRONG_TERMINAL)) {
        response->terminal_id[7] = response->terminal_id[7] == '1' ? '2' : '1';
    } else {
        is_spoiled = false;
    }
    if (is_spoiled) {
        memcpy(response->response_code, "00", 3);
        memcpy(response->auth_code, "666666", 7);
    }
    return is_spoiled;
}

static void on_purchase(struct world *world, uint32_t channel, const struct payment *request)
{
    struct payment response;
    payment_copy(&response, request);
    response.leg = PAYMENT_RESPONSE;
    const struct reversal_seen *seen = reversal_find(world, request->rrn);
    bool is_blocked = seen != NULL && seen->has_tombstone;
    if (posting_find(world, channel, request->rrn) != NULL) {
        memcpy(response.response_code, "94", 3);
    } else if (is_blocked || world_draw(world, FAULT_BANK_DECLINES)) {
        memcpy(response.response_code, "51", 3);
    } else {
        post(world, channel, request);
        memcpy(response.response_code, "00", 3);
        snprintf(response.auth_code, sizeof(response.auth_code), "%06llu",
                 (unsigned long long)(request->amount.minor % 1000000));
    }
    world_trace(world, "bank %u: purchase %s of %lld: %s", channel, request->rrn,
                (long long)request->amount.minor, response.response_code);
    if (spoil(world, &response)) {
        world_trace(world, "bank %u: answer to %s spoiled", channel, request->rrn);
    }
    send_response(world, channel, &response);
    if (world_draw(world, FAULT_BANK_STRAY)) {
        response.stan = (uint32_t)world_between(world, 1, 40);
        response.amount.minor = (int64_t)world_between(world, 1, 50);
        memcpy(response.response_code, "00", 3);
        send_response(world, channel, &response);
    }
}

static void check_repeat(struct world *world, const struct payment *request,
                         struct reversal_seen *seen)
{
    if (seen->stan != request->stan || strcmp(seen->rrn, request->rrn) != 0) {
        world_fail(world, SIM_I8,
                   "a repeated reversal of %s came with STAN %06u RRN %s, the first had %06u %s",
                   seen->original_rrn, request->stan, request->rrn, seen->stan, seen->rrn);
    }
}

static void on_reversal(struct world *world, uint32_t channel, const struct payment *request)
{
    const char *original_rrn =
        request->original.rrn[0] != '\0' ? request->original.rrn : request->rrn;
    struct posting *posting = posting_find(world, channel, original_rrn);
    struct reversal_seen *seen = reversal_find(world, original_rrn);
    if (seen != NULL) {
        check_repeat(world, request, seen);
    } else {
        seen = &world->reversals_seen[world->reversal_seen_count++];
        *seen = (struct reversal_seen){.stan = request->stan};
        snprintf(seen->original_rrn, sizeof(seen->original_rrn), "%s", original_rrn);
        memcpy(seen->rrn, request->rrn, sizeof(seen->rrn));
    }
    struct payment response;
    payment_copy(&response, request);
    response.leg = PAYMENT_RESPONSE;
    memcpy(response.response_code, "00", 3);
    if (posting == NULL) {
        seen->has_tombstone = seen->has_tombstone || !world_draw(world, FAULT_BANK_NO_TOMBSTONE);
        memcpy(response.response_code, "25", 3);
    } else if (posting->stan != request->original.stan) {
        world_fail(world, SIM_I8, "the reversal of %s names original STAN %06u, posted was %06u",
                   original_rrn, request->original.stan, posting->stan);
    } else if (posting->is_live) {
        posting->is_live = false;
        posting->reversal_count++;
    }
    world_trace(world, "bank %u: reversal of %s: %s", channel, original_rrn,
                response.response_code);
    send_response(world, channel, &response);
}

void bank_on_request(struct world *world, uint32_t channel, const struct payment *request)
{
    if (request->kind == PAYMENT_REVERSAL) {
        on_reversal(world, channel, request);
    } else if (request->kind == PAYMENT_PURCHASE) {
        on_purchase(world, channel, request);
    }
}
