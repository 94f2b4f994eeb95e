/* The simulator's command line: a range of seeds, or one seed event by event.
 *
 *   sim --first S --seeds N      exit 0: all held; 1: prints the first failing seed and invariant
 *   sim --replay S [--until E]   prints each event of seed S, stopping before event E
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"
#include "tests/stage/small_ruleset.h"

struct command {
    uint64_t first, count, replay, until;
    bool is_replay;
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

static struct command read_command(int argument_count, char **arguments)
{
    struct command command = {.first = 1, .count = 1000, .until = UINT64_MAX};
    for (int i = 1; i < argument_count; i += 2) {
        const char *value = i + 1 < argument_count ? arguments[i + 1] : NULL;
        uint64_t number = number_of(arguments[i], value);
        if (strcmp(arguments[i], "--first") == 0) {
            command.first = number;
        } else if (strcmp(arguments[i], "--seeds") == 0) {
            command.count = number;
        } else if (strcmp(arguments[i], "--until") == 0) {
            command.until = number;
        } else if (strcmp(arguments[i], "--replay") == 0) {
            command.replay = number;
            command.is_replay = true;
        } else {
            fprintf(stderr, "sim: '%s' is not known; --first, --seeds, --replay, --until are\n",
                    arguments[i]);
            exit(2);
        }
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

static int run(struct world *world, const struct command *command)
{
    if (command->is_replay) {
        world->is_traced = true;
        bool has_held = world_run(world, command->replay, command->until);
        printf("%llu events\n", (unsigned long long)world->event_count);
        return has_held ? 0 : report(world);
    }
    uint64_t events = 0;
    for (uint64_t seed = command->first; seed < command->first + command->count; seed++) {
        if (!world_run(world, seed, UINT64_MAX)) {
            return report(world);
        }
        events += world->event_count;
    }
    printf("seeds %llu to %llu: all invariants held over %llu events\n",
           (unsigned long long)command->first,
           (unsigned long long)(command->first + command->count - 1), (unsigned long long)events);
    return 0;
}

int main(int argument_count, char **arguments)
{
    struct command command = read_command(argument_count, arguments);
    struct ruleset *ruleset = small_ruleset_create(SIM_TERMINAL_COUNT_MAX);
    struct world *world = world_create(ruleset);
    if (world == NULL) {
        fprintf(stderr, "sim: no memory\n");
        return 2;
    }
    int answer = run(world, &command);
    world_destroy(world);
    ruleset_destroy(ruleset);
    return answer;
}
