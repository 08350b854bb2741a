/* Process 1 of a pod: it waits, and reaps the processes that are left to it. */
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>

int main(void) {
  sigset_t signals;
  int signal = 0;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, NULL);
  while (sigwait(&signals, &signal) == 0 && signal == SIGCHLD) {
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
  }
  return 0;
}
