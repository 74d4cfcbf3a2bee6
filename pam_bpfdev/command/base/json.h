/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* JSON in parts, each of which may fail for want of memory: whoever builds it looks at the end. */
#ifndef JSON_BUILD_H
#define JSON_BUILD_H

#include <jansson.h>

/*
 * Put @value, which they take over, into *@array or *@object. If either is NULL, or there is no
 * memory, *@array or *@object is dropped and becomes NULL, and stays so.
 */
void json_build_append(json_t **array, json_t *value);
void json_build_set(json_t **object, const char *key, json_t *value);

#endif
