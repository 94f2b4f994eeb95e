/* The command line of layer B: ranges of seeds, or one seed event by event. Each seed runs in a
 * process of its own, since what dies in it stays where it fell.
 *
 *   sim_node --first S --seeds N    exit 0: all held, prints hash and marks; 1: prints the first
 *                                   failing seed and what broke
 *   sim_node --replay S [--until E] prints each event of seed S
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocols/base/require.h"
#include "switch/net/log.h"
#include "tests/sim/node/node.h"
#include "tests/sim/node/sim_disk.h"

/* A seed takes a tenth of a second, with sanitizers a second: what takes longer does not end. */
#define SEED_CPU_S 60

struct node_command {
    bool is_replay;
    uint64_t first, count, until;
    uint64_t terminals, transactions, without;
};

/* What a seed's process hands back. */
struct node_outcome {
    struct sim_failure failure;
    uint64_t event_count, hash;
    uint64_t marks[NODE_MARK_COUNT];
};

static uint64_t *place_of(struct node_command *command, const char *name)
{
    struct {
        const char *name;
        uint64_t *place;
    } options[] = {
        {"--first", &command->first},         {"--seeds", &command->count},
        {"--replay", &command->first},        {"--until", &command->until},
        {"--terminals", &command->terminals}, {"--transactions", &command->transactions},
        {"--without", &command->without},
    };
    for (uint32_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (strcmp(options[i].name, name) == 0) {
            return options[i].place;
        }
    }
    return NULL;
}

static struct node_command read_command(int count, char **words)
{
    struct node_command command = {.first = 1,
                                   .count = 100,
                                   .until = UINT64_MAX,
                                   .terminals = SIM_TERMINAL_COUNT_MAX,
                                   .transactions = SIM_TRANSACTION_COUNT_MAX};
    for (int i = 1; i < count; i += 2) {
        char *end = NULL;
        uint64_t *place = place_of(&command, words[i]);
        if (place == NULL || i + 1 == count) {
            fprintf(stderr,
                    "sim_node: '%s': --first, --seeds, --replay, --until, --terminals, "
                    "--transactions and --without are known, each with a number\n",
                    words[i]);
            exit(2);
        }
        *place = strtoull(words[i + 1], &end, 10);
        if (*words[i + 1] == '\0' || *end != '\0') {
            fprintf(stderr, "sim_node: %s wants a number, got '%s'\n", words[i], words[i + 1]);
            exit(2);
        }
        command.is_replay = command.is_replay || strcmp(words[i], "--replay") == 0;
    }
    return command;
}

static struct node_outcome run_here(struct world *world, const struct node_command *command,
                                    uint64_t seed)
{
    struct node_outcome outcome = {0};
    log_set_level(command->is_replay ? LOG_INFO : (enum log_level)(LOG_ERROR + 1));
    world->cut = (struct sim_cut){.faults_off = command->without,
                                  .terminal_count_max = (uint32_t)command->terminals,
                                  .transaction_count_max = (uint32_t)command->transactions};
    world->is_traced = command->is_replay;
    world->log = node_log();
    world->carry = node_wire_carry;
    node_begin(seed);
    node_wire_begin(seed);
    world_run(world, seed, command->until);
    outcome.failure = world->failure;
    outcome.event_count = world->event_count;
    /* The disk's part of it shows that threads and SQLite did the same, too. */
    outcome.hash = trace_hash_end(&world->trace_hash) ^ sim_disk_change_count() << 32;
    memcpy(outcome.marks, node_marks(), sizeof(outcome.marks));
    return outcome;
}

static void report(uint64_t seed, const struct sim_failure *failure)
{
    printf("seed %llu broke %s at event %llu: %s: %s\n", (unsigned long long)seed,
           sim_invariant_name(failure->invariant), (unsigned long long)failure->event,
           sim_invariant_text(failure->invariant), failure->reason);
}

/* False: its process ended without an outcome, and said why on stderr; or it went on too long. */
static bool run_apart(struct world *world, const struct node_command *command, uint64_t seed,
                      struct node_outcome *outcome)
{
    int ends[2];
    int state = 0;
    REQUIRE(pipe(ends) == 0);
    fflush(stdout);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        REQUIRE(setrlimit(RLIMIT_CPU, &(struct rlimit){SEED_CPU_S, SEED_CPU_S}) == 0);
        struct node_outcome made = run_here(world, command, seed);
        bool is_written = write(ends[1], &made, sizeof(made)) == (ssize_t)sizeof(made);
        fflush(stdout);
        quick_exit(is_written ? 0 : 1);
    }
    close(ends[1]);
    ssize_t count = read(ends[0], outcome, sizeof(*outcome));
    close(ends[0]);
    REQUIRE(waitpid(child, &state, 0) == child);
    return count == (ssize_t)sizeof(*outcome) && WIFEXITED(state) && WEXITSTATUS(state) == 0;
}

static int run_range(struct world *world, const struct node_command *command)
{
    uint64_t events = 0;
    uint64_t hash = 0;
    uint64_t marks[NODE_MARK_COUNT] = {0};
    for (uint64_t seed = command->first; seed < command->first + command->count; seed++) {
        struct node_outcome outcome;
        if (!run_apart(world, command, seed, &outcome)) {
            printf(
                "seed %llu broke PROGRAM at event 0: its process stopped: see stderr, or it took "
                "more than %u s\n",
                (unsigned long long)seed, SEED_CPU_S);
            return 1;
        }
        if (outcome.failure.invariant != SIM_NONE) {
            report(seed, &outcome.failure);
            return 1;
        }
        events += outcome.event_count;
        hash += outcome.hash;
        for (uint32_t i = 0; i < NODE_MARK_COUNT; i++) {
            marks[i] += outcome.marks[i];
        }
    }
    printf("seeds %llu to %llu: all invariants held over %llu events\n",
           (unsigned long long)command->first,
           (unsigned long long)(command->first + command->count - 1), (unsigned long long)events);
    printf("hash %016llx\n", (unsigned long long)hash);
    for (uint32_t i = 0; i < NODE_MARK_COUNT; i++) {
        printf("mark %s %llu %s\n", node_mark_name((enum node_mark)i), (unsigned long long)marks[i],
               node_mark_text((enum node_mark)i));
    }
    return 0;
}

static int run_replay(struct world *world, const struct node_command *command)
{
    struct node_outcome outcome = run_here(world, command, command->first);
    printf("%llu events, hash %016llx\n", (unsigned long long)outcome.event_count,
           (unsigned long long)outcome.hash);
    if (outcome.failure.invariant != SIM_NONE) {
        report(command->first, &outcome.failure);
    }
    return outcome.failure.invariant != SIM_NONE;
}

int main(int count, char **words)
{
    struct node_command command = read_command(count, words);
    struct ruleset *rulesets[SIM_RULES_COUNT];
    for (uint32_t i = 0; i < SIM_RULES_COUNT; i++) {
        rulesets[i] = rules_create(i + 1, SIM_TERMINAL_COUNT_MAX);
    }
    struct world *world = world_create((const struct ruleset *const *)rulesets);
    REQUIRE(world != NULL);
    node_wire_open();
    int answer = command.is_replay ? run_replay(world, &command) : run_range(world, &command);
    world_destroy(world);
    for (uint32_t i = 0; i < SIM_RULES_COUNT; i++) {
        ruleset_destroy(rulesets[i]);
    }
    fflush(stdout);
    quick_exit(answer);
}
