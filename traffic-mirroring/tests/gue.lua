-- SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
-- Generic UDP Encapsulation, variant 0, for tshark, which does not know it: tshark -X lua_script:gue.lua
local gue = Proto("gue", "Generic UDP Encapsulation")
gue.fields.words = ProtoField.uint8("gue.header_words", "Header length beyond the first word", base.DEC, nil, 0x1f)
gue.fields.protocol = ProtoField.uint8("gue.protocol", "Protocol")

function gue.dissector(buffer, packet, tree)
	local size = 4 + 4 * buffer(0, 1):bitfield(3, 5)
	local header = tree:add(gue, buffer(0, size))
	header:add(gue.fields.words, buffer(0, 1))
	header:add(gue.fields.protocol, buffer(1, 1))
	local protocol, inner = buffer(1, 1):uint(), buffer(size):tvb()
	local length = protocol == 4 and inner(2, 2):uint() or inner(4, 2):uint() + 40
	if inner:len() < length then
		-- trimmed: a dissector that runs out of bytes does not come back to Lua cleanly
		Dissector.get("data"):call(inner, packet, tree)
	else
		DissectorTable.get("ip.proto"):try(protocol, inner, packet, tree)
	end
end

DissectorTable.get("udp.port"):add(6080, gue)
