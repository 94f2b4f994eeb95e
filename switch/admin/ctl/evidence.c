/* A case as one signed file: fetched from the server, and verified without one. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "switch/admin/ctl/command.h"
#include "switch/admin/ctl/shown_text.h"
#include "switch/evidence/bundle_check.h"

/* --- export --------------------------------------------------------------------------------- */

/* A file that is there already is evidence, too: it is not written over. What it says is for its
 * reader alone. */
static int run_export(const struct command *command)
{
    char path[COMMAND_PATH_SIZE];
    const char *name = command_option(command, "--out");
    if (name == NULL) {
        fputs("tillwayctl: evidence export needs --out FILE\n", stderr);
        return CTL_USAGE;
    }
    if (!command_id_is_plain(command->words[2])) {
        return CTL_USAGE;
    }
    int descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *to = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (to == NULL) {
        fprintf(stderr, "tillwayctl: %s: %s\n", name,
                errno == EEXIST
                    ? "File exists, and evidence is not written over: give another name "
                      "with --out"
                    : strerror(errno));
        return CTL_FAILED;
    }
    snprintf(path, sizeof(path), "/api/v1/cases/%s/evidence", command->words[2]);
    enum ctl_exit code = api_get_file(command->api, path, to);
    if (fclose(to) != 0 && code == CTL_OK) {
        fprintf(stderr, "tillwayctl: %s: %s\n", name, strerror(errno));
        code = CTL_FAILED;
    }
    if (code != CTL_OK) {
        unlink(name);
        return (int)code;
    }
    printf("%s: the evidence of case %s; verify it with: tillwayctl evidence verify %s --key "
           "PUBLIC.pem\n",
           name, command->words[2], name);
    return CTL_OK;
}

/* --- verify --------------------------------------------------------------------------------- */

/* What a file says may hold anything. */
static void clean(struct bundle_finding *finding)
{
    shown_text_clean(finding->reason);
    shown_text_clean(finding->exported_by);
}

static void format_time(char text[40], int64_t wall_us)
{
    struct tm day;
    time_t seconds = (time_t)(wall_us / 1000000);
    text[0] = '\0';
    if (gmtime_r(&seconds, &day) != NULL) {
        strftime(text, 40, "%Y-%m-%dT%H:%M:%SZ", &day);
    }
}

static void show_log(const struct bundle_finding *finding, const char *log)
{
    if (log == NULL) {
        return;
    }
    printf("log:     %" PRIu32 " rows are as %s holds them", finding->compared_count, log);
    if (finding->purged_count > 0) {
        printf("; %" PRIu32 " are of segments that were purged there", finding->purged_count);
    }
    putchar('\n');
}

static void show_good(const struct bundle_finding *finding, const char *log)
{
    char when[40];
    format_time(when, finding->exported_us);
    printf("case:    %" PRIu64 ", exported by %s at %s\n", finding->case_id, finding->exported_by,
           when);
    printf("content: nothing was changed since: %" PRIu32 " events in one chain, %" PRIu32
           " rows of the log with their hashes\n",
           finding->event_count, finding->row_count);
    if (finding->is_origin_checked) {
        printf("origin:  signed by the key that you trust, %s\n", finding->fingerprint);
    } else {
        printf("origin:  NOT checked: the key came with the file, so anybody may have made it; ask "
               "the operator for the public key with fingerprint %s and give it with --key\n",
               finding->fingerprint);
    }
    show_log(finding, log);
}

static json_t *finding_json(const struct bundle_finding *finding)
{
    json_t *json = json_pack(
        "{s:b, s:I, s:I, s:I, s:I, s:I, s:b}", "is_good", finding->is_good, "case_id",
        (json_int_t)finding->case_id, "events", (json_int_t)finding->event_count, "rows",
        (json_int_t)finding->row_count, "rows_compared", (json_int_t)finding->compared_count,
        "rows_purged", (json_int_t)finding->purged_count, "is_origin_checked",
        finding->is_origin_checked);
    json_object_set_new(json, "fingerprint", json_string(finding->fingerprint));
    json_object_set_new(json, "exported_by", json_string(finding->exported_by));
    json_object_set_new(json, "exported_us", json_integer((json_int_t)finding->exported_us));
    if (!finding->is_good) {
        json_object_set_new(json, "member", json_string(finding->member));
        json_object_set_new(json, "offset", json_integer((json_int_t)finding->offset));
        json_object_set_new(json, "reason", json_string(finding->reason));
    }
    return json;
}

static void show(const struct command *command, const struct bundle_finding *finding)
{
    if (command->is_json) {
        json_t *json = finding_json(finding);
        json_dumpf(json, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(json);
    } else if (finding->is_good) {
        show_good(finding, command_option(command, "--log"));
    } else {
        fprintf(stderr, "tillwayctl: %s: %s\n", command->words[2], finding->reason);
    }
}

static int run_verify(const struct command *command)
{
    char reason[BUNDLE_KEY_REASON_SIZE];
    struct bundle_key key = {0};
    struct bundle_finding finding;
    const char *trusted = command_option(command, "--key");
    if (trusted != NULL && bundle_key_load_public(&key, trusted, reason) != STATUS_OK) {
        fprintf(stderr, "tillwayctl: %s\n", reason);
        return CTL_FAILED;
    }
    FILE *from = fopen(command->words[2], "re");
    if (from == NULL) {
        fprintf(stderr, "tillwayctl: %s: %s\n", command->words[2], strerror(errno));
        bundle_key_free(&key);
        return CTL_FAILED;
    }
    bundle_check(from, trusted != NULL ? &key : NULL, command_option(command, "--log"), &finding);
    fclose(from);
    bundle_key_free(&key);
    clean(&finding);
    show(command, &finding);
    return fflush(stdout) == 0 && finding.is_good ? CTL_OK : CTL_FAILED;
}

static int run_evidence(const struct command *command)
{
    if (command_is(command, "verify", 3)) {
        return run_verify(command);
    }
    return command_is(command, "export", 3) ? run_export(command) : COMMAND_UNKNOWN;
}

static const char *const OPTIONS[] = {"--out", "--key", "--log", NULL};

const struct command_group EVIDENCE_GROUP = {
    .word = "evidence",
    .offline_word = "verify",
    .options = OPTIONS,
    .usage = "  evidence export CASE --out FILE\n"
             "                             a case as one signed file that proves itself\n"
             "  evidence verify FILE [--key PUBLIC.pem] [--log FOLDER]\n"
             "                             whether nothing was changed, and else where; asks no "
             "server\n",
    .expected =
        "evidence export CASE --out FILE, or evidence verify FILE [--key PUBLIC.pem] [--log "
        "FOLDER]",
    .run = run_evidence,
};
