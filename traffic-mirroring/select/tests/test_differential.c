// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Random rules and random packets: both objects, as loaded by the kernel, against the reference.
 *
 *   [SEED=…] [RULE_SETS=…] test_differential     SEED=… RULE_SETS=1 repeats a failure
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>

#include "../../../common/tests/unit.h"
#include "../../updater/explain_frame.h"
#include "../../updater/trial.h"
#include "generate.h"
#include "group.h"
#include "host_maps.h"

#define PACKETS 250 /* per rule set */

static uint64_t seed; /* of the rule set at hand */
static unsigned int rule_sets = 450;

/* What was compared, so that a generator gone blind shows. */
static uint64_t pairs, outcomes[OUT_COUNT], followed, refused;

static struct host_maps maps;

static char *text_of(const struct ref_rules *rules)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	ref_print(to, rules);
	assert_int_equal(fclose(to), 0);
	return text;
}

static void explain(const struct reference *ref, const struct ref_packet *packet,
		    const struct ref_expected *e, const struct datapath *datapath,
		    const struct datapath_result *r, const char *wrong)
{
	struct packet bytes = { .len = packet->len };

	memcpy(bytes.data, packet->data, packet->len);
	printf("# %s: %s\n# packet (vlan in metadata: %s %u, gso %d, mark %#x):\n",
	       direction_names[datapath->direction], wrong, packet->tagged ? "yes" : "no",
	       packet->tci & 0xfff, packet->gso, packet->mark);
	packet_print(stdout, &bytes);
	printf("# expected: %s%s, filter %d\n# seen: %s, filter %d, copies %u, device %u, verdict %d\n# "
	       "rules:\n",
	       e->first ? "as the first fragment" : outcome_name(e->outcome),
	       e->perhaps ? " or sampled_out" : "", e->filter + 1, outcome_name(r->outcome), r->filter + 1,
	       r->copy.times, r->copy.ifindex, r->verdict);
	ref_print(stdout, &ref->rules);
	fail_msg("seed %#lx", seed);
}

/* The whole packet; a device without Ethernet gets what is behind that header. */
static bool is_copy(const struct ref_packet *packet, const struct datapath_result *r)
{
	const struct probe_packet *c = &r->copy;
	size_t before = c->ifindex == fixture.device[DEVICE_L3].ifindex ? 14 : 0;
	size_t compared = c->len < PROBE_BYTES ? c->len : PROBE_BYTES;

	return c->mark == MIRROR_MARK && c->tagged == r->before.tagged && c->tci == r->before.tci &&
	       c->len + before == packet->len && !memcmp(c->bytes, packet->data + before, compared);
}

/* Once; a GSO packet that a count line accepts as those of its two packets on the wire that are wanted. */
static bool counted_right(const struct ref_packet *packet, const struct datapath_result *r)
{
	if (r->outcome == OUT_COUNTED && packet->gso)
		return r->filters >= 1 && r->filters <= 2 && r->bytes <= packet->len + 256;
	return r->filters == 1 && r->bytes == packet->len;
}

/* What holds whatever the rules say. */
static const char *always_wrong(const struct ref_packet *packet, const struct datapath_result *r)
{
	if (r->verdict != CHAIN_VERDICT)
		return "the verdict is not the next program's";
	if (!r->unchanged)
		return "the packet or a field of its context was changed, or the next program did not see it "
		       "once";
	if (r->outcomes != 1)
		return "not one outcome was counted";
	if (r->filters && !counted_right(packet, r))
		return "a filter was counted wrong";
	if (r->copy.times > 1 || (r->copy.times && !is_copy(packet, r)))
		return "the copy is not the packet with our mark";
	return NULL;
}

/*
 * The kernel may refuse to send a GSO packet as crude as BPF_PROG_TEST_RUN makes them: but not before we
 * tried.
 */
static bool refused_gso(const struct ref_packet *packet, const struct ref_expected *e,
			const struct datapath_result *r)
{
	return packet->gso && e->outcome == OUT_DEVICE && r->outcome == OUT_DEVICE_FAILED &&
	       r->filter == e->filter;
}

static void compare(struct reference *ref, struct datapath *datapath, const struct ref_packet *packet)
{
	struct ref_expected e = ref_expect(ref, packet);
	struct datapath_result r;
	struct ref_seen seen;
	const char *wrong;

	assert_int_equal(datapath_run(datapath, packet, &r), 0);
	seen = (struct ref_seen){ r.outcome, r.filter, r.copy.ifindex, refused_gso(packet, &e, &r) };
	wrong = always_wrong(packet, &r) ?: ref_judge(ref, &e, datapath->direction, &seen);
	if (!wrong && host_maps_records(&maps) != (r.outcome == OUT_UNDECIDED))
		wrong = "a record too many, or none";
	if (!wrong && e.outcome == OUT_UNDECIDED && maps.record.candidates != e.candidates)
		wrong = "other filters are left";
	refused += seen.refused;
	if (wrong)
		explain(ref, packet, &e, datapath, &r, wrong);
	pairs++;
	outcomes[r.outcome]++;
	followed += e.first != NULL;
}

