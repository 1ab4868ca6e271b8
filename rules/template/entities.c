/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rules/template/escapers.h"

/* The longest name is 32 bytes, the longest text 6. */
typedef struct {
    char name[33], text[7];
} Entity;

static const Entity entities[] = {
#include "rules/template/entity_table.inc"
};

/* The longest name that is known without its semicolon. */
#define BARE_NAME_MAX 6

typedef struct {
    const char *text;
    size_t n;
} Name;

static int compare(const void *key, const void *row)
{
    const Name *name = key;
    const Entity *entity = row;
    size_t length = strlen(entity->name);
    int order = memcmp(name->text, entity->name, MIN(name->n, length));

    return order != 0 ? order : (name->n > length) - (name->n < length);
}

static const char *find_entity(const char *name, size_t n)
{
    Name key = {name, n};
    const Entity *entity = n >= sizeof entities->name
                               ? NULL
                               : bsearch(&key, entities, G_N_ELEMENTS(entities),
                                         sizeof *entities, compare);

    return entity == NULL ? NULL : entity->text;
}

/* &#128; to &#159; mean what they are in Windows-1252. */
static gunichar meant(gunichar number)
{
    static const uint16_t windows[32] = {
        0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021,
        0x2c6,  0x2030, 0x160,  0x2039, 0x152,  0x8d,   0x17d,  0x8f,
        0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
        0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178,
    };

    if (number >= 0x80 && number <= 0x9f) {
        return windows[number - 0x80];
    }
    if (number == 0 || (number >= 0xd800 && number <= 0xdfff) || number > 0x10ffff) {
        return 0xfffd;
    }
    return number;
}

/* TEXT is behind "&#".  Returns the bytes used, 0 if it is no number. */
static size_t decode_number(const char *text, size_t n, GString *out)
{
    bool hex = n > 0 && (text[0] == 'x' || text[0] == 'X');
    size_t start = hex ? 1 : 0, at = start;
    gunichar number = 0;

    while (at < n && (hex ? g_ascii_isxdigit(text[at]) : g_ascii_isdigit(text[at]))) {
        if (number <= 0x10ffff) {
            number =
                number * (hex ? 16U : 10U) + (gunichar)g_ascii_xdigit_value(text[at]);
        }
        at++;
    }
    if (at == start) {
        return 0;
    }
    g_string_append_unichar(out, meant(number));
    return at < n && text[at] == ';' ? at + 1 : at;
}

/* TEXT is behind "&".  Some old names are known by their beginning alone. */
static size_t decode_name(const char *text, size_t n, GString *out)
{
    size_t length = 0;

    while (length < n && g_ascii_isalnum(text[length])) {
        length++;
    }
    if (length < n && text[length] == ';') {
        length++;
    }
    const char *found = find_entity(text, length);
    if (found == NULL) {
        length = MIN(length, BARE_NAME_MAX + 1);
        while (found == NULL && length > 2) {
            found = find_entity(text, --length);
        }
    }
    if (found == NULL) {
        return 0;
    }
    g_string_append(out, found);
    return length;
}

size_t decode_entity(const char *text, size_t n, GString *out)
{
    if (n == 0 || *text != '#') {
        return decode_name(text, n, out);
    }
    size_t used = decode_number(text + 1, n - 1, out);
    return used > 0 ? used + 1 : 0;
}

void decode_entities(const char *text, size_t n, GString *out)
{
    const char *end = text + n;

    for (;;) {
        const char *mark = memchr(text, '&', (size_t)(end - text));
        if (mark == NULL) {
            g_string_append_len(out, text, end - text);
            return;
        }
        g_string_append_len(out, text, mark - text);
        text = mark + 1;
        size_t used = decode_entity(text, (size_t)(end - text), out);
        if (used == 0) {
            g_string_append_c(out, '&');
        }
        text += used;
    }
}
