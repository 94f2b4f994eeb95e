/* The clock of an open loop is a timerfd at the next intended moment: libuv's timers know whole
 * milliseconds only, which would show in every latency. */
#include "loadtest/load/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <openssl/opensslv.h>
#include <uv.h>

#include "loadtest/arguments.h"
#include "loadtest/histogram.h"
#include "loadtest/load/swarm.h"
#include "loadtest/spec_file.h"
#include "protocols/base/digits.h"
#include "protocols/base/require.h"

#define SECOND_NS UINT64_C(1000000000)
#define BURST_COUNT_MAX 256 /* payments begun in one wake-up; the rest waits for the next */
#define PACE_STEP_NS 20000  /* no wake-up comes sooner after the one before */

enum run_phase { PHASE_ONLINE, PHASE_LOAD, PHASE_GRACE, PHASE_OVER };
static const char *const PHASES[] = {"signing on", "load", "finishing", "over"};

struct run {
    struct run_options options;
    uv_loop_t loop;
    uv_timer_t sweep, second;
    uv_poll_t pace;
    uv_check_t turn; /* closed loop: after each turn's answers */
    uv_signal_t signals[2];
    int clock_fd;
    enum run_phase phase;
    uint64_t begun_ns, load_ns, end_ns; /* program, load, end of the phase */
    double start_wall_s;
    uint64_t intended_count, next_ns; /* of the open loop */
    bool is_next_late;
    struct fleet fleet;
    struct card_ranges ranges;
    struct spec *spec;
    struct pos_writer *writer;
    struct tally *tally;
    struct receipts *receipts;
    struct swarm *swarm;
    FILE *hlog;
    int result;
};

static struct run_options options = {.connect = "127.0.0.1:7001",
                                     .fleet = ".",
                                     .spec = "config/specs/unionpay-pos.yaml",
                                     .receipts = "receipts.ndjson",
                                     .terminals = 0,
                                     .stan = 1,
                                     .seed = 1,
                                     .connecting_max = 64,
                                     .tps = 100,
                                     .seconds = 10,
                                     .timeout = 60,
                                     .grace = 90,
                                     .online = 120};

static const struct argument ARGUMENTS[] = {
    {"connect", ARGUMENT_TEXT, &options.connect, 0, 0,
     "ADDRESS:PORT of the switch (127.0.0.1:7001)"},
    {"ca", ARGUMENT_TEXT, &options.ca, 0, 0, "PEM of the authority to trust; absent: trust any"},
    {"fleet", ARGUMENT_TEXT, &options.fleet, 0, 0, "folder that `tillway-load fleet` wrote"},
    {"bins", ARGUMENT_TEXT, &options.bins, 0, 0, "CSV of card ranges to draw cards from"},
    {"spec", ARGUMENT_TEXT, &options.spec, 0, 0, "YAML file of the terminals' dialect"},
    {"terminals", ARGUMENT_NUMBER, &options.terminals, 0, FLEET_TERMINAL_COUNT_MAX,
     "how many of the fleet; 0: all"},
    {"first", ARGUMENT_NUMBER, &options.first, 0, FLEET_TERMINAL_COUNT_MAX,
     "index of the first one in the fleet"},
    {"stan", ARGUMENT_NUMBER, &options.stan, 1, 999999, "first trace number"},
    {"seed", ARGUMENT_NUMBER, &options.seed, 0, UINT64_C(999999999999), "of cards and amounts"},
    {"connecting", ARGUMENT_NUMBER, &options.connecting_max, 1, 10000, "handshakes at once (64)"},
    {"tps", ARGUMENT_DECIMAL, &options.tps, 0, 1000000, "payments a second, constant (100)"},
    {"seconds", ARGUMENT_DECIMAL, &options.seconds, 0, 864000, "of load, warm-up included (10)"},
    {"warmup", ARGUMENT_DECIMAL, &options.warmup, 0, 864000, "seconds left out of the figures (0)"},
    {"timeout", ARGUMENT_DECIMAL, &options.timeout, 0, 3600, "a terminal's time-out, seconds (60)"},
    {"grace", ARGUMENT_DECIMAL, &options.grace, 0, 3600, "seconds to finish reversals (90)"},
    {"online", ARGUMENT_DECIMAL, &options.online, 1, 3600, "seconds to sign on all (120)"},
    {"closed", ARGUMENT_FLAG, &options.is_closed, 0, 0,
     "closed loop: each terminal pays again as soon as it is answered"},
    {"idle", ARGUMENT_DECIMAL, &options.idle, 0, 864000,
     "no payments: hold all terminals signed on for so many seconds"},
    {"echo", ARGUMENT_FLAG, &options.is_echo, 0, 0, "the peer echoes; answers are not interpreted"},
    {"plain", ARGUMENT_FLAG, &options.is_plain, 0, 0, "no TLS"},
    {"tls12", ARGUMENT_FLAG, &options.is_tls12, 0, 0, "TLS 1.2 at most"},
    {"receipts", ARGUMENT_TEXT, &options.receipts, 0, 0, "the terminals' journal to write"},
    {"json", ARGUMENT_TEXT, &options.json, 0, 0, "result file to write"},
    {"hlog", ARGUMENT_TEXT, &options.hlog, 0, 0, "HdrHistogram log to write"},
    {"quiet", ARGUMENT_FLAG, &options.is_quiet, 0, 0, "no line a second"},
    {"strict", ARGUMENT_FLAG, &options.is_strict, 0, 0,
     "exit 99 when a payment was dropped or is open at the end"},
    {"help", ARGUMENT_FLAG, &options.is_help, 0, 0, "this text"},
};

