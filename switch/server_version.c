/* Versions of the rules beside a reload: which may be proposed and activated by whom, what is kept
 * of them. All of it runs on the reload's own thread; nobody else touches the folder of versions
 * meanwhile.
 *
 * A change of rules needs two different operators (I40): one proposes files, or an earlier version
 * to go back to; another one activates what was proposed. Who owns the machine may still edit the
 * files that the configuration names and send SIGHUP, unless versions.by_two_only forbids it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/reload.h"

bool reload_has_effect(enum reload_kind kind)
{
    return kind == RELOAD_FILES || kind == RELOAD_ACTIVATE;
}

static bool refuse(struct reload *reload, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(struct reload *reload, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(reload->faults, sizeof(reload->faults) - 1, format, arguments);
    va_end(arguments);
    REQUIRE(length > 0 && (size_t)length < sizeof(reload->faults) - 1);
    memcpy(reload->faults + length, "\n", 2);
    return false;
}

/* ---- may it be had ---- */

static bool may_activate(struct reload *reload)
{
    struct version_folder *folder = reload->server->versions;
    const struct reload_order *order = &reload->order;
    const struct rule_version *asked = version_folder_find(folder, order->number);
    const struct rule_version *in_force = version_folder_in_force(folder);
    REQUIRE(in_force != NULL);
    if (asked == NULL) {
        return refuse(reload, "there is no version %u", order->number);
    }
    if (asked->turn > 0) {
        return refuse(
            reload,
            asked == in_force
                ? "version %u is in force already"
                : "version %u was in force before: roll back to it, so that its rules get "
                  "a number of their own",
            order->number);
    }
    if (order->by[0] == '\0' || strcmp(order->by, asked->made_by) == 0) {
        return refuse(reload,
                      "%s proposed version %u: another operator must activate it, since a change "
                      "of rules takes two",
                      asked->made_by, order->number);
    }
    if (!rule_version_is_based_on(asked, in_force)) {
        return refuse(
            reload,
            "version %u was made from the rules of version %u, and version %u has others; "
            "propose its files again",
            order->number, asked->made_from, in_force->number);
    }
    return true;
}

/* The earlier version's files become what is proposed. */
static bool take_earlier(struct reload *reload)
{
    struct version_folder *folder = reload->server->versions;
    struct reload_order *order = &reload->order;
    const struct rule_version *earlier = order->number == 0
                                             ? version_folder_before(folder)
                                             : version_folder_find(folder, order->number);
    char reason[RULE_VERSION_REASON_SIZE];
    if (earlier == NULL) {
        return order->number == 0 ? refuse(reload, "no version before the one in force is kept")
                                  : refuse(reload, "there is no version %u", order->number);
    }
    if (earlier->turn == 0) {
        return refuse(reload, "version %u was never in force, so there is no way back to it",
                      earlier->number);
    }
    order->number = earlier->number;
    for (int i = 0; i < RULE_FILE_COUNT; i++) {
        order->files[i].is_none = earlier->files[i].hash[0] == '\0' && !earlier->files[i].is_untold;
        if (earlier->files[i].hash[0] != '\0' &&
            version_folder_copy(folder, earlier, (enum rule_file)i, &order->files[i].bytes,
                                &order->files[i].length, reason) != STATUS_OK) {
            return refuse(reload, "%s", reason);
        }
    }
    return true;
}

static enum rule_way way_of(const struct reload_order *order)
{
    if (order->kind == RELOAD_ROLL_BACK) {
        return RULE_WAY_ROLL_BACK;
    }
    if (order->kind != RELOAD_FILES) {
        return RULE_WAY_PROPOSAL;
    }
    return order->is_signal ? RULE_WAY_SIGNAL : RULE_WAY_RELOAD;
}

bool reload_choose(struct reload *reload)
{
    const struct reload_order *order = &reload->order;
    struct rule_choice *rules = &reload->rules;
    if ((order->kind == RELOAD_ACTIVATE && !may_activate(reload)) ||
        (order->kind == RELOAD_ROLL_BACK && !take_earlier(reload))) {
        return false;
    }
    rules->folder = reload->server->versions;
    rules->kind = order->kind == RELOAD_FILES      ? RULE_CHOICE_FILES
                  : order->kind == RELOAD_ACTIVATE ? RULE_CHOICE_VERSION
                                                   : RULE_CHOICE_PROPOSAL;
    rules->number = order->number;
    rules->is_by_two = reload->server->configuration->options->versions.is_by_two_only;
    rules->way = way_of(order);
    rules->by = order->by;
    rules->reason = order->reason;
    rules->wall_us = loop_wall_us();
    for (int i = 0; i < RULE_FILE_COUNT; i++) {
        rules->proposed[i].bytes = order->files[i].bytes;
        rules->proposed[i].length = order->files[i].length;
        rules->proposed[i].is_none = order->files[i].is_none;
    }
    reload->source.rules = rules;
    return true;
}

