/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * One pass over a report for both of its forms: human-readable text on stdout, or JSON. Functions for the
 * other form do nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

struct emit {
	struct json_object *open[5]; /* arrays and objects, each nested in the previous one */
	size_t depth; /* of open[]; 0: text */
};

void __attribute__((format(printf, 2, 3))) emit_text(const struct emit *e, const char *format, ...);

/* key: in an object; ignored in an array. emit_add() takes ownership of value. */
void emit_add(const struct emit *e, const char *key, struct json_object *value);
void emit_string(const struct emit *e, const char *key, const char *value);
void emit_number(const struct emit *e, const char *key, uint64_t value);
void emit_double(const struct emit *e, const char *key, double value);
void emit_bool(const struct emit *e, const char *key, bool value);

/* Opens an object or array for all that follows until emit_end(). */
void emit_object(struct emit *e, const char *key);
void emit_array(struct emit *e, const char *key);
void emit_end(struct emit *e);
