/* The options of one server: tillway.yaml, checked whole and turned into plain values.
 *
 * Every option is declared once, in config/option.def; loading, the check of unknown words, the
 * printed reference and the comparison at reload are generated from there. Relative paths are
 * relative to the folder of the file.
 *
 * Life:  yaml_file_parse -> server_options_override ... -> server_options_load -> read ...
 *        -> server_options_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/bytes.h"
#include "protocols/base/document.h"
#include "protocols/base/frame_length.h"
#include "protocols/base/status.h"

#define OPTION_LISTENER_COUNT_MAX 16
#define OPTION_CHANNEL_COUNT_MAX 64
#define OPTION_LINK_COUNT_MAX 8   /* connections of one channel */
#define OPTION_MATCH_COUNT_MAX 16 /* match rules of one channel */
#define OPTION_WEBHOOK_COUNT_MAX 8
#define OPTION_NAME_SIZE 16    /* of a listener or channel; as routing knows it */
#define OPTION_DIALECT_SIZE 32 /* file in `specs` without its ending */
#define OPTION_ADDRESS_SIZE 64 /* an IP address; longer than any, so that a fault can show it */
#define OPTION_PATH_SIZE 256
#define OPTION_URL_SIZE 200
#define OPTION_WORD_SIZE 48
#define OPTION_HTTP_TEXT_SIZE 80
#define OPTION_WORD_COUNT_MAX 40
#define OPTION_REFERENCE_SIZE 65536 /* enough for server_options_describe */

/* X(NAME, "word in the file"): the values of options that are a choice. */
#define LOG_FORMAT_MAP(X) X(LOG_FORMAT, PLAIN, "plain") X(LOG_FORMAT, JSON, "json")
#define LOG_LEVEL_MAP(X)                                                                           \
    X(LOG_LEVEL, ERROR, "error")                                                                   \
    X(LOG_LEVEL, WARNING, "warning") X(LOG_LEVEL, INFO, "info") X(LOG_LEVEL, DEBUG, "debug")
#define TLS_VERSION_MAP(X) X(TLS_VERSION, 1_2, "1.2") X(TLS_VERSION, 1_3, "1.3")
#define CHANNEL_MAC_MAP(X)                                                                         \
    X(CHANNEL_MAC, NONE, "none")                                                                   \
    X(CHANNEL_MAC, X9_9, "x9_9")                                                                   \
    X(CHANNEL_MAC, X9_19, "x9_19") X(CHANNEL_MAC, UNIONPAY_ECB, "unionpay_ecb")
#define CHANNEL_MODE_MAP(X)                                                                        \
    X(CHANNEL_MODE, BALANCED, "balanced") X(CHANNEL_MODE, PRIMARY_BACKUP, "primary_backup")
#define CHANNEL_SIGNON_MAP(X)                                                                      \
    X(CHANNEL_SIGNON, LINK, "link")                                                                \
    X(CHANNEL_SIGNON, CHANNEL, "channel") X(CHANNEL_SIGNON, NONE, "none")
#define MATCH_FIELD_MAP(X)                                                                         \
    X(MATCH_FIELD, STAN, "stan")                                                                   \
    X(MATCH_FIELD, TERMINAL, "terminal")                                                           \
    X(MATCH_FIELD, MERCHANT, "merchant")                                                           \
    X(MATCH_FIELD, RRN, "rrn")                                                                     \
    X(MATCH_FIELD, AMOUNT, "amount")                                                               \
    X(MATCH_FIELD, SENT_AT, "sent_at") X(MATCH_FIELD, ACQUIRER, "acquirer")
/* The word is the number of ISO 9564's format; the enumerator is not. */
#define CHANNEL_PIN_MAP(X)                                                                         \
    X(CHANNEL_PIN, FORMAT_0, "0") X(CHANNEL_PIN, FORMAT_1, "1") X(CHANNEL_PIN, FORMAT_3, "3")
/* In the order of enum wallet_kind (protocols/wallet/wallet.h). */
#define WALLET_KIND_MAP(X)                                                                         \
    X(WALLET_KIND, ALIPAY, "alipay")                                                               \
    X(WALLET_KIND, WECHAT_V3, "wechat_v3") X(WALLET_KIND, WECHAT_V2, "wechat_v2")
#define WALLET_SIGN_MAP(X) X(WALLET_SIGN, HMAC_SHA256, "hmac_sha256") X(WALLET_SIGN, MD5, "md5")
#define HSM_MODULE_MAP(X) X(HSM_MODULE, SOFT, "soft")
#define MASTER_KEY_MAP(X)                                                                          \
    X(MASTER_KEY, TEST, "test")                                                                    \
    X(MASTER_KEY, FILE, "file") X(MASTER_KEY, SYSTEMD_CREDENTIAL, "systemd_credential")