static void phase_set(struct run *run, enum run_phase phase, uint64_t now_ns);

/* Arms the clock for the next payment that is due. */
static void pace_arm(struct run *run, uint64_t now_ns)
{
    uint64_t at_ns = run->next_ns > now_ns + PACE_STEP_NS ? run->next_ns : now_ns + PACE_STEP_NS;
    struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(at_ns / SECOND_NS), .tv_nsec = (long)(at_ns % SECOND_NS)}};
    REQUIRE(timerfd_settime(run->clock_fd, TFD_TIMER_ABSTIME, &when, NULL) == 0);
}

static uint64_t intended_ns(const struct run *run, uint64_t number)
{
    return run->load_ns + (uint64_t)((double)number * (1e9 / run->options.tps));
}

/* Begins what is due. Without a free terminal the payment keeps its intended time and waits; it is
 * counted as late, and as dropped when the load ends first. */
static void pace_step(struct run *run, uint64_t now_ns)
{
    struct tally_counts *counts = tally_counts(run->tally);
    for (int i = 0; i < BURST_COUNT_MAX && run->next_ns <= now_ns && run->next_ns < run->end_ns;
         i++) {
        if (!swarm_pay(run->swarm, run->next_ns, now_ns)) {
            counts->late_starts += !run->is_next_late;
            run->is_next_late = true;
            break;
        }
        run->is_next_late = false;
        run->intended_count++;
        run->next_ns = intended_ns(run, run->intended_count);
    }
}

static void on_pace(uv_poll_t *poll, int status, int events)
{
    struct run *run = poll->data;
    uint64_t expirations, now_ns = uv_hrtime();
    (void)status;
    (void)events;
    if (read(run->clock_fd, &expirations, sizeof expirations) < 0 || run->phase != PHASE_LOAD) {
        return;
    }
    pace_step(run, now_ns);
    /* With all terminals busy there is no hurry: one of them has to come free first. */
    uint64_t earliest_ns = run->is_next_late ? now_ns + 200000 : now_ns;
    pace_arm(run, earliest_ns);
}

/* Closed loop: whoever is free pays again, now. */
static void on_turn(uv_check_t *check)
{
    struct run *run = check->data;
    if (run->phase != PHASE_LOAD) {
        return;
    }
    uint64_t now_ns = uv_hrtime();
    while (swarm_pay(run->swarm, now_ns, now_ns)) {
        tally_counts(run->tally)->intended++;
    }
}

static void load_begin(struct run *run, uint64_t now_ns)
{
    const struct run_options *o = &run->options;
    run->load_ns = now_ns;
    run->end_ns = now_ns + (uint64_t)((o->idle > 0 ? o->idle : o->seconds) * 1e9);
    tally_measure_from(run->tally, now_ns + (uint64_t)(o->warmup * 1e9));
    tally_measure_until(run->tally, run->end_ns);
    if (o->idle > 0) {
        return;
    }
    if (o->is_closed) {
        uv_check_start(&run->turn, on_turn);
        on_turn(&run->turn);
        return;
    }
    run->next_ns = now_ns;
    uv_poll_start(&run->pace, UV_READABLE, on_pace);
    pace_arm(run, now_ns);
}

