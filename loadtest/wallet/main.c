/* tillway-wallet: Alipay and WeChat Pay to test against. It verifies what it is sent, signs what it
 * answers, keeps books of its own, and does wrong as often as it is told to.
 *
 *     tillway-wallet keys --out FOLDER
 *     tillway-wallet run --keys FOLDER --port P ...
 *     tillway-wallet bill --ledger FILE --wallet alipay|wechat --day YYYY-MM-DD
 *
 * Prints "listening on ADDRESS:PORT" on stdout once it does, and its counts as one line of JSON
 * when it stops. SIGUSR1 heals it (no draws strike any more), SIGTERM stops it in order. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "loadtest/wallet/run_command.h"

int main(int argc, char **argv)
{
    setvbuf(stderr, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    if (argc >= 2 && strcmp(argv[1], "keys") == 0) {
        return keys_command(argc - 1, argv + 1);
    }
    if (argc >= 2 && strcmp(argv[1], "bill") == 0) {
        return bill_command(argc - 1, argv + 1);
    }
    if (argc >= 2 && strcmp(argv[1], "run") == 0) {
        return run_command(argc - 1, argv + 1);
    }
    bool is_help = argc == 2 && strcmp(argv[1], "--help") == 0;
    fprintf(is_help ? stdout : stderr, "usage: tillway-wallet keys --out FOLDER | run --keys "
                                       "FOLDER [options] | bill --ledger FILE --day DAY\n"
                                       "       --help after each word lists its options\n");
    return is_help ? 0 : 2;
}
