/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The device nodes below /dev, and the links to them that say which device one is. */
#ifndef NAMES_WALK_H
#define NAMES_WALK_H

#include <stddef.h>
#include <stdint.h>

struct names_node {
	uint32_t type, major, minor;
	char *path; /* below /dev */
};

struct names_nodes {
	struct names_node *items; /* sorted by numbers, then by the paths' lengths */
	size_t count, capacity;
	char **links; /* the paths of those in folders "by-id" and "by-path" */
	size_t link_count, link_capacity;
};

/*
 * Collects the nodes and links below @dev, as far as folders can be read. Links are not followed, and folders that others than root can write to are passed over: a user could fill those
 * at will. Free: names_nodes_free().
 */
void names_nodes_find(const char *dev, struct names_nodes *nodes);

/* The shortest path of a node with these numbers, below /dev, or NULL. */
const char *names_nodes_at(const struct names_nodes *nodes, uint32_t type, uint32_t major,
			   uint32_t minor);

void names_nodes_free(struct names_nodes *nodes);

#endif
