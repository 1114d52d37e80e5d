// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Debian 13's libelf.a calls two functions of elfutils' libeu.a, which no package contains. They prepare
 * and free a tree that only elf_getdata_rawchunk() fills, which nothing here calls. Weak, so that they do
 * not conflict with those of a complete libelf.a.
 */
void eu_search_tree_init(void);
void eu_search_tree_fini(void);

__attribute__((weak)) void eu_search_tree_init(void)
{
}

__attribute__((weak)) void eu_search_tree_fini(void)
{
}
