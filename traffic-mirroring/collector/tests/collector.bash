# SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
# shellcheck shell=bash
#
# What the labs of mirror-collector share.
#
#   collect [OPTION…]     Starts it at host collector, and waits until it receives; its process is $collector.
#   collect_end           Ends it, and shows its summary, which $LAB/collect.log keeps.
#   counter NAME          A number of the summary.
#   counters NAME=N…      Fails unless these are the numbers.
#   server NAME HOST PORT [SED]  Starts an nginx that writes down every request, as lines of $LAB/NAME/requests.log;
#                         SED changes its configuration.
#   requests_of NAME      Its lines, sorted, after it has written all and ended.

collector_tests=${BASH_SOURCE[0]%/*}
source "${BASH_SOURCE[0]%/*}/../../../ci/lab.bash"

build=$(readlink -f "${BASH_SOURCE[0]%/*}/../../../build")
export PATH=$build/tc-root:$build/traffic-mirroring:$PATH

collect() {
	spawn collector collect mirror-collector "$@"
	collector=$!
	# it has opened everything when it drops its privileges
	wait_until 5 grep -q '^NoNewPrivs:.1' "/proc/$collector/status" ||
		{ cat "$LAB/collect.log"; return 1; }
}

collect_end() {
	kill -TERM "$collector" && wait "$collector"
	local status=$?
	cat "$LAB/collect.log"
	return $status
}

counter() {
	awk -v name="$1" '$1 == name { print $2 }' "$LAB/collect.log"
}

counters() {
	local item
	for item; do
		[[ $(counter "${item%=*}") == "${item#*=}" ]] ||
			{ echo "${item%=*} is $(counter "${item%=*}"), expected ${item#*=}"; return 1; }
	done
}

server() {
	mkdir -p "$LAB/$1" && chmod 755 "$LAB" && chmod 777 "$LAB/$1" &&
		sed "s|FOLDER|$LAB/$1|; s|PORT|$3|; ${4:-}" "$collector_tests/nginx.conf" >"$LAB/$1/nginx.conf" &&
		spawn "$2" "$1" nginx -p "$LAB/$1" -c "$LAB/$1/nginx.conf" -e "$LAB/$1/error.log" &&
		wait_until 5 on "$2" bash -c "exec 3<>/dev/tcp/127.0.0.1/$3"
}

requests_of() {
	local pid
	# what it holds back it writes when it ends
	if pid=$(cat "$LAB/$1/nginx.pid" 2>/dev/null); then
		kill -QUIT "$pid" && wait "$pid" || return
	fi
	LC_ALL=C sort "$LAB/$1/requests.log"
}
