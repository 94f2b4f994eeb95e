/* What must be done outside is told, from the desk's own list: see clerk.h. */
#include <stdio.h>
#include <string.h>

#include "protocols/firmware_order.h"
#include "switch/aftersales/speech.h"
#include "switch/desk/case_book.h"
#include "switch/desk/effect_book.h"
#include "switch/desk/registry.h"
#include "switch/desk/update_book.h"
#include "switch/followup/clerk_state.h"
#include "switch/followup/swap_binding.h"

#define PAGE_COUNT 32
#define RETRY_NS ((uint64_t)CLERK_RETRY_US * 1000)

/* A page of effects, and which of them are done. */
struct page {
    struct effect_entry entries[PAGE_COUNT];
    uint64_t done[PAGE_COUNT];
    uint32_t count, done_count;
};

/* What was asked for is not done, and somebody must know why. */
static enum status tell_dispatcher(struct clerk *clerk, const struct effect_entry *entry,
                                   const char *why)
{
    struct case_effects effects = {.count = 1, .items = {{.kind = CASE_EFFECT_TELL_DISPATCHER}}};
    struct speech speech;
    _Static_assert(CASE_EFFECT_TEXT_SIZE >= CASE_REASON_SIZE + DESK_REASON_SIZE + 32, "all of it");
    speech_begin(&speech, effects.items[0].text, sizeof(effects.items[0].text));
    speech_say(&speech, "%s not done (%s): %s", case_effect_name(entry->effect.kind),
               entry->effect.text, why);
    enum status status = desk_begin(clerk->desk);
    return status == STATUS_OK ? desk_end(clerk->desk, effect_book_add(clerk->desk, entry->case_id,
                                                                       entry->wall_us, &effects))
                               : status;
}

/* What is done in the desk itself, before it is told. */
static enum status do_own_part(struct clerk *clerk, const struct effect_entry *entry,
                               const struct service_case *it)
{
    if (entry->effect.kind != CASE_EFFECT_BIND) {
        return STATUS_OK;
    }
    enum status status = swap_binding_write(clerk->desk, it, &clerk->rules, entry->wall_us);
    return status == STATUS_DENIED || status == STATUS_BAD_VALUE
               ? tell_dispatcher(clerk, entry, desk_reason(clerk->desk))
               : status;
}

/* Two cases may stop one terminal, or hold one merchant's money: who ends first does not take back
 * what the other asked for, and a hold is not shortened. A terminal that another case has stopped
 * has nothing to try, so that its cashier keeps the text of the stop. */
static enum status heed_others(struct clerk *clerk, struct effect_entry *entry,
                               const struct service_case *it, bool *is_moot)
{
    struct case_standing other;
    enum case_effect_kind kind = entry->effect.kind;
    *is_moot = false;
    if (kind != CASE_EFFECT_RESUME && kind != CASE_EFFECT_RELEASE && kind != CASE_EFFECT_HOLD &&
        kind != CASE_EFFECT_TELL_CASHIER) {
        return STATUS_OK;
    }
    enum status status = case_book_standing(clerk->desk, it, &other);
    if (status != STATUS_OK) {
        return status;
    }
    if (kind == CASE_EFFECT_HOLD) {
        bool is_longer = other.hold_id != 0 && other.hold_until_us > entry->effect.due_us;
        entry->effect.due_us = is_longer ? other.hold_until_us : entry->effect.due_us;
        return STATUS_OK;
    }
    if (kind == CASE_EFFECT_TELL_CASHIER) {
        *is_moot = other.stop_id != 0 && !it->is_stopped;
        return STATUS_OK;
    }
    uint64_t other_id = kind == CASE_EFFECT_RESUME ? other.stop_id : other.hold_id;
    char why[64];
    snprintf(why, sizeof(why), "case %llu has asked for the same", (unsigned long long)other_id);
    *is_moot = other_id != 0;
    return *is_moot ? tell_dispatcher(clerk, entry, why) : STATUS_OK;
}