/* What the rate called for up to the end but never began is dropped, and said so. */
static void load_end(struct run *run, uint64_t now_ns)
{
    const struct run_options *o = &run->options;
    struct tally_counts *counts = tally_counts(run->tally);
    uv_poll_stop(&run->pace);
    uv_check_stop(&run->turn);
    if (run->phase != PHASE_LOAD || o->idle > 0 || o->is_closed) {
        return;
    }
    uint64_t until_ns = now_ns < run->end_ns ? now_ns : run->end_ns;
    uint64_t called_for = run->intended_count;
    while (intended_ns(run, called_for) < until_ns) {
        called_for++;
    }
    counts->intended = called_for;
    counts->dropped = called_for - run->intended_count;
}

static void phase_set(struct run *run, enum run_phase phase, uint64_t now_ns)
{
    if (phase == PHASE_GRACE) {
        load_end(run, now_ns);
        run->end_ns = now_ns + (uint64_t)(run->options.grace * 1e9);
    }
    run->phase = phase;
    if (phase == PHASE_LOAD) {
        load_begin(run, now_ns);
    }
    if (phase == PHASE_OVER) {
        uv_stop(&run->loop);
    }
}

static void on_sweep(uv_timer_t *timer)
{
    struct run *run = timer->data;
    uint64_t now_ns = uv_hrtime();
    swarm_sweep(run->swarm, now_ns);
    bool is_time = now_ns >= run->end_ns;
    switch (run->phase) {
    case PHASE_ONLINE:
        if (is_time || swarm_ready_count(run->swarm) == run->options.terminals) {
            phase_set(run, PHASE_LOAD, now_ns);
        }
        return;
    case PHASE_LOAD:
        if (is_time) {
            phase_set(run, PHASE_GRACE, now_ns);
        }
        return;
    case PHASE_GRACE:
        if (is_time || swarm_open_count(run->swarm) == 0) {
            phase_set(run, PHASE_OVER, now_ns);
        }
        return;
    case PHASE_OVER:
        return;
    }
}

static void on_second(uv_timer_t *timer)
{
    struct run *run = timer->data;
    const struct run_options *o = &run->options;
    uint64_t now_ns = uv_hrtime();
    bool is_loading = run->phase == PHASE_LOAD;
    uint64_t since_ns = run->phase == PHASE_ONLINE ? run->begun_ns : run->load_ns;
    struct tally_line line = {.elapsed_s = (double)(now_ns - since_ns) / 1e9,
                              .total_s = is_loading ? o->idle > 0 ? o->idle : o->seconds : 0,
                              .offered = is_loading && !o->is_closed && o->idle <= 0 ? o->tps : 0,
                              .terminals_ready = swarm_ready_count(run->swarm),
                              .payments_open = swarm_open_count(run->swarm),
                              .phase = PHASES[run->phase]};
    if (!o->is_quiet) {
        tally_line(run->tally, stdout, is_loading ? run->hlog : NULL, &line);
    }
    if (receipts_flush(run->receipts) != STATUS_OK) {
        fprintf(stderr, "tillway-load: %s cannot be written; the run ends\n", o->receipts);
        run->result = RUN_EXIT_FAILED;
        phase_set(run, PHASE_OVER, now_ns);
    }
}

/* The first signal ends the load, the second the run. */
static void on_signal(uv_signal_t *handle, int number)
{
    struct run *run = handle->data;
    (void)number;
    phase_set(run, run->phase < PHASE_GRACE ? PHASE_GRACE : PHASE_OVER, uv_hrtime());
}

static void handles_open(struct run *run)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    REQUIRE(uv_timer_init(&run->loop, &run->sweep) == 0);
    REQUIRE(uv_timer_init(&run->loop, &run->second) == 0);
    REQUIRE(uv_check_init(&run->loop, &run->turn) == 0);
    REQUIRE(uv_poll_init(&run->loop, &run->pace, run->clock_fd) == 0);
    run->sweep.data = run->second.data = run->turn.data = run->pace.data = run;
    uv_timer_start(&run->sweep, on_sweep, 1, SWARM_SWEEP_MS);
    uv_timer_start(&run->second, on_second, 1000, 1000);
    for (unsigned i = 0; i < 2; i++) {
        REQUIRE(uv_signal_init(&run->loop, &run->signals[i]) == 0);
        run->signals[i].data = run;
        uv_signal_start(&run->signals[i], on_signal, numbers[i]);
    }
}

static void handles_close(struct run *run)
{
    uv_close((uv_handle_t *)&run->sweep, NULL);
    uv_close((uv_handle_t *)&run->second, NULL);
    uv_close((uv_handle_t *)&run->turn, NULL);
    uv_close((uv_handle_t *)&run->pace, NULL);
    uv_close((uv_handle_t *)&run->signals[0], NULL);
    uv_close((uv_handle_t *)&run->signals[1], NULL);
    uv_run(&run->loop, UV_RUN_DEFAULT); /* until the last stream has closed too */
}

