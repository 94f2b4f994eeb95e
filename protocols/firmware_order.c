/* See firmware_order.h. */
#include "protocols/firmware_order.h"

#include <string.h>

int firmware_order(const char *left, const char *right)
{
    while (*left != 0 && *right != 0) {
        size_t left_length = strspn(left, "0123456789"), right_length = strspn(right, "0123456789");
        if (left_length == 0 || right_length == 0) {
            if (*left != *right) {
                return *left < *right ? -1 : 1;
            }
            left++;
            right++;
            continue;
        }
        size_t left_zeros = strspn(left, "0"), right_zeros = strspn(right, "0");
        left_zeros = left_zeros < left_length ? left_zeros : left_length - 1;
        right_zeros = right_zeros < right_length ? right_zeros : right_length - 1;
        size_t left_digits = left_length - left_zeros, right_digits = right_length - right_zeros;
        int order = left_digits != right_digits
                        ? (left_digits < right_digits ? -1 : 1)
                        : strncmp(left + left_zeros, right + right_zeros, left_digits);
        if (order != 0) {
            return order;
        }
        left += left_length;
        right += right_length;
    }
    return *left == *right ? 0 : (*left == 0 ? -1 : 1);
}
