#!/usr/bin/env python3
"""Counts the instructions of training steps under valgrind, and fails when there are more than were recorded.

Counts do not depend on how busy a machine is, so they show a change of one percent where times show nothing. They say
little about speed: a cache miss is one instruction. Valgrind knows no AVX-512, so the kernels are those for AVX2. "The rest" is
everything outside BLAS and the C kernels: the plan, fit, and copying. It takes some minutes.

  Benchmarks/instructions.py            compares with instructions.json; exit code 1 when a count rose by more than 5 %
  Benchmarks/instructions.py --record   writes instructions.json: after a change that is meant, with the file in the commit
"""
import argparse
import json
import os
import queue
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
RECORD = os.path.join(HERE, "instructions.json")
LIMIT = 1.05
# Workload (with steps in a row, by fit, or alone, by trainOnBatch), rows, and two numbers of steps: their difference leaves out
# starting, compiling and the first steps.
RUNS = [
    ("mlp_small", 32, 100, 200), ("mlp_small alone", 32, 100, 200), ("mlp", 8, 10, 20), ("cnn", 2, 10, 20),
    ("transformer", 1, 10, 20),
]
# OpenBLAS is told which kernels to take, whatever CPU this is.
CORE = "Haswell"


def count(apus, workload, rows, steps, cpus):
    """Instructions of a whole run by part of the program, and by function."""
    # One CPU a run: then nothing is done on a second thread, whose waiting would count.
    cpu = cpus.get()
    try:
        return count_on(cpu, apus, workload, rows, steps)
    finally:
        cpus.put(cpu)


def count_on(cpu, apus, workload, rows, steps):
    environment = dict(
        os.environ, OPENBLAS_CORETYPE=CORE, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1",
        SWIFT_DETERMINISTIC_HASHING="1",
        # Valgrind counts every byte of the string instructions, which large copies would otherwise be made with.
        GLIBC_TUNABLES="glibc.cpu.x86_rep_movsb_threshold=1000000000:glibc.cpu.x86_rep_stosb_threshold=1000000000")
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "callgrind.out")
        # Valgrind may not read the debugging information; the names of functions are enough.
        program = os.path.join(folder, "apus")
        subprocess.run(["strip", "--strip-debug", "-o", program, apus], check=True)
        workload, *how = workload.split()
        command = [
            "taskset", "-c", str(cpu), "valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--compress-strings=no",
            "--compress-pos=no", program, "bench", "steps", "--workload", workload, "--rows", str(rows),
            "--steps", str(steps)] + [f"--{word}" for word in how]
        run = subprocess.run(command, env=environment, capture_output=True, text=True)
        if run.returncode != 0:
            raise SystemExit(f"failed: {' '.join(command)}\n{run.stderr[-2000:]}")
        return parse(out)


def parse(path):
    """Exclusive costs of a callgrind file: a cost line is `line cost`; after `calls=` comes the callee's, which is left out."""
    parts, functions = Counter(), Counter()
    library = function = ""
    after_call = False
    with open(path, errors="replace") as lines:
        for line in lines:
            if line.startswith("ob="):
                library = line[3:-1]
            elif line.startswith("fn="):
                function = line[3:-1]
            elif line.startswith("calls="):
                after_call = True
            elif line[:1].isdigit() or line[:1] in "+-*":
                if after_call:
                    after_call = False
                    continue
                cost = int(line.split()[1])
                if "openblas" in library:
                    part = "blas"
                elif library.endswith("/apus") and not function.startswith(("$s", "swift_")):
                    part = "kernels"  # C in our own program; the names of Swift functions begin with $s
                else:
                    part = "rest"
                parts[part] += cost
                functions[part, function] += cost
    return parts, functions


def measure(apus, top):
    cpus = queue.SimpleQueue()
    for cpu in sorted(os.sched_getaffinity(0)):
        cpus.put(cpu)
    with ThreadPoolExecutor(cpus.qsize()) as pool:
        runs = [
            [pool.submit(count, apus, workload, rows, steps, cpus) for steps in (few, many)]
            for workload, rows, few, many in RUNS]
    counts = {}
    for (workload, rows, few, many), pair in zip(RUNS, runs):
        (less, less_by), (more, more_by) = (run.result() for run in pair)
        per_step = {part: (more[part] - less[part]) // (many - few) for part in ("blas", "kernels", "rest")}
        per_step["total"] = sum(per_step.values())
        counts[workload] = dict(rows=rows, **per_step)
        print(f"{workload}, {rows} rows: {per_step['total']:,} instructions a step: {per_step['blas']:,} in BLAS, "
              f"{per_step['kernels']:,} in kernels, {per_step['rest']:,} in the rest", flush=True)
        difference = Counter({key: (more_by[key] - less_by[key]) // (many - few) for key in more_by})
        for (part, name), number in difference.most_common(top):
            print(f"  {number:>12,}  {part:8}{name[:100]}")
    return counts


def cpu_model():
    with open("/proc/cpuinfo") as lines:
        return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--apus", default=os.path.join(HERE, "../.build/release/apus"))
    parser.add_argument("--record", action="store_true", help="write the counts to instructions.json")
    parser.add_argument("--top", type=int, default=0, help="also print this number of functions with the most instructions")
    options = parser.parse_args()
    counts = measure(options.apus, options.top)
    if options.record:
        about = f"instructions a step under valgrind (AVX2), OPENBLAS_CORETYPE={CORE}, counted on: {cpu_model()}"
        with open(RECORD, "w") as out:
            json.dump(dict(about=about, counts=counts), out, indent=2)
            out.write("\n")
        return 0
    if not os.path.exists(RECORD):
        print("there are no recorded counts to compare with: --record writes them", file=sys.stderr)
        return 0
    with open(RECORD) as lines:
        recorded = json.load(lines)["counts"]
    failed = False
    for workload, now in counts.items():
        for part, before in recorded.get(workload, {}).items():
            if now["rows"] != recorded[workload]["rows"] or part == "rows":
                continue
            # A part of a few thousand instructions moves by chance.
            if now[part] > before * LIMIT and now[part] - before > 2000:
                failed = True
                print(f"{workload}: {part} takes {now[part]:,} instructions a step, {now[part] / before:.3f} times the "
                      f"recorded {before:,}; if that is meant, record it with --record", file=sys.stderr)
    print("more instructions than recorded" if failed else "no more instructions than recorded")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
