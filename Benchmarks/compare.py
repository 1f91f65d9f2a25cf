#!/usr/bin/env python3
"""Trains the same models with Apus and with its peers, in turn, and prints how they compare.

In each round everything runs once, one after the other, so that a slow spell of the machine meets all; the ratio of a round
is the peer's time over ours. Every process gets the same CPUs and threads. OPENBLAS_CORETYPE is unset for all. With --cpu avx2
all are held to the instructions of a CPU without AVX-512, each by its own variable.

  Benchmarks/compare.py                                       everything, 5 rounds: about two hours
  Benchmarks/compare.py --workloads mlp --modes 1-thread --rounds 3
  Benchmarks/compare.py --cpu avx2 --modes 1-thread
"""
import argparse
import json
import os
import platform
import resource
import socket
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
WORKLOADS = ["mlp", "mlp_small", "cnn", "transformer", "lstm", "gru", "resnet", "embedding", "autoencoder"]
MODES = {"1-thread": (1, 1), "2-threads": (1, 2), "2-ranks": (2, 1)}  # ranks and threads of each
# Script, arguments, workloads and modes of each peer.
PEERS = {
    "torch": ("torch_peer.py", [], WORKLOADS, list(MODES)),
    "jax": ("jax_peer.py", [], WORKLOADS, ["1-thread", "2-threads"]),
    "jax-loop": ("jax_peer.py", ["--loop"], ["mlp_small"], ["1-thread", "2-threads"]),
    "keras-tf": ("keras_peer.py", [], ["transformer"], ["1-thread", "2-threads"]),
    "keras-jax": ("keras_peer.py", ["--backend", "jax"], ["lstm", "gru"], ["1-thread", "2-threads"]),
}
# What holds Apus; PyTorch's own kernels, MKL and oneDNN; XLA and its oneDNN; TensorFlow's oneDNN to a CPU's instructions.
# XLA's YNNPACK takes AVX-512 whatever XLA is told, and no variable holds it: it is left out.
CPU_VARIABLES = {
    "own": {},
    "avx2": dict(
        APUS_CPU="x86-64-v3", ATEN_CPU_CAPABILITY="avx2", MKL_ENABLE_INSTRUCTIONS="AVX2", ONEDNN_MAX_CPU_ISA="AVX2",
        XLA_FLAGS="--xla_cpu_max_isa=AVX2 --xla_cpu_experimental_ynn_fusion_type="),
}


def environment(threads, cpu):
    kept = {
        key: value for key, value in os.environ.items()
        if not key.startswith("OPENBLAS_") and key not in CPU_VARIABLES["avx2"]}
    number = str(threads)
    return dict(
        kept, **CPU_VARIABLES[cpu], OPENBLAS_NUM_THREADS=number, OMP_NUM_THREADS=number, MKL_NUM_THREADS=number,
        GLOO_SOCKET_IFNAME="lo", PYTHONDONTWRITEBYTECODE="1")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def commands(name, workload, mode, options):
    """The processes of a run, the one that prints first, each with what is added to its environment."""
    ranks, threads = MODES[mode]
    pin = ["taskset", "-c", ",".join(options.cpus.split(",")[-ranks * threads:])]
    shared = ["--workload", workload, "--threads", str(threads), "--blocks", str(options.blocks)]
    if name == "apus":
        launch = ["-n", str(ranks)] if ranks > 1 else []
        return [(pin + [options.apus, "bench", "train", "--json", *shared, *launch], {})]
    script, extra, _, _ = PEERS[name]
    command = pin + [options.python[name], os.path.join(HERE, "peers", script), *shared, *extra]
    if ranks == 1:
        return [(command, {})]
    port = free_port()
    return [
        (command, dict(RANK=str(rank), WORLD_SIZE=str(ranks), MASTER_ADDR="127.0.0.1", MASTER_PORT=port))
        for rank in range(ranks)]


def busy_seconds():
    """CPU time of everything on this machine, and of our children."""
    with open("/proc/stat") as lines:
        ticks = [int(field) for field in lines.readline().split()[1:9]]
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK"), children.ru_utime + children.ru_stime


