/* The clock of an open loop is a timerfd at the next intended moment: libuv's timers know whole
 * milliseconds only, which would show in every latency. */
#include "loadtest/load/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

#include "loadtest/histogram.h"
#include "loadtest/load/day_run.h"
#include "loadtest/load/run_options.h"
#include "loadtest/load/run_report.h"
#include "loadtest/load/swarm.h"
#include "loadtest/load/window.h"
#include "loadtest/pace.h"
#include "loadtest/spec_file.h"
#include "protocols/base/digits.h"
#include "protocols/base/require.h"

#define SECOND_NS UINT64_C(1000000000)
#define BURST_COUNT_MAX 256 /* payments begun in one wake-up; the rest waits for the next */
#define STALL_STEP_NS 200000
#define PACE_STEP_NS 20000 /* no wake-up comes sooner after the one before */

/* Of a day's profile, LOAD and GRACE come once for each of its phases. */
enum run_phase { PHASE_ONLINE, PHASE_LOAD, PHASE_GRACE, PHASE_OVER };
static const char *const PHASES[] = {"signing on", "load", "finishing", "over"};

struct run {
    struct wrap_list wraps; /* the framings of the terminals */
    struct run_options options;
    uv_loop_t loop;
    uv_timer_t sweep, second;
    uv_poll_t clock;
    uv_check_t turn; /* closed loop: after each turn's answers */
    uv_signal_t signals[2];
    int clock_fd;
    enum run_phase phase;
    uint64_t begun_ns, load_ns, end_ns; /* program, load, end of the phase */
    double start_wall_s;
    struct pace pace;   /* of the open loop */
    struct trade trade; /* at a constant rate */
    struct day_run day;
    bool is_day_cut_short; /* errands were not over in their time, or a signal came */
    struct fleet fleet;
    struct card_ranges ranges;
    struct spec *spec;
    struct pos_writer *writer;
    struct tally *tally;
    struct window window;
    struct receipts *receipts;
    struct swarm *swarm;
    FILE *hlog;
    bool were_all_ready, is_signalled;
    int result;
};

static void phase_set(struct run *run, enum run_phase phase, uint64_t now_ns);

/* Arms the clock for the next payment that is due. */
static void pace_arm(struct run *run, uint64_t now_ns)
{
    uint64_t soonest_ns = now_ns + PACE_STEP_NS;
    uint64_t at_ns = run->pace.next_ns > soonest_ns ? run->pace.next_ns : soonest_ns;
    struct itimerspec when = {
        .it_value = {.tv_sec = (time_t)(at_ns / SECOND_NS), .tv_nsec = (long)(at_ns % SECOND_NS)}};
    REQUIRE(timerfd_settime(run->clock_fd, TFD_TIMER_ABSTIME, &when, NULL) == 0);
}

/* Begins what is due. Without a free terminal the payment keeps its intended time and waits; it is
 * counted as late, and as dropped when the load ends first. */
