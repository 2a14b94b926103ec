/* lab_page.h - private to job: the dashboard's page, made by tools/page.mjs of src/job/page and a library for charts: one text with all
 * that it needs, and the policy that lets it load nothing else. */
#ifndef SP_JOB_LAB_PAGE_H
#define SP_JOB_LAB_PAGE_H

#include <stddef.h>

extern const char sp_lab_page[];
extern const size_t sp_lab_page_len;
extern const char sp_lab_page_policy[];

#endif
