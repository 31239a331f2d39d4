/*
 * What intruders do so that a list of processes shows something else. Each trick is a process of its own that sleeps until its
 * parent dies. With a file as argument one line a trick, "NAME PID", is written there; then it waits for its standard input to end.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *directory;

static void rest(void) {
  for (;;) pause();
}

static void must(int ok, const char *what) {
  if (!ok) {
    perror(what);
    _exit(1);
  }
}

static void copy_self(int to) {
  char buffer[65536];
  int from = open("/proc/self/exe", O_RDONLY);
  must(from >= 0, "open self");
  for (ssize_t got; (got = read(from, buffer, sizeof buffer)) > 0;) must(write(to, buffer, got) == got, "copy");
  close(from);
}

static void path(char *into, size_t size, const char *name) { snprintf(into, size, "%s/%s", directory, name); }

/* A program that was never in a file system, under the name of a kernel thread. */
static void memfd_exec(void) {
  int fd = syscall(SYS_memfd_create, "x (deleted)", 0);
  must(fd >= 0, "memfd_create");
  copy_self(fd);
  char *argv[] = {"[kworker/u8:2]", NULL}, *envp[] = {"REST=1", "LD_PRELOAD=/tmp/.x/lib.so", NULL};
  fexecve(fd, argv, envp);
  must(0, "fexecve");
}

static void unlinked_binary(void) {
  char name[4096];
  path(name, sizeof name, "gone");
  int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755);
  must(fd >= 0, "create gone");
  copy_self(fd);
  close(fd);
  pid_t child = fork();
  if (child == 0) {
    char *argv[] = {"gone", NULL}, *envp[] = {"REST=1", "UNLINK=1", NULL};
    execve(name, argv, envp);
    must(0, "exec gone");
  }
  rest();
}

/* A name that is no proof of anything: the file is there. */
static void named_deleted(void) {
  char name[4096];
  path(name, sizeof name, "here (deleted)");
  int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755);
  must(fd >= 0, "create here");
  copy_self(fd);
  close(fd);
  char *argv[] = {"here", NULL}, *envp[] = {"REST=1", NULL};
  execve(name, argv, envp);
  must(0, "exec here");
}

static void odd_name(void) {
  prctl(PR_SET_NAME, "a) S 1\n\x1b[31m\xff(");
  rest();
}

static void fake_kworker(void) {
  char *argv[] = {"[kworker/0:1H]", NULL}, *envp[] = {"REST=1", "NAME=kworker/0:1H", NULL};
  execve("/proc/self/exe", argv, envp);
  must(0, "exec self");
}

static void tcp6(void) {
  struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons(4444), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  int listener = socket(AF_INET6, SOCK_STREAM, 0), client = socket(AF_INET6, SOCK_STREAM, 0);
  must(listener >= 0 && bind(listener, (void *)&at, sizeof at) == 0 && listen(listener, 1) == 0, "listen");
  must(connect(client, (void *)&at, sizeof at) == 0, "connect");
  must(accept(listener, NULL, NULL) >= 0, "accept");
  rest();
}

static void raw_socket(void) {
  must(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0, "raw");
  must(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)) >= 0, "packet");
  rest();
}

static void deleted_file(void) {
  char name[4096];
  path(name, sizeof name, "loot");
  int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
  must(fd >= 0 && write(fd, "lo\0ot\n", 6) == 6 && unlink(name) == 0, "loot");
  path(name, sizeof name, "fifo");
  mkfifo(name, 0600);
  must(open(name, O_RDWR) >= 0 && unlink(name) == 0, "fifo");
  rest();
}

static void executable_memory(void) {
  void *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(at != MAP_FAILED, "mmap");
  strcpy(at, "impound-was-here");
  rest();
}

static void long_command_line(void) {
  char *big = malloc(100001);
  memset(big, 'A', 100000);
  big[100000] = 0;
  char *argv[] = {"long", big, big, big, big, big, big, big, big, big, big, NULL}, *envp[] = {"REST=1", NULL};
  execve("/proc/self/exe", argv, envp);
  must(0, "exec long");
}

static void stopped(void) {
  raise(SIGSTOP);
  rest();
}

/* A file system whose daemon never answers: whoever asks what the descriptor leads to waits. */
static void hanging_fuse(void) {
  char name[4096], options[128];
  path(name, sizeof name, "fuse");
  mkdir(name, 0755);
  int device = open("/dev/fuse", O_RDWR);
  if (device < 0) _exit(3);
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
  if (mount("fuse", name, "fuse", 0, options) != 0) _exit(3);
  must(open(name, O_PATH) >= 0, "open fuse");
  rest();
}

static const struct {
  const char *name;
  void (*run)(void);
} TRICKS[] = {
    {"memfd", memfd_exec},       {"unlinked", unlinked_binary}, {"named-deleted", named_deleted},
    {"odd-name", odd_name},      {"fake-kworker", fake_kworker}, {"tcp6", tcp6},
    {"raw", raw_socket},         {"deleted-file", deleted_file}, {"executable", executable_memory},
    {"long", long_command_line}, {"stopped", stopped},           {"fuse", hanging_fuse},
};

int main(int argc, char **argv) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getenv("UNLINK") != NULL) {
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length > 0 ? length : 0] = 0;
    unlink(self);
  }
  if (getenv("NAME") != NULL) prctl(PR_SET_NAME, getenv("NAME"));
  if (getenv("REST") != NULL) rest();
  if (argc < 3) return 2;
  directory = argv[1];
  char partial[4096];
  snprintf(partial, sizeof partial, "%s.partial", argv[2]);
  FILE *list = fopen(partial, "w");
  must(list != NULL, "list");
  for (size_t i = 0; i < sizeof TRICKS / sizeof *TRICKS; i++) {
    if (argc > 3) {
      int wanted = 0;
      for (int word = 3; word < argc; word++) wanted |= strcmp(argv[word], TRICKS[i].name) == 0;
      if (!wanted) continue;
    }
    pid_t pid = fork();
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      TRICKS[i].run();
    }
    fprintf(list, "%s %d\n", TRICKS[i].name, pid);
  }
  fclose(list);
  usleep(300000);
  rename(partial, argv[2]);
  rest();
}
