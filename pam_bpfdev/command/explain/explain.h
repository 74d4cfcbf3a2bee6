/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Between the files of bpfdev explain: what is asked, what is found, and how it is told. */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include "command/asking/asking.h"
#include "rules/rules.h"
#include "command/base/lines.h"
#include "command/base/names.h"
#include "command/base/view.h"

/* What is asked. */
struct explain {
	struct command_options options; /* words: USER DEVICE [NUMBERS] [ACCESS] */
	struct asking asking;
	bool session;		/* --session */
	const char *session_id; /* --session=ID, or NULL */
	char device[1100];	/* DEVICE as one text, for messages */
	char parsed[1100];	/* the same, cut by parsing: what spec.text points into */
	const char *path;	/* DEVICE is the path of one node, or NULL */
	uint32_t access;	/* the bits that are asked about */
	struct asked asked;
	struct names *names;
	struct device_patterns patterns; /* what DEVICE stands for, sorted, one of each */
	bool join; /* devices in a row with the same verdict are shown as one */
};

/*
 * Understands the words behind USER: sets device, path, access, join. @spec: what policy_resolve()
 * is to be asked; not for a path of one node, whose pattern is there at once.
 * Returns COMMAND_YES, _USAGE or _FAILED having said why.
 */
int explain_parse_device(struct explain *explain, struct device_spec *spec);

/* Sets explain->patterns from @spec. Returns COMMAND_YES, or _FAILED having said why. */
int explain_resolve(struct explain *explain, const struct device_spec *spec);

/* Devices that the tables say the same of. */
struct target {
	struct table_view_row row; /* entry: NULL if there is no table, so that all is allowed */
	const struct bpfdev_entry *other; /* of the other table, or NULL */
};

struct targets {
	struct target *items;
	size_t count, capacity;
};

/*
 * What @table and @other (either may be NULL) say of explain->patterns: of a whole major the minors
 * of which they say something else, then the others. Free @targets->items; they point into the
 * tables.
 */
void explain_targets(const struct explain *explain, const struct table *table,
		     const struct table *other, struct targets *targets);

/* The bits of @access that @entry (NULL: no filter) refuses. */
uint32_t explain_refused(const struct bpfdev_entry *entry, uint32_t access);

/* Whether any of the targets refuses any of the bits. */
bool explain_any_refused(const struct targets *targets, uint32_t access);

/* How one bit, or several that are alike, come out. */
enum outcome { OUTCOME_ALLOWED, OUTCOME_LENT, OUTCOME_AUDITED, OUTCOME_DENIED };

/* Bits of one outcome from one source. */
struct verdict {
	uint32_t bits;
	enum outcome outcome;
	uint32_t source;
};

/* Splits @access into verdicts, r before w before m. Returns how many, at most BPFDEV_BITS. */
size_t explain_verdicts(const struct bpfdev_entry *entry, uint32_t access,
			struct verdict verdicts[BPFDEV_BITS]);

/* Where the sources of an entry lead to. */
struct sources {
	const struct conf *conf;	    /* NULL: they cannot be named: unnamed says so */
	const struct policy_survey *survey; /* of that conf: for the ranks */
	const char *restricts;		    /* what no line does: "restricts this login" */
	const char *unnamed;
	const struct table *table; /* whose sources they are; NULL: of conf, which names them all */
	uint64_t until; /* when what is lent ends: seconds since the epoch; 0: not known */
};

/* The line that @source leads to, and its rank; or NULL. */
const struct conf_statement *explain_line(const struct sources *sources, uint32_t source,
					  enum table_rank *rank);

/*
 * What that line says, by the rules that the filter carries, where no file has it any more. @out:
 * RULES_WORDS_SIZE bytes. Returns false, and @out is "": it cannot be said.
 */
bool explain_words(const struct sources *sources, uint32_t source, char *out);

/* All that is to be said of a login that could be. */
struct explanation {
	const struct explain *explain;
	struct answer answer;
	struct targets targets;		  /* other: of the login from the other side */
	struct device_patterns *coverage; /* what each line about the user stands for here */
	struct asking turned;		  /* the login from the other side */
	bool has_other;			  /* there is such a login; then: */
	struct answer other;
};

/* Sets explanation->coverage, from the survey. Returns COMMAND_YES, or _FAILED having said why. */
int explain_load_coverage(struct explanation *explanation);

void explain_free_coverage(struct explanation *explanation);

/* Whether any of the patterns bears on the target. */
bool explain_covers(const struct device_patterns *patterns, const struct table_view_row *target);

/* Whether the login from the other side comes out otherwise for the target. */
bool explain_differs(const struct explanation *explanation, const struct target *target);

/* Why a line about the user that covers a device does not decide. */
enum passed_why {
	PASSED_EXEMPTED, /* by an exempt line */
	PASSED_UNMET,	 /* a condition does not hold */
	PASSED_RANK,	 /* the one that decides is of a higher rank */
	PASSED_DEVICE,	 /* ... has a more specific device */
	PASSED_ORDER,	 /* ... comes later */
};

struct passed {
	const struct conf_statement *statement;
	const struct policy_line *line; /* what the survey says of it */
	uint32_t bits;			/* of those asked about */
	enum passed_why why;
	unsigned int by;	  /* the specificity of the one that decides, for PASSED_DEVICE */
	unsigned int specificity; /* and of this one: see table_specificity() */
};

/* The lines that were passed over for one target. */
struct trace {
	struct passed *items;
	size_t count, capacity;
};

/*
 * Finds the lines that were passed over, of those that cover the first of the target's devices.
 * Free @trace->items.
 */
void explain_trace(const struct explanation *explanation, const struct table_view_row *target,
		   struct trace *trace);

/* Print what is to be said of a login that could be. */
void explain_print_text(const struct explanation *explanation);
int explain_print_json(const struct explanation *explanation);

/* A line for each service that could open what the row shows, behind @indent; and as JSON. */
void explain_print_doors(const struct table_view_row *row, const char *indent);
json_t *explain_doors_json(const struct table_view_row *row);

/* --session: the sessions that are open. Returns an exit status, having said what there is. */
int explain_sessions(struct explain *explain, const struct device_spec *spec);

/*
 * The path of the row's one device: DEVICE itself, or one that is found; or "". Perhaps @path,
 * which has NAMES_PATH_SIZE bytes.
 */
const char *explain_path(const struct explain *explain, const struct table_view_row *row,
			 char *path);

/* The same of what it says that it is, as names_usb(). @out: DEVICE_SERIAL_SIZE bytes. Returns @out. */
const char *explain_usb(const struct explain *explain, const struct table_view_row *row, char *out);

/* "user", "uid", "device", "access" and "allowed": what both kinds of JSON begin with. */
json_t *explain_json_begin(const struct explain *explain, bool allowed);

#endif
