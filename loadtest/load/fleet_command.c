/* Key blocks are made by hsm/ under the published test master key: a fleet is for tests only. */
#include "loadtest/load/fleet_command.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/rand.h>

#include "hsm/hsm.h"
#include "loadtest/arguments.h"
#include "loadtest/fleet.h"
#include "loadtest/key_file.h"

#define EXIT_USAGE 2

static struct {
    uint64_t terminals, merchants, seed;
    const char *out, *banks, *mac, *plan;
    bool is_help;
} options = {.terminals = 100,
             .merchants = 20,
             .seed = 1,
             .out = ".",
             .banks = "bank_a",
             .mac = "unionpay_ecb",
             .plan = "SP1"};

static const struct argument ARGUMENTS[] = {
    {"terminals", ARGUMENT_NUMBER, &options.terminals, 1, FLEET_TERMINAL_COUNT_MAX,
     "how many terminals (100)"},
    {"merchants", ARGUMENT_NUMBER, &options.merchants, 1, FLEET_MERCHANT_COUNT_MAX,
     "how many merchants they are spread over (20)"},
    {"seed", ARGUMENT_NUMBER, &options.seed, 0, UINT64_C(999999999999), "all keys follow from it"},
    {"out", ARGUMENT_TEXT, &options.out, 0, 0, "folder to write into; made when absent"},
    {"banks", ARGUMENT_TEXT, &options.banks, 0, 0, "names of channels, with commas (bank_a)"},
    {"mac", ARGUMENT_TEXT, &options.mac, 0, 0,
     "the banks' algorithm, as in their channel: unionpay_ecb (also when absent), x9_9, x9_19"},
    {"plan", ARGUMENT_TEXT, &options.plan, 0, 0, "price plan of the merchants (SP1)"},
    {"help", ARGUMENT_FLAG, &options.is_help, 0, 0, "this text"},
};

/* What a file of the fleet is written with; `is_broken` remembers the first failure. */
struct fleet_writer {
    struct fleet fleet;
    struct hsm *hsm;
    bool is_broken;
};

static FILE *file_open(struct fleet_writer *writer, const char *name)
{
    char path[FLEET_PATH_SIZE];
    int length = snprintf(path, sizeof path, "%s/%s", options.out, name);
    FILE *file = length > 0 && (size_t)length < sizeof path ? fopen(path, "w") : NULL;
    if (file == NULL) {
        fprintf(stderr, "tillway-load: %s/%s cannot be written: %s\n", options.out, name,
                strerror(errno));
        writer->is_broken = true;
    }
    return file;
}

static void file_close(struct fleet_writer *writer, FILE *file)
{
    bool is_written = ferror(file) == 0;
    if (fclose(file) != 0 || !is_written) {
        fprintf(stderr, "tillway-load: a file in %s is not complete: %s\n", options.out,
                strerror(errno));
        writer->is_broken = true;
    }
}

static void merchants_write(struct fleet_writer *writer)
{
    static const char *const classes[] = {"standard", "standard", "preferential", "standard"};
    FILE *file = file_open(writer, "merchants.csv");
    if (file == NULL) {
        return;
    }
    fprintf(file, "merchant_id,name,mcc,class,plan,amount_max,status\n");
    for (uint32_t i = 0; i < writer->fleet.merchant_count; i++) {
        char id[16];
        fleet_merchant_id(i, id);
        fprintf(file, "%s,Merchant %u,%s,%s,%s,0,active\n", id, i + 1, fleet_merchant_mcc(i),
                classes[i % 4], options.plan);
    }
    file_close(writer, file);
}

static void terminals_write(struct fleet_writer *writer)
{
    static const char *const models[] = {"landi,E350", "pax,S90", "newland,SP60", "verifone,X990"};
    FILE *file = file_open(writer, "terminals.csv");
    if (file == NULL) {
        return;
    }
    fprintf(file, "terminal_id,merchant_id,status,brand,model\n");
    for (uint32_t i = 0; i < writer->fleet.terminal_count; i++) {
        char id[9], merchant[16];
        fleet_terminal_id(i, id);
        fleet_merchant_id(fleet_merchant_of(&writer->fleet, i), merchant);
        fprintf(file, "%s,%s,active,%s\n", id, merchant, models[i % 4]);
    }
    file_close(writer, file);
}

/* What the terminals tell of themselves, as it is to be bound: for after-sales. */
static void registry_write(struct fleet_writer *writer)
{
    FILE *file = file_open(writer, "registry.csv");
    if (file == NULL) {
        return;
    }
    fprintf(file, "terminal_id,serial,firmware,latitude,longitude\n");
    for (uint32_t i = 0; i < writer->fleet.terminal_count; i++) {
        char id[9];
        struct pos_device device;
        fleet_terminal_id(i, id);
        fleet_device(&writer->fleet, i, &device);
        fprintf(file, "%s,%s,%s,%.3f,%.3f\n", id, device.serial, device.firmware,
                device.latitude_e6 / 1e6, device.longitude_e6 / 1e6);
    }
    file_close(writer, file);
}

