// Threads, processes, the CPU.
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>
#include <sys/wait.h>

#include "driver.h"

typedef struct {
  atomic_int done[8];
} work;

static void count_part(void *context, ptrdiff_t part) { atomic_fetch_add(&((work *)context)->done[part], 1); }

static void pool(void) {
  for (int workers = 0; workers < 4; workers++) {
    apus_pool *pool = apus_pool_create(workers, workers % 2);
    expect(apus_pool_workers(pool) == workers, "%d of %d workers", apus_pool_workers(pool), workers);
    work w = {0};
    for (int round = 1; round <= 200; round++) {
      apus_pool_run(pool, count_part, &w, 8);
      for (int part = 0; part < 8; part++) expect(w.done[part] == round, "part %d was done %d times in %d rounds", part, w.done[part], round);
    }
    apus_pool_run(pool, count_part, &w, 0);
    for (int round = 1; round <= 50; round++) {
      apus_pool_start(pool, count_part, &w);
      apus_pool_wait(pool);
      expect(w.done[1] == 200 + round, "a started part was done %d times in %d rounds", w.done[1] - 200, round);
    }
    apus_pool_wait(pool);
    apus_pool_destroy(pool);
  }
}

static void child(void) {
  const int32_t streams[3] = {-1, -1, -1};
  char *const arguments[] = {"sh", "-c", "exit 3", NULL};
  expect(apus_set_death_signal(0) == 0, "death signal");
  const int32_t number = apus_start_child("sh", arguments, streams, 1, 0);
  int status = 0;
  expect(number > 0 && waitpid(number, &status, 0) == number, "child %d", number);
  expect(WIFEXITED(status) && WEXITSTATUS(status) == 3, "status %d", status);
  expect(apus_start_child("/no/such/program", arguments, streams, 0, 0) == -2, "a program that does not exist");
}

static void shared_file(void) {
  const int32_t file = apus_shared_file();
  expect(file >= 0, "a file in memory");
  expect(ftruncate(file, 3 * 4096) == 0, "its length");
  char *one = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  char *other = mmap(NULL, 3 * 4096, PROT_READ, MAP_SHARED, file, 0);
  expect(one != MAP_FAILED && other != MAP_FAILED, "two views of it");
  memset(one, 7, 3 * 4096);
  apus_release_pages(file, 4096, 4096);
  for (int i = 0; i < 3 * 4096; i++) expect(other[i] == (i / 4096 == 1 ? 0 : 7), "byte %d is %d", i, other[i]);
  munmap(one, 3 * 4096), munmap(other, 3 * 4096);
  close(file);
  for (int round = 0; round < 40; round++) apus_give_way(round);
}

static void cpu(void) {
  char vendor[13];
  int family, model;
  apus_cpu_identity(vendor, &family, &model);
#if defined(__x86_64__)
  const char *targets[] = {"x86-64-v4", "x86-64-v3", "baseline"};
#else
  const char *targets[] = {"baseline"};
  expect(vendor[0] == 0 && family == 0 && model == 0, "an identity without CPUID");
#endif
  int known = 0;
  for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) known |= strcmp(apus_cpu_target(), targets[i]) == 0;
  expect(known, "target %s", apus_cpu_target());
  expect(strcmp(apus_cpu_best_target(), apus_cpu_target()) == 0 || getenv("APUS_CPU") != NULL, "best target %s", apus_cpu_best_target());
  expect(apus_cpu_count() >= 1 && apus_cpu_count() < 100000, "%d CPUs", apus_cpu_count());
}

const row system_rows[] = {
    {"apus_pool_create apus_pool_workers apus_pool_run apus_pool_start apus_pool_wait apus_pool_destroy", pool},
    {"apus_start_child", child},
    {"apus_shared_file apus_release_pages apus_give_way", shared_file},
    {"apus_cpu_target apus_cpu_best_target apus_cpu_count", cpu},
    {0},
};
