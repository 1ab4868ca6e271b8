/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "rules/template/escapers.h"

typedef struct {
    const char *name;
    AttributeType type;
} Attribute;

/* HTML's attributes, sorted by name. */
/* clang-format off */
static const Attribute attributes[] = {
    {"accept", ATTRIBUTE_PLAIN}, {"accept-charset", ATTRIBUTE_UNSAFE},
    {"action", ATTRIBUTE_URL}, {"alt", ATTRIBUTE_PLAIN}, {"archive", ATTRIBUTE_URL},
    {"async", ATTRIBUTE_UNSAFE}, {"autocomplete", ATTRIBUTE_PLAIN},
    {"autofocus", ATTRIBUTE_PLAIN}, {"autoplay", ATTRIBUTE_PLAIN},
    {"background", ATTRIBUTE_URL}, {"border", ATTRIBUTE_PLAIN},
    {"challenge", ATTRIBUTE_UNSAFE}, {"charset", ATTRIBUTE_UNSAFE},
    {"checked", ATTRIBUTE_PLAIN}, {"cite", ATTRIBUTE_URL}, {"class", ATTRIBUTE_PLAIN},
    {"classid", ATTRIBUTE_URL}, {"codebase", ATTRIBUTE_URL}, {"cols", ATTRIBUTE_PLAIN},
    {"colspan", ATTRIBUTE_PLAIN}, {"content", ATTRIBUTE_UNSAFE},
    {"contenteditable", ATTRIBUTE_PLAIN}, {"contextmenu", ATTRIBUTE_PLAIN},
    {"controls", ATTRIBUTE_PLAIN}, {"coords", ATTRIBUTE_PLAIN},
    {"crossorigin", ATTRIBUTE_UNSAFE}, {"data", ATTRIBUTE_URL},
    {"datetime", ATTRIBUTE_PLAIN}, {"default", ATTRIBUTE_PLAIN},
    {"defer", ATTRIBUTE_UNSAFE}, {"dir", ATTRIBUTE_PLAIN}, {"dirname", ATTRIBUTE_PLAIN},
    {"disabled", ATTRIBUTE_PLAIN}, {"draggable", ATTRIBUTE_PLAIN},
    {"dropzone", ATTRIBUTE_PLAIN}, {"enctype", ATTRIBUTE_UNSAFE},
    {"for", ATTRIBUTE_PLAIN}, {"form", ATTRIBUTE_UNSAFE}, {"formaction", ATTRIBUTE_URL},
    {"formenctype", ATTRIBUTE_UNSAFE}, {"formmethod", ATTRIBUTE_UNSAFE},
    {"formnovalidate", ATTRIBUTE_UNSAFE}, {"formtarget", ATTRIBUTE_PLAIN},
    {"headers", ATTRIBUTE_PLAIN}, {"height", ATTRIBUTE_PLAIN},
    {"hidden", ATTRIBUTE_PLAIN}, {"high", ATTRIBUTE_PLAIN}, {"href", ATTRIBUTE_URL},
    {"hreflang", ATTRIBUTE_PLAIN}, {"http-equiv", ATTRIBUTE_UNSAFE},
    {"icon", ATTRIBUTE_URL}, {"id", ATTRIBUTE_PLAIN}, {"ismap", ATTRIBUTE_PLAIN},
    {"keytype", ATTRIBUTE_UNSAFE}, {"kind", ATTRIBUTE_PLAIN},
    {"label", ATTRIBUTE_PLAIN}, {"lang", ATTRIBUTE_PLAIN},
    {"language", ATTRIBUTE_UNSAFE}, {"list", ATTRIBUTE_PLAIN},
    {"longdesc", ATTRIBUTE_URL}, {"loop", ATTRIBUTE_PLAIN}, {"low", ATTRIBUTE_PLAIN},
    {"manifest", ATTRIBUTE_URL}, {"max", ATTRIBUTE_PLAIN},
    {"maxlength", ATTRIBUTE_PLAIN}, {"media", ATTRIBUTE_PLAIN},
    {"mediagroup", ATTRIBUTE_PLAIN}, {"method", ATTRIBUTE_UNSAFE},
    {"min", ATTRIBUTE_PLAIN}, {"multiple", ATTRIBUTE_PLAIN}, {"name", ATTRIBUTE_PLAIN},
    {"novalidate", ATTRIBUTE_UNSAFE}, {"open", ATTRIBUTE_PLAIN},
    {"optimum", ATTRIBUTE_PLAIN}, {"pattern", ATTRIBUTE_UNSAFE},
    {"placeholder", ATTRIBUTE_PLAIN}, {"poster", ATTRIBUTE_URL},
    {"preload", ATTRIBUTE_PLAIN}, {"profile", ATTRIBUTE_URL},
    {"pubdate", ATTRIBUTE_PLAIN}, {"radiogroup", ATTRIBUTE_PLAIN},
    {"readonly", ATTRIBUTE_PLAIN}, {"rel", ATTRIBUTE_UNSAFE},
    {"required", ATTRIBUTE_PLAIN}, {"reversed", ATTRIBUTE_PLAIN},
    {"rows", ATTRIBUTE_PLAIN}, {"rowspan", ATTRIBUTE_PLAIN},
    {"sandbox", ATTRIBUTE_UNSAFE}, {"scope", ATTRIBUTE_PLAIN},
    {"scoped", ATTRIBUTE_PLAIN}, {"seamless", ATTRIBUTE_PLAIN},
    {"selected", ATTRIBUTE_PLAIN}, {"shape", ATTRIBUTE_PLAIN},
    {"size", ATTRIBUTE_PLAIN}, {"sizes", ATTRIBUTE_PLAIN}, {"span", ATTRIBUTE_PLAIN},
    {"spellcheck", ATTRIBUTE_PLAIN}, {"src", ATTRIBUTE_URL}, {"srcdoc", ATTRIBUTE_HTML},
    {"srclang", ATTRIBUTE_PLAIN}, {"srcset", ATTRIBUTE_SRCSET},
    {"start", ATTRIBUTE_PLAIN}, {"step", ATTRIBUTE_PLAIN}, {"style", ATTRIBUTE_CSS},
    {"tabindex", ATTRIBUTE_PLAIN}, {"target", ATTRIBUTE_PLAIN},
    {"title", ATTRIBUTE_PLAIN}, {"type", ATTRIBUTE_UNSAFE}, {"usemap", ATTRIBUTE_URL},
    {"value", ATTRIBUTE_UNSAFE}, {"width", ATTRIBUTE_PLAIN}, {"wrap", ATTRIBUTE_PLAIN},
    {"xmlns", ATTRIBUTE_URL},
};
/* clang-format on */

