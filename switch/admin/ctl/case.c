/* Cases that are followed up: their queue, one of them, what people say of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/admin/ctl/case_show.h"
#include "switch/admin/ctl/command.h"

/* X(option, parameter): what a queue may be narrowed by. */
#define LIST_MAP(X)                                                                                \
    X("--kind", "kind")                                                                            \
    X("--severity", "severity")                                                                    \
    X("--due-before", "due_before")                                                                \
    X("--terminal", "terminal")                                                                    \
    X("--merchant", "merchant")                                                                    \
    X("--agent", "agent")                                                                          \
    X("--point", "point")                                                                          \
    X("--state", "state")                                                                          \
    X("--limit", "limit")                                                                          \
    X("--cursor", "cursor")
/* What one case may be asked with. */
#define SHOW_MAP(X) X("--plan", "plan") X("--part", "part") X("--damage", "damage")
/* Members of a body. */
#define BODY_MAP(X)                                                                                \
    X("--terminal", "terminal_id")                                                                 \
    X("--merchant", "merchant_id")                                                                 \
    X("--reason", "reason")                                                                        \
    X("--fault", "fault")                                                                          \
    X("--severity", "severity")                                                                    \
    X("--source", "source")                                                                        \
    X("--as", "as")

struct option_row {
    const char *option, *parameter;
};
#define ROW(option, parameter) {option, parameter},
static const struct option_row LIST_OPTIONS[] = {LIST_MAP(ROW){NULL, NULL}};
static const struct option_row SHOW_OPTIONS[] = {SHOW_MAP(ROW){NULL, NULL}};
static const struct option_row BODY_OPTIONS[] = {BODY_MAP(ROW){NULL, NULL}};

static void show_list_en(const json_t *json)
{
    case_show_list(json, false);
}

static void show_list_zh(const json_t *json)
{
    case_show_list(json, true);
}

static void show_en(const json_t *json)
{
    case_show(json, false);
}

static void show_zh(const json_t *json)
{
    case_show(json, true);
}

static void show_step_en(const json_t *json)
{
    case_show_step(json, false);
}

static void show_step_zh(const json_t *json)
{
    case_show_step(json, true);
}

static void show_kept(const json_t *json)
{
    static const struct table_column COLUMNS[] = {
        {"case", "id"}, {"held for a court", "is_kept"}, {NULL, NULL}};
    table_write_one(stdout, json, COLUMNS);
}

static void show_readings(const json_t *json)
{
    static const struct table_column COLUMNS[] = {{"TIME", "time"}, {"BY", "actor"}, {NULL, NULL}};
    table_write(stdout, json_object_get(json, "items"), COLUMNS);
}

static bool add_parameters(const struct command *command, const struct option_row *rows, char *path)
{
    for (; rows->option != NULL; rows++) {
        const char *const pair[2] = {rows->parameter, command_option(command, rows->option)};
        if (pair[1] != NULL && !api_add_parameter(command->api, path, COMMAND_PATH_SIZE, pair)) {
            fputs("tillwayctl: what is asked for is too long\n", stderr);
            return false;
        }
    }
    return true;
}

static int list(const struct command *command)
{
    char path[COMMAND_PATH_SIZE] = "/api/v1/cases";
    return add_parameters(command, LIST_OPTIONS, path)
               ? command_get(command, path,
                             command_is_chinese(command) ? show_list_zh : show_list_en)
               : CTL_USAGE;
}

static int show(const struct command *command)
{
    char path[COMMAND_PATH_SIZE];
    snprintf(path, sizeof(path), "/api/v1/cases/%s", command->words[2]);
    return add_parameters(command, SHOW_OPTIONS, path)
               ? command_get(command, path, command_is_chinese(command) ? show_zh : show_en)
               : CTL_USAGE;
}

static int readings(const struct command *command)
{
    char path[COMMAND_PATH_SIZE];
    snprintf(path, sizeof(path), "/api/v1/cases/%s/readings", command->words[2]);
    return command_get(command, path, show_readings);
}

/* ---- what is said ---- */

