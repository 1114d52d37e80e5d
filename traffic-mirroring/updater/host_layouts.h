/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The host's directories of pins, one per layout (../abi/host.h): an upgrade leaves those of the old version.
 */
#pragma once

/*
 * Ends the sender of a directory and removes its pins, but the one named kept, if not NULL. The caller has
 * its lock. 0 or a negative errno, silently.
 */
int layouts_remove(const char *dir, const char *kept);

/*
 * Does so for every other layout that no data path uses any more. l3afd may replace a program without its
 * cmd_stop: then nobody else does. What cannot be read is in use.
 */
void layouts_release_others(void);
