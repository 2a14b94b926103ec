/* at.h - files named relative to a folder's descriptor, as the kernel offers them: what walking and copying trees needs.
 *
 * Thin on purpose: a result (0 or more) or -errno, EINTR retried, and the fault table in front of every call. Nothing here follows
 * a symbolic link unless it says so. Names are bytes that end with NUL; "" as a name means the descriptor itself where allowed. */
#ifndef SP_AT_H
#define SP_AT_H

#include "os/os.h"

#include <sys/stat.h>
#include <sys/types.h>

/* Opens name in dir; flags as open(2)'s, O_CLOEXEC added. */
int sp_at_open(int dir, const char *name, int flags, unsigned mode);
/* Opens the folder at path, any number of names long, below dir, going through no symbolic link. "" is dir again. */
int sp_at_open_folder(int dir, const char *path);
/* Records of struct linux_dirent64 (see getdents64(2)); 0: no more. */
ssize_t sp_at_list(int dir, void *records, size_t len);
/* "." and "..", which every folder lists. */
static inline bool sp_at_is_dots(const char *name)
{
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}
int sp_at_stat(int dir, const char *name, struct statx *st); /* name may be "" */
ssize_t sp_at_read_link(int dir, const char *name, char *target, size_t len);

int sp_at_make_folder(int dir, const char *name, unsigned mode);
int sp_at_make_symlink(int dir, const char *name, const char *target);
int sp_at_make_special(int dir, const char *name, unsigned mode, uint64_t device);
/* Opens a file of dir's file system that has no name, and so is gone when it is closed; and gives the open file one: -EEXIST. */
int sp_at_open_unnamed(int dir, unsigned mode);
int sp_at_name(int fd, int dir, const char *name);
int sp_at_make_link(int from_dir, const char *from, int dir, const char *name);
/* replace: what has the name already (no folder) goes; otherwise -EEXIST. */
int sp_at_rename(int from_dir, const char *from, int dir, const char *name, bool replace);
int sp_at_remove(int dir, const char *name, bool folder);

ssize_t sp_at_read(int fd, void *to, size_t len, uint64_t offset);      /* short only at the end of the file */
int sp_at_write(int fd, const void *from, size_t len, uint64_t offset); /* all of it */
/* The next stretch of data at or behind offset: [*start, *end); -ENXIO when there is none. Where the file system knows of no
 * holes, all is data. */
int sp_at_next_data(int fd, uint64_t offset, uint64_t *start, uint64_t *end);
/* Inside the kernel, same offset on both sides; blocks are shared (reflink) where the file system can. */
ssize_t sp_at_copy_range(int from, int to, uint64_t offset, size_t len);
int sp_at_set_size(int fd, uint64_t size);
void sp_at_reserve(int fd, uint64_t size); /* a hint: so much will be written */

/* Of the file fd, or, where name is not NULL, of what has that name in the folder fd. */
int sp_at_set_owner(int fd, const char *name, uint32_t user, uint32_t group);
int sp_at_set_mode(int fd, const char *name, unsigned mode); /* not for symbolic links: they have none */
int sp_at_set_times(int fd, const char *name, int64_t accessed_ns, int64_t modified_ns);
/* Extended attributes, access control lists among them; names: each with its NUL. */
ssize_t sp_at_list_attributes(int fd, const char *name, char *names, size_t len);
ssize_t sp_at_get_attribute(int fd, const char *name, const char *attribute, void *value, size_t len);
int sp_at_set_attribute(int fd, const char *name, const char *attribute, const void *value, size_t len);
int sp_at_drop_attribute(int fd, const char *name, const char *attribute);

int sp_at_sync(int fd);        /* a file: data and all that is kept beside it */
int sp_at_sync_system(int fd); /* everything of the file system fd is on */

#endif
