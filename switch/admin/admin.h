/* The admin port: HTTPS for operators, in a process of its own without keys and card data.
 *
 * It reaches the switch by the control socket and the log read-only, so nothing that happens here,
 * its death included, touches a payment.
 *
 * Life:  admin_start -> (threads of libmicrohttpd serve; admin_reload) -> admin_stop
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ADMIN_REASON_SIZE 800

struct admin;
struct case_rules;
struct options_source;
struct webhook_options;

struct admin_setup {
    const char *address;                    /* an IP address */
    uint16_t port;                          /* 0: the kernel picks one */
    const char *certificate, *key;          /* PEM files */
    const char *tokens;                     /* file; empty: nobody has a token */
    const char *audit;                      /* file; empty: calls with an effect are refused */
    const char *control_socket, *log;       /* paths; borrowed, as all others */
    const char *fees;                       /* the fees file of the options */
    const char *backup_folder;              /* for copies of the log; empty: none are made */
    const struct webhook_options *webhooks; /* of the options; borrowed */
    uint32_t webhook_count;
    const char *aftersales;               /* folder of the desk; empty: no after-sales */
    const struct case_rules *case_rules;  /* copied; NULL: those that Tillway comes with */
    const char *evidence_key;             /* PEM file; empty: evidence is not exported */
    const struct options_source *options; /* dry runs read it anew; NULL: there are none */
};

/* NULL: `reason` says what is wrong. */
struct admin *admin_start(const struct admin_setup *setup, char reason[ADMIN_REASON_SIZE]);
uint16_t admin_port(const struct admin *admin);
/* What is taken over while it serves: all of it, or nothing and `reason` says why. All is copied.
 * Attempts of webhooks that are under way are interrupted and made again. One thread at a time. */
struct admin_change {
    const struct webhook_options *webhooks;
    uint32_t webhook_count;
    const struct case_rules *case_rules;
};
bool admin_reload(struct admin *admin, const struct admin_change *change,
                  char reason[ADMIN_REASON_SIZE]);
/* Waits for the requests under way. */
void admin_stop(struct admin *admin);
