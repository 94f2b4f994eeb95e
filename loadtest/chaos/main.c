/* tillway-chaos: carries TCP connections to a server and does wrong to them by rules, from a seed.
 *
 * Prints "listening on ADDRESS:PORT" on stdout once it does, and its counts as one line of JSON
 * when it stops. SIGUSR1 switches the rules off and on again, SIGTERM ends it. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "config/file_text.h"
#include "loadtest/arguments.h"
#include "loadtest/chaos/relay.h"
#include "loadtest/key_file.h"
#include "loadtest/spec_file.h"
#include "protocols/base/digits.h"

#define EXIT_USAGE 2
#define ADDRESS_SIZE 64

static struct {
    const char *listen, *to, *framing, *rules, *spec, *keys, *mac, *journal;
    struct argument_list rule;
    uint64_t seed;
    bool is_check, is_help;
} options = {.listen = "127.0.0.1:0", .framing = "binary_2", .mac = "unionpay_ecb", .seed = 1};

static const struct argument ARGUMENTS[] = {
    {"listen", ARGUMENT_TEXT, &options.listen, 0, 0,
     "ADDRESS:PORT to take connections on; port 0: the kernel picks one (127.0.0.1:0)"},
    {"to", ARGUMENT_TEXT, &options.to, 0, 0, "ADDRESS:PORT of the server behind; [::1]:PORT too"},
    {"framing", ARGUMENT_TEXT, &options.framing, 0, 0,
     "binary_2, binary_2_tpdu, binary_2_inclusive, ascii_4, bcd_2, binary_4, stx, or none for "
     "TLS and HTTP (binary_2)"},
    {"rules", ARGUMENT_TEXT, &options.rules, 0, 0, "YAML file with a list \"rules\""},
    {"rule", ARGUMENT_LIST, &options.rule, 0, 0,
     "one rule, as action=delay,ms=100,percent=5; may be given several times"},
    {"seed", ARGUMENT_NUMBER, &options.seed, 0, UINT64_C(999999999999), "of all that is drawn (1)"},
    {"spec", ARGUMENT_TEXT, &options.spec, 0, 0,
     "the dialect's YAML file, for rules with mti and for change"},
    {"keys", ARGUMENT_TEXT, &options.keys, 0, 0,
     "file with a line \"zak HEX\", as tillway-bank reads it: MACs of changed messages are made "
     "anew"},
    {"mac", ARGUMENT_TEXT, &options.mac, 0, 0, "unionpay_ecb (also when absent), x9_9, x9_19"},
    {"journal", ARGUMENT_TEXT, &options.journal, 0, 0,
     "file that gets one JSON object a line for each rule that strikes"},
    {"check", ARGUMENT_FLAG, &options.is_check, 0, 0, "read the rules, say what is wrong, end"},
    {"help", ARGUMENT_FLAG, &options.is_help, 0, 0, "this text"},
};
static const struct arguments ALL = {ARGUMENTS, sizeof ARGUMENTS / sizeof ARGUMENTS[0]};

static const struct {
    const char *name;
    struct framing framing;
} FRAMINGS[] = {
    {"binary_2", {.length_kind = FRAME_BINARY_2, .length_max = FRAME_LENGTH_MAX}},
    {"binary_2_tpdu",
     {.length_kind = FRAME_BINARY_2, .has_tpdu = true, .length_max = FRAME_LENGTH_MAX}},
    {"binary_2_inclusive",
     {.length_kind = FRAME_BINARY_2_INCLUSIVE, .length_max = FRAME_LENGTH_MAX}},
    {"ascii_4", {.length_kind = FRAME_ASCII_4, .length_max = FRAME_LENGTH_MAX}},
    {"bcd_2", {.length_kind = FRAME_BCD_2, .length_max = FRAME_LENGTH_MAX}},
    {"binary_4", {.length_kind = FRAME_BINARY_4, .length_max = FRAME_LENGTH_MAX}},
    {"stx", {.length_kind = FRAME_STX, .length_max = FRAME_LENGTH_MAX}},
    {"none", {.length_max = 0}},
};

/* What the options make. */
struct setting {
    const struct framing *framing; /* NULL: none */
    struct spec *spec;             /* owner */
    struct chaos_seal seal;        /* its tdes: owner */
    struct chaos_rules rules;
    struct journal journal; /* its file: owner */
    struct sockaddr_storage listen, server;
};

