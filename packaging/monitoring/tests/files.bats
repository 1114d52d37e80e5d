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
