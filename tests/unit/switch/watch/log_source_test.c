/* A switch's log is replayed with what its configuration says: the flags are those of its own
 * after-sales thread. */
#include "switch/watch/log_source.h"

#include "switch/followup/watch_duty.h"
#include "switch/watch/replay.h"
#include "tests/unit/switch/store/log_story.h"

#define FLAG_COUNT_MAX 256
#define LINE_SIZE 256

static const char CONFIG[] =
    "node: 0\nacquirer_id: 48021000\n"
    "listeners:\n  - {name: plain, address: 127.0.0.1, port: 0, dialect: unionpay-pos}\n"
    "channels:\n  - {name: bank_a, address: 127.0.0.1, port: 7101, dialect: iso8583-1987-ascii}\n"
    "store: {folder: log}\nhsm: {module: soft, master_key: test, pin_policy: lab}\n"
    "tables: {bins: bins.csv, merchants: merchants.csv, terminals: terminals.csv, keys: keys.csv}\n"
    "routes: routes.yaml\nfees: fees.yaml\nspecs: specs\n"
    "aftersales: {folder: aftersales, rules: anomalies.yaml, card_count_max: 1024}\n"
    "control: {socket: control.sock}\n";

static const struct {
    const char *name, *text;
} FILES[] = {
    {"tillway.yaml", CONFIG},
    {"bins.csv", "prefix,pan_digits,scheme,card_type,issuer\n62,0,unionpay,debit,1\n"},
    {"merchants.csv", "merchant_id,name,mcc,class,plan,amount_max,status\n" STORY_MERCHANT
                      ",Tea House,5812,standard,SP1,,active\n"},
    {"terminals.csv", "terminal_id,merchant_id,status,brand,model\n"
                      "00000001," STORY_MERCHANT ",active,PAX,A920\n"
                      "00000002," STORY_MERCHANT ",active,PAX,A920\n"
                      "00000003," STORY_MERCHANT ",active,PAX,S90\n"},
    {"keys.csv", "name,kind,block\n"},
    {"routes.yaml", "routes:\n  - channels: [bank_a]\n"},
    {"fees.yaml", "plans:\n  SP1: {rules: [{rate: 0.60%}]}\ncost:\n"
                  "  - {issuer_fee: {rate: 0.45%}, scheme_fee: {rate: 0.0325%}}\n"},
    {"anomalies.yaml", "T1: {quiet: 10m, follow_up: visit}\ncases: {quiet_days: 3}\n"},
};

struct stage {
    struct story *story;
    char folder[64], config[96], flags[96];
    char lines[2][FLAG_COUNT_MAX][LINE_SIZE]; /* of the thread, and of the replay */
    uint32_t counts[2];
};

static void write_file(const struct stage *stage, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", stage->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int stage_set(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    snprintf(stage->folder, sizeof(stage->folder), "/tmp/tillway-source-XXXXXX");
    if (mkdtemp(stage->folder) == NULL) {
        return -1;
    }
    snprintf(stage->config, sizeof(stage->config), "%s/tillway.yaml", stage->folder);
    snprintf(stage->flags, sizeof(stage->flags), "%s/flags.csv", stage->folder);
    for (unsigned i = 0; i < COUNT_OF(FILES); i++) {
        write_file(stage, FILES[i].name, FILES[i].text);
    }
    *state = stage;
    return story_set((void **)&stage->story);
}

static int stage_strike(void **state)
{
    struct stage *stage = *state;
    story_strike((void **)&stage->story);
    log_folder_strike(stage->folder);
    free(stage);
    return 0;
}

/* Nights and wrong MACs of three terminals. */
static void write_log(struct story *story)
{
    story_begin(story, story_ignore, NULL);
    for (uint32_t seq = 1; seq <= 400; seq++) {
        story->wall_us += seq % 100 == 99 ? INT64_C(9) * 3600000000 : 60000000;
        story_purchase(story, seq);
        if (seq % 4 == 0) {
            struct record odd = story_record(story, RECORD_ANOMALY, seq, 1 + seq / 40 % 3);
            odd.reason = TXN_REASON_MAC_FAILED;
            odd.txn = (struct txn_reference){1, 0};
            story_put(story, odd);
        }
    }
    story_end(story);
}