/* The class of a name: that of the longest pattern that accepts it. */
static uint16_t class_of(const char *name)
{
	size_t longest = 0;
	uint16_t class = CLASS_NONE;

	for (size_t i = 0; i < POOL_PATTERNS; i++) {
		size_t len = strlen(pool_patterns[i]) + (pool_patterns[i][0] != '*') * 1000;

		if (!ref_accepts(pool_patterns[i], name) || len < longest)
			continue;
		longest = len;
		class = CLASS_FIRST + i;
	}
	return class;
}

/* The sender finds out about the flow of an undecided packet, or knows nothing yet. */
static void decide(struct reference *ref, struct pool *pool, const struct ref_packet *packet)
{
	static const uint16_t classes[] = { [REF_NAMELESS] = CLASS_NONE, [REF_MIDDLE] = CLASS_MIDDLE };
	struct ref_expected e = ref_expect(ref, packet);
	const char *name = pool_names[random_below(pool, POOL_NAMES)];
	enum ref_naming naming = random_below(pool, 8);

	if (e.outcome != OUT_UNDECIDED || !e.named || naming == REF_UNNAMED)
		return;
	if (naming > REF_NAMED)
		naming = REF_NAMED;
	ref_name(ref, &e.flow, naming, name);
	host_maps_decide(&maps, host_maps_hash(&e.flow),
			 naming == REF_NAMED ? class_of(name) : classes[naming]);
}

/* Fragments of an earlier rule set would follow its decisions. */
static void forget_fragments(const struct datapath *datapath)
{
	struct mirror_datagram key;
	int fd = datapath_map(datapath, "fragments");

	while (!bpf_map_get_next_key(fd, NULL, &key))
		bpf_map_delete_elem(fd, &key);
}

/*
 * BPF_PROG_TEST_RUN refuses a packet whose EtherType promises more than there is; behind a VLAN tag it does
 * not look.
 */
static bool runs(const struct packet *p)
{
	unsigned int type = p->data[12] << 8 | p->data[13];

	return p->len >= 14 + (type == 0x0800 ? 20U : type == 0x86dd ? 40U : 0U);
}

/* A payload that begins as a request of HTTP/1 does, or nearly so. */
static void make_request(const struct packet_spec *spec, struct packet *p)
{
	size_t at = p->l4 + packet_l4_size(spec->family, spec->proto);

	if (at + 4 <= p->len)
		memcpy(p->data + at, spec->id % 2 ? "GET/" : "POST", 4);
}

static void random_packet(struct pool *pool, struct packet *bytes, struct ref_packet *packet)
{
	struct packet_spec spec;

	do {
		generate_spec(pool, &spec);
		spec.length_zero = random_below(pool, 20) == 0;
		generate_packet(pool, &spec, bytes);
		if (random_below(pool, 6) == 0)
			make_request(&spec, bytes);
	} while (!runs(bytes));
	*packet = (struct ref_packet){
		.data = bytes->data,
		.len = bytes->len,
		.tagged = random_below(pool, 8) == 0,
		.tci = pool->vlans[random_below(pool, POOL_VALUES)] | random_below(pool, 16) << 12,
		.mark = random_below(pool, 50) ? random_below(pool, 2) : MIRROR_MARK,
	};
}

/* A fragment is no GSO packet. */
static bool is_whole(const struct reference *ref, struct ref_packet packet)
{
	struct ref_expected e;

	packet.gso = true;
	e = ref_expect(ref, &packet);
	return !e.first && !e.teaches;
}

TEST(objects_and_reference_agree)
{
	static struct reference ref;
	static struct pool pool;

	for (unsigned int set = 0; set < rule_sets; set++, seed++) {
		char *rules;

		generate_pool(&pool, seed);
		ref.n_flows = ref.n_spreads = ref.n_datagrams = ref.n_names = ref.n_counts = 0;
		host_maps_clear(&maps);
		generate_rules(&pool, fixture.device, FIXTURE_DEVICES, &ref.rules);
		rules = text_of(&ref.rules);
		if (host_maps_commit(&maps, INGRESS, rules) || host_maps_commit(&maps, EGRESS, rules))
			fail_msg("seed %#lx: not committed:\n%s", seed, rules);
		forget_fragments(&fixture.datapath[INGRESS]);
		forget_fragments(&fixture.datapath[EGRESS]);
		free(rules);
		for (int n = 0; n < PACKETS; n++) {
			struct packet bytes;
			struct ref_packet packet;

			random_packet(&pool, &bytes, &packet);
			packet.gso = random_below(&pool, 10) == 0 && is_whole(&ref, packet);
			for (int d = 0; d < DIRECTIONS; d++)
				compare(&ref, &fixture.datapath[d], &packet);
			decide(&ref, &pool, &packet);
		}
	}
	printf("# %lu pairs, %lu later fragments that followed a first one, %lu GSO copies refused\n#", pairs,
	       followed, refused);
	for (int i = 1; i < OUT_COUNT; i++)
		if (outcomes[i])
			printf(" %s %lu", outcome_name(i), outcomes[i]);
	printf("\n");
}

