/* test_tree.c - the adapter of local trees and the copying of one thing, on a real file system: everything that is kept, names of
 * any bytes, paths of any length, files that change, and every kind of system call failing at every place. */
#include "check.h"
#include "os/os.h"
#include "tree/copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static char dir[] = "/tmp/spate-test-tree-XXXXXX";
static char src_path[64], dst_path[64];
static sp_tree *src, *dst;
static sp_walker *from, *to;
static sp_copier copier;

static void shell(const char *fmt, ...)
{
    char line[1024], command[1200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    snprintf(command, sizeof command, "cd %s && { %s; }", dir, line);
    CHECK_INT(system(command), 0);
}

/* A fresh pair of trees with walkers standing in their roots. */
static void setup(void)
{
    shell("rm -rf src dst && mkdir src dst");
    snprintf(src_path, sizeof src_path, "%s/src", dir);
    snprintf(dst_path, sizeof dst_path, "%s/dst", dir);
    spate_error err;
    CHECK_INT(sp_tree_open(src_path, false, &src, &err), SPATE_OK);
    CHECK_INT(sp_tree_open(dst_path, true, &dst, &err), SPATE_OK);
    CHECK_INT(src->ops->open_walker(src, &from, &err), SPATE_OK);
    CHECK_INT(dst->ops->open_walker(dst, &to, &err), SPATE_OK);
    CHECK_INT(src->ops->enter(from, sp_str_of("/"), &err), SPATE_OK);
    CHECK_INT(dst->ops->enter(to, sp_str_of("/"), &err), SPATE_OK);
    copier = (sp_copier){.keep = SP_KEEP_ATTRIBUTES | (dst->keeps_owner ? SP_KEEP_OWNER : 0)};
    CHECK_INT(sp_copier_open(&copier, &err), SPATE_OK);
}

static void teardown(void)
{
    sp_copier_close(&copier);
    src->ops->leave(from);
    dst->ops->leave(to);
    sp_tree_close(src);
    sp_tree_close(dst);
}

static int copy(const char *name, bool replace, spate_error *err)
{
    sp_entry e;
    int rc = src->ops->stat(from, name, &e, err);
    return rc ? rc : sp_copy_one(&copier, from, to, name, replace, &e, err);
}

static bool same_entry(const char *name)
{
    sp_entry a, b;
    return src->ops->stat(from, name, &a, NULL) == SPATE_OK && dst->ops->stat(to, name, &b, NULL) == SPATE_OK &&
           sp_compare(&a, &b, 1, copier.keep) == SP_SAME;
}

static bool same_content(const char *name, sp_entry_type type)
{
    bool same = false;
    sp_difference how;
    return sp_compare_content(&copier, from, to, name, type == SP_ENTRY_SYMLINK, INT64_MAX, 0, &how, &same, NULL) ==
               SPATE_OK &&
           same && how == SP_SAME;
}

/* ---- what is kept ---- */

static void a_copy_keeps_everything(void)
{
    setup();
    shell("echo hello > src/a && chmod 4751 src/a && touch -d '2001-02-03 04:05:06.123456789' src/a");
    shell(
        "setfattr -n user.colour -v blue src/a; setfattr -n user.empty src/a; setfacl -m u:1234:rw src/a; touch -d 2001-02-03 src/a");
    if (geteuid() == 0)
        shell("chown 1001:1002 src/a && chmod 4751 src/a && touch -d '2001-02-03 04:05:06.123456789' src/a");
    spate_error err = {0};
    CHECK_INT(copy("a", false, &err), SPATE_OK);
    CHECK_STR(err.message, "");
    CHECK(same_entry("a"));
    CHECK(same_content("a", SP_ENTRY_FILE));
    shell(
        "getfattr -d -m - src/a | grep -v '^#' > 1; getfattr -d -m - dst/a | grep -v '^#' > 2; cmp 1 2 && grep -q blue 2 && grep -q acl 2");
    CHECK_INT(copy("a", false, &err), SPATE_E_IO);
    CHECK_INT(err.os_errno, EEXIST);
    CHECK_INT(copy("a", true, &err), SPATE_OK);
    shell("test \"$(ls -A dst)\" = a"); /* no temporary name is left */
    teardown();
}

static void attributes_that_the_source_has_not_go(void)
{
    setup();
    shell("echo x > src/a; setfacl -d -m u:1234:rwx dst");
    CHECK_INT(copy("a", false, NULL), SPATE_OK);
    shell("! getfattr -d -m - dst/a | grep -q acl");
    CHECK(same_entry("a"));
    teardown();
}

static void links_and_special_files(void)
{
    setup();
    shell(
        "ln -s /does/not/exist src/l; ln -s a src/l2; mkfifo -m 640 src/p; touch -h -d 2001-02-03 src/l; touch -d 2002-02-02 src/p");
    const char *names[] = {"l", "l2", "p"};
    for (size_t i = 0; i < SP_COUNT(names); i++) {
        CHECK_INT(copy(names[i], false, NULL), SPATE_OK);
        CHECK(same_entry(names[i]));
    }
    CHECK(same_content("l", SP_ENTRY_SYMLINK));
    shell("test \"$(readlink dst/l)\" = /does/not/exist");
    if (geteuid() == 0) {
        shell("mknod src/dev c 7 9");
        CHECK_INT(copy("dev", false, NULL), SPATE_OK);
        CHECK(same_entry("dev"));
    }
    shell("echo x > src/f; ln src/f src/g");
    CHECK_INT(copy("f", false, NULL), SPATE_OK);
    CHECK_INT(sp_copy_link(to, sp_str_of("/f"), "g", false, NULL), SPATE_OK);
    shell("test dst/f -ef dst/g && test $(ls -A dst | wc -l) -ge 5 && ! ls -A dst | grep -q spate");
    CHECK_INT(sp_copy_link(to, sp_str_of("/f"), "g", true, NULL), SPATE_OK); /* onto itself */
    shell("test dst/f -ef dst/g && ! ls -A dst | grep -q spate");
    teardown();
}

static void holes_stay_holes(void)
{
    setup();
    shell("truncate -s 64M src/s && printf begin | dd of=src/s conv=notrunc status=none && "
          "printf middle | dd of=src/s bs=1M seek=40 conv=notrunc status=none");
    shell("truncate -s 5M src/empty");
    CHECK_INT(copy("s", false, NULL), SPATE_OK);
    CHECK_INT(copy("empty", false, NULL), SPATE_OK);
    shell("cmp src/s dst/s && cmp src/empty dst/empty && test $(du -k dst/s | cut -f1) -lt 1024");
    teardown();
}

static void large_files_are_whole(void)
{
    setup();
    shell("head -c 3000001 /dev/urandom > src/big; cat src/big src/big src/big > src/huge");
    CHECK_INT(copy("huge", false, NULL), SPATE_OK);
    CHECK(same_content("huge", SP_ENTRY_FILE));
    shell("printf x | dd of=dst/huge bs=1 seek=8999999 conv=notrunc status=none");
    CHECK(!same_content("huge", SP_ENTRY_FILE));
    teardown();
}

/* ---- names and paths ---- */

static const char strange[] = "a\nb\\ \xff\xfe%_\"'*";

typedef struct seen {
    size_t n, strange;
} seen;

static int count_entry(void *arg, const sp_entry *entries, size_t n, spate_error *err)
{
    seen *s = arg;
    s->n += n;
    for (size_t i = 0; i < n; i++)
        s->strange += strcmp(entries[i].name, strange) == 0 && entries[i].name_len == strlen(strange);
    return SPATE_OK;
}

static void names_are_bytes(void)
{
    setup();
    char path[200];
    snprintf(path, sizeof path, "%s/%s", src_path, strange);
    close(open(path, O_CREAT | O_WRONLY, 0644));
    shell("cd src && touch $(seq 1 7000)");
    seen s = {0};
    CHECK_INT(src->ops->list(from, count_entry, &s, NULL), SPATE_OK);
    CHECK_INT(s.n, 7001);
    CHECK_INT(s.strange, 1);
    CHECK_INT(copy(strange, false, NULL), SPATE_OK);
    CHECK(same_entry(strange));
    teardown();
}

static void paths_may_be_longer_than_the_kernel_takes(void)
{
    setup();
    char path[20001] = "", *p = path;
    int fd = open(src_path, O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < 10000; i++, p += 2) {
        p[0] = '/';
        p[1] = 'd';
        CHECK(mkdirat(fd, "d", 0755) == 0);
        int next = openat(fd, "d", O_RDONLY | O_DIRECTORY);
        close(fd);
        fd = next;
    }
    close(openat(fd, "leaf", O_CREAT | O_WRONLY, 0644));
    close(fd);
    spate_error err = {0};
    CHECK_INT(src->ops->enter(from, (sp_str){path, 20000}, &err), SPATE_OK);
    sp_entry e;
    CHECK_INT(src->ops->stat(from, "leaf", &e, &err), SPATE_OK);
    CHECK_INT(e.type, SP_ENTRY_FILE);
    CHECK_INT(src->ops->enter(from, (sp_str){path, 19998}, &err), SPATE_OK); /* up */
    CHECK_INT(src->ops->enter(from, (sp_str){path, 20000}, &err), SPATE_OK); /* and down again */
    CHECK_INT(copy("leaf", false, &err), SPATE_OK);
    teardown();
}

static void no_link_is_followed(void)
{
    setup();
    shell("mkdir src/real && ln -s real src/way && ln -s . src/loop");
    spate_error err;
    CHECK_INT(src->ops->enter(from, sp_str_of("/real"), &err), SPATE_OK);
    CHECK_INT(src->ops->enter(from, sp_str_of("/way"), &err), SPATE_E_IO);
    CHECK_INT(src->ops->enter(from, sp_str_of("/loop/real"), &err), SPATE_E_IO);
    CHECK_INT(src->ops->enter(from, sp_str_of("/real/.."), &err), SPATE_OK); /* still inside */
    CHECK_INT(src->ops->enter(from, sp_str_of("/../src"), &err), SPATE_E_IO);
    teardown();
}

static void trees_must_be_apart(void)
{
    shell("rm -rf src dst && mkdir -p src/in/deep dst");
    const char *pairs[][2] = {
        {"src", "src"}, {"src", "src/in/deep"}, {"src/in", "src"}, {"src", "src/new/one"}, {"src", "dst"}};
    for (size_t i = 0; i < SP_COUNT(pairs); i++) {
        char a[128], b[128];
        snprintf(a, sizeof a, "%s/%s", dir, pairs[i][0]);
        snprintf(b, sizeof b, "%s/%s", dir, pairs[i][1]);
        sp_tree *x = NULL, *y = NULL;
        spate_error err;
        CHECK_INT(sp_tree_open(a, false, &x, &err), SPATE_OK);
        CHECK_INT(sp_tree_open(b, true, &y, &err), SPATE_OK);
        CHECK_INT(sp_trees_apart(x, y, &err), i == SP_COUNT(pairs) - 1);
        sp_tree_close(x);
        sp_tree_close(y);
    }
}

/* ---- comparing ---- */

static void differences_have_kinds(void)
{
    const sp_entry a = {.type = SP_ENTRY_FILE, .size = 10, .modified_ns = 1000, .mode = 0644, .user = 1};
    sp_entry b = a;
    CHECK_INT(sp_compare(&a, &b, 1, SP_KEEP_OWNER), SP_SAME);
    b.modified_ns++;
    CHECK_INT(sp_compare(&a, &b, 1, SP_KEEP_OWNER), SP_DIFFERS_DATA);
    CHECK_INT(sp_compare(&a, &b, 1000, SP_KEEP_OWNER), SP_SAME);
    b = a;
    b.user = 2;
    CHECK_INT(sp_compare(&a, &b, 1, SP_KEEP_OWNER), SP_DIFFERS_META);
    CHECK_INT(sp_compare(&a, &b, 1, 0), SP_SAME);
    b.size = 11;
    CHECK_INT(sp_compare(&a, &b, 1, 0), SP_DIFFERS_DATA);
    b.type = SP_ENTRY_FOLDER;
    CHECK_INT(sp_compare(&a, &b, 1, 0), SP_DIFFERS_TYPE);
}

/* ---- what goes wrong ---- */

static sp_tree_ops changing;

static int read_and_change(sp_walker *w, void *buf, size_t len, uint64_t offset, size_t *got, spate_error *err)
{
    shell("echo more >> src/a");
    return src->ops->read(w, buf, len, offset, got, err);
}

/* The source's own calls, but for a reader who has the file written to between. A table of its own keeps the kernel from copying by itself. */
static void a_file_that_changes_is_noticed(void)
{
    setup();
    shell("echo x > src/a");
    changing = *src->ops;
    changing.read = read_and_change;
    sp_tree moving = *src;
    moving.ops = &changing;
    sp_tree *kept = from->tree;
    from->tree = &moving;
    spate_error err = {0};
    CHECK_INT(copy("a", false, &err), SPATE_E_DATA);
    CHECK_STR(err.message, "\"a\", 3 times: the file changed while it was copied");
    from->tree = kept;
    shell("test -z \"$(ls -A dst)\"");
    teardown();
}

static size_t open_descriptors(void)
{
    size_t n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* The n-th call of each kind fails, for every n until the copy comes through. */
static void every_call_may_fail(void)
{
    setup();
    shell(
        "head -c 700000 /dev/urandom > src/a; setfattr -n user.x -v y src/a; ln -s a src/l; mkfifo src/p; truncate -s 3M src/s");
    const char *names[] = {"a", "l", "p", "s"};
    for (int kind = 0; kind < SP_OS_CALLS; kind++)
        for (size_t i = 0; i < SP_COUNT(names); i++) {
            int rc = SPATE_E_IO;
            for (uint64_t n = 1; rc != SPATE_OK && n < 100; n++) {
                shell("rm -rf dst/*");
                size_t before = open_descriptors();
                spate_error err = {0};
                sp_entry e;
                CHECK_INT(src->ops->stat(from, names[i], &e, NULL), SPATE_OK);
                sp_os_fail_at((sp_os_call)kind, n, EIO);
                rc = sp_copy_one(&copier, from, to, names[i], false, &e, &err);
                sp_os_fail_at((sp_os_call)kind, 0, 0);
                CHECK_INT(open_descriptors(), before);
                if (rc != SPATE_OK) {
                    CHECK_INT(err.os_errno, EIO);
                    CHECK(strstr(err.message, "input/output error") != NULL);
                    CHECK(dst->ops->stat(to, names[i], &e, NULL) != SPATE_OK);
                }
            }
            CHECK_INT(rc, SPATE_OK);
            CHECK(same_entry(names[i]));
        }
    teardown();
}

static void a_listing_may_fail(void)
{
    setup();
    shell("touch src/a src/b");
    spate_error err = {0};
    seen s = {0};
    sp_os_fail_at(SP_OS_LIST, 1, EIO);
    CHECK_INT(src->ops->list(from, count_entry, &s, &err), SPATE_E_IO);
    sp_os_fail_at(SP_OS_STAT, 1, ENOENT); /* it vanished */
    CHECK_INT(src->ops->list(from, count_entry, &s, &err), SPATE_OK);
    CHECK_INT(s.n, 1);
    sp_os_fail_at(SP_OS_STAT, 1, EACCES); /* it is told, as unknown */
    CHECK_INT(src->ops->list(from, count_entry, &s, &err), SPATE_OK);
    CHECK_INT(s.n, 3);
    sp_os_fail_at(SP_OS_STAT, 0, 0);
    teardown();
}

/* A kernel without copy_file_range, or two file systems between which it does not work. */
static void bytes_pass_through_where_the_kernel_refuses(void)
{
    setup();
    shell("head -c 700000 /dev/urandom > src/a; cp src/a src/b");
    sp_os_fail_at(SP_OS_CLONE, 1, EXDEV);
    CHECK_INT(copy("a", false, NULL), SPATE_OK);
    sp_os_fail_at(SP_OS_CLONE, 1, EIO); /* it is not even asked for the next one */
    CHECK_INT(copy("b", false, NULL), SPATE_OK);
    sp_os_fail_at(SP_OS_CLONE, 0, 0);
    CHECK(same_content("a", SP_ENTRY_FILE));
    CHECK(same_content("b", SP_ENTRY_FILE));
    teardown();
}

int main(void)
{
    CHECK(mkdtemp(dir) != NULL);
    umask(022);
    RUN(a_copy_keeps_everything);
    RUN(attributes_that_the_source_has_not_go);
    RUN(links_and_special_files);
    RUN(holes_stay_holes);
    RUN(large_files_are_whole);
    RUN(names_are_bytes);
    RUN(paths_may_be_longer_than_the_kernel_takes);
    RUN(no_link_is_followed);
    RUN(trees_must_be_apart);
    RUN(differences_have_kinds);
    RUN(a_file_that_changes_is_noticed);
    RUN(every_call_may_fail);
    RUN(a_listing_may_fail);
    RUN(bytes_pass_through_where_the_kernel_refuses);
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    CHECK_INT(system(command), 0);
    return check_done();
}