/* Bits; the first ones in the order of enum event_out_kind (switch/desk/event_out.h). */
#define WEBHOOK_KIND_MAP(X)                                                                        \
    X(WEBHOOK_KIND, FLAG, "flag")                                                                  \
    X(WEBHOOK_KIND, FLAG_JUDGED, "flag_judged")                                                    \
    X(WEBHOOK_KIND, FLAG_LINKED, "flag_linked")                                                    \
    X(WEBHOOK_KIND, CASE_OPENED, "case_opened")                                                    \
    X(WEBHOOK_KIND, CASE_EVENT, "case_event")                                                      \
    X(WEBHOOK_KIND, CASE_MESSAGE, "case_message") X(WEBHOOK_KIND, ALL, "all")
/* The first ones in the order of enum case_kind (switch/aftersales/flag.h). */
#define WEBHOOK_CASE_MAP(X)                                                                        \
    X(WEBHOOK_CASE, FAULT, "fault")                                                                \
    X(WEBHOOK_CASE, TRANSACTION, "transaction")                                                    \
    X(WEBHOOK_CASE, RISK, "risk")                                                                  \
    X(WEBHOOK_CASE, SERVICE, "service")                                                            \
    X(WEBHOOK_CASE, FEE, "fee") X(WEBHOOK_CASE, ALL_BUT_RISK, "all_but_risk")
/* In the order of enum hsm_pin_policy (hsm/hsm.h). */
#define PIN_POLICY_MAP(X)                                                                          \
    X(PIN_POLICY, NON_PIN, "non_pin") X(PIN_POLICY, LAB, "lab") X(PIN_POLICY, LIVE, "live")

#define X(set, name, word) OPTION_##set##_##name,
enum option_log_format { LOG_FORMAT_MAP(X) };
enum option_log_level { LOG_LEVEL_MAP(X) };
enum option_tls_version { TLS_VERSION_MAP(X) };
enum option_channel_mac { CHANNEL_MAC_MAP(X) };
enum option_channel_pin { CHANNEL_PIN_MAP(X) };
enum option_wallet_kind { WALLET_KIND_MAP(X) };
enum option_wallet_sign { WALLET_SIGN_MAP(X) };
enum option_channel_mode { CHANNEL_MODE_MAP(X) };
enum option_channel_signon { CHANNEL_SIGNON_MAP(X) };
enum option_hsm_module { HSM_MODULE_MAP(X) };
enum option_master_key { MASTER_KEY_MAP(X) };
enum option_pin_policy { PIN_POLICY_MAP(X) };
enum option_webhook_kind { WEBHOOK_KIND_MAP(X) };
enum option_webhook_case { WEBHOOK_CASE_MAP(X) };
#undef X

/* A list of words as it stands in the file. */
struct option_words {
    uint32_t count;
    char items[OPTION_WORD_COUNT_MAX][OPTION_WORD_SIZE];
};

struct framing_options {
    enum frame_length_kind length; /* of a channel */
    uint32_t lengths;              /* of a listener: 1u << each enum frame_length_kind; `auto` is
                                      replaced by what it stands for */
    bool has_tpdu;                 /* framing.tpdu */
    bool may_be_http;              /* framing.http; of a channel: we post */
    uint32_t length_max;
    char http_path[OPTION_HTTP_TEXT_SIZE], http_host[OPTION_HTTP_TEXT_SIZE]; /* of a channel */
};

/* Of the header before the message type; empty: as the spec says. */
struct header_options {
    char source[16], destination[16];
};

struct tls_options {
    bool is_on; /* the section `tls` is there */
    char certificate[OPTION_PATH_SIZE], key[OPTION_PATH_SIZE];
    char client_ca[OPTION_PATH_SIZE]; /* empty: no client certificates asked for */
    enum option_tls_version min_version;
};

struct listener_options {
    char name[OPTION_NAME_SIZE];
    char address[OPTION_ADDRESS_SIZE];
    uint16_t port; /* 0: the kernel picks one */
    char dialect[OPTION_DIALECT_SIZE];
    struct framing_options framing;
    struct option_words http_paths; /* none: any path */
    struct tls_options tls;
    uint32_t connection_max, per_address_max;
    uint32_t handshake_timeout_ms, first_message_timeout_ms, idle_timeout_ms;
    uint32_t line; /* in the file */
};

struct wallet_notify_options {
    bool is_on; /* the section `wallet.notify` is there */
    char address[OPTION_ADDRESS_SIZE];
    uint16_t port; /* 0: the kernel picks one */
    char certificate[OPTION_PATH_SIZE], key[OPTION_PATH_SIZE];
    char url[OPTION_URL_SIZE]; /* as the wallet reaches it */
    uint32_t connection_max;
};