static void key_write(struct fleet_writer *writer, FILE *file, const char *name,
                      enum hsm_key_kind kind)
{
    struct hsm_key_record record;
    struct tdes_key key;
    uint8_t wide[32], random[32];
    bool is_wide = kind == HSM_KEY_DATA || kind == HSM_KEY_HASH;
    fleet_wide_key(&writer->fleet, name, wide);
    fleet_tdes_key(&writer->fleet, name, &key);
    struct byte_view clear = {is_wide ? wide : key.bytes, is_wide ? sizeof wide : key.length};
    if (RAND_bytes(random, sizeof random) != 1) {
        fprintf(stderr, "tillway-load: no random bytes\n");
        writer->is_broken = true;
        return;
    }
    enum hsm_answer answer = hsm_key_wrap_clear(writer->hsm, name, kind, clear, random, &record);
    if (answer != HSM_DONE) {
        fprintf(stderr, "tillway-load: key %s: %s\n", name, hsm_answer_text(answer));
        writer->is_broken = true;
        return;
    }
    fprintf(file, "%s,%s,%s\n", record.name, hsm_key_kind_name(kind), record.block);
}

/* The bank's own copy of the channel keys, in clear. */
static void bank_keys_write(struct fleet_writer *writer, FILE *keys, const char *bank)
{
    char name[HSM_KEY_NAME_SIZE], file_name[64];
    struct tdes_key zone_key, pin_key, mac_key;
    snprintf(name, sizeof name, "chan:%s:zmk", bank);
    key_write(writer, keys, name, HSM_KEY_ZONE_MASTER);
    fleet_tdes_key(&writer->fleet, name, &zone_key);
    snprintf(name, sizeof name, "chan:%s:zpk", bank);
    key_write(writer, keys, name, HSM_KEY_PIN_OUT);
    fleet_tdes_key(&writer->fleet, name, &pin_key);
    snprintf(name, sizeof name, "chan:%s:zak", bank);
    /* A key serves one algorithm (TR-31 usage M3 is ISO 9797-1 algorithm 3, which is X9.19). */
    bool is_retail = tdes_mac_from_name(options.mac) == TDES_MAC_X9_19;
    key_write(writer, keys, name, is_retail ? HSM_KEY_MAC_3 : HSM_KEY_MAC);
    fleet_tdes_key(&writer->fleet, name, &mac_key);
    snprintf(file_name, sizeof file_name, "%s.keys", bank);
    FILE *file = file_open(writer, file_name);
    if (file == NULL) {
        return;
    }
    key_file_put(file, "zmk", &zone_key);
    key_file_put(file, "zpk", &pin_key);
    key_file_put(file, "zak", &mac_key);
    file_close(writer, file);
}

static void keys_write(struct fleet_writer *writer)
{
    char bank[16], name[HSM_KEY_NAME_SIZE], id[9];
    FILE *file = file_open(writer, "keys.csv");
    if (file == NULL) {
        return;
    }
    fprintf(file, "name,kind,block\n");
    key_write(writer, file, "own:pan:data", HSM_KEY_DATA);
    key_write(writer, file, "own:pan:hash", HSM_KEY_HASH);
    for (const char *rest = options.banks; *rest != '\0' && !writer->is_broken;) {
        size_t length = strcspn(rest, ",");
        snprintf(bank, sizeof bank, "%.*s", (int)length, rest);
        bank_keys_write(writer, file, bank);
        rest += length + (rest[length] == ',');
    }
    for (uint32_t i = 0; i < writer->fleet.terminal_count && !writer->is_broken; i++) {
        fleet_terminal_id(i, id);
        snprintf(name, sizeof name, "term:%s:tmk", id);
        key_write(writer, file, name, HSM_KEY_TERMINAL_MASTER);
    }
    file_close(writer, file);
}

static int fleet_write(void)
{
    struct fleet_writer writer = {
        .fleet = {(uint32_t)options.terminals, (uint32_t)options.merchants, options.seed}};
    struct hsm_setup setup = {.master_key = HSM_TEST_MASTER_KEY,
                              .is_test_master_key = true,
                              .pin_policy = HSM_PIN_LAB,
                              .key_count_max = 16};
    if (mkdir(options.out, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "tillway-load: %s cannot be made: %s\n", options.out, strerror(errno));
        return EXIT_FAILURE;
    }
    writer.hsm = hsm_soft_create(&setup);
    if (writer.hsm == NULL) {
        fprintf(stderr, "tillway-load: the soft security module cannot be made\n");
        return EXIT_FAILURE;
    }
    merchants_write(&writer);
    terminals_write(&writer);
    registry_write(&writer);
    keys_write(&writer);
    hsm_destroy(writer.hsm);
    if (fleet_save(&writer.fleet, options.out) != STATUS_OK) {
        fprintf(stderr, "tillway-load: %s/fleet.json cannot be written\n", options.out);
        writer.is_broken = true;
    }
    return writer.is_broken ? EXIT_FAILURE : EXIT_SUCCESS;
}

int fleet_command(int argc, char **argv)
{
    struct arguments arguments = {ARGUMENTS, sizeof ARGUMENTS / sizeof ARGUMENTS[0]};
    if (arguments_read(&arguments, argc, argv, stderr) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (options.is_help) {
        printf("usage: tillway-load fleet [options]\n");
        arguments_describe(&arguments, stdout);
        return EXIT_SUCCESS;
    }
    if (tdes_mac_from_name(options.mac) == TDES_MAC_COUNT) {
        fprintf(stderr, "--mac: x9_19, x9_9, unionpay_ecb or none is expected, not \"%s\"\n",
                options.mac);
        return EXIT_USAGE;
    }
    return fleet_write();
}
