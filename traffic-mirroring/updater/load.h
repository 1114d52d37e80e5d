/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Loading and chaining our own program, for hosts without l3afd and for payloads without an object
 * file. Functions return 0 or a negative errno, after log_error().
 */
#pragma once

#include <bpf/libbpf.h>

#include "instance.h"

/* The object of a direction, loaded with maps of its own that are pinned nowhere; and its select program. */
struct bpf_object *load_private(enum direction direction, int *error);
struct bpf_program *load_program(const struct bpf_object *object, enum direction direction);

/* Sets i->pins to where our pins belong: beside l3afd's, in the layout that version says. */
int load_place(struct instance *i, const char *version);

/* Whether packets reach a chain, or the program itself. */
int load_check_root(const struct instance *i);

/*
 * Loads the object, pins it at i->pins, and puts it into the chain behind the chain map pinned at map_name;
 * what followed there follows us. NULL: at the end of the chain, and what l3afd has loaded stays as it is.
 * Does only what is not done yet. The caller holds the lock.
 */
int load_chained(struct instance *i, const char *map_name);

/* True where load_chained() loaded it, and not l3afd. */
bool load_is_ours(const struct instance *i);

/* Takes our program out of the chain, linking what came before to what came after; removes its pins. */
int unload_chained(struct instance *i);