struct wallet_options {
    bool is_on; /* the section `wallet` is there: the channel is no bank */
    enum option_wallet_kind kind;
    enum option_wallet_sign sign_type;
    char url[OPTION_URL_SIZE];
    char ca[OPTION_PATH_SIZE];
    char app_id[33], mch_id[33], sub_mch_id[33], seller_id[33];
    char app_auth_token[65], service_provider_id[33], device_ip[46];
    /* files; empty: not given */
    char app_key[OPTION_PATH_SIZE], app_certificate[OPTION_PATH_SIZE];
    char wallet_public_key[OPTION_PATH_SIZE], platform_certificates[OPTION_PATH_SIZE];
    char api_v3_key[OPTION_PATH_SIZE], api_key[OPTION_PATH_SIZE];
    char client_certificate[OPTION_PATH_SIZE], client_key[OPTION_PATH_SIZE];
    uint32_t certificates_every_ms;
    uint32_t connect_timeout_ms, timeout_ms;
    uint32_t connection_max, request_max;
    /* 0: as the wallet's rules say */
    uint32_t query_min_ms, query_max_ms, query_life_ms, cancel_after_ms;
    uint32_t retry_min_ms, retry_max_ms;
    struct wallet_notify_options notify;
};

/* One connection of a channel. */
struct link_options {
    char address[OPTION_ADDRESS_SIZE];
    uint16_t port;
    bool is_listening;        /* listen: the bank connects to us, at this address and port */
    struct option_words from; /* addresses that may; none: any */
    uint32_t window;          /* requests without an answer at once; 0: the channel's */
    uint32_t line;
};

/* By what an answer is told to belong to a request; the first rule that fits a request counts. */
struct match_options {
    char mti[5];             /* of the request; empty: any */
    char processing_code[7]; /* x stands for any digit; empty: any */
    struct option_words fields;
    uint32_t line;
};

struct link_tls_options {
    bool is_on; /* the section `tls` is there */
    char ca[OPTION_PATH_SIZE];
    char certificate[OPTION_PATH_SIZE], key[OPTION_PATH_SIZE]; /* empty: none is shown */
    char server_name[OPTION_ADDRESS_SIZE]; /* that the bank's certificate must bear; empty: any */
};

struct key_exchange_options {
    bool is_asked;               /* ask: when the channel comes up */
    uint32_t every_ms, grace_ms; /* ask again; how long the MAC key before is still taken */
};

struct channel_options {
    char name[OPTION_NAME_SIZE];
    char address[OPTION_ADDRESS_SIZE]; /* of the only link; empty: see links */
    uint16_t port;
    /* As the file has them; or one, made of address and port. */
    uint32_t link_count;
    struct link_options links[OPTION_LINK_COUNT_MAX];
    enum option_channel_mode mode;
    enum option_channel_signon signon;
    struct link_tls_options tls;
    uint32_t match_count;
    struct match_options match[OPTION_MATCH_COUNT_MAX];
    struct key_exchange_options key_exchange;
    uint32_t half_dead_requests, half_dead_ms; /* half_dead.requests, half_dead.ms */
    char dialect[OPTION_DIALECT_SIZE];
    struct framing_options framing;
    struct header_options header;
    struct option_words kinds; /* names of payment kinds, as payment_kind_name() has them */
    uint32_t echo_every_ms, reply_timeout_ms, reconnect_min_ms, reconnect_max_ms;
    enum option_channel_mac mac; /* mac.algorithm */
    enum option_channel_pin pin_format;
    uint32_t window; /* requests without an answer at once */
    struct wallet_options wallet;
    uint32_t line;
};

struct log_options {
    enum option_log_format format;
    enum option_log_level level;
};

struct store_options {
    char folder[OPTION_PATH_SIZE];
    uint32_t burst_count_max, queue_count_max;
    uint32_t segment_row_count_max, retention_days, reserve_bytes;
};

struct engine_options {
    uint32_t txn_count_max, held_count_max;
    uint32_t response_timeout_ms, inflight_life_ms;
    uint32_t saf_retry_min_ms, saf_retry_max_ms, saf_life_ms;
    uint32_t duplicate_window_ms, signon_timeout_ms, lookup_timeout_ms;
    uint32_t signon_min_interval_ms, status_every_ms;
    uint32_t usage_count_max;
    uint32_t pin_fault_count_max, pin_fault_window_ms, clock_off_max_s;
    uint16_t saf_window, capture_ceiling_percent, tip_ceiling_percent;
};

struct hsm_options {
    enum option_hsm_module module;
    enum option_master_key master_key;
    char master_key_path[OPTION_PATH_SIZE]; /* file; or the credential's name */
    enum option_pin_policy pin_policy;
    bool is_mak_single; /* signon.mak_single */
};

