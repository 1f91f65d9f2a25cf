// A pool of threads for work that is cut into parts beforehand.
//
// A worker that has nothing to do first spins, because the next piece of work of a training step comes within
// microseconds, and then sleeps, because a step that never comes must not cost a core.
#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kernel.h"

#if defined(__x86_64__)
#define APUS_PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define APUS_PAUSE() __asm__ volatile("yield")
#else
#define APUS_PAUSE() ((void)0)
#endif

// How long a worker spins before it sleeps. Longer than the serial stretches of a step; sleeping and waking costs
// some 50 microseconds.
static const int64_t spin_nanoseconds = 150000;

typedef struct {
  _Alignas(64) atomic_uint command;  // grows by one with every piece of work; the highest bit ends the thread
  _Alignas(64) atomic_uint taken;    // the last command that somebody has begun to carry out
  _Alignas(64) atomic_uint done;     // the last command that was carried out
  _Alignas(64) atomic_int sleeping;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  pthread_t thread;
  ptrdiff_t part;
  int cpu;  // the one that the thread is tied to, or -1
  struct apus_pool *pool;
} apus_worker;

struct apus_pool {
  int count;
  apus_worker *workers;
  apus_task task;
  void *context;
  int free_cpu;  // the one that no worker is tied to: for the caller; -1 when none is tied
  _Alignas(64) atomic_flag busy;  // somebody runs, or has started, a task
  atomic_int started;             // there is one to wait for
};

static const unsigned stop_bit = 0x80000000u;

static int64_t nanoseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// Waits until the command is no longer `last`.
static unsigned next_command(apus_worker *worker, unsigned last) {
  const int64_t start = nanoseconds();
  for (int i = 0;; i++) {
    const unsigned command = atomic_load_explicit(&worker->command, memory_order_acquire);
    if (command != last) return command;
    APUS_PAUSE();
    if (i % 64 == 63 && nanoseconds() - start > spin_nanoseconds) break;
  }
  pthread_mutex_lock(&worker->mutex);
  atomic_store(&worker->sleeping, 1);
  unsigned command;
  while ((command = atomic_load(&worker->command)) == last)
    pthread_cond_wait(&worker->wake, &worker->mutex);
  atomic_store(&worker->sleeping, 0);
  pthread_mutex_unlock(&worker->mutex);
  return command;
}

// Carries out `command` unless somebody has begun to. A worker whose CPU is busy with something else must not hold up
// the caller, which then does the part itself; parts are the same whoever works on them.
static void carry_out(apus_worker *worker, unsigned command) {
  unsigned last = (command - 1) & ~stop_bit;
  if (!atomic_compare_exchange_strong(&worker->taken, &last, command)) return;
  worker->pool->task(worker->pool->context, worker->part);
  atomic_store_explicit(&worker->done, command, memory_order_release);
}

static void *worker_main(void *argument) {
  apus_worker *worker = argument;
  unsigned last = 0;
  for (;;) {
    const unsigned command = next_command(worker, last);
    if (command & stop_bit) return NULL;
    carry_out(worker, command);
    last = command;
  }
}

static void send(apus_worker *worker, unsigned command) {
  atomic_store(&worker->command, command);
  if (atomic_load(&worker->sleeping)) {
    pthread_mutex_lock(&worker->mutex);
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->mutex);
  }
}

#if defined(__linux__)

static void tie(apus_worker *worker, int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  pthread_setaffinity_np(worker->thread, sizeof one, &one);
  worker->cpu = cpu;
}

// Ties each worker to a CPU of its own: only where there is one for each thread of the pool, the caller included.
static void tie_all(apus_pool *pool) {
  cpu_set_t allowed;
  if (pthread_getaffinity_np(pthread_self(), sizeof allowed, &allowed) != 0) return;
  if (CPU_COUNT(&allowed) != pool->count + 1) return;
  int worker = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    if (pool->free_cpu < 0) {
      pool->free_cpu = cpu;
    } else {
      tie(&pool->workers[worker++], cpu);
    }
  }
}

// The caller is not tied, since that would bind what the program does besides, and the processes that it starts. When
// the system has moved it to a worker's CPU, the worker takes the one that has become free.
static void make_way(apus_pool *pool) {
  const int here = sched_getcpu();
  if (here == pool->free_cpu || here < 0) return;
  for (int i = 0; i < pool->count; i++) {
    if (pool->workers[i].cpu != here) continue;
    tie(&pool->workers[i], pool->free_cpu);
    pool->free_cpu = here;
    return;
  }
}