static bool source_open(struct stage *stage, struct log_source *source, char *said, uint32_t size)
{
    struct byte_writer faults;
    byte_writer_init(&faults, said, size - 1);
    const struct log_source_setup setup = {.config = stage->config, .folder = stage->story->folder};
    bool is_open = log_source_open(source, &setup, &faults);
    said[faults.position] = 0;
    return is_open;
}

/* --- the thread's work, with a sink that writes down --- */

static void on_use(void *argument, const struct case_rules *rules)
{
    (void)argument;
    (void)rules;
}

static enum status on_call(void *argument)
{
    (void)argument;
    return STATUS_OK;
}

static enum status on_take(void *argument, const struct flag *flag)
{
    struct stage *stage = argument;
    assert_true(stage->counts[0] < FLAG_COUNT_MAX);
    snprintf(stage->lines[0][stage->counts[0]++], LINE_SIZE, "%s %s %llu %lld %lld",
             signal_code_text(flag->signal), flag->subject_id, (unsigned long long)flag->position,
             (long long)flag->window_end_us, (long long)flag->value);
    return STATUS_OK;
}

static enum status on_observe(void *argument, const struct observation *seen)
{
    (void)argument;
    (void)seen;
    return STATUS_OK;
}

static enum status on_time(void *argument, int64_t wall_us, uint64_t now_ns)
{
    (void)argument;
    (void)wall_us;
    (void)now_ns;
    return STATUS_OK;
}

static enum status on_version(void *argument, int64_t *number)
{
    (void)argument;
    *number = 0;
    return STATUS_OK;
}

static enum status on_facts(void *argument, struct fact_book *book)
{
    (void)argument;
    (void)book;
    return STATUS_OK;
}

static const char *on_reason(void *argument)
{
    (void)argument;
    return "";
}

static void watch_live(struct stage *stage, const struct log_source *source)
{
    const struct watch_sink sink = {.use = on_use,
                                    .open = on_call,
                                    .take = on_take,
                                    .observe = on_observe,
                                    .time = on_time,
                                    .registry_version = on_version,
                                    .register_facts = on_facts,
                                    .flush = on_call,
                                    .reason = on_reason,
                                    .argument = stage};
    struct observation_ring *ring = observation_ring_create(64, stage->story->position);
    const struct watch_duty_setup setup = {.folder = stage->folder,
                                           .log_folder = stage->story->folder,
                                           .ring = ring,
                                           .sink = &sink,
                                           .limits = source->limits,
                                           .image_every_ms = 3600000};
    struct watch_duty *duty = watch_duty_create(&setup);
    struct case_rules case_rules;
    case_rules_default(&case_rules);
    watch_duty_use(
        duty, &(struct watch_words){&source->rules, &case_rules, fact_book_copy(source->book)});
    observation_ring_mark(ring, stage->story->wall_us + INT64_C(7200000000),
                          stage->story->position);
    assert_true(watch_duty_turn(duty, UINT64_MAX));
    watch_duty_destroy(duty);
    observation_ring_destroy(ring);
}

/* --- the replay --- */

static void flags_read(struct stage *stage)
{
    char line[1024], signal[16], subject[64];
    unsigned long long position;
    long long end_us, value;
    FILE *file = fopen(stage->flags, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file)); /* the header */
    stage->counts[1] = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        assert_true(stage->counts[1] < FLAG_COUNT_MAX);
        assert_int_equal(sscanf(line,
                                "%15[^,],%*[^,],%63[^,],,%*[^,],%*[^,],%*u,%*d,%*d,%*d,%lld,%lld,"
                                "%*d,%llu",
                                signal, subject, &end_us, &value, &position),
                         5);
        snprintf(stage->lines[1][stage->counts[1]++], LINE_SIZE, "%s %s %llu %lld %lld", signal,
                 subject, position, end_us, value);
    }
    assert_int_equal(fclose(file), 0);
}

