/* The simulator's command line: a range of seeds, or one seed event by event.
 *
 *   sim --first S --seeds N      exit 0: all held, prints hash and marks; 1: prints the first
 * failing seed and invariant sim --replay S [--until E]   prints each event of seed S, stopping
 * before event E sim --shrink S               makes the failing seed S smaller and prints what is
 * left
 *
 * What --shrink left is seen again by --terminals, --transactions and --without (bits of faults).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/shrink.h"
#include "tests/sim/world.h"

enum mode { MODE_RANGE, MODE_REPLAY, MODE_SHRINK };

struct command {
    enum mode mode;
    uint64_t first, count, one, until;
    uint64_t terminals, transactions, without;
};

static uint64_t number_of(const char *name, const char *text)
{
    char *end = NULL;
    unsigned long long number = text == NULL ? 0 : strtoull(text, &end, 10);
    if (text == NULL || *text == '\0' || *end != '\0') {
        fprintf(stderr, "sim: %s wants a number, got '%s'\n", name,
                text == NULL ? "nothing" : text);
        exit(2);
    }
    return number;
}

/* NULL: no such option. */
static uint64_t *option_place(struct command *command, const char *name)
{
    struct {
        const char *name;
        uint64_t *place;
        enum mode mode;
    } options[] = {
        {"--first", &command->first, MODE_RANGE},
        {"--seeds", &command->count, MODE_RANGE},
        {"--replay", &command->one, MODE_REPLAY},
        {"--shrink", &command->one, MODE_SHRINK},
        {"--until", &command->until, MODE_RANGE},
        {"--terminals", &command->terminals, MODE_RANGE},
        {"--transactions", &command->transactions, MODE_RANGE},
        {"--without", &command->without, MODE_RANGE},
    };
    for (uint32_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (strcmp(options[i].name, name) == 0) {
            command->mode = options[i].mode != MODE_RANGE ? options[i].mode : command->mode;
            return options[i].place;
        }
    }
    return NULL;
}

static struct command read_command(int argument_count, char **arguments)
{
    struct command command = {.first = 1,
                              .count = 1000,
                              .until = UINT64_MAX,
                              .terminals = SIM_TERMINAL_COUNT_MAX,
                              .transactions = SIM_TRANSACTION_COUNT_MAX};
    for (int i = 1; i < argument_count; i += 2) {
        uint64_t *place = option_place(&command, arguments[i]);
        if (place == NULL) {
            fprintf(stderr,
                    "sim: '%s' is not known; --first, --seeds, --replay, --until, --shrink, "
                    "--terminals, --transactions, --without are\n",
                    arguments[i]);
            exit(2);
        }
        *place = number_of(arguments[i], i + 1 < argument_count ? arguments[i + 1] : NULL);
    }
    return command;
}

static int report(const struct world *world)
{
    printf("seed %llu broke %s at event %llu: %s: %s\n", (unsigned long long)world->seed,
           sim_invariant_name(world->failure.invariant), (unsigned long long)world->failure.event,
           sim_invariant_text(world->failure.invariant), world->failure.reason);
    return 1;
}

static int run_replay(struct world *world, const struct command *command)
{
    world->is_traced = true;
    bool has_held = world_run(world, command->one, command->until);
    printf("%llu events, hash %016llx\n", (unsigned long long)world->event_count,
           (unsigned long long)trace_hash_end(&world->trace_hash));
    return has_held ? 0 : report(world);
}

static int run_shrink(struct world *world, const struct command *command)
{
    struct sim_cut cut = shrink_seed(world, command->one);
    if (world->failure.invariant == SIM_NONE) {
        printf("seed %llu: all invariants held\n", (unsigned long long)command->one);
        return 0;
    }
    shrink_print(world, &cut);
    return 1;
}

static int run_range(struct world *world, const struct command *command)
{
    uint64_t events = 0;
    uint64_t hash = 0;
    for (uint64_t seed = command->first; seed < command->first + command->count; seed++) {
        if (!world_run(world, seed, UINT64_MAX)) {
            return report(world);
        }
        events += world->event_count;
        hash += trace_hash_end(&world->trace_hash);
    }
    printf("seeds %llu to %llu: all invariants held over %llu events\n",
           (unsigned long long)command->first,
           (unsigned long long)(command->first + command->count - 1), (unsigned long long)events);
    printf("hash %016llx\n", (unsigned long long)hash);
    for (uint32_t i = 0; i < MARK_COUNT; i++) {
        printf("mark %s %llu %s\n", sim_mark_name((enum sim_mark)i),
               (unsigned long long)world->marks[i], sim_mark_text((enum sim_mark)i));
    }
    return 0;
}

static int run(struct world *world, const struct command *command)
{
    world->cut = (struct sim_cut){.faults_off = command->without,
                                  .terminal_count_max = (uint32_t)command->terminals,
                                  .transaction_count_max = (uint32_t)command->transactions};
    switch (command->mode) {
    case MODE_REPLAY:
        return run_replay(world, command);
    case MODE_SHRINK:
        return run_shrink(world, command);
    case MODE_RANGE:
        break;
    }
    return run_range(world, command);
}

int main(int argument_count, char **arguments)
{
    struct command command = read_command(argument_count, arguments);
    struct ruleset *rulesets[SIM_RULES_COUNT];
    for (uint32_t i = 0; i < SIM_RULES_COUNT; i++) {
        rulesets[i] = rules_create(i + 1, SIM_TERMINAL_COUNT_MAX);
    }
    struct world *world = world_create((const struct ruleset *const *)rulesets);
    if (world == NULL) {
        fprintf(stderr, "sim: no memory\n");
        return 2;
    }
    int answer = run(world, &command);
    world_destroy(world);
    for (uint32_t i = 0; i < SIM_RULES_COUNT; i++) {
        ruleset_destroy(rulesets[i]);
    }
    return answer;
}
