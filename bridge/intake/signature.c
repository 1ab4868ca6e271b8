/* SPDX-License-Identifier: MIT */
#include "bridge/intake/signature.h"

#include <string.h>

#include "bridge/crypto.h"
#include "rules/fault.h"

#define PARTS_MAX 8 /* three places, each once, and what is around them */

/* What is signed, piece by piece: literals of the message, headers, the body. */
typedef struct {
    CryptoPart parts[PARTS_MAX];
    size_t n;
} Message;

/* A header by its name; "" names none, and is "" then. */
static const char *find(AuthHeader *header, const void *request, const char *name)
{
    return *name != '\0' ? header(request, name) : "";
}

bool signature_is_tried(const SignatureConfig *signature, AuthHeader *header,
                        const void *request)
{
    return signature->n_secrets > 0 && header(request, signature->header) != NULL &&
           find(header, request, signature->timestamp_header) != NULL &&
           find(header, request, signature->id_header) != NULL;
}

static CryptoPart text_part(const char *text)
{
    return (CryptoPart){text, strlen(text)};
}

/* Whether AT begins with PLACE, and the part that stands there. */
static bool find_place(const SignatureConfig *signature, const AuthRequest *request,
                       const char *at, size_t *length, CryptoPart *part)
{
    const struct {
        const char *place;
        CryptoPart part;
    } places[] = {
        {"{body}", {request->body, request->length}},
        {"{timestamp}",
         text_part(find(request->header, request->request, signature->timestamp_header))},
        {"{id}", text_part(find(request->header, request->request, signature->id_header))},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        *length = strlen(places[i].place);
        if (strncmp(at, places[i].place, *length) == 0) {
            *part = places[i].part;
            return true;
        }
    }
    return false;
}

static void assemble(const SignatureConfig *signature, const AuthRequest *request,
                     Message *message)
{
    const char *at = signature->message;
    while (*at != '\0') {
        g_assert(message->n < PARTS_MAX);
        size_t length;
        CryptoPart part;
        if (!find_place(signature, request, at, &length, &part)) {
            length = 1 + strcspn(at + 1, "{");
            part = (CryptoPart){at, length};
        }
        message->parts[message->n++] = part;
        at += length;
    }
}

/* DIGEST as the header must have it, behind its prefix.  Comparing texts leaves no
 * second way to write a signature. */
static char *encode(const SignatureConfig *signature, const guint8 *digest, size_t length)
{
    if (signature->encoding == ENCODING_BASE64) {
        return g_base64_encode(digest, length);
    }
    GString *hex = g_string_sized_new(2 * length);
    for (size_t i = 0; i < length; i++) {
        g_string_append_printf(hex, "%02x", digest[i]);
    }
    return g_string_free(hex, FALSE);
}

static bool equals(const SignatureConfig *signature, const char *expected, const char *given)
{
    if (!g_str_has_prefix(given, signature->prefix)) {
        return false;
    }
    given += strlen(signature->prefix);
    g_autofree char *text =
        signature->encoding == ENCODING_HEX ? g_ascii_strdown(given, -1) : g_strdup(given);
    return crypto_equal(expected, strlen(expected), text, strlen(text));
}

/* GIVEN is one signature, or of Standard Webhooks a list of them. */
static bool contains(const SignatureConfig *signature, const char *expected, const char *given)
{
    if (!signature->standard) {
        return equals(signature, expected, given);
    }
    g_auto(GStrv) list = g_strsplit(given, " ", -1);
    bool found = false;
    for (size_t i = 0; list[i] != NULL; i++) {
        found |= equals(signature, expected, list[i]);
    }
    return found;
}

/* The bytes of a secret, NULL with ERROR set. */
static guint8 *read_key(const SignatureConfig *signature, const Secret *secret, size_t *length,
                        GError **error)
{
    char *text = secret_read(secret, error);
    *length = text != NULL ? strlen(text) : 0;
    if (*length == 0 || !signature->standard) {
        return (guint8 *)text;
    }
    guint8 *key = secret_decode(text, length);
    secret_free(text);
    if (key == NULL) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "secret file %s: not base64",
                    secret->file != NULL ? secret->file : "");
    }
    return key;
}

static AuthVerdict try_secret(const SignatureConfig *signature, const Secret *secret,
                              const Message *message, const char *given, GError **error)
{
    guint8 digest[CRYPTO_HMAC_MAX];
    size_t length;
    guint8 *key = read_key(signature, secret, &length, error);
    if (key == NULL) {
        return AUTH_BROKEN;
    }
    size_t size = length > 0 ? crypto_hmac((CryptoHash)signature->algorithm, key, length,
                                           message->parts, message->n, digest)
                             : 0;
    explicit_bzero(key, length);
    g_free(key);
    if (length > 0 && size == 0) {
        g_set_error_literal(error, FAULT, FAULT_SYSTEM, "compute the signature");
        return AUTH_BROKEN;
    }
    g_autofree char *expected = encode(signature, digest, size);
    return size > 0 && contains(signature, expected, given) ? AUTH_OK : AUTH_REFUSED;
}

static bool is_fresh(const SignatureConfig *signature, const AuthRequest *request)
{
    guint64 seconds;
    if (*signature->timestamp_header == '\0') {
        return true;
    }
    const char *text = request->header(request->request, signature->timestamp_header);
    if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64 / 1000, &seconds, NULL)) {
        return false;
    }
    int64_t late_ms = request->now_ms - (int64_t)seconds * 1000;
    return late_ms <= signature->tolerance_ms && -late_ms <= signature->tolerance_ms;
}

AuthVerdict signature_check(const SignatureConfig *signature, const AuthRequest *request,
                            GError **error)
{
    Message message = {.n = 0};
    AuthVerdict verdict = AUTH_REFUSED;
    g_autoptr(GError) broken = NULL;
    if (!signature_is_tried(signature, request->header, request->request)) {
        return AUTH_REFUSED;
    }
    assemble(signature, request, &message);
    const char *given = request->header(request->request, signature->header);
    for (unsigned i = 0; i < signature->n_secrets && verdict != AUTH_OK; i++) {
        AuthVerdict one = try_secret(signature, &signature->secrets[i], &message, given,
                                     broken == NULL ? &broken : NULL);
        verdict = one == AUTH_OK ? AUTH_OK : MAX(verdict, one);
    }
    if (verdict == AUTH_BROKEN) {
        g_propagate_error(error, g_steal_pointer(&broken));
    }
    return verdict == AUTH_OK && !is_fresh(signature, request) ? AUTH_STALE : verdict;
}