static void pace_step(struct run *run, uint64_t now_ns)
{
    for (int i = 0; i < BURST_COUNT_MAX && pace_is_due(&run->pace, now_ns); i++) {
        if (!swarm_pay(run->swarm, run->pace.next_ns, now_ns)) {
            tally_counts(run->tally)->late_starts += pace_stalled(&run->pace);
            return;
        }
        pace_begun(&run->pace);
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
    pace_arm(run, run->pace.is_next_late ? now_ns + STALL_STEP_NS : now_ns);
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

static double rate_of(const struct run *run)
{
    const struct day_phase *phase = day_run_phase(&run->day);
    return phase == NULL ? run->options.tps : phase->tps;
}

static void pace_begin(struct run *run, double rate, uint64_t now_ns)
{
    pace_start(&run->pace, rate, now_ns, run->end_ns);
    uv_poll_start(&run->clock, UV_READABLE, on_pace);
    pace_arm(run, now_ns);
}

static void day_phase_begin(struct run *run, const struct day_phase *phase, uint64_t now_ns)
{
    run->load_ns = run->day.place == 0 ? now_ns : run->load_ns;
    run->end_ns = now_ns + (uint64_t)(phase->seconds * 1e9);
    tally_measure_from(run->tally, run->load_ns);
    tally_measure_until(run->tally, run->end_ns);
    day_run_begin(&run->day, run->swarm, now_ns);
    if (phase->tps > 0) {
        pace_begin(run, phase->tps, now_ns);
    }
}

static void load_begin(struct run *run, uint64_t now_ns)
{
    const struct run_options *o = &run->options;
    if (day_run_phase(&run->day) != NULL) {
        day_phase_begin(run, day_run_phase(&run->day), now_ns);
        return;
    }
    if (o->qr_share > 0 || o->follow_ups > 0) {
        struct swarm_manner manner = {.trade = run->trade};
        swarm_manner_set(run->swarm, &manner);
    }
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
    pace_begin(run, o->tps, now_ns);
}

/* What the rate called for up to the end but never began is dropped, and said so. */
static void load_end(struct run *run, uint64_t now_ns)
{
    const struct run_options *o = &run->options;
    struct tally_counts *counts = tally_counts(run->tally);
    window_end(&run->window, now_ns, counts->answered);
    uv_poll_stop(&run->clock);
    uv_check_stop(&run->turn);
    if (run->phase != PHASE_LOAD || o->idle > 0 || o->is_closed || rate_of(run) <= 0) {
        return;
    }
    uint64_t called_for = pace_called_for(&run->pace, now_ns);
    counts->intended += called_for;
    counts->dropped += called_for - run->pace.begun_count;
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

/* Nothing is open, or nothing will be waited for any longer: the next phase of the day, or the end.
 */
static void grace_end(struct run *run, uint64_t now_ns)
{
    run->is_day_cut_short |= swarm_order_count(run->swarm) > 0;
    run->is_day_cut_short |= run->is_signalled && day_run_phase(&run->day) != NULL;
    bool has_next = !run->is_signalled && day_run_next(&run->day);
    phase_set(run, has_next ? PHASE_LOAD : PHASE_OVER, now_ns);
}

static void on_sweep(uv_timer_t *timer)
{
    struct run *run = timer->data;
    uint64_t now_ns = uv_hrtime();
    swarm_sweep(run->swarm, now_ns);
    bool is_time = now_ns >= run->end_ns;
    switch (run->phase) {
    case PHASE_ONLINE:
        run->were_all_ready = swarm_ready_count(run->swarm) == run->options.terminals;
        if (is_time || run->were_all_ready) {
            phase_set(run, PHASE_LOAD, now_ns);
        }
        return;
    case PHASE_LOAD:
        if (day_run_phase(&run->day) == NULL &&
            now_ns >= run->load_ns + (uint64_t)(run->options.warmup * 1e9)) {
            window_begin(&run->window, now_ns, tally_counts(run->tally)->answered);
        }
        if (is_time || day_run_is_over(&run->day, run->swarm)) {
            phase_set(run, PHASE_GRACE, now_ns);
        }
        return;
    case PHASE_GRACE:
        if (is_time || (swarm_open_count(run->swarm) == 0 && swarm_order_count(run->swarm) == 0)) {
            grace_end(run, now_ns);
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
    const struct day_phase *phase = day_run_phase(&run->day);
    double total_s = o->idle > 0 ? o->idle : o->seconds;
    bool is_paced = is_loading && !o->is_closed && o->idle <= 0;
    uint64_t since_ns = run->phase == PHASE_ONLINE ? run->begun_ns : run->load_ns;
    struct tally_line line = {.elapsed_s = (double)(now_ns - since_ns) / 1e9,
                              .total_s = is_loading && phase == NULL ? total_s : 0,
                              .offered = is_paced ? rate_of(run) : 0,
                              .terminals_ready = swarm_ready_count(run->swarm),
                              .payments_open = swarm_open_count(run->swarm),
                              .phase =
                                  is_loading && phase != NULL ? phase->name : PHASES[run->phase]};
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
    run->is_signalled = true;
    phase_set(run, run->phase < PHASE_GRACE ? PHASE_GRACE : PHASE_OVER, uv_hrtime());
}

static void handles_open(struct run *run)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    REQUIRE(uv_timer_init(&run->loop, &run->sweep) == 0);
    REQUIRE(uv_timer_init(&run->loop, &run->second) == 0);
    REQUIRE(uv_check_init(&run->loop, &run->turn) == 0);
    REQUIRE(uv_poll_init(&run->loop, &run->clock, run->clock_fd) == 0);
    run->sweep.data = run->second.data = run->turn.data = run->clock.data = run;
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
    uv_close((uv_handle_t *)&run->clock, NULL);
    uv_close((uv_handle_t *)&run->signals[0], NULL);
    uv_close((uv_handle_t *)&run->signals[1], NULL);
    uv_run(&run->loop, UV_RUN_DEFAULT); /* until the last stream has closed too */
}

/* What is paid at a constant rate, where it is more than purchases by card. */
static enum status trade_fill(const struct run_options *o, struct trade *trade)
{
    *trade = (struct trade){.code_percent = o->qr_share};
    trade->weights[POS_PURCHASE] = (uint32_t)(100 * (100 - o->follow_ups));
    trade->weights[POS_VOID] = trade->weights[POS_REFUND] = (uint32_t)(100 * o->follow_ups / 2);
    if (trade_codes_set(trade, o->qr_kinds) != STATUS_OK) {
        fprintf(stderr,
                "--qr-kinds: alipay, wechat and unionpay, with commas between them, are expected, "
                "not \"%s\"\n",
                o->qr_kinds);
        return STATUS_BAD_VALUE;
    }
    return STATUS_OK;
}

/* An open loop without a rate would never begin anything. */
static enum status options_check(const struct run_options *o)
{
    if ((o->qr_share > 0 || o->follow_ups > 0) && o->is_echo) {
        fprintf(stderr, "--qr-share and --follow-ups: do not go with --echo\n");
        return STATUS_BAD_VALUE;
    }
    if (o->follow_ups > 0 && o->profile != NULL) {
        fprintf(stderr, "--follow-ups: does not go with --profile, which weighs each kind\n");
        return STATUS_BAD_VALUE;
    }
    if (o->profile != NULL && (o->is_closed || o->is_echo || o->idle > 0)) {
        fprintf(stderr, "--profile: goes with none of --closed, --echo and --idle\n");
        return STATUS_BAD_VALUE;
    }
    if (o->tps <= 0 && !o->is_closed && o->idle <= 0) {
        fprintf(stderr, "--tps: a rate above 0 is expected, or --closed, or --idle\n");
        return STATUS_BAD_VALUE;
    }
    return STATUS_OK;
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
    enum status status = day_run_open(&run->day, o->profile, o->events);
    run->day.codes = run->trade;
    if (status != STATUS_OK) {
        return status;
    }
    status = fleet_load(&run->fleet, o->fleet);
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

/* NULL stays NULL: a file nobody asked for. */
static enum status file_open(FILE **file, const char *path)
{
    if (path == NULL) {
        return STATUS_OK;
    }
    *file = fopen(path, "w");
    if (*file == NULL) {
        fprintf(stderr, "tillway-load: %s cannot be written: %s\n", path, strerror(errno));
        return STATUS_BROKEN;
    }
    return STATUS_OK;
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
    if (file_open(&run->hlog, run->options.hlog) != STATUS_OK) {
        return STATUS_BROKEN;
    }
    if (run->hlog != NULL) {
        histogram_log_begin(run->hlog, run->start_wall_s);
    }
    return STATUS_OK;
}

/* A terminal is a descriptor: takes as many as the system allows. */
static void descriptors_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static enum status swarm_open(struct run *run, const char *address, uint16_t port)
{
    const struct run_options *o = &run->options;
    char reason[TLS_CLIENT_REASON_SIZE];
    char why[160];
    if (!wrap_list_read(&run->wraps, o->framing, why)) {
        fprintf(stderr, "tillway-load: --framing: %s\n", why);
        return STATUS_BAD_VALUE;
    }
    struct swarm_setup setup = {.fleet = &run->fleet,
                                .ranges = &run->ranges,
                                .writer = run->writer,
                                .tally = run->tally,
                                .receipts = run->receipts,
                                .wraps = &run->wraps,
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
                                .is_echo = o->is_echo,
                                .has_devices = o->has_devices};
    if (run->day.day != NULL) {
        memcpy(setup.sign_on_weights, run->day.day->sign_on_weights, sizeof setup.sign_on_weights);
    }
    run->swarm = swarm_create(&setup, reason);
    if (run->swarm == NULL) {
        fprintf(stderr, "tillway-load: %s\n", reason);
        return STATUS_BROKEN;
    }
    return STATUS_OK;
}

static void run_go(struct run *run)
{
    descriptors_raise();
    run->begun_ns = uv_hrtime();
    run->end_ns = run->begun_ns + (uint64_t)(run->options.online * 1e9);
    handles_open(run);
    uv_run(&run->loop, UV_RUN_DEFAULT);
    struct run_report report = {.options = &run->options,
                                .tally = run->tally,
                                .window = &run->window,
                                .ready_count = swarm_ready_count(run->swarm),
                                .were_all_ready = run->were_all_ready,
                                .is_day_cut_short = run->is_day_cut_short};
    bool is_valid;
    swarm_end(run->swarm);
    if (run_report_write(&report, &is_valid) != STATUS_OK) {
        run->result = RUN_EXIT_FAILED;
    } else if (run->options.is_strict && !is_valid && run->result == RUN_EXIT_PASSED) {
        run->result = RUN_EXIT_CROSSED;
    }
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
    day_run_close(&run->day);
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
    struct timespec now;
    char address[64];
    uint16_t port;
    if (run_options_read(&run.options, argc, argv) != STATUS_OK) {
        return RUN_EXIT_USAGE;
    }
    if (run.options.is_help) {
        run_options_describe(stdout);
        return RUN_EXIT_PASSED;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    run.start_wall_s = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    run.window.server_pid = run.options.server_pid;
    run.clock_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (run.clock_fd < 0 || uv_loop_init(&run.loop) != 0) {
        fprintf(stderr, "tillway-load: no loop: %s\n", strerror(errno));
        return RUN_EXIT_FAILED;
    }
    run.result = RUN_EXIT_USAGE;
    if (options_check(&run.options) == STATUS_OK &&
        trade_fill(&run.options, &run.trade) == STATUS_OK &&
        connect_split(&run, address, &port) == STATUS_OK && inputs_load(&run) == STATUS_OK &&
        outputs_open(&run) == STATUS_OK && swarm_open(&run, address, port) == STATUS_OK) {
        run.result = RUN_EXIT_PASSED;
        run_go(&run);
    }
    run_close(&run);
    uv_loop_close(&run.loop);
    return run.result;
}
