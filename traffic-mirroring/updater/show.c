// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* show and check: filters as text. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/log.h"
#include "instance.h"
#include "request.h"
#include "rules.h"
#include "../../common/file.h"

int command_show(const struct request *request)
{
	const char *version = request->value[ARG_VERSION];
	struct configuration *c = NULL;
	struct instance i;
	int err = instance_init(&i, request->value[ARG_IFACE], request->value[ARG_DIRECTION]);

	if (err)
		return err;
	err = instance_find(&i, version);
	if (err == -ENOENT)
		instance_report_missing(&i, version);
	/* the lock: a commit in between would have us read a bank that is being written */
	if (!err)
		err = instance_lock(&i);
	if (!err)
		err = instance_open(&i);
	if (!err) {
		c = configuration_new();
		err = c ? tables_read(i.tables, c) : -ENOMEM;
		if (!err)
			err = rules_print(stdout, c->filters);
		if (err)
			log_error("cannot show the filters: %s", strerror(-err));
	}
	configuration_free(c);
	instance_close(&i);
	return err;
}

int command_check(const struct request *request)
{
	struct filter_set *filters;
	char *text;
	int err;

	err = file_read("check", request->operand, &text);
	if (err)
		return err;
	filters = filter_set_new();
	err = filters ? rules_parse(request->operand, text, filters) : -ENOMEM;
	if (!err)
		log_info("%s: %zu filter%s", request->operand, filters->n, filters->n == 1 ? "" : "s");
	filter_set_free(filters);
	free(text);
	return err;
}
