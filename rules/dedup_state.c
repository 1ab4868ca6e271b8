/* SPDX-License-Identifier: MIT */
#include "rules/dedup_state.h"

#include <string.h>

#include "rules/fault.h"

/* The first byte says of which family the state is, the second the version. All numbers
 * are little-endian. */
#define STATE_MONITORING 'M'
#define STATE_CI         'C'
#define STATE_VERSION    1
#define ROOT_MAX      512

DedupState *dedup_state_new(void)
{
    DedupState *state = g_new0(DedupState, 1);
    state->thread_root = g_strdup("");
    return state;
}

void dedup_state_free(DedupState *state)
{
    if (state != NULL) {
        g_free(state->firing);
        g_free(state->resolved);
        g_free(state->thread_root);
        g_free(state);
    }
}

static void put(GByteArray *out, uint64_t value, unsigned bytes)
{
    guint8 little[8];
    for (unsigned i = 0; i < bytes; i++) {
        little[i] = (guint8)(value >> (8 * i));
    }
    g_byte_array_append(out, little, bytes);
}

static void put_alerts(GByteArray *out, const DedupAlert *alerts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        put(out, alerts[i].fingerprint, 8);
        put(out, (uint64_t)alerts[i].starts_ns, 8);
    }
}

static void put_text(GByteArray *out, const char *text)
{
    g_byte_array_append(out, (const guint8 *)text, (guint)strlen(text));
}

static void put_runs(GByteArray *out, const DedupState *state)
{
    const DedupRuns *runs = &state->runs;
    put(out, (uint64_t)state->last_mail_ms, 8);
    put(out, runs->red, 1);
    put(out, runs->streak, 4);
    put(out, (uint64_t)runs->red_since_ms, 8);
    put(out, runs->sequence[0], 8);
    put(out, runs->sequence[1], 8);
    put(out, state->thread_mails, 2);
    put(out, strlen(state->thread_root), 2);
    put(out, strlen(runs->since_commit), 1);
    put(out, runs->n_ids, 1);
    put_text(out, state->thread_root);
    put_text(out, runs->since_commit);
    for (size_t i = 0; i < runs->n_ids; i++) {
        put(out, runs->ids[i], 8);
    }
}

static void put_monitoring(GByteArray *out, const DedupState *state)
{
    put(out, (uint64_t)state->last_mail_ms, 8);
    put(out, (uint64_t)state->resolved_ms, 8);
    put(out, state->seen_firing, 8);
    put(out, state->seen_resolved, 8);
    put(out, state->thread_mails, 2);
    put(out, strlen(state->thread_root), 2);
    put(out, state->n_firing, 4);
    put(out, state->n_resolved, 4);
    put_text(out, state->thread_root);
    put_alerts(out, state->firing, state->n_firing);
    put_alerts(out, state->resolved, state->n_resolved);
}

guint8 *dedup_encode(const DedupState *state, size_t *length)
{
    size_t root = strlen(state->thread_root);
    g_assert(root <= ROOT_MAX);
    bool is_ci = state->family == FAMILY_CI;
    size_t alerts = state->n_firing + state->n_resolved;
    GByteArray *out = g_byte_array_sized_new((guint)(48 + root + 16 * alerts));
    put(out, is_ci ? STATE_CI : STATE_MONITORING, 1);
    put(out, STATE_VERSION, 1);
    if (is_ci) {
        put_runs(out, state);
    } else {
        put_monitoring(out, state);
    }
    gsize size;
    guint8 *bytes = g_byte_array_steal(out, &size);
    g_byte_array_unref(out);
    *length = size;
    return bytes;
}

typedef struct {
    const guint8 *at, *end;
    bool broken;
} Reader;

static uint64_t take(Reader *reader, unsigned bytes)
{
    if ((size_t)(reader->end - reader->at) < bytes) {
        reader->broken = true;
        return 0;
    }
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        value |= (uint64_t)reader->at[i] << (8 * i);
    }
    reader->at += bytes;
    return value;
}

static char *take_root(Reader *reader, size_t length)
{
    if (length > ROOT_MAX || (size_t)(reader->end - reader->at) < length) {
        reader->broken = true;
        return g_strdup("");
    }
    char *root = g_strndup((const char *)reader->at, length);
    reader->at += length;
    for (size_t i = 0; i < length; i++) {
        bool bad = !g_ascii_isgraph(root[i]) || root[i] == '<' || root[i] == '>';
        reader->broken = reader->broken || bad;
    }
    return root;
}

