// Loads OpenBLAS with an environment of its own.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "COpenBLAS.h"

extern char **environ;

enum { own_variables = 2 };

// The environment with our variables before all others, where `getenv` finds them first. It is never freed: another thread may
// read it.
static char **with_own_variables(char **own) {
  size_t count = 0;
  while (environ != NULL && environ[count] != NULL) count++;
  char **all = malloc((own_variables + count + 1) * sizeof *all);
  if (all == NULL) return NULL;
  memcpy(all, own, own_variables * sizeof *all);
  if (count > 0) memcpy(all + own_variables, environ, count * sizeof *all);
  all[own_variables + count] = NULL;
  return all;
}

// Takes our variables out of an environment that another thread has made of ours by `setenv`.
static void remove_own_variables(char **own) {
  char **to = environ;
  for (char **from = environ; *from != NULL; from++) {
    if (*from != own[0] && *from != own[1]) *to++ = *from;
  }
  *to = NULL;
}

// Loads with OPENBLAS_CORETYPE, and with one thread, so that none is started. `setenv` would be no way: it moves the environment
// while other threads may read it.
static void *load(const char *name, const char *core) {
  static char core_setting[64], one_thread[] = "OPENBLAS_NUM_THREADS=1";
  snprintf(core_setting, sizeof core_setting, "OPENBLAS_CORETYPE=%s", core != NULL ? core : "");
  char *own[own_variables] = {one_thread, core != NULL ? core_setting : one_thread};
  char **before = environ, **during = with_own_variables(own);
  if (during != NULL) environ = during;
  void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  if (environ == during) {
    environ = before;
  } else {
    remove_own_variables(own);
  }
  return handle;
}

const char *apus_openblas_open(const char *name, const char *core, apus_openblas *library) {
  memset(library, 0, sizeof *library);
  void *handle = load(name, core);
  if (handle == NULL) return dlerror();
  library->handle = handle;
  library->sgemm = (apus_sgemm_fn)dlsym(handle, "cblas_sgemm");
  library->dgemm = (apus_dgemm_fn)dlsym(handle, "cblas_dgemm");
  library->config = (char *(*)(void))dlsym(handle, "openblas_get_config");
  library->core_name = (char *(*)(void))dlsym(handle, "openblas_get_corename");
  void (*set_threads)(int) = (void (*)(int))dlsym(handle, "openblas_set_num_threads");
  if (!library->sgemm || !library->dgemm || !library->config || !library->core_name ||
      !set_threads) {
    apus_openblas_close(library);
    return "it is no OpenBLAS with CBLAS";
  }
  // Something else may have loaded it before, or it takes OpenMP's number.
  set_threads(1);
  return NULL;
}

void apus_openblas_close(apus_openblas *library) {
  if (library->handle != NULL) dlclose(library->handle);
  memset(library, 0, sizeof *library);
}
