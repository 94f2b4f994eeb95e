/* See registry_table.h. */
#include "switch/desk/registry_table.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/desk/cell_macro.h"

CELL_WORDS(OBTAINED, enum obtained, obtained_word, OBTAINED_COUNT)
CELL_WORDS(PART, enum part_class, part_word, PART_COUNT)
CELL_WORDS(DAMAGE, enum damage, damage_word, DAMAGE_COUNT)
CELL_WORDS(WARRANTY_FROM, enum warranty_from, warranty_from_word, WARRANTY_FROM_COUNT)
CELL_WORDS(PAYER, enum payer, payer_word, PAYER_COUNT)
CELL_WORDS(CHANNEL_KIND, enum channel_kind, channel_kind_word, CHANNEL_KIND_COUNT)
CELL_WORDS(TERMINAL_STATE, enum terminal_state, terminal_state_word, TERMINAL_STATE_COUNT)
CELL_WORDS(MERCHANT_STATE, enum merchant_state, merchant_state_word, MERCHANT_STATE_COUNT)
CELL_LITERAL_WORDS(WEEKDAY, "mon", "tue", "wed", "thu", "fri", "sat", "sun")

#include "switch/desk/registry_column.def"

static const struct cell_table TABLES[REGISTRY_KIND_COUNT] = {
#define X(name, row) [REGISTRY_##name] = CELL_TABLE(row, #row),
    REGISTRY_MAP(X)
#undef X
};

const struct cell_table *registry_table(enum registry_kind kind)
{
    REQUIRE((unsigned)kind < REGISTRY_KIND_COUNT);
    return &TABLES[kind];
}

static bool is_reversed(int32_t from, int32_t to)
{
    return to != 0 && to < from;
}

const char *registry_row_fault(enum registry_kind kind, const void *row)
{
    const union registry_row *it = row;
    if (kind == REGISTRY_BINDING) {
        const struct terminal_binding *binding = &it->registry_binding.binding;
        return is_reversed(binding->valid_from_day, binding->valid_to_day)
                   ? "valid_to_day lies before valid_from_day"
                   : NULL;
    }
    const char *contract = "contract_to_day lies before contract_from_day";
    if (kind == REGISTRY_AGENT) {
        return is_reversed(it->agent.contract_from_day, it->agent.contract_to_day) ? contract
                                                                                   : NULL;
    }
    if (kind != REGISTRY_MERCHANT) {
        return NULL;
    }
    const struct merchant_registration *merchant = &it->merchant_registration;
    if (is_reversed(merchant->contract_from_day, merchant->contract_to_day)) {
        return contract;
    }
    return is_reversed(merchant->licence_from_day, merchant->licence_to_day)
               ? "licence_to_day lies before licence_from_day"
               : NULL;
}

const char *registry_kind_name(enum registry_kind kind)
{
    return registry_table(kind)->name;
}

enum registry_kind registry_kind_from_name(const char *name)
{
    unsigned i = 0;
    while (i < REGISTRY_KIND_COUNT && strcmp(TABLES[i].name, name) != 0) {
        i++;
    }
    return (enum registry_kind)i;
}
