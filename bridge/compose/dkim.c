/* SPDX-License-Identifier: MIT */
#include "bridge/compose/dkim.h"

#include <pthread.h>
#include <string.h>

#include "bridge/crypto.h"
#include "rules/fault.h"

#define FOLD_AT 76

/* In this order, those that are there; then From once more. */
static const char *const signed_names[] = {
    "from",       "to",           "cc",           "reply-to",
    "subject",    "date",         "message-id",   "in-reply-to",
    "references", "mime-version", "content-type", "content-transfer-encoding",
    "auto-submitted",
};

struct Dkim {
    pthread_mutex_t lock; /* guards both */
    guint8 digest[CRYPTO_SHA256_SIZE]; /* of the text that KEY was made from */
    CryptoKey *key;                    /* NULL: none yet */
};

Dkim *dkim_new(void)
{
    Dkim *dkim = g_new0(Dkim, 1);
    pthread_mutex_init(&dkim->lock, NULL);
    return dkim;
}

void dkim_free(Dkim *dkim)
{
    if (dkim != NULL) {
        crypto_key_unref(dkim->key);
        pthread_mutex_destroy(&dkim->lock);
        g_free(dkim);
    }
}

/* --- the key --- */

static CryptoKey *parse_key(const char *pem, GError **error)
{
    g_autoptr(CryptoKey) key = crypto_key_parse(pem, error);
    if (key == NULL) {
        return NULL;
    }
    if (crypto_key_bits(key) < DKIM_BITS_MIN) {
        g_set_error(error, FAULT, FAULT_INPUT, "the key has %u bits, %d are the least",
                    crypto_key_bits(key), DKIM_BITS_MIN);
        return NULL;
    }
    return g_steal_pointer(&key);
}

/* Parsing a key and its first signature cost twice as much as a signature. */
static CryptoKey *known_key(Dkim *dkim, const guint8 *digest)
{
    pthread_mutex_lock(&dkim->lock);
    bool known = dkim->key != NULL && memcmp(dkim->digest, digest, CRYPTO_SHA256_SIZE) == 0;
    CryptoKey *key = known ? crypto_key_ref(dkim->key) : NULL;
    pthread_mutex_unlock(&dkim->lock);
    return key;
}

static void remember_key(Dkim *dkim, const guint8 *digest, CryptoKey *key)
{
    pthread_mutex_lock(&dkim->lock);
    CryptoKey *old = dkim->key;
    dkim->key = crypto_key_ref(key);
    memcpy(dkim->digest, digest, CRYPTO_SHA256_SIZE);
    pthread_mutex_unlock(&dkim->lock);
    crypto_key_unref(old);
}

static CryptoKey *find_key(Dkim *dkim, const DkimConfig *config, GError **error)
{
    char *pem = secret_read(&config->private_key, error);
    if (pem == NULL) {
        return NULL;
    }
    guint8 digest[CRYPTO_SHA256_SIZE];
    crypto_sha256(pem, strlen(pem), digest);
    CryptoKey *key = known_key(dkim, digest);
    if (key == NULL && (key = parse_key(pem, error)) != NULL) {
        remember_key(dkim, digest, key);
    }
    secret_free(pem);
    return key;
}

static const char *key_setting(const DkimConfig *config)
{
    return config->private_key.file != NULL ? "private_key_file" : "private_key";
}

bool dkim_check(const DkimConfig *config, char **take_note, GError **error)
{
    *take_note = NULL;
    if (*config->domain == '\0') {
        return true;
    }
    g_autoptr(GError) unreadable = NULL;
    char *pem = secret_read(&config->private_key, &unreadable);
    if (pem == NULL) {
        *take_note = g_strdup_printf("%s.%s: %s: mails go out without a signature", config->place,
                                     key_setting(config), unreadable->message);
        return true;
    }
    g_autoptr(CryptoKey) key = parse_key(pem, error);
    secret_free(pem);
    if (key == NULL) {
        g_prefix_error(error, "%s.%s: ", config->place, key_setting(config));
        return false;
    }
    if (crypto_key_bits(key) < DKIM_BITS_USUAL) {
        *take_note = g_strdup_printf("%s.%s: the key has %u bits; receivers expect %d",
                                     config->place, key_setting(config),
                                     crypto_key_bits(key), DKIM_BITS_USUAL);
    }
    return true;
}

/* --- relaxed forms: RFC 6376, 3.4.2 and 3.4.4 --- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* [AT, END) with its runs of blanks as one, none at its end and its line ends gone; as
 * it goes to OUT, there is room. */
static char *put_relaxed(char *out, const char *at, const char *end)
{
    bool blank = false;
    for (; at < end; at++) {
        if (is_blank(*at)) {
            blank = true;
        } else if (*at != '\r' && *at != '\n') {
            if (blank) {
                *out++ = ' ';
                blank = false;
            }
            *out++ = *at;
        }
    }
    return out;
}