static json_t *environment_json(void)
{
    struct utsname system;
    char model[128] = "", line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "model name : %127[^\n]", model) == 1) {
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    uname(&system);
    return json_pack("{s:s, s:I, s:s, s:s, s:s}", "cpu", model, "cores",
                     (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "kernel", system.release, "openssl",
                     OPENSSL_VERSION_TEXT, "libuv", uv_version_string());
}

static json_t *head_json(const struct run *run)
{
    const struct run_options *o = &run->options;
    const char *mode = o->idle > 0 ? "idle" : o->is_closed ? "closed" : "open";
    return json_pack("{s:s, s:b, s:I, s:f, s:f, s:f, s:f, s:I, s:I, s:s, s:o}", "mode", mode,
                     "echo", (int)o->is_echo, "terminals", (json_int_t)o->terminals, "offered_tps",
                     o->is_closed || o->idle > 0 ? 0.0 : o->tps, "seconds", o->seconds,
                     "warmup_seconds", o->warmup, "timeout_seconds", o->timeout, "seed",
                     (json_int_t)o->seed, "ready", (json_int_t)swarm_ready_count(run->swarm),
                     "connect", o->connect, "environment", environment_json());
}

/* A run is valid when the tool itself kept up: all online, nothing dropped. */
static void result_write(struct run *run, bool were_all_ready)
{
    const struct tally_counts *counts = tally_counts(run->tally);
    bool is_valid = were_all_ready && counts->dropped == 0;
    json_t *result = tally_json(run->tally, head_json(run));
    if (result == NULL) {
        run->result = RUN_EXIT_FAILED;
        return;
    }
    json_object_set_new(result, "valid", json_boolean(is_valid));
    if (run->options.json != NULL &&
        json_dump_file(result, run->options.json, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) != 0) {
        fprintf(stderr, "tillway-load: %s cannot be written\n", run->options.json);
        run->result = RUN_EXIT_FAILED;
    }
    if (run->options.is_strict && run->result == RUN_EXIT_PASSED && !is_valid) {
        run->result = RUN_EXIT_CROSSED;
    }
    printf("sent %llu  approved %llu  declined %llu  unknown %llu  reversed %llu  dropped %llu%s\n",
           (unsigned long long)counts->sent, (unsigned long long)counts->approved,
           (unsigned long long)counts->declined, (unsigned long long)counts->unknown,
           (unsigned long long)counts->reversed, (unsigned long long)counts->dropped,
           is_valid ? "" : "  (not valid as a measurement: the fleet could not keep the rate)");
    json_decref(result);
}

static enum status connect_split(struct run *run, char address[64], uint16_t *port)
{
    const char *colon = strrchr(run->options.connect, ':');
    size_t length = colon == NULL ? 64 : (size_t)(colon - run->options.connect);
    uint64_t number = 0;
    if (length >= 64 || digits_parse(&number, colon + 1, (uint32_t)strlen(colon + 1),
                                     (struct number_range){1, 65535}) != STATUS_OK) {
        fprintf(stderr, "--connect: ADDRESS:PORT is expected, not \"%s\"\n", run->options.connect);
        return STATUS_BAD_VALUE;
    }
    memcpy(address, run->options.connect, length);
    address[length] = '\0';
    *port = (uint16_t)number;
    return STATUS_OK;
}

static enum status inputs_load(struct run *run)
{
    struct run_options *o = &run->options;
    enum status status = fleet_load(&run->fleet, o->fleet);
    if (status != STATUS_OK) {
        fprintf(stderr, "tillway-load: %s/fleet.json: %s; `tillway-load fleet` makes one\n",
                o->fleet, status_text(status));
        return status;
    }
    o->terminals = o->terminals == 0 ? run->fleet.terminal_count - o->first : o->terminals;
    if (o->first + o->terminals > run->fleet.terminal_count || o->terminals == 0) {
        fprintf(stderr, "--terminals: the fleet in %s has %u, %llu are wanted from index %llu\n",
                o->fleet, run->fleet.terminal_count, (unsigned long long)o->terminals,
                (unsigned long long)o->first);
        return STATUS_BAD_VALUE;
    }
    card_ranges_fallback(&run->ranges);
    status = o->bins == NULL ? STATUS_OK : card_ranges_load(&run->ranges, o->bins);
    if (status != STATUS_OK) {
        fprintf(stderr, "tillway-load: %s: a CSV with a column \"prefix\" is expected: %s\n",
                o->bins, status_text(status));
        return status;
    }
    run->spec = spec_file_spec(o->spec, stderr);
    return run->spec == NULL ? STATUS_BAD_VALUE : STATUS_OK;
}

static enum status outputs_open(struct run *run)
{
    run->writer = pos_writer_create(run->spec);
    run->tally = tally_create();
    if (run->writer == NULL || run->tally == NULL) {
        return STATUS_NO_MEMORY;
    }
    run->receipts = receipts_open(run->options.receipts);
    if (run->receipts == NULL) {
        fprintf(stderr, "tillway-load: %s cannot be written: %s\n", run->options.receipts,
                strerror(errno));
        return STATUS_BROKEN;
    }
    if (run->options.hlog != NULL) {
        run->hlog = fopen(run->options.hlog, "w");
        if (run->hlog == NULL) {
            fprintf(stderr, "tillway-load: %s cannot be written: %s\n", run->options.hlog,
                    strerror(errno));
            return STATUS_BROKEN;
        }
        histogram_log_begin(run->hlog, run->start_wall_s);
    }
    return STATUS_OK;
}

static enum status swarm_open(struct run *run, const char *address, uint16_t port)
{
    const struct run_options *o = &run->options;
    char reason[TLS_CLIENT_REASON_SIZE];
    struct swarm_setup setup = {.fleet = &run->fleet,
                                .ranges = &run->ranges,
                                .writer = run->writer,
                                .tally = run->tally,
                                .receipts = run->receipts,
                                .tls = {.loop = &run->loop,
                                        .address = address,
                                        .port = port,
                                        .ca_path = o->ca,
                                        .is_tls12 = o->is_tls12,
                                        .is_plain = o->is_plain},
                                .terminal_count = (uint32_t)o->terminals,
                                .terminal_first = (uint32_t)o->first,
                                .stan_first = (uint32_t)o->stan,
                                .connecting_max = (uint32_t)o->connecting_max,
                                .answer_timeout_ns = (uint64_t)(o->timeout * 1e9),
                                .seed = o->seed,
                                .is_echo = o->is_echo};
    run->swarm = swarm_create(&setup, reason);
    if (run->swarm == NULL) {
        fprintf(stderr, "tillway-load: %s\n", reason);
        return STATUS_BROKEN;
    }
    return STATUS_OK;
}

static void run_go(struct run *run)
{
    run->begun_ns = uv_hrtime();
    run->end_ns = run->begun_ns + (uint64_t)(run->options.online * 1e9);
    handles_open(run);
    uv_run(&run->loop, UV_RUN_DEFAULT);
    bool were_all_ready =
        run->load_ns != 0 && tally_counts(run->tally)->connects >= run->options.terminals;
    swarm_end(run->swarm);
    result_write(run, were_all_ready);
    handles_close(run);
}

static void run_close(struct run *run)
{
    swarm_destroy(run->swarm);
    if (receipts_close(run->receipts) != STATUS_OK) {
        fprintf(stderr, "tillway-load: %s is not complete\n", run->options.receipts);
        run->result = RUN_EXIT_FAILED;
    }
    if (run->hlog != NULL) {
        fclose(run->hlog);
    }
    tally_destroy(run->tally);
    pos_writer_destroy(run->writer);
    spec_destroy(run->spec);
    if (run->clock_fd >= 0) {
        close(run->clock_fd);
    }
}

int run_command(int argc, char **argv)
{
    static struct run run;
    struct arguments arguments = {ARGUMENTS, sizeof ARGUMENTS / sizeof ARGUMENTS[0]};
    struct timespec now;
    char address[64];
    uint16_t port;
    if (arguments_read(&arguments, argc, argv, stderr) != STATUS_OK) {
        return RUN_EXIT_USAGE;
    }
    if (options.is_help) {
        printf("usage: tillway-load run [options]\n");
        arguments_describe(&arguments, stdout);
        return RUN_EXIT_PASSED;
    }
    run.options = options;
    clock_gettime(CLOCK_REALTIME, &now);
    run.start_wall_s = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    run.clock_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (run.clock_fd < 0 || uv_loop_init(&run.loop) != 0) {
        fprintf(stderr, "tillway-load: no loop: %s\n", strerror(errno));
        return RUN_EXIT_FAILED;
    }
    run.result = RUN_EXIT_USAGE;
    if (connect_split(&run, address, &port) == STATUS_OK && inputs_load(&run) == STATUS_OK &&
        outputs_open(&run) == STATUS_OK && swarm_open(&run, address, port) == STATUS_OK) {
        run.result = RUN_EXIT_PASSED;
        run_go(&run);
    }
    run_close(&run);
    uv_loop_close(&run.loop);
    return run.result;
}