typedef struct {
    const char *text;
    size_t n;
} Name;

static int compare(const void *key, const void *row)
{
    const Name *name = key;
    const Attribute *attribute = row;
    size_t length = strlen(attribute->name);
    int order = memcmp(name->text, attribute->name, MIN(name->n, length));

    return order != 0 ? order : (name->n > length) - (name->n < length);
}

static bool starts_with(Name name, const char *prefix)
{
    return name.n >= strlen(prefix) && memcmp(name.text, prefix, strlen(prefix)) == 0;
}

static bool contains(Name name, const char *part)
{
    return memmem(name.text, name.n, part, strlen(part)) != NULL;
}

AttributeType attribute_type(const char *text, size_t n)
{
    Name name = {text, n};
    const char *colon = memchr(text, ':', n);

    if (starts_with(name, "data-")) {
        name = (Name){text + 5, n - 5};
    } else if (colon != NULL) {
        if (colon - text == 5 && starts_with(name, "xmlns")) {
            return ATTRIBUTE_URL;
        }
        name = (Name){colon + 1, n - (size_t)(colon + 1 - text)};
    }
    const Attribute *known = bsearch(&name, attributes, G_N_ELEMENTS(attributes),
                                     sizeof *attributes, compare);
    if (known != NULL) {
        return known->type;
    }
    /* Unknown events, and the names people give to addresses of their own. */
    if (starts_with(name, "on")) {
        return ATTRIBUTE_JS;
    }
    return contains(name, "src") || contains(name, "uri") || contains(name, "url")
               ? ATTRIBUTE_URL
               : ATTRIBUTE_PLAIN;
}

bool script_type_is_js(const char *type, size_t n)
{
    static const char *const types[] = {
        "application/ecmascript",
        "application/javascript",
        "application/json",
        "application/ld+json",
        "application/x-ecmascript",
        "application/x-javascript",
        "module",
        "text/ecmascript",
        "text/javascript",
        "text/javascript1.0",
        "text/javascript1.1",
        "text/javascript1.2",
        "text/javascript1.3",
        "text/javascript1.4",
        "text/javascript1.5",
        "text/jscript",
        "text/livescript",
        "text/x-ecmascript",
        "text/x-javascript",
        "",
    };
    g_autofree char *name = g_ascii_strdown(type, (gssize)n);

    name[strcspn(name, ";")] = '\0';
    g_strstrip(name);
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        if (strcmp(name, types[i]) == 0) {
            return true;
        }
    }
    return false;
}
