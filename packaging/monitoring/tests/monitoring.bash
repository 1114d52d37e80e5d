# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# shellcheck shell=bash
#
# Prometheus at the lab's host, with our rules at the pace of a test: windows and delays of seconds.
#
#   monitoring_requires     First, in setup.
#   textfile_start          `mirroring metrics` again and again, to a node_exporter at port 9100. Its process is $writer.
#   prometheus_start JOB=PORT…  Prometheus, which reads these.
#   values EXPRESSION       The values that Prometheus has for it, one a line.
#   has EXPRESSION          Succeeds if there is at least one.
#   fires, clears ALERT [LABELS]  Waits for it.
#   quiet                   Waits until nothing fires.
#   dashboard_queries       The queries of the dashboard, with values for its variables.
#   rules_are_healthy       Fails if Prometheus could not evaluate one of the rules.

monitoring=$(readlink -f "$BATS_TEST_DIRNAME/../../monitoring")

monitoring_requires() {
	requires_root
	requires_command bpftool curl jq nft ping prometheus prometheus-node-exporter promtool
}

textfile_start() {
	mkdir "$LAB/textfile"
	# shellcheck disable=SC2016
	spawn host writer bash -euc '
		cd "$0"
		while sleep 0.2; do
			mirroring metrics >new && mv new mirroring.prom
		done
	' "$LAB/textfile"
	writer=$pid
	spawn host node_exporter prometheus-node-exporter --collector.disable-defaults --collector.textfile \
		--collector.textfile.directory="$LAB/textfile" --web.listen-address=127.0.0.1:9100
}

prometheus_start() {
	local job
	sed -e 's/\[5m\]/[2s]/g; s/\[1h\]/[1m]/; s/ for: .*/ for: 0s/; s/ > 300/ > 3/' \
		"$monitoring/mirroring.rules.yml" >"$LAB/rules.yml"
	{
		echo "{global: {scrape_interval: 300ms, scrape_timeout: 300ms, evaluation_interval: 300ms},"
		echo " rule_files: [rules.yml], scrape_configs: ["
		for job; do
			echo "  {job_name: ${job%=*}, static_configs: [{targets: ['127.0.0.1:${job#*=}']}]},"
		done
		echo "]}"
	} >"$LAB/prometheus.yml"
	spawn host prometheus prometheus --config.file="$LAB/prometheus.yml" --storage.tsdb.path="$LAB/tsdb" \
		--web.listen-address=127.0.0.1:9090
	wait_until 10 on host curl --silent --fail http://127.0.0.1:9090/-/ready
}

# Without jq, which takes longer to start than all the rest: most queries are asked many times.
ask() {
	on host curl --silent http://127.0.0.1:9090/api/v1/query --data-urlencode "query=$1" >"$LAB/answer" &&
		grep -q '^{"status":"success",' "$LAB/answer"
}

values() {
	ask "$1" && jq -r '.data.result[].value[1]' "$LAB/answer"
}

has() {
	ask "$1" && ! grep -q '"result":\[\]' "$LAB/answer"
}

has_not() {
	ask "$1" && grep -q '"result":\[\]' "$LAB/answer"
}

fires() {
	wait_until 15 has "ALERTS{alertstate=\"firing\", alertname=\"$1\"${2:+, $2}}"
}

clears() {
	wait_until 15 has_not "ALERTS{alertstate=\"firing\", alertname=\"$1\"${2:+, $2}}"
}

quiet() {
	wait_until 15 has_not 'ALERTS{alertstate="firing"}' || { values 'ALERTS{alertstate="firing"}'; cat "$LAB/answer"; return 1; }
}

dashboard_queries() {
	jq -r '
		.panels[].targets[]?.expr | gsub("\\$__rate_interval"; "5m")
	' "$monitoring/dashboard.json" | sed 's/"\$[a-z]*"/".*"/g'
}

rules_are_healthy() {
	on host curl --silent http://127.0.0.1:9090/api/v1/rules >"$LAB/answer"
	jq -e '[.data.groups[].rules[] | select(.health != "ok")] | if . == [] then true else ., false end' "$LAB/answer"
}