static void usage(FILE *file)
{
    fprintf(file,
            "usage: tillway-chaos --to ADDRESS:PORT [--rules FILE] [--rule RULE ...] [options]\n");
    arguments_describe(&ALL, file);
    fprintf(
        file,
        "\nA rule has an action and when it strikes: direction (to_server, to_client, both), "
        "percent or "
        "every,\nskip, count, from_ms, to_ms (since the start), mti, and a name for the journal. "
        "The message that it strikes\n");
    for (unsigned i = 0; i < CHAOS_ACTION_COUNT; i++) {
        fprintf(file, "  %-11s %s%s%s%s\n", chaos_action_word(i), chaos_action_text(i),
                chaos_action_options(i)[0] != '\0' ? " [" : "", chaos_action_options(i),
                chaos_action_options(i)[0] != '\0' ? "]" : "");
    }
}

static bool address_read(const char *name, const char *text, struct sockaddr_storage *address)
{
    const char *colon = text == NULL ? NULL : strrchr(text, ':');
    uint64_t port = 0;
    char host[ADDRESS_SIZE] = "";
    size_t length = colon == NULL ? 0 : (size_t)(colon - text);
    bool is_good = colon != NULL && length > 0 && length < sizeof host && strlen(colon + 1) > 0 &&
                   strlen(colon + 1) <= 5 &&
                   digits_parse(&port, colon + 1, (uint32_t)strlen(colon + 1),
                                (struct number_range){0, 65535}) == STATUS_OK;
    if (is_good) {
        bool is_bracketed = text[0] == '[' && text[length - 1] == ']' && length > 2;
        memcpy(host, text + is_bracketed, length - 2U * is_bracketed);
        host[length - 2U * is_bracketed] = '\0';
        is_good = uv_ip4_addr(host, (int)port, (struct sockaddr_in *)address) == 0 ||
                  uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)address) == 0;
    }
    if (!is_good) {
        fprintf(stderr, "--%s: ADDRESS:PORT is expected (names are not looked up), not \"%s\"\n",
                name, text == NULL ? "" : text);
    }
    return is_good;
}

static bool framing_read(struct setting *setting)
{
    for (size_t i = 0; i < sizeof FRAMINGS / sizeof FRAMINGS[0]; i++) {
        if (strcmp(FRAMINGS[i].name, options.framing) == 0) {
            setting->framing = FRAMINGS[i].framing.length_max > 0 ? &FRAMINGS[i].framing : NULL;
            return true;
        }
    }
    fprintf(stderr,
            "--framing: binary_2, binary_2_tpdu, binary_2_inclusive, ascii_4, bcd_2, "
            "binary_4, stx or none is expected, not \"%s\"\n",
            options.framing);
    return false;
}

/* Whether a document gave its rules; its faults are printed, and it is gone afterwards. */
static bool rules_take(struct setting *setting, struct document *document)
{
    if (document == NULL) {
        fprintf(stderr, "tillway-chaos: no memory\n");
        return false;
    }
    struct chaos_means means = {setting->framing != NULL, setting->spec != NULL};
    bool is_good = document_fault_count(document) == 0 &&
                   chaos_rules_read(&setting->rules, document, means) == STATUS_OK;
    uint32_t count = document_fault_count(document);
    for (uint32_t i = 0; i < count && i < DOCUMENT_FAULT_COUNT_MAX; i++) {
        fprintf(stderr, "%s\n", document_fault_text(document, i));
    }
    document_destroy(document);
    return is_good;
}

static bool rules_read(struct setting *setting)
{
    bool is_good = options.rules == NULL || rules_take(setting, file_text_load_yaml(options.rules));
    for (uint32_t i = 0; i < options.rule.count; i++) {
        char name[32];
        snprintf(name, sizeof name, "--rule %u", i + 1);
        is_good = rules_take(setting, chaos_rule_document(name, options.rule.items[i])) && is_good;
    }
    return is_good;
}