/* The field that starts at AT, without the end of its last line. */
static void append_field(GString *out, const char *at, const char *end)
{
    const char *colon = memchr(at, ':', (size_t)(end - at));
    const char *value = colon + 1;
    while (value < end && strchr(" \t\r\n", *value) != NULL) {
        value++;
    }
    for (; at < colon && !is_blank(*at); at++) {
        g_string_append_c(out, g_ascii_tolower(*at));
    }
    g_string_append_c(out, ':');
    size_t before = out->len;
    g_string_set_size(out, before + (size_t)(end - value));
    char *stop = put_relaxed(out->str + before, value, end);
    g_string_truncate(out, (gsize)(stop - out->str));
}

/* Empty lines at the end do not count. */
static char *relaxed_body(const char *at, const char *end, size_t *length)
{
    char *body = g_malloc((size_t)(end - at) + 3), *out = body, *last = body;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const char *line_end = stop != NULL ? stop : end;
        char *begin = out;
        out = put_relaxed(out, at, line_end);
        bool empty = out == begin;
        *out++ = '\r';
        *out++ = '\n';
        last = empty ? last : out;
        at = stop != NULL ? stop + 1 : end;
    }
    *length = (size_t)(last - body);
    return body;
}

/* --- the signature --- */

/* The field behind the one at AT. */
static const char *field_end(const char *at)
{
    do {
        at = strstr(at, "\r\n") + 2;
    } while (is_blank(*at));
    return at;
}

static bool field_is(const char *field, const char *name)
{
    size_t length = strlen(name);
    return g_ascii_strncasecmp(field, name, length) == 0 && field[length] == ':';
}

/* Where the field NAME is in the headers of a mail, NULL if it has none. */
static const char *find_field(const char *headers, const char *name)
{
    for (const char *at = headers; *at != '\r' && *at != '\0'; at = field_end(at)) {
        if (field_is(at, name)) {
            return at;
        }
    }
    return NULL;
}

/* A piece of the signature's field that is not broken; what follows is. */
static void add_piece(GString *out, const char *piece)
{
    const char *line = g_strrstr_len(out->str, (gssize)out->len, "\r\n");
    size_t column = line != NULL ? strlen(line) - 2 : out->len;
    if (column + strlen(piece) > FOLD_AT) {
        g_string_append(out, "\r\n ");
        piece += *piece == ' ';
    }
    g_string_append(out, piece);
}

static void add_tag(GString *out, const char *name, const char *value)
{
    g_autofree char *piece = g_strdup_printf(" %s=%s;", name, value);
    add_piece(out, piece);
}

/* The names signed, into the signature; the fields, into what is signed. */
static void add_names(GString *out, GString *input, const char *headers)
{
    add_piece(out, " h=");
    for (size_t i = 0; i < G_N_ELEMENTS(signed_names); i++) {
        const char *field = find_field(headers, signed_names[i]);
        if (field != NULL) {
            g_autofree char *piece = g_strconcat(signed_names[i], ":", NULL);
            add_piece(out, piece);
            append_field(input, field, field_end(field) - 2);
            g_string_append(input, "\r\n");
        }
    }
    add_piece(out, "from;");
}

static char *body_hash(const char *body, const char *end)
{
    guint8 digest[CRYPTO_SHA256_SIZE];
    size_t length;
    g_autofree char *relaxed = relaxed_body(body, end, &length);
    crypto_sha256(relaxed, length, digest);
    return g_base64_encode(digest, sizeof digest);
}

static GString *sign(const CryptoKey *key, const DkimConfig *config, int64_t time_s,
                     const GString *bytes)
{
    const char *body = strstr(bytes->str, "\r\n\r\n") + 4;
    g_autofree char *hash = body_hash(body, bytes->str + bytes->len);
    g_autofree char *time = g_strdup_printf("%" G_GINT64_FORMAT, time_s);
    g_autoptr(GString) input = g_string_sized_new(1024);
    GString *out = g_string_new("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;");
    add_tag(out, "d", config->domain);
    add_tag(out, "s", config->selector);
    add_tag(out, "t", time);
    add_names(out, input, bytes->str);
    add_tag(out, "bh", hash);
    add_piece(out, " b=");
    append_field(input, out->str, out->str + out->len);
    g_autofree char *signature = crypto_sign(key, input->str, input->len);
    for (const char *at = signature; at != NULL && *at != '\0'; at += strnlen(at, 64)) {
        g_string_append_printf(out, "\r\n %.64s", at);
    }
    g_string_append(out, "\r\n");
    if (signature == NULL) {
        g_string_free(g_steal_pointer(&out), TRUE);
    }
    return out;
}

bool dkim_sign(Dkim *dkim, const DkimConfig *config, int64_t time_s, GString *bytes,
               GError **error)
{
    g_autoptr(CryptoKey) key = find_key(dkim, config, error);
    g_autoptr(GString) field = key != NULL ? sign(key, config, time_s, bytes) : NULL;
    if (key != NULL && field == NULL) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "the key does not sign");
    }
    if (field == NULL) {
        g_prefix_error(error, "dkim: %s: ", key_setting(config));
        return false;
    }
    g_string_prepend_len(bytes, field->str, (gssize)field->len);
    return true;
}
