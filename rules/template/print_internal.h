/* SPDX-License-Identifier: MIT */
#ifndef RULES_TEMPLATE_PRINT_INTERNAL_H
#define RULES_TEMPLATE_PRINT_INTERNAL_H

#include "rules/template/format.h"
#include "rules/template/print.h"

/* One run of Sprint and its kin. */
typedef struct {
    GString *out;
    size_t end; /* out->len stays about below it */
    Format format;
    bool is_plain; /* without String methods: what stands in %!d(…) */
} Printer;

bool printer_is_full(const Printer *printer);
/* VALUE by VERB, or what fmt says of a verb that does not suit it. */
void printer_print(Printer *printer, Value value, gunichar verb);

#endif