#else
static void tie_all(apus_pool *pool) { (void)pool; }
static void make_way(apus_pool *pool) { (void)pool; }
#endif

// Memory in whole cache lines. Without it nothing can go on.
static void *cache_lines(size_t bytes, int workers) {
  void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
  if (memory) return memory;
  fprintf(stderr, "apus: out of memory: no %zu bytes for the thread pool of %d threads\n", bytes, workers + 1);
  abort();
}

apus_pool *apus_pool_create(int workers, int tied) {
  apus_pool *pool = cache_lines(sizeof(apus_pool), workers);
  pool->count = 0;
  pool->free_cpu = -1;
  pool->workers = workers > 0 ? cache_lines(sizeof(apus_worker) * (size_t)workers, workers) : NULL;
  atomic_flag_clear(&pool->busy);
  atomic_init(&pool->started, 0);
  for (int i = 0; i < workers; i++) {
    apus_worker *worker = &pool->workers[i];
    atomic_init(&worker->command, 0);
    atomic_init(&worker->taken, 0);
    atomic_init(&worker->done, 0);
    atomic_init(&worker->sleeping, 0);
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->wake, NULL);
    worker->part = i + 1;
    worker->cpu = -1;
    worker->pool = pool;
    if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0) break;
    pool->count++;
  }
  if (tied) tie_all(pool);
  return pool;
}

void apus_pool_destroy(apus_pool *pool) {
  apus_pool_wait(pool);
  for (int i = 0; i < pool->count; i++) {
    apus_worker *worker = &pool->workers[i];
    send(worker, atomic_load(&worker->command) | stop_bit);
    pthread_join(worker->thread, NULL);
    pthread_mutex_destroy(&worker->mutex);
    pthread_cond_destroy(&worker->wake);
  }
  free(pool->workers);
  free(pool);
}

int apus_pool_workers(const apus_pool *pool) { return pool->count; }

static void begin(apus_pool *pool, apus_task task, void *context, ptrdiff_t parts) {
  pool->task = task;
  pool->context = context;
  for (ptrdiff_t i = 0; i + 1 < parts && i < pool->count; i++) {
    apus_worker *worker = &pool->workers[i];
    // Commands go round below the bit that ends the thread.
    const unsigned last = atomic_load_explicit(&worker->command, memory_order_relaxed);
    send(worker, (last + 1) & ~stop_bit);
  }
}

static void finish(apus_pool *pool, ptrdiff_t parts) {
  // For want of workers, if the system refused a thread.
  for (ptrdiff_t part = pool->count + 1; part < parts; part++) pool->task(pool->context, part);
  for (ptrdiff_t i = 0; i + 1 < parts && i < pool->count; i++) {
    apus_worker *worker = &pool->workers[i];
    const unsigned command = atomic_load_explicit(&worker->command, memory_order_relaxed);
    carry_out(worker, command);
    for (int n = 1; atomic_load_explicit(&worker->done, memory_order_acquire) != command; n++) {
      APUS_PAUSE();
      // Where cores are shared the worker may be waiting for this one.
      if (n % 4096 == 0) sched_yield();
    }
  }
}

void apus_pool_run(apus_pool *pool, apus_task task, void *context, ptrdiff_t parts) {
  // When others use the pool the caller does it all.
  if (parts <= 1 || parts > pool->count + 1 || atomic_flag_test_and_set(&pool->busy)) {
    for (ptrdiff_t part = 0; part < parts; part++) task(context, part);
    return;
  }
  if (pool->free_cpu >= 0) make_way(pool);
  begin(pool, task, context, parts);
  task(context, 0);
  finish(pool, parts);
  atomic_flag_clear_explicit(&pool->busy, memory_order_release);
}

void apus_pool_start(apus_pool *pool, apus_task task, void *context) {
  if (atomic_flag_test_and_set(&pool->busy)) {
    task(context, 1);
    return;
  }
  begin(pool, task, context, 2);
  atomic_store(&pool->started, 1);
}

void apus_pool_wait(apus_pool *pool) {
  if (!atomic_exchange(&pool->started, 0)) return;
  finish(pool, 2);
  atomic_flag_clear_explicit(&pool->busy, memory_order_release);
}

void apus_give_way(int round) {
  if (round < 32) {
    for (int n = 0; n < 4; n++) APUS_PAUSE();
  } else {
    sched_yield();
  }
}