/* The length of what is left has been checked against N. */
static DedupAlert *take_alerts(Reader *reader, size_t n)
{
    DedupAlert *alerts = g_new(DedupAlert, n);
    for (size_t i = 0; i < n; i++) {
        alerts[i].fingerprint = take(reader, 8);
        alerts[i].starts_ns = (int64_t)take(reader, 8);
        if (i > 0 && alerts[i - 1].fingerprint >= alerts[i].fingerprint) {
            reader->broken = true;
        }
    }
    return alerts;
}

static void take_all_alerts(Reader *reader, DedupState *state, size_t firing,
                            size_t resolved)
{
    size_t left = (size_t)(reader->end - reader->at);
    if (reader->broken || left % 16 != 0 || left / 16 != firing + resolved) {
        reader->broken = true;
        return;
    }
    state->firing = take_alerts(reader, firing);
    state->n_firing = firing;
    state->resolved = take_alerts(reader, resolved);
    state->n_resolved = resolved;
}

static void take_monitoring(Reader *reader, DedupState *state)
{
    state->last_mail_ms = (int64_t)take(reader, 8);
    state->resolved_ms = (int64_t)take(reader, 8);
    state->seen_firing = take(reader, 8);
    state->seen_resolved = take(reader, 8);
    state->thread_mails = (unsigned)take(reader, 2);
    size_t root = (size_t)take(reader, 2);
    size_t firing = (size_t)take(reader, 4), resolved = (size_t)take(reader, 4);
    state->thread_root = take_root(reader, root);
    take_all_alerts(reader, state, firing, resolved);
}

static void take_commit(Reader *reader, DedupRuns *runs, size_t length)
{
    if (length > DEDUP_COMMIT_MAX || (size_t)(reader->end - reader->at) < length ||
        !g_utf8_validate((const char *)reader->at, (gssize)length, NULL)) {
        reader->broken = true;
        return;
    }
    memcpy(runs->since_commit, reader->at, length);
    reader->at += length;
}

static void take_runs(Reader *reader, DedupState *state)
{
    DedupRuns *runs = &state->runs;
    state->last_mail_ms = (int64_t)take(reader, 8);
    uint64_t red = take(reader, 1);
    runs->red = red == 1;
    runs->streak = (unsigned)take(reader, 4);
    runs->red_since_ms = (int64_t)take(reader, 8);
    runs->sequence[0] = take(reader, 8);
    runs->sequence[1] = take(reader, 8);
    state->thread_mails = (unsigned)take(reader, 2);
    size_t root = (size_t)take(reader, 2), commit = (size_t)take(reader, 1);
    runs->n_ids = (size_t)take(reader, 1);
    state->thread_root = take_root(reader, root);
    take_commit(reader, runs, commit);
    size_t left = (size_t)(reader->end - reader->at);
    if (reader->broken || red > 1 || runs->n_ids > DEDUP_IDS_MAX ||
        left != runs->n_ids * 8) {
        reader->broken = true;
        return;
    }
    for (size_t i = 0; i < runs->n_ids; i++) {
        runs->ids[i] = take(reader, 8);
    }
}

DedupState *dedup_decode(const guint8 *bytes, size_t length, GError **error)
{
    Reader reader = {.at = bytes, .end = length > 0 ? bytes + length : bytes};
    uint64_t kind = take(&reader, 1), version = take(&reader, 1);
    bool known = kind == STATE_MONITORING || kind == STATE_CI;
    if (reader.broken || !known || version != STATE_VERSION) {
        g_set_error(error, FAULT, FAULT_SYSTEM,
                    "not a dedup state of version %d (%zu bytes)", STATE_VERSION,
                    length);
        return NULL;
    }
    g_autoptr(DedupState) state = g_new0(DedupState, 1);
    state->family = kind == STATE_CI ? FAMILY_CI : FAMILY_MONITORING;
    if (state->family == FAMILY_CI) {
        take_runs(&reader, state);
    } else {
        take_monitoring(&reader, state);
    }
    if (reader.broken) {
        g_set_error(error, FAULT, FAULT_SYSTEM, "broken dedup state (%zu bytes)",
                    length);
        return NULL;
    }
    return g_steal_pointer(&state);
}