/* Empty where nobody asks for an update, or the registry has no such model. */
static enum status find_model(struct clerk *clerk, const struct effect_entry *entry,
                              const struct service_case *it, struct device_model *model)
{
    _Static_assert(sizeof(model->brand) == sizeof(it->brand), "one word");
    _Static_assert(sizeof(model->model) == sizeof(it->model), "one word");
    *model = (struct device_model){.verified_day = 0};
    memcpy(model->brand, it->brand, sizeof(model->brand));
    memcpy(model->model, it->model, sizeof(model->model));
    enum status status = it->model[0] == '\0' || entry->effect.kind != CASE_EFFECT_ASK_UPDATE
                             ? STATUS_NOT_FOUND
                             : registry_find(clerk->desk, REGISTRY_DEVICE_MODEL, model);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* What is asked of a terminal must be what it has not, else the order would end unheeded. */
static const char *wanted_of(const struct device_model *model, const struct service_case *it)
{
    if (model->firmware_min[0] != '\0' && firmware_order(it->firmware, model->firmware_min) < 0) {
        return model->firmware_min;
    }
    bool is_behind = model->firmware_latest[0] != '\0' &&
                     firmware_order(it->firmware, model->firmware_latest) < 0;
    return is_behind ? model->firmware_latest : "";
}

/* No case asks it, so that there is nothing to find out: the text is the version that is wanted. */
static enum clerk_answer tell_ask(struct clerk *clerk, const struct effect_entry *entry)
{
    struct service_case it = {.kind = CASE_SERVICE, .subject = FLAG_OF_TERMINAL};
    const struct clerk_effect effect = {.number = entry->number,
                                        .wall_us = entry->wall_us,
                                        .effect = &entry->effect,
                                        .service_case = &it,
                                        .firmware = entry->effect.text,
                                        .campaign_id = entry->campaign_id};
    memcpy(it.subject_id, entry->terminal_id, sizeof(entry->terminal_id));
    memcpy(it.terminal_id, entry->terminal_id, sizeof(it.terminal_id));
    return clerk->on_effect(clerk->argument, &effect);
}

static enum status tell_one(struct clerk *clerk, struct effect_entry *entry,
                            enum clerk_answer *answer)
{
    struct service_case it;
    bool is_moot = false;
    if (entry->campaign_id != 0) {
        *answer = tell_ask(clerk, entry);
        return STATUS_OK;
    }
    enum status status = case_book_find(clerk->desk, entry->case_id, &it);
    if (status == STATUS_NOT_FOUND) {
        *answer = CLERK_DONE; /* its case is kept no longer */
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        status = do_own_part(clerk, entry, &it);
    }
    if (status == STATUS_OK) {
        status = heed_others(clerk, entry, &it, &is_moot);
    }
    if (status != STATUS_OK) {
        return status;
    }
    if (is_moot) {
        *answer = CLERK_DONE;
        return STATUS_OK;
    }
    struct device_model model;
    status = find_model(clerk, entry, &it, &model);
    if (status == STATUS_OK) {
        const struct clerk_effect effect = {entry->number, entry->wall_us,         &entry->effect,
                                            &it,           wanted_of(&model, &it), 0};
        *answer = clerk->on_effect(clerk->argument, &effect);
    }
    return status;
}

static void retry_set(struct clerk *clerk, uint64_t told_ns)
{
    uint64_t retry_ns = told_ns + RETRY_NS;
    bool is_sooner = clerk->retry_ns == 0 || retry_ns < clerk->retry_ns;
    clerk->retry_ns = is_sooner ? retry_ns : clerk->retry_ns;
}

/* One that is LATER is remembered, so that it is told again, but not at once. */
static enum status tell_entry(struct clerk *clerk, struct effect_entry *entry, struct page *page)
{
    enum clerk_answer answer = CLERK_LATER;
    uint64_t last_ns = told_table_last(clerk->told, entry->number);
    bool is_early = last_ns != TOLD_NEVER && clerk->now_ns < last_ns + RETRY_NS;
    if (is_early || (last_ns == TOLD_NEVER && told_table_is_full(clerk->told))) {
        retry_set(clerk, is_early ? last_ns : clerk->now_ns);
        return STATUS_OK;
    }
    enum status status = tell_one(clerk, entry, &answer);
    if (status != STATUS_OK) {
        return status;
    }
    if (answer == CLERK_DONE) {
        page->done[page->done_count++] = entry->number;
        told_table_forget(clerk->told, entry->number);
        return STATUS_OK;
    }
    retry_set(clerk, clerk->now_ns);
    return told_table_note(clerk->told, entry->number, clerk->now_ns) ? STATUS_OK
                                                                      : STATUS_NO_MEMORY;
}

static enum status tell_page(struct clerk *clerk, struct page *page)
{
    enum status status = STATUS_OK;
    page->done_count = 0;
    for (uint32_t i = 0; status == STATUS_OK && i < page->count; i++) {
        status = tell_entry(clerk, &page->entries[i], page);
    }
    /* What was done is taken out, whatever came of the next one. */
    enum status taken = page->done_count == 0
                            ? STATUS_OK
                            : effect_book_done(clerk->desk, page->done, page->done_count);
    return status == STATUS_OK ? taken : status;
}

/* An order that is done lets the next one of its case be told, which may have any number above it:
 * the same page is asked for again, until nothing of it is done. */
enum status clerk_tell(struct clerk *clerk, bool is_all)
{
    struct page page;
    uint64_t after = is_all ? 0 : clerk->walked;
    enum status status = STATUS_OK;
    if (is_all) {
        clerk->is_all_due = false;
        clerk->retry_ns = 0;
    }
    for (;;) {
        status = effect_book_pending(clerk->desk, after, page.entries, PAGE_COUNT, &page.count);
        if (status != STATUS_OK || page.count == 0) {
            break;
        }
        status = tell_page(clerk, &page);
        if (status != STATUS_OK) {
            break;
        }
        after = page.done_count > 0 ? after : page.entries[page.count - 1].number;
    }
    clerk->walked = after > clerk->walked ? after : clerk->walked;
    clerk->is_all_due = clerk->is_all_due || status != STATUS_OK;
    return clerk_fault(clerk, status);
}

/* Whether the effect goes to a person in place of the switch. */
static enum status is_for_person(struct clerk *clerk, const struct effect_entry *entry,
                                 enum clerk_end end, bool *is_it)
{
    enum case_effect_kind kind = entry->effect.kind;
    bool may_stand_aside = kind == CASE_EFFECT_ASK_SIGNON || kind == CASE_EFFECT_ASK_STATUS ||
                           kind == CASE_EFFECT_ASK_UPDATE || kind == CASE_EFFECT_TELL_CASHIER;
    *is_it = end == CLERK_REFUSED;
    return end == CLERK_NO_ROOM && may_stand_aside && entry->campaign_id == 0
               ? effect_book_is_followed(clerk->desk, entry, is_it)
               : STATUS_OK;
}

/* Within a transaction. */
static enum status settle(struct clerk *clerk, const struct clerk_outcome *outcome, bool *is_out)
{
    struct effect_entry entry;
    bool is_for_people = false;
    enum status status = effect_book_find(clerk->desk, outcome->number, &entry);
    if (status != STATUS_OK) {
        *is_out = status == STATUS_NOT_FOUND;
        return *is_out ? STATUS_OK : status;
    }
    status = is_for_person(clerk, &entry, outcome->end, &is_for_people);
    if (status == STATUS_OK && is_for_people) {
        status = entry.campaign_id == 0
                     ? tell_dispatcher(clerk, &entry, outcome->why)
                     : update_book_refused(clerk->desk, entry.campaign_id, entry.terminal_id);
    }
    *is_out = is_for_people || outcome->end == CLERK_CARRIED_OUT;
    return status == STATUS_OK && *is_out ? effect_book_done(clerk->desk, &outcome->number, 1)
                                          : status;
}

enum status clerk_settle(struct clerk *clerk, const struct clerk_outcome *outcome)
{
    bool is_out = false;
    enum status status = desk_begin(clerk->desk);
    status = status == STATUS_OK ? desk_end(clerk->desk, settle(clerk, outcome, &is_out)) : status;
    if (status == STATUS_OK && is_out) {
        told_table_forget(clerk->told, outcome->number);
        clerk->is_all_due = true; /* the next order of its case may be told */
    }
    return clerk_fault(clerk, status);
}
