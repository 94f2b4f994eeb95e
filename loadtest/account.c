/* See account.h. */
#include "loadtest/account.h"

static const char *check_amount(bool is_right)
{
    return is_right ? "00" : "64";
}

const char *account_check(const struct account *account, enum account_follow follow, int64_t amount)
{
    bool is_ended = account->void_count > 0 || account->capture_count > 0;
    if (follow != ACCOUNT_NOTHING && is_ended) {
        return "22";
    }
    switch (follow) {
    case ACCOUNT_VOID:
    case ACCOUNT_RELEASE:
        return account->refunded > 0 ? "22" : check_amount(amount == account->in_force);
    case ACCOUNT_REFUND:
        return check_amount(amount <= account->in_force - account->refunded);
    case ACCOUNT_CAPTURE:
        return check_amount(100 * amount <= ACCOUNT_CAPTURE_PERCENT * account->in_force);
    case ACCOUNT_CHANGE:
        return check_amount(amount >= account->refunded);
    case ACCOUNT_INCREMENT:
    case ACCOUNT_NOTHING:
        break;
    }
    return "00";
}

void account_apply(struct account *account, enum account_follow follow, int64_t amount, int sign)
{
    switch (follow) {
    case ACCOUNT_VOID:
    case ACCOUNT_RELEASE:
        account->void_count += (uint32_t)sign;
        return;
    case ACCOUNT_REFUND:
        account->refunded += sign * amount;
        return;
    case ACCOUNT_INCREMENT:
        account->in_force += sign * amount;
        return;
    case ACCOUNT_CAPTURE:
        account->capture_count += (uint32_t)sign;
        return;
    case ACCOUNT_CHANGE:
        account->in_force = amount;
        return;
    case ACCOUNT_NOTHING:
        return;
    }
}