static void test_a_replay_of_the_log_gives_the_flags_of_the_switch(void **state)
{
    struct stage *stage = *state;
    struct log_source source;
    struct replay_result first, second;
    static char said[4096];
    write_log(stage->story);
    if (!source_open(stage, &source, said, sizeof(said))) {
        fail_msg("%s", said);
    }
    assert_int_equal(source.terminal_count, 3);
    assert_int_equal(source.limits.card_count_max, 1024);
    assert_int_equal(source.rules.items[SIGNAL_MAC_FAILURES].quiet_s, 600);
    assert_int_equal(source.case_rules.quiet_days, 3);
    assert_int_equal(source.case_rules.follow_ups[SIGNAL_MAC_FAILURES], FOLLOW_UP_VISIT);
    watch_live(stage, &source);
    assert_true(stage->counts[0] > 10);
    for (unsigned i = 0; i < 2; i++) { /* also where another watcher goes on in the middle */
        struct replay_options options = {.log = &source,
                                         .rules = &source.rules,
                                         .case_rules = &source.case_rules,
                                         .flags = stage->flags,
                                         .restart_at = i * 333,
                                         .until_us = stage->story->wall_us + INT64_C(7198000000)};
        assert_int_equal(replay_run(&options, i == 0 ? &first : &second), STATUS_OK);
        flags_read(stage);
        assert_int_equal(stage->counts[1], stage->counts[0]);
        assert_memory_equal(stage->lines[0], stage->lines[1], sizeof(stage->lines[0]));
    }
    assert_true(first.state_hash == second.state_hash);
    assert_int_equal(first.terminals, 3);
    assert_true(first.cases > 0);
    log_source_close(&source);
}

static void test_what_is_wrong_with_a_file_is_told_with_its_place(void **state)
{
    struct stage *stage = *state;
    struct log_source source;
    static char said[4096];
    write_file(stage, "anomalies.yaml", "T1: {quite: 10m}\n");
    assert_false(source_open(stage, &source, said, sizeof(said)));
    assert_non_null(strstr(said, "anomalies.yaml:1:6: \"quite\""));
    log_source_close(&source);
    write_file(stage, "anomalies.yaml", "T1: {quiet: 10m}\n");
    write_file(stage, "terminals.csv", "terminal_id,merchant_id,status\n0001,x,active\n");
    assert_false(source_open(stage, &source, said, sizeof(said)));
    assert_non_null(strstr(said, "terminals.csv:2: "));
    log_source_close(&source);
    write_file(stage, "tillway.yaml", "node: 0\n");
    assert_false(source_open(stage, &source, said, sizeof(said)));
    assert_non_null(strstr(said, "acquirer_id is missing"));
    log_source_close(&source);
}

static void test_a_log_that_is_not_there_is_told(void **state)
{
    struct stage *stage = *state;
    struct log_source source;
    struct replay_result result;
    static char said[4096];
    assert_true(source_open(stage, &source, said, sizeof(said)));
    struct replay_options options = {
        .log = &source, .rules = &source.rules, .case_rules = &source.case_rules};
    assert_int_equal(replay_run(&options, &result), STATUS_BROKEN);
    assert_non_null(strstr(result.reason, stage->story->folder));
    log_source_close(&source);
}

int main(void)
{
#define STAGE(test) cmocka_unit_test_setup_teardown(test, stage_set, stage_strike)
    const struct CMUnitTest tests[] = {
        STAGE(test_a_replay_of_the_log_gives_the_flags_of_the_switch),
        STAGE(test_what_is_wrong_with_a_file_is_told_with_its_place),
        STAGE(test_a_log_that_is_not_there_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