struct table_options {
    char bins[OPTION_PATH_SIZE], merchants[OPTION_PATH_SIZE];
    char terminals[OPTION_PATH_SIZE], keys[OPTION_PATH_SIZE];
    char agents[OPTION_PATH_SIZE], black_list[OPTION_PATH_SIZE]; /* empty: none */
    /* what terminals download; empty: not offered */
    char parameters[OPTION_PATH_SIZE], ca_keys[OPTION_PATH_SIZE];
    char aids[OPTION_PATH_SIZE], bin_lists[OPTION_PATH_SIZE];
};

struct admin_options {
    char address[OPTION_ADDRESS_SIZE];
    uint16_t port;
    char certificate[OPTION_PATH_SIZE], key[OPTION_PATH_SIZE];
    char tokens[OPTION_PATH_SIZE], audit[OPTION_PATH_SIZE];
    char backup_folder[OPTION_PATH_SIZE];
};

/* Where events of after-sales are posted to, by tillway-admin. */
struct webhook_options {
    char name[OPTION_NAME_SIZE];
    char url[OPTION_URL_SIZE];
    char secret_file[OPTION_PATH_SIZE];
    char ca[OPTION_PATH_SIZE]; /* empty: the system's */
    uint32_t kinds, cases;     /* 1u << enum option_webhook_kind, option_webhook_case; "all" and
                                  "all_but_risk" are replaced by what they stand for */
    uint32_t timeout_ms, retry_min_ms, retry_max_ms, give_up_ms;
    uint32_t line;
};

struct aftersales_options {
    char folder[OPTION_PATH_SIZE];       /* empty: terminals are not watched */
    char rules[OPTION_PATH_SIZE];        /* empty: the numbers of signal_number.def */
    char evidence_key[OPTION_PATH_SIZE]; /* empty: evidence is not exported */
    uint32_t card_count_max, image_every_ms;
    uint32_t webhook_count;
    struct webhook_options webhooks[OPTION_WEBHOOK_COUNT_MAX];
};

struct version_options {
    uint32_t count_max;
    bool is_by_two_only;
};

struct server_options {
    char path[OPTION_PATH_SIZE]; /* of the file itself, for faults found later; may be cut */
    uint16_t node;
    char acquirer_id[12]; /* field 32 */
    uint16_t workers;     /* loops that carry I/O, the engine's included */
    struct log_options log;
    uint32_t listener_count, channel_count;
    struct listener_options listeners[OPTION_LISTENER_COUNT_MAX];
    struct channel_options channels[OPTION_CHANNEL_COUNT_MAX];
    struct store_options store;
    struct engine_options engine;
    struct hsm_options hsm;
    struct table_options tables;
    char routes[OPTION_PATH_SIZE], fees[OPTION_PATH_SIZE];
    char limits[OPTION_PATH_SIZE]; /* empty: none */
    char specs[OPTION_PATH_SIZE];  /* folder of the dialects */
    struct version_options versions;
    struct aftersales_options aftersales;
    char control_socket[OPTION_PATH_SIZE];
    uint32_t drain_deadline_ms;
    struct admin_options admin;
};

/* Sets one option of a parsed file before it is loaded: "store.folder=/x", "listeners.0.port=7001".
 * Members on the way are made where they are absent; list items are not.
 * Not STATUS_OK: a fault of the document says what is wrong. */
MUST_CHECK enum status server_options_override(struct document *document, const char *assignment);

/* Checks and reads everything; all faults go into the document. NULL: faulty or no memory. The
 * caller owns the answer. */
struct server_options *server_options_load(struct document *document);
void server_options_destroy(struct server_options *options);

/* The reference of all options, one paragraph each: name, type, range, what stands when absent,
 * whether a reload changes it, and its sentence. OPTION_REFERENCE_SIZE is enough. */
void server_options_describe(struct byte_writer *writer);

/* How many options differ that only a restart can change; a line for each goes to `writer`. */
uint32_t server_options_frozen_changes(const struct server_options *running,
                                       const struct server_options *wanted,
                                       struct byte_writer *writer);
/* Puts what is in force in their place. */
void server_options_keep_frozen(struct server_options *wanted,
                                const struct server_options *running);

/* Whether a link made for the one serves the other: all is equal but what only routing looks at. */
bool server_options_is_same_channel(const struct channel_options *one,
                                    const struct channel_options *other);
/* Whether a connection that came to the one may go on as one of the other: dialect, framing, HTTP
 * paths, and whether there is TLS at all. */
bool server_options_is_same_speech(const struct listener_options *one,
                                   const struct listener_options *other);
