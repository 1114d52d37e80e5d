// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* show and check: filters as text. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../common/error_text.h"
#include "../../common/log.h"
#include "instance.h"
#include "request.h"
#include "rules.h"
#include "../../common/file.h"

int command_show(const struct request *request)
{
	struct configuration *c = NULL;
	struct instance i;
	/* the lock: a commit in between would have us read a bank that is being written */
	int err = instance_open_locked(&i, request->value[ARG_IFACE], request->value[ARG_DIRECTION],
				       request->value[ARG_VERSION]);

	if (!err) {
		c = configuration_new();
		err = c ? tables_read(i.tables, c) : -ENOMEM;
		if (!err)
			err = rules_print(stdout, c->filters);
		if (err)
			log_error("cannot show the filters: %s", error_text(err));
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
