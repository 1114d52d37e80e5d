/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The bytes of clients go to a target of any protocol, as they come: each stream has a connection of its own,
 * opened with its first byte, and tried again until that byte is too old. What the target sends is read and
 * thrown away. A stream that cannot be continued is ended, never resumed elsewhere: with a FIN where the
 * client sent one, else with a reset after what came before. Nothing here blocks. For one thread.
 */
#pragma once

#include "target.h"

struct tcp_target;
struct tcp_stream;

/* NULL: no memory. */
struct tcp_target *tcp_new(const struct target_options *options);

/* A stream whose first byte comes now. NULL after counting it: no memory. */
struct tcp_stream *tcp_open(struct tcp_target *target);

/* Queues the next bytes; queue_max: bytes that may wait. Without room the stream is ended. */
void tcp_send(struct tcp_stream *s, const void *bytes, uint32_t len, uint32_t queue_max, uint64_t now_ns);

/* No more bytes. whole: there was a FIN after the last one. Frees the stream when they are sent. */
void tcp_finish(struct tcp_stream *s, bool whole, uint64_t now_ns);

/* To be called every second or so. Ends what takes too long, connects again, and frees what has finished. */
void tcp_expire(struct tcp_target *target, uint64_t now_ns);

/* Many bytes wait for the target. */
bool tcp_is_loaded(const struct tcp_target *target);

/* Bytes, or ends, have not reached the target. */
bool tcp_busy(const struct tcp_target *target);

/* Ends every stream. */
void tcp_end(struct tcp_target *target, uint64_t now_ns);
void tcp_free(struct tcp_target *target);