/* ---- kept ---- */

static void add(struct reload *reload, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What does not fit is cut. */
static void add(struct reload *reload, const char *format, ...)
{
    size_t length = strlen(reload->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reload->text + length, sizeof(reload->text) - length, format, arguments);
    va_end(arguments);
}

/* What --check-config tells of files that are good. */
static void add_notes(struct reload *reload)
{
    char losses[CONTROL_TEXT_SIZE];
    const struct ruleset *ruleset = reload->fresh->ruleset;
    const char *notes = ruleset_notes(ruleset);
    fee_plan_set_losses(ruleset_fee_plans(ruleset), losses, sizeof(losses));
    add(reload, "%s%s%s%s", notes[0] != '\0' ? "\n" : "", notes, losses[0] != '\0' ? "\n" : "",
        losses);
}

static void describe(struct reload *reload)
{
    const struct rule_version *version = &reload->rules.version, *before = &reload->rules.before;
    char changed[128];
    rule_choice_describe(&reload->rules, changed, sizeof(changed));
    switch (reload->order.kind) {
    case RELOAD_CHECK:
        add(reload, "good; against version %u: %s", before->number, changed);
        break;
    case RELOAD_PROPOSE:
    case RELOAD_ROLL_BACK:
        add(reload,
            "version %u is proposed%s; against version %u: %s. Another operator activates it",
            version->number,
            reload->order.kind == RELOAD_ROLL_BACK ? ", what an earlier one was" : "",
            before->number, changed);
        break;
    case RELOAD_ACTIVATE:
        add(reload, "version %u is in force instead of %u: %s", version->number, before->number,
            changed);
        break;
    case RELOAD_FILES:
        break;
    }
    for (int i = 0; i < RULE_FILE_COUNT; i++) {
        if (reload->rules.is_ignored[i]) {
            add(reload,
                "%s%s: the file that the configuration names has changed, which does not count "
                "(versions.by_two_only); propose it as a version",
                reload->text[0] != '\0' ? "\n" : "", rule_file_name((enum rule_file)i));
        }
    }
}

bool reload_keep(struct reload *reload)
{
    struct rule_choice *rules = &reload->rules;
    enum reload_kind kind = reload->order.kind;
    char reason[RULE_VERSION_REASON_SIZE];
    bool is_same = rule_version_has_same_files(&rules->version, &rules->before);
    if ((kind == RELOAD_PROPOSE || kind == RELOAD_ROLL_BACK) && is_same) {
        version_folder_stage_drop(rules->folder);
        return refuse(reload, "nothing differs from version %u, which is in force",
                      rules->before.number);
    }
    describe(reload);
    if (!reload_has_effect(kind)) {
        add_notes(reload);
    }
    if (kind == RELOAD_CHECK) {
        version_folder_stage_drop(rules->folder);
        return true;
    }
    if (kind == RELOAD_ROLL_BACK) {
        rules->version.roll_back_of = reload->order.number;
    }
    reload->kept = rule_choice_keep(rules, !reload_has_effect(kind), reason);
    if (reload->kept == RULE_KEPT_FAILED) {
        return refuse(reload, "the version cannot be written, so nothing is changed: %s", reason);
    }
    return true;
}

void reload_undo(struct reload *reload)
{
    if (reload_has_effect(reload->order.kind) &&
        !rule_choice_undo(&reload->rules, reload->kept, reload->undo_fault)) {
        /* the loop tells it */
        REQUIRE(reload->undo_fault[0] != '\0');
    }
}

void reload_shorten_faults(struct reload *reload)
{
    char folder[VERSION_PATH_SIZE];
    if (reload_has_effect(reload->order.kind)) {
        return;
    }
    version_folder_stage_path(reload->server->versions, (enum rule_file)0, folder);
    *(strrchr(folder, '/') + 1) = '\0';
    size_t length = strlen(folder);
    for (char *at = strstr(reload->faults, folder); at != NULL; at = strstr(at, folder)) {
        memmove(at, at + length, strlen(at + length) + 1);
    }
    version_folder_stage_drop(reload->server->versions);
}
