#!/usr/bin/env bats
# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# Rules and dashboard as files.

load ../../../ci/lab
load monitoring

@test "Prometheus accepts the rules" {
	requires_command promtool
	expect 0 promtool check rules --lint-fatal "$monitoring/mirroring.rules.yml"
}

@test "each alert is seen to fire and to clear by a test" {
	local alert
	for alert in $(sed -n 's/.*- alert: //p' "$monitoring/mirroring.rules.yml"); do
		echo "$alert"
		grep -qE "^	+fires $alert\>" "$BATS_TEST_DIRNAME/metrics.bats"
		grep -qE "^	+(clears $alert\>|quiet$)" "$BATS_TEST_DIRNAME/metrics.bats"
	done
	[[ $alert ]]
}

@test "the dashboard: panels side by side, each with a source and a query whose variables exist" {
	requires_command jq
	jq -e '
		([.templating.list[].name] + ["__rate_interval"]) as $known |
		def overlaps($a; $b): $a.x < $b.x + $b.w and $b.x < $a.x + $a.w and $a.y < $b.y + $b.h and $b.y < $a.y + $a.h;
		([.panels[].id] | length == (unique | length)) and
		([.panels[].gridPos] as $p | [range($p | length) as $i | range($i) as $j | select(overlaps($p[$i]; $p[$j]))] == []) and
		all(.panels[]; .gridPos.x + .gridPos.w <= 24) and
		all(.panels[] | select(.type != "row"); (.targets | length > 0) and .datasource.uid == "${datasource}") and
		all(.panels[].targets[]?; (.expr | length > 0) and .datasource.uid == "${datasource}") and
		([.panels[].targets[]?.expr, (.templating.list[].definition // "") | scan("\\$([a-z_]+)")[0]] - $known) == []
	' "$monitoring/dashboard.json"
}

# The outcomes of these kinds in abi/counters.h, an extended regular expression: "key name" a line.
outcomes() {
	cpp -P -D"ROW(name, public, help, kind)=@kind public" - <<-EOF | tr '@' '\n' | grep '"' |
		#include "$BATS_TEST_DIRNAME/../../../traffic-mirroring/abi/counters.h"
		MIRROR_OUTCOMES(ROW)
	EOF
		awk -v kinds="^($1)$" '$1 ~ kinds { gsub(/"/, "", $2); print NR, $2 }'
}

@test "the rules name the outcomes that are failures" {
	requires_command cpp
	local outcome
	sed -n '/copies_failed:ratio/,/^$/ s/.*outcome=~"\(.*\)"}.*/\1/p' "$monitoring/mirroring.rules.yml" |
		diff <(outcomes FAILED | cut -d' ' -f2 | paste -sd'|'; outcomes "COPIED|FAILED" | cut -d' ' -f2 | paste -sd'|') -
	# what the alert tells of each
	for outcome in $(outcomes FAILED | cut -d' ' -f2); do
		sed -n '/alert: MirroringCopiesFailing/,/^$/ s/^ *\(.*: .*\)/\1/p' "$monitoring/mirroring.rules.yml" | grep -qw "$outcome"
	done
}

# monitor_maps lets a reload crash l3afd.
@test "one payload alone has monitor_maps, with every counter" {
	requires_command cpp jq
	local payloads=$monitoring/../l3afd map
	[[ $(grep -l monitor_maps "$payloads"/*.json) == "$payloads/monitor-maps.json" ]]
	for map in mirroring_ingress_counters mirroring_egress_counters; do
		jq ".. | .monitor_maps? // empty | .[] | select(.name == \"$map\" and .aggregator == \"scalar\").key" \
			"$payloads/monitor-maps.json" | diff <(outcomes ".*" | cut -d' ' -f1) -
	done
	diff "$payloads/device.json" <(jq 'del(.. | .monitor_maps?)' "$payloads/monitor-maps.json")
}