/* False: one word is no MEMBER=VALUE. */
static bool add_members(const struct command *command, json_t *body)
{
    for (int i = 4; i < command->word_count; i++) {
        const char *equals = strchr(command->words[i], '=');
        size_t length = equals == NULL ? 0 : (size_t)(equals - command->words[i]);
        char name[32];
        if (length == 0 || length >= sizeof(name)) {
            fprintf(stderr, "tillwayctl: %.40s: expected MEMBER=VALUE, as step=1\n",
                    command->words[i]);
            return false;
        }
        memcpy(name, command->words[i], length);
        name[length] = '\0';
        bool is_flag = strcmp(name, "flag") == 0;
        json_object_set_new(body, name,
                            is_flag ? json_integer(strtoll(equals + 1, NULL, 10))
                                    : json_string(equals + 1));
    }
    return true;
}

static void add_options(const struct command *command, json_t *body)
{
    json_t *rrns = json_array();
    for (const struct option_row *row = BODY_OPTIONS; row->option != NULL; row++) {
        const char *value = command_option(command, row->option);
        if (value != NULL) {
            json_object_set_new(body, row->parameter, json_string(value));
        }
    }
    for (int i = 0; i < command->option_count; i++) {
        if (strcmp(command->options[i].name, "--rrn") == 0) {
            json_array_append_new(rrns, json_string(command->options[i].value));
        }
    }
    if (json_array_size(rrns) > 0) {
        json_object_set(body, "rrns", rrns);
    }
    json_decref(rrns);
}

/* "printer,quantity=2,paid_by=warranty" as an object; NULL: one word is no MEMBER=VALUE, or it is
 * longer than any part is. */
static json_t *part_json(const char *text)
{
    char copy[256];
    if (strlen(text) >= sizeof(copy)) {
        return NULL;
    }
    json_t *part = json_object();
    snprintf(copy, sizeof(copy), "%s", text);
    char *next = NULL;
    for (char *word = strtok_r(copy, ",", &next); word != NULL; word = strtok_r(NULL, ",", &next)) {
        char *equals = strchr(word, '=');
        if (equals == NULL && json_object_size(part) > 0) {
            json_decref(part);
            return NULL;
        }
        if (equals != NULL) {
            *equals = '\0';
        }
        json_object_set_new(part, equals != NULL ? word : "part",
                            json_string(equals != NULL ? equals + 1 : word));
    }
    return part;
}

static bool is_option(const struct command *command, int index, const char *name)
{
    return strcmp(command->options[index].name, name) == 0;
}

/* What a repair replaced, and pictures of it. False: one is told in another way. */
static bool add_work(const struct command *command, json_t *body)
{
    for (int i = 0; i < command->option_count; i++) {
        bool is_part = is_option(command, i, "--replaced");
        const char *value = command->options[i].value;
        const char *member = is_part ? "parts" : "photos";
        if (!is_part && !is_option(command, i, "--photo")) {
            continue;
        }
        json_t *item = is_part ? part_json(value) : json_string(value);
        if (item == NULL) {
            fprintf(stderr,
                    "tillwayctl: --replaced %.60s: expected PART,paid_by=warranty or merchant, and "
                    "quantity, serial_before, serial_after, cost_minor as MEMBER=VALUE\n",
                    value);
            return false;
        }
        if (json_object_get(body, member) == NULL) {
            json_object_set_new(body, member, json_array());
        }
        json_array_append_new(json_object_get(body, member), item);
    }
    return true;
}

/* Takes over the body. */
static int say(const struct command *command, const char *path, json_t *body,
               void (*shown)(const json_t *json))
{
    json_t *json = NULL;
    const char *second = command_option(command, "--second-token-file");
    if (second != NULL && !api_set_second(command->api, second)) {
        json_decref(body);
        return CTL_FAILED;
    }
    enum ctl_exit code = api_post_json(command->api, path, body, &json);
    json_decref(body);
    return code == CTL_OK ? command_finish(command, json, shown) : (int)code;
}

