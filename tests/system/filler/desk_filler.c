/* desk_filler FOLDER TERMINAL MERCHANT TERMINAL MERCHANT: a database of after-sales as a system
 * test wants to find it, made by the product's own calls.
 *
 * Registered: a model with a script, a warranty and a service point; the first terminal and
 * merchant, of agent A17, plan signed CAP50; the second ones, of agent A18. For the first terminal
 * a case of a printer (P1) with its flag, opened by the switch; for the second a risk case. A flag
 * without a case. Prints the numbers: the printer's case, the risk case, the flag.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "switch/desk/case_book.h"
#include "switch/desk/flag_book.h"
#include "switch/desk/registry.h"

#define DAY_US INT64_C(86400000000)

static struct desk *desk;
static struct desk_actor filler = {.actor = "filler"};

static void check(enum status status, const char *what)
{
    if (status != STATUS_OK) {
        fprintf(stderr, "desk_filler: %s: %s\n", what, desk_reason(desk));
        _Exit(1);
    }
}

static void put(enum registry_kind kind, const void *row)
{
    check(registry_put(desk, kind, row, &filler), registry_kind_name(kind));
}

static int32_t today(void)
{
    return (int32_t)(filler.wall_us / DAY_US);
}

static void put_model(void)
{
    const struct device_model model = {.brand = "PAX", .brand_zh = "百富", .model = "A920"};
    const struct first_aid_script script = {.brand = "PAX",
                                            .model = "A920",
                                            .fault = "P1",
                                            .step = 1,
                                            .zh = "打开纸仓盖,重新装纸",
                                            .en = "open the lid and put the paper in anew"};
    const struct warranty warranty = {.brand = "PAX",
                                      .part = PART_WHOLE,
                                      .months = 12,
                                      .from = WARRANTY_FROM_SOLD,
                                      .exclusions = DAMAGE_BIT(LIQUID),
                                      .way_there = PAYER_MERCHANT,
                                      .way_back = PAYER_MAKER,
                                      .labour_minor = 8000,
                                      .part_minor = 20000,
                                      .verified_day = today()};
    put(REGISTRY_DEVICE_MODEL, &model);
    put(REGISTRY_FIRST_AID, &script);
    put(REGISTRY_WARRANTY, &warranty);
}

static void put_help(void)
{
    const struct service_channel hotline = {.channel_id = "H1",
                                            .kind = CHANNEL_KIND_HOTLINE,
                                            .source = OBTAINED_UNKNOWN,
                                            .name = "商户服务热线",
                                            .contact = "95516",
                                            .weekdays = 0x7F,
                                            .verified_day = today()};
    const struct service_point point = {.point_id = "P3",
                                        .name = "浦东服务点",
                                        .address = "1 Nanjing Road",
                                        .brands = {"PAX"},
                                        .repairs = 1u << PART_PRINTER | 1u << PART_WHOLE,
                                        .area_code = 310115,
                                        .latitude_e3 = 31240,
                                        .longitude_e3 = 121480,
                                        .weekdays = 0x7F,
                                        .is_open = true,
                                        .verified_day = today()};
    put(REGISTRY_SERVICE_CHANNEL, &hotline);
    put(REGISTRY_SERVICE_POINT, &point);
}

static void put_shop(const char *terminal_id, const char *merchant_id, const char *agent_id)
{
    struct agent agent = {.name = "agent"};
    struct merchant_registration merchant = {.name = "便利店",
                                             .mcc = "5411",
                                             .plan = "CAP50",
                                             .risk_level = 1,
                                             .state = MERCHANT_STATE_ACTIVE};
    struct terminal_registration terminal = {.brand = "PAX",
                                             .model = "A920",
                                             .firmware = "1.2.0",
                                             .obtained = OBTAINED_AGENT,
                                             .sold_day = today() - 30,
                                             .state = TERMINAL_STATE_ACTIVE};
    struct registry_binding binding = {.binding = {.address = "2 Nanjing Road",
                                                   .has_place = true,
                                                   .latitude_e3 = 31230,
                                                   .longitude_e3 = 121473,
                                                   .area_code = 310115}};
    snprintf(agent.agent_id, sizeof(agent.agent_id), "%s", agent_id);
    snprintf(merchant.merchant_id, sizeof(merchant.merchant_id), "%s", merchant_id);
    snprintf(merchant.agent_id, sizeof(merchant.agent_id), "%s", agent_id);
    snprintf(terminal.terminal_id, sizeof(terminal.terminal_id), "%s", terminal_id);
    snprintf(terminal.serial, sizeof(terminal.serial), "SN%s", terminal_id);
    snprintf(terminal.obtained_from, sizeof(terminal.obtained_from), "%s", agent_id);
    snprintf(binding.terminal_id, sizeof(binding.terminal_id), "%s", terminal_id);
    snprintf(binding.serial, sizeof(binding.serial), "%s", terminal.serial);
    snprintf(binding.binding.merchant_id, sizeof(binding.binding.merchant_id), "%s", merchant_id);
    binding.binding.valid_from_day = today() - 30;
    put(REGISTRY_AGENT, &agent);
    put(REGISTRY_MERCHANT, &merchant);
    put(REGISTRY_TERMINAL, &terminal);
    put(REGISTRY_BINDING, &binding);
}

static uint64_t add_flag(enum signal_code signal, const char *terminal_id, const char *merchant_id)
{
    static uint64_t position = 1000;
    uint64_t id = 0;
    bool is_new = false;
    position++;
    struct flag flag = {.signal = signal,
                        .subject = FLAG_OF_TERMINAL,
                        .severity = signal_severity(signal),
                        .window_begin_us = filler.wall_us - 1000000,
                        .window_end_us = filler.wall_us - 1,
                        .value = 3,
                        .threshold = 1,
                        .position = position};
    snprintf(flag.subject_id, sizeof(flag.subject_id), "%s", terminal_id);
    snprintf(flag.terminal_id, sizeof(flag.terminal_id), "%s", terminal_id);
    snprintf(flag.merchant_id, sizeof(flag.merchant_id), "%s", merchant_id);
    check(flag_book_add(desk, &flag, &id, &is_new), "a flag");
    return id;
}

static uint64_t open_case(enum case_kind kind, const char *fault, const char *terminal_id,
                          const char *merchant_id)
{
    struct case_rules rules;
    struct case_effects effects;
    struct service_case it = {.kind = kind,
                              .source = CASE_SOURCE_RULE,
                              .subject = FLAG_OF_TERMINAL,
                              .brand = "PAX",
                              .model = "A920",
                              .obtained = OBTAINED_AGENT,
                              .severity = 2,
                              .service_class = SERVICE_P2};
    const struct case_event event = {.kind = CASE_EVENT_OPEN,
                                     .role = CASE_ROLE_SWITCH,
                                     .wall_us = filler.wall_us,
                                     .actor = "switch",
                                     .reason = "a flag"};
    snprintf(it.subject_id, sizeof(it.subject_id), "%s", terminal_id);
    snprintf(it.terminal_id, sizeof(it.terminal_id), "%s", terminal_id);
    snprintf(it.merchant_id, sizeof(it.merchant_id), "%s", merchant_id);
    snprintf(it.serial, sizeof(it.serial), "SN%s", terminal_id);
    snprintf(it.cause, sizeof(it.cause), "%s", fault);
    snprintf(it.fault, sizeof(it.fault), "%s", fault);
    case_rules_default(&rules);
    check(case_book_open(desk, &it, &event, &rules, &effects), "a case");
    return it.id;
}

int main(int argc, char **argv)
{
    char path[512], reason[DESK_REASON_SIZE] = "";
    struct timespec now;
    if (argc != 6) {
        fputs("usage: desk_filler FOLDER TERMINAL MERCHANT TERMINAL MERCHANT\n", stderr);
        return 2;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    filler.wall_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    snprintf(path, sizeof(path), "%s/aftersales.db", argv[1]);
    if (desk_open(&desk, path, reason) != STATUS_OK) {
        fprintf(stderr, "desk_filler: %s\n", reason);
        return 1;
    }
    put_model();
    put_help();
    put_shop(argv[2], argv[3], "A17");
    put_shop(argv[4], argv[5], "A18");
    uint64_t printer = open_case(CASE_FAULT, "P1", argv[2], argv[3]);
    uint64_t flag = add_flag(SIGNAL_DEVICE_FAULTY, argv[2], argv[3]);
    check(case_book_link_flag(desk, printer, flag), "the flag's case");
    uint64_t risk = open_case(CASE_RISK, "X2", argv[4], argv[5]);
    uint64_t alone = add_flag(SIGNAL_CLOCK_OFF, argv[4], argv[5]);
    printf("%llu %llu %llu\n", (unsigned long long)printer, (unsigned long long)risk,
           (unsigned long long)alone);
    desk_close(desk);
    return 0;
}