def run(name, workload, mode, options):
    """The object that a run prints, or None when it fails."""
    everything, own = busy_seconds()
    start = time.monotonic()
    processes = []
    for command, added in commands(name, workload, mode, options):
        processes.append(subprocess.Popen(
            command, env=dict(environment(MODES[mode][1], options.cpu), **added), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, start_new_session=True))
    try:
        output, errors = processes[0].communicate(timeout=options.timeout)
        for process in processes[1:]:
            process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        errors, output = f"no end after {options.timeout} s", ""
        for process in processes:
            if process.poll() is None:
                os.killpg(process.pid, 9)
            process.communicate()
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if not lines:
        print(f"  {name} failed: {errors.strip()[-500:]}", file=sys.stderr)
        return None
    result = json.loads(lines[-1])
    later, own_later = busy_seconds()
    result["other_cores"] = round(max(0, (later - everything) - (own_later - own)) / (time.monotonic() - start), 2)
    return result


def table(results):
    """A row a peer: medians over rounds, and the ratio to ours as min, median, max."""
    head = ["", "ms/step", "alone", "samples/s", "GFLOP/s", "MiB", "x ours: min", "median", "max", "others' cores"]
    rows = [head]
    ours = results["apus"]
    for name, rounds in results.items():
        known = [result for result in rounds if result]
        if not known:
            rows.append([name, "failed"])
            continue

        def middle(key):
            return statistics.median(result[key] for result in known)

        ratios = sorted(theirs["step_ms"] / mine["step_ms"] for theirs, mine in zip(rounds, ours) if theirs and mine)
        shown = ["", "", ""] if name == "apus" or not ratios else [
            f"{ratio:.2f}" for ratio in (ratios[0], statistics.median(ratios), ratios[-1])]
        rows.append([
            known[0]["peer"], f"{middle('step_ms'):.4g}", f"{middle('step_ms_median'):.4g}",
            f"{middle('samples_per_s'):,.0f}", f"{middle('gflops'):.1f}", f"{middle('peak_rss_mb'):.0f}", *shown,
            f"{max(result['other_cores'] for result in known):.2f}"])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|---" + "|--:" * (len(head) - 1) + "|"] + lines[1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=WORKLOADS)
    parser.add_argument("--modes", nargs="+", choices=list(MODES), default=list(MODES))
    parser.add_argument("--peers", nargs="*", choices=list(PEERS), default=list(PEERS))
    parser.add_argument("--cpu", choices=list(CPU_VARIABLES), default="own", help="the instructions that all may use")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--blocks", type=int, default=7, help="timed blocks of steps in a run")
    parser.add_argument("--cpus", default=",".join(map(str, sorted(os.sched_getaffinity(0)))), help="the last of these are used")
    parser.add_argument("--timeout", type=float, default=180, help="seconds for a run")
    parser.add_argument("--apus", default=os.path.join(HERE, "../.build/release/apus"))
    parser.add_argument(
        "--python", action="append", default=[], metavar="PEER=PATH",
        help="another Python than Benchmarks/.venv for a peer, such as torch=/opt/torch/bin/python")
    parser.add_argument("--out", help="a file that gets every run's line of JSON")
    options = parser.parse_args()
    own = os.path.join(HERE, ".venv/bin/python")
    options.python = dict({name: own for name in PEERS}, **dict(pair.split("=", 1) for pair in options.python))
    if "jax-loop" in PEERS and options.python["jax-loop"] == own:
        options.python["jax-loop"] = options.python["jax"]
    if len(options.cpus.split(",")) < 2 and options.modes != ["1-thread"]:
        parser.error("two CPUs are needed; --modes 1-thread does with one")
    print(f"{platform.processor() or platform.machine()}, CPUs {options.cpus}, {options.rounds} rounds, "
          f"instructions: {options.cpu}, OPENBLAS_CORETYPE unset for all; medians over rounds")
    for workload in options.workloads:
        for mode in options.modes:
            names = ["apus"] + [
                name for name in options.peers if workload in PEERS[name][2] and mode in PEERS[name][3]]
            results = {name: [] for name in names}
            for round in range(options.rounds):
                for name in names:
                    result = run(name, workload, mode, options)
                    results[name].append(result)
                    if options.out and result:
                        with open(options.out, "a") as out:
                            out.write(json.dumps(dict(result, mode=mode, round=round)) + "\n")
            probes = [result["gemm_gflops"] for result in results["apus"] if result]
            print(f"\n### {workload}, {mode}\n\n{table(results)}")
            if probes:
                print(f"\nBLAS reached {min(probes):.0f} to {max(probes):.0f} GFLOP/s on a thread during our runs.", flush=True)


if __name__ == "__main__":
    main()