static bool seal_read(struct setting *setting)
{
    setting->seal.algorithm = TDES_MAC_NONE;
    if (options.keys == NULL) {
        return true;
    }
    setting->seal.algorithm = tdes_mac_from_name(options.mac);
    if (setting->seal.algorithm == TDES_MAC_COUNT) {
        fprintf(stderr, "--mac: x9_19, x9_9 or unionpay_ecb is expected, not \"%s\"\n",
                options.mac);
        return false;
    }
    setting->seal.tdes = tdes_create();
    return setting->seal.tdes != NULL &&
           key_file_read(options.keys, "zak", &setting->seal.key, stderr) == STATUS_OK;
}

static bool setting_read(struct setting *setting)
{
    if (!framing_read(setting)) {
        return false;
    }
    if (options.spec != NULL) {
        setting->spec = spec_file_spec(options.spec, stderr);
        if (setting->spec == NULL) {
            return false;
        }
    }
    bool is_good = rules_read(setting) && seal_read(setting);
    is_good = address_read("listen", options.listen, &setting->listen) && is_good;
    return address_read("to", options.to, &setting->server) && is_good;
}

static bool journal_open(struct setting *setting)
{
    if (options.journal == NULL) {
        return true;
    }
    setting->journal.file = fopen(options.journal, "w");
    if (setting->journal.file == NULL) {
        perror(options.journal);
        return false;
    }
    setvbuf(setting->journal.file, NULL, _IOLBF, 0);
    return true;
}

static void counts_print(const struct relay *relay, const struct chaos_judge *judge)
{
    struct relay_counts counts;
    relay_count(relay, &counts);
    printf("{\"links\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"unframed\":%" PRIu64
           ",\"messages_to_server\":%" PRIu64 ",\"messages_to_client\":%" PRIu64
           ",\"bytes_to_server\":%" PRIu64 ",\"bytes_to_client\":%" PRIu64 ",\"rules\":[",
           counts.links, counts.refused, counts.unframed, counts.messages[CHAOS_TO_SERVER],
           counts.messages[CHAOS_TO_CLIENT], counts.bytes[CHAOS_TO_SERVER],
           counts.bytes[CHAOS_TO_CLIENT]);
    for (uint32_t i = 0; i < judge->rules->count; i++) {
        printf("%s{\"name\":", i > 0 ? "," : "");
        journal_put_text(stdout, judge->rules->items[i].name);
        printf(",\"seen\":%" PRIu64 ",\"struck\":%" PRIu64 "}", judge->seen[i], judge->struck[i]);
    }
    printf("]}\n");
}

static int relay_run(struct setting *setting)
{
    uv_loop_t loop;
    char reason[160];
    struct chaos_judge judge;
    if (uv_loop_init(&loop) != 0) {
        return EXIT_FAILURE;
    }
    chaos_judge_start(&judge, &setting->rules, options.seed);
    struct relay_setup setup = {.loop = &loop,
                                .judge = &judge,
                                .framing = setting->framing,
                                .spec = setting->spec,
                                .seal = setting->seal,
                                .journal = &setting->journal,
                                .listen = setting->listen,
                                .server = setting->server};
    struct relay *relay = relay_create(&setup, reason);
    if (relay == NULL) {
        fprintf(stderr, "tillway-chaos: --listen %s: %s\n", options.listen, reason);
        uv_loop_close(&loop);
        return EXIT_FAILURE;
    }
    int host_length = (int)(strrchr(options.listen, ':') - options.listen);
    printf("listening on %.*s:%u\n", host_length, options.listen, relay_port(relay));
    fflush(stdout);
    uv_run(&loop, UV_RUN_DEFAULT);
    counts_print(relay, &judge);
    relay_destroy(relay);
    uv_loop_close(&loop);
    return EXIT_SUCCESS;
}

/* Two descriptors a connection: all that the system allows. */
static void descriptors_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    static struct setting setting;
    setvbuf(stderr, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    if (arguments_read(&ALL, argc, argv, stderr) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (options.is_help) {
        usage(stdout);
        return EXIT_SUCCESS;
    }
    descriptors_raise();
    int result = EXIT_USAGE;
    if (setting_read(&setting)) {
        result = options.is_check         ? EXIT_SUCCESS
                 : journal_open(&setting) ? relay_run(&setting)
                                          : EXIT_FAILURE;
    }
    if (setting.journal.file != NULL) {
        fclose(setting.journal.file);
    }
    if (setting.spec != NULL) {
        spec_destroy(setting.spec);
    }
    tdes_destroy(setting.seal.tdes);
    return result;
}
