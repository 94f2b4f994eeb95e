/* The admin port: HTTPS for operators, in a process of its own without keys and card data.
 *
 * It reaches the switch by the control socket and the log read-only, so nothing that happens here,
 * its death included, touches a payment.
 *
 * Life:  admin_start -> (threads of libmicrohttpd serve) -> admin_stop
 */
#pragma once

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
/* Waits for the requests under way. */
void admin_stop(struct admin *admin);
