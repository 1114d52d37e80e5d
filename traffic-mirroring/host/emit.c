// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "emit.h"

#include <stdarg.h>
#include <stdio.h>

void emit_text(const struct emit *e, const char *format, ...)
{
	va_list args;

	if (e->depth)
		return;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
}

void emit_add(const struct emit *e, const char *key, struct json_object *value)
{
	struct json_object *in = e->depth ? e->open[e->depth - 1] : NULL;

	if (!in)
		json_object_put(value);
	else if (json_object_is_type(in, json_type_array))
		json_object_array_add(in, value);
	else
		json_object_object_add(in, key, value);
}

void emit_string(const struct emit *e, const char *key, const char *value)
{
	emit_add(e, key, json_object_new_string(value));
}

void emit_number(const struct emit *e, const char *key, uint64_t value)
{
	emit_add(e, key, json_object_new_uint64(value));
}

void emit_double(const struct emit *e, const char *key, double value)
{
	emit_add(e, key, json_object_new_double(value));
}

void emit_bool(const struct emit *e, const char *key, bool value)
{
	emit_add(e, key, json_object_new_boolean(value));
}

static void enter(struct emit *e, const char *key, struct json_object *value)
{
	emit_add(e, key, value);
	if (e->depth)
		e->open[e->depth++] = value;
}

void emit_object(struct emit *e, const char *key)
{
	enter(e, key, json_object_new_object());
}

void emit_array(struct emit *e, const char *key)
{
	enter(e, key, json_object_new_array());
}

void emit_end(struct emit *e)
{
	if (e->depth)
		e->depth--;
}