static int open_case(const struct command *command)
{
    json_t *body = json_pack("{s:s}", "kind", command->words[2]);
    add_options(command, body);
    return say(command, "/api/v1/cases", body,
               command_is_chinese(command) ? show_step_zh : show_step_en);
}

static int do_event(const struct command *command)
{
    char path[COMMAND_PATH_SIZE];
    json_t *body = json_object();
    if (!command_name_is_plain(command->words[3]) || !add_members(command, body) ||
        !add_work(command, body)) {
        json_decref(body);
        return CTL_USAGE;
    }
    snprintf(path, sizeof(path), "/api/v1/cases/%s/%s", command->words[2], command->words[3]);
    add_options(command, body);
    return say(command, path, body, command_is_chinese(command) ? show_step_zh : show_step_en);
}

static int keep(const struct command *command)
{
    char path[COMMAND_PATH_SIZE];
    json_t *json = NULL;
    snprintf(path, sizeof(path), "/api/v1/cases/%s/keep", command->words[2]);
    if (strcmp(command->words[1], "unkeep") == 0) {
        enum ctl_exit code = api_delete(command->api, path, &json);
        return code == CTL_OK ? command_finish(command, json, show_kept) : (int)code;
    }
    json_t *body = json_object();
    add_options(command, body);
    return say(command, path, body, show_kept);
}

static int run_case(const struct command *command)
{
    if (!command_language_is_known(command)) {
        return CTL_USAGE;
    }
    if (command_is(command, "list", 2)) {
        return list(command);
    }
    if (command_is(command, "open", 3)) {
        return open_case(command);
    }
    bool is_do = command->word_count >= 4 && strcmp(command->words[1], "do") == 0;
    bool is_keep = command_is(command, "keep", 3) || command_is(command, "unkeep", 3);
    bool is_readings = command_is(command, "readings", 3);
    if (!is_do && !is_keep && !is_readings && !command_is(command, "show", 3)) {
        return COMMAND_UNKNOWN;
    }
    if (!command_id_is_plain(command->words[2])) {
        return CTL_USAGE;
    }
    return is_do         ? do_event(command)
           : is_keep     ? keep(command)
           : is_readings ? readings(command)
                         : show(command);
}

#define NAME(option, parameter) option,
static const char *const OPTIONS[] = {LIST_MAP(NAME) SHOW_MAP(NAME) BODY_MAP(NAME) "--rrn",
                                      "--replaced",
                                      "--photo",
                                      "--lang",
                                      "--second-token-file",
                                      NULL};

const struct command_group CASE_GROUP = {
    .word = "case",
    .options = OPTIONS,
    .usage =
        "  case list [--kind KIND] [--severity N] [--due-before T] [--terminal ID] [--merchant "
        "ID]\n"
        "            [--agent ID] [--point ID] [--state open|closed|all] [--limit N] [--lang zh]\n"
        "                             cases to be followed up, the most severe first\n"
        "  case show ID [--plan NAME] [--part PART] [--damage DAMAGE] [--lang zh]\n"
        "                             one case, and all that is needed to go on with it; your\n"
        "                             reading it is written down\n"
        "  case readings ID           who has read it, and when\n"
        "  case open KIND (--terminal ID | --merchant ID) --reason TEXT [--fault CODE]\n"
        "            [--severity N] [--source SOURCE] [--rrn RRN ...] [--as ROLE]\n"
        "  case do ID EVENT [MEMBER=VALUE ...] [--reason TEXT] [--as ROLE]\n"
        "            [--replaced PART,paid_by=warranty|merchant[,quantity=N][,cost_minor=N]\n"
        "             [,serial_before=S][,serial_after=S] ...] [--photo SHA256 ...]\n"
        "            [--second-token-file FILE]\n"
        "                             says what happened; a refusal says what would be permitted\n"
        "  case keep ID --reason TEXT holds it for a court; case unkeep ID no longer\n",
    .expected = "case list, case show ID, case readings ID, case open KIND, case do ID EVENT "
                "[MEMBER=VALUE ...], "
                "case keep ID --reason TEXT, or case unkeep ID",
    .run = run_case,
};