/* `explain` sends copies nowhere, and so does not see which devices take them. */
static enum mirror_outcome outcome_of_copy(const struct ref_expected *e)
{
	enum mirror_outcome outcome = e->first ? e->first->outcome : e->outcome;

	return outcome == OUT_DEVICE_NOT_IP ? outcome : OUT_DEVICE;
}

/* The filter that counts the packet, which a count rule does not where it would copy nothing. */
static int counting(const struct reference *ref, const struct trial_result *r)
{
	bool count = r->filter >= 0 && ref->rules.at[r->filter].action == ACTION_COUNT;

	return count && r->outcome != OUT_COUNTED ? -1 : r->filter;
}

static void try(struct reference *ref, enum direction direction, struct trial *trial,
		const struct packet *bytes)
{
	struct pcap_packet captured = {
		.at = bytes->data, .len = bytes->len, .wire_len = bytes->len, .link = 1
	};
	const struct ref_packet packet = { .data = bytes->data, .len = bytes->len };
	struct ref_expected e = ref_expect(ref, &packet);
	struct explain_frame frame;
	struct trial_result r;
	struct ref_seen seen;
	const char *wrong;

	assert_true(explain_frame(&captured, &frame));
	assert_int_equal(trial_run(trial, frame.at, frame.len, &r), 0);
	seen = (struct ref_seen){ .outcome = r.outcome, .filter = counting(ref, &r) };
	if (r.outcome == OUT_RING) {
		seen.outcome = outcome_of_copy(&e);
		if (seen.outcome == OUT_DEVICE)
			seen.ifindex = ref->rules.at[r.filter].to[0]->ifindex;
	}
	wrong = ref_judge(ref, &e, direction, &seen);
	if (!wrong && e.outcome == OUT_UNDECIDED && r.candidates != e.candidates)
		wrong = "other filters are left";
	if (wrong) {
		packet_print(stdout, bytes);
		ref_print(stdout, &ref->rules);
		fail_msg("seed %#lx: %s: expected %s, filter %d; explained %s, filter %d", seed, wrong,
			 outcome_name(e.outcome), e.filter + 1, outcome_name(r.outcome), r.filter + 1);
	}
}

TEST(explain_and_reference_agree)
{
	static struct reference ref;
	static struct pool pool;

	for (unsigned int set = 0; set < 5; set++, seed++) {
		enum direction direction = set % DIRECTIONS;
		struct bpf_object *object =
			build_load(direction ? "mirroring_egress.bpf.o" : "mirroring_ingress.bpf.o");
		struct configuration *c;
		struct trial *trial;
		int error;
		char *rules;

		assert_non_null(object);
		generate_pool(&pool, seed);
		ref.n_flows = ref.n_spreads = ref.n_datagrams = ref.n_names = ref.n_counts = 0;
		generate_rules(&pool, fixture.device, FIXTURE_DEVICES, &ref.rules);
		rules = text_of(&ref.rules);
		c = datapath_configuration(rules);
		trial = trial_open(direction, object, c, &error);
		assert_non_null(trial);
		for (int n = 0; n < PACKETS; n++) {
			struct packet_spec spec;
			struct packet bytes;

			generate_spec(&pool, &spec);
			generate_packet(&pool, &spec, &bytes);
			try(&ref, direction, trial, &bytes);
		}
		trial_close(trial);
		bpf_object__close(object);
		configuration_free(c);
		free(rules);
	}
}

static int enter(void **state)
{
	int error = group_enter(state) ?: host_maps_open(&maps, &fixture, 4096);

	maps.n_names = POOL_PATTERNS;
	memcpy(maps.names, pool_patterns, sizeof(pool_patterns));
	return error;
}

static int leave(void **state)
{
	host_maps_close(&maps);
	return group_leave(state);
}

int main(void)
{
	const char *given_seed = getenv("SEED"), *given_sets = getenv("RULE_SETS");
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	seed = given_seed ? strtoull(given_seed, NULL, 0) :
			    (uint64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	if (given_sets)
		rule_sets = strtoul(given_sets, NULL, 10);
	printf("# seed %#lx, rule sets %u\n", seed, rule_sets);
	return unit_run(enter, leave);
}
