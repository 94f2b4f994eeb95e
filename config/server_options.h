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
#include "protocols/base/status.h"

#define OPTION_LISTENER_COUNT_MAX 16
#define OPTION_CHANNEL_COUNT_MAX 64
#define OPTION_NAME_SIZE 16    /* of a listener or channel; as routing knows it */
#define OPTION_DIALECT_SIZE 32 /* file in `specs` without its ending */
#define OPTION_ADDRESS_SIZE 64 /* an IP address, or a host name of a channel */
#define OPTION_PATH_SIZE 256
#define OPTION_WORD_SIZE 48
#define OPTION_WORD_COUNT_MAX 40
#define OPTION_REFERENCE_SIZE 65536 /* enough for server_options_describe */

/* X(NAME, "word in the file"): the values of options that are a choice. */
#define LOG_FORMAT_MAP(X) X(LOG_FORMAT, PLAIN, "plain") X(LOG_FORMAT, JSON, "json")
#define LOG_LEVEL_MAP(X)                                                                           \
    X(LOG_LEVEL, ERROR, "error")                                                                   \
    X(LOG_LEVEL, WARNING, "warning") X(LOG_LEVEL, INFO, "info") X(LOG_LEVEL, DEBUG, "debug")
/* In the order of enum frame_length_kind (protocols/frame.h), which config/ may not include. */
#define FRAMING_LENGTH_MAP(X)                                                                      \
    X(FRAMING_LENGTH, BINARY_2, "binary_2")                                                        \
    X(FRAMING_LENGTH, BINARY_2_INCLUSIVE, "binary_2_inclusive")                                    \
    X(FRAMING_LENGTH, ASCII_4, "ascii_4")                                                          \
    X(FRAMING_LENGTH, BCD_2, "bcd_2") X(FRAMING_LENGTH, BINARY_4, "binary_4")
#define TLS_VERSION_MAP(X) X(TLS_VERSION, 1_2, "1.2") X(TLS_VERSION, 1_3, "1.3")
#define CHANNEL_MAC_MAP(X)                                                                         \
    X(CHANNEL_MAC, NONE, "none")                                                                   \
    X(CHANNEL_MAC, X9_9, "x9_9")                                                                   \
    X(CHANNEL_MAC, X9_19, "x9_19") X(CHANNEL_MAC, UNIONPAY_ECB, "unionpay_ecb")
/* The word is the number of ISO 9564's format; the enumerator is not. */
#define CHANNEL_PIN_MAP(X)                                                                         \
    X(CHANNEL_PIN, FORMAT_0, "0") X(CHANNEL_PIN, FORMAT_1, "1") X(CHANNEL_PIN, FORMAT_3, "3")
#define HSM_MODULE_MAP(X) X(HSM_MODULE, SOFT, "soft")
#define MASTER_KEY_MAP(X)                                                                          \
    X(MASTER_KEY, TEST, "test")                                                                    \
    X(MASTER_KEY, FILE, "file") X(MASTER_KEY, SYSTEMD_CREDENTIAL, "systemd_credential")
/* In the order of enum hsm_pin_policy (hsm/hsm.h). */
#define PIN_POLICY_MAP(X)                                                                          \
    X(PIN_POLICY, NON_PIN, "non_pin") X(PIN_POLICY, LAB, "lab") X(PIN_POLICY, LIVE, "live")

#define X(set, name, word) OPTION_##set##_##name,
enum option_log_format { LOG_FORMAT_MAP(X) };
enum option_log_level { LOG_LEVEL_MAP(X) };
enum option_framing_length { FRAMING_LENGTH_MAP(X) };
enum option_tls_version { TLS_VERSION_MAP(X) };
enum option_channel_mac { CHANNEL_MAC_MAP(X) };
enum option_channel_pin { CHANNEL_PIN_MAP(X) };
enum option_hsm_module { HSM_MODULE_MAP(X) };
enum option_master_key { MASTER_KEY_MAP(X) };
enum option_pin_policy { PIN_POLICY_MAP(X) };
#undef X

/* A list of words as it stands in the file. */
struct option_words {
    uint32_t count;
    char items[OPTION_WORD_COUNT_MAX][OPTION_WORD_SIZE];
};

struct framing_options {
    enum option_framing_length length;
    bool has_tpdu;    /* framing.tpdu */
    bool may_be_http; /* framing.http */
    uint32_t length_max;
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

struct channel_options {
    char name[OPTION_NAME_SIZE];
    char address[OPTION_ADDRESS_SIZE];
    uint16_t port;
    char dialect[OPTION_DIALECT_SIZE];
    struct framing_options framing;
    struct option_words kinds; /* names of payment kinds, as payment_kind_name() has them */
    uint32_t echo_every_ms, reply_timeout_ms, reconnect_min_ms, reconnect_max_ms;
    enum option_channel_mac mac; /* mac.algorithm */
    enum option_channel_pin pin_format;
    uint32_t window; /* requests without an answer at once */
    uint32_t line;
};

struct log_options {
    enum option_log_format format;
    enum option_log_level level;
};

struct store_options {
    char path[OPTION_PATH_SIZE];
    uint32_t burst_count_max, queue_count_max;
};

struct engine_options {
    uint32_t txn_count_max, held_count_max;
    uint32_t response_timeout_ms, inflight_life_ms;
    uint32_t saf_retry_min_ms, saf_retry_max_ms, saf_life_ms;
    uint32_t duplicate_window_ms, signon_timeout_ms;
    uint16_t saf_window;
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
};

struct admin_options {
    char address[OPTION_ADDRESS_SIZE];
    uint16_t port;
    char certificate[OPTION_PATH_SIZE], key[OPTION_PATH_SIZE];
    char tokens[OPTION_PATH_SIZE], audit[OPTION_PATH_SIZE];
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
    char specs[OPTION_PATH_SIZE]; /* folder of the dialects */
    char control_socket[OPTION_PATH_SIZE];
    uint32_t drain_deadline_ms;
    struct admin_options admin;
};

/* Sets one option of a parsed file before it is loaded: "store.path=/x", "listeners.0.port=7001".
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

/* How many options differ that only a restart can change; a line for each goes to `writer`. Items
 * of `listeners` and `channels` are compared by place. */
uint32_t server_options_frozen_changes(const struct server_options *running,
                                       const struct server_options *wanted,
                                       struct byte_writer *writer);
