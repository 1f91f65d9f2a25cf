// Starting another program. Swift can neither fork nor ask for a signal at the parent's end.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#endif

#include "CKernels.h"

int32_t apus_set_death_signal(int32_t signal) {
#if defined(__linux__)
  return prctl(PR_SET_PDEATHSIG, (unsigned long)signal, 0, 0, 0);
#else
  (void)signal;
  return 0;
#endif
}

// What the child does before it is the program; it must not return.
static void become(
    const char *path, char *const *arguments, const int32_t *streams, int32_t own_group,
    int32_t death_signal, pid_t parent, int report) {
  if (own_group) setpgid(0, 0);
  apus_set_death_signal(death_signal);
  // The parent may have ended before it was watched.
  if (death_signal != 0 && getppid() != parent) _exit(127);
  for (int stream = 0; stream < 3; stream++) {
    if (streams[stream] >= 0 && dup2(streams[stream], stream) < 0) goto failed;
  }
  // Handlers of the parent must not run here; what it ignores because of what started it stays ignored.
  for (int number = 1; number < NSIG; number++) {
    struct sigaction action;
    if (sigaction(number, NULL, &action) != 0) continue;
    if (action.sa_handler != SIG_IGN || number == SIGPIPE) signal(number, SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execvp(path, arguments);
failed: {
  int code = errno;
  while (write(report, &code, sizeof code) < 0 && errno == EINTR) {
  }
  _exit(127);
}
}

int32_t apus_start_child(
    const char *path, char *const *arguments, const int32_t *streams, int32_t own_group,
    int32_t death_signal) {
  int ends[2];
  if (pipe(ends) != 0) return -errno;
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  pid_t parent = getpid();
  pid_t child = fork();
  if (child == 0) become(path, arguments, streams, own_group, death_signal, parent, ends[1]);
  int failure = child < 0 ? errno : 0;
  sigprocmask(SIG_SETMASK, &before, NULL);
  close(ends[1]);
  if (child > 0) {
    // Both do it: whoever comes first.
    if (own_group) setpgid(child, child);
    // The pipe closes without a word when the program has begun.
    int code = 0;
    ssize_t count;
    do {
      count = read(ends[0], &code, sizeof code);
    } while (count < 0 && errno == EINTR);
    if (count == (ssize_t)sizeof code) failure = code;
  }
  close(ends[0]);
  return failure != 0 ? -failure : child;
}
