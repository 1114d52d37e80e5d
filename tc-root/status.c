// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <errno.h>
#include <stdio.h>

#include "../common/chain.h"
#include "../common/error_text.h"
#include "../common/log.h"
#include "root.h"

static void print(const struct chain *chain)
{
	for (size_t i = 0; i < chain->n; i++) {
		const struct chain_program *program = &chain->at[i];

		printf("%s%s (%s%sprogram %u)", i ? " -> " : "", program->name, program->attach,
		       *program->attach ? ", " : "", program->id);
	}
	printf(" -> %s\n", chain->loop		? "LOOP" :
			   chain->n < CHAIN_MAX ? "end" :
						  "more than the kernel follows");
}

static int status_of(const struct link *link, enum direction direction)
{
	struct chain_root roots[CHAIN_ROOTS];
	struct chain chain;
	size_t n;
	int err = chain_roots(link->ifindex, direction, roots, &n);

	if (!err)
		err = chain_read(link->ifindex, direction, 0, &chain);
	if (err) {
		log_error("%s %s: cannot read the chain: %s", link->name, direction_names[direction],
			  error_text(err));
		return err;
	}
	printf("%s %s: ", link->name, direction_names[direction]);
	if (!chain.n) {
		printf("no root program is attached\n");
		return -ENOENT;
	}
	print(&chain);
	for (size_t i = 1; i < n; i++)
		printf("%s %s: a second root program (%s, program %u) is attached, left by a killed l3afd\n",
		       link->name, direction_names[direction], roots[i].tcx ? "tcx" : "clsact",
		       roots[i].prog_id);
	return 0;
}

int root_status(const struct root_target *target)
{
	int result = 0;

	for (enum direction d = INGRESS; d < DIRECTIONS; d++) {
		int err = status_of(&target->link, d);

		if (err && err != -ENOENT)
			return err;
		if (err)
			result = err;
	}
	return result;
}
