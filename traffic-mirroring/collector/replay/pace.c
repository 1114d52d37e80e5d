/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#include "pace.h"

#include "../../../common/clock.h"

static double burst(const struct pace *p)
{
	return 1 + p->rate / 10.0;
}

void pace_begin(struct pace *p, uint64_t rate, uint64_t now_ns)
{
	*p = (struct pace){ .rate = rate, .at_ns = now_ns };
	p->tokens = burst(p);
}

bool pace_allows(struct pace *p, uint64_t now_ns)
{
	if (!p->rate)
		return true;
	p->tokens += (double)(now_ns - p->at_ns) / SECOND_NS * p->rate;
	p->at_ns = now_ns;
	if (p->tokens > burst(p))
		p->tokens = burst(p);
	if (p->tokens < 1)
		return false;
	p->tokens--;
	return true;
}
