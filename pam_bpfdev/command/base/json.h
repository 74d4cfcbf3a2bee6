/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* JSON in parts. */
#ifndef JSON_BUILD_H
#define JSON_BUILD_H

#include <jansson.h>

/* Put @value, which they take over, into *@array or *@object. */
void json_build_append(json_t **array, json_t *value);
void json_build_set(json_t **object, const char *key, json_t *value);

#endif
