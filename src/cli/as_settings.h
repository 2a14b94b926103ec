/* as_settings.h - private to the command line: the settings of datagen-cli, out of a file and the environment. */
#ifndef SP_CLI_AS_SETTINGS_H
#define SP_CLI_AS_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

enum { AS_SETTINGS = 18, AS_SETTING_LEN = 256 };

typedef struct as_settings {
    char values[AS_SETTINGS][AS_SETTING_LEN];
} as_settings;

/* path NULL: the first .datagen.yaml that is there. NULL, or what is wrong with them. */
const char *as_settings_load(as_settings *s, const char *path, bool verbose);
const char *as_setting(const as_settings *s, const char *name);
int64_t as_setting_number(const as_settings *s, const char *name);
/* Tells of an event, where and how the settings say. */
void as_settings_log(const as_settings *s, const char *level, const char *message);

#endif
