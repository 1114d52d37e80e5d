# Edits of payloads, for jq -L.

# The program of this name and direction.
def program($direction; $name): .[0].bpf_programs["tc_" + $direction][] | select(.name == $name);

# Ours in both directions.
def mirrors: program("ingress", "egress"; "traffic-mirroring");

# Adds our flow log at these places in the chain of both directions.
def flow_log($seq; $name):
	reduce ("ingress", "egress") as $direction (.;
		.[0].bpf_programs["tc_" + $direction] |= sort_by(.seq_id) |
		.[0].bpf_programs["tc_" + $direction] += [{
			name: $name,
			seq_id: $seq,
			artifact: "l3af_flow_log.tar.gz",
			version: "latest",
			object_file: "flow_log_\($direction).bpf.o",
			entry_function_name: "flow_log_\($direction)_entry",
			map_name: "flow_log_\($direction)_jmp_table",
			prog_type: "tc",
			admin_status: "enabled",
			cfg_version: 1
		}] |
		.[0].bpf_programs["tc_" + $direction] |= sort_by(.seq_id));
