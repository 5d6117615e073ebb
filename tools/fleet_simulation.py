#!/usr/bin/env python3
"""A simulation (not a measurement) of a fleet: 1 to 64 workers, 1,000,000 hours of recordings, with the costs per job that
tests/e2e/fleet/overhead.py measured. It plays every job: who takes it, how long fetching, transcribing, queueing and
writing take, what NATS has to do meanwhile.

    tools/fleet_simulation.py [--hours H] [--work-cpu-s-per-hour S] ... [--json]
"""

import argparse
import heapq
import json
import math
import random

# Messages that NATS takes and hands out for a job, as overhead.py counts them: a read, the work and the table entry at
# submission; questions for work and its delivery, two reads and two changes of the table, the confirmation at work; each
# with its answer. Of a range they are derived in the same way: work, wake, question, a read, a read and a change, confirmation.
MESSAGES_PER_JOB = 23
MESSAGES_PER_RANGE = 2 * (1 + 1 + 2 + 1 + 2 + 1)
BEATS_PER_S = 1.0  # what a worker says of itself
ACK_WAIT_S = 30.0
RECORD_BYTES = 1100  # of a job in the table
WORK_BYTES = 160
RANGE_BYTES_PER_AUDIO_S = 32000  # of what workers hand each other about a recording that is cut


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--hours", type=float, default=1e6, help="of audio")
    add("--mean-minutes", type=float, default=30, help="mean length of a recording (log-normal, sigma 1)")
    add("--work-cpu-s-per-hour", type=float, required=True, help="processor seconds for an hour of audio, measured")
    add("--cores", type=float, default=2, help="of a worker")
    add("--queue-cpu-s-per-job", type=float, required=True, help="of worker and NATS together, measured")
    add("--nats-cpu-s-per-job", type=float, required=True, help="of NATS alone, measured")
    add("--plan-cpu-s-per-hour", type=float, default=2.0, help="to find the windows of a recording that is cut, measured")
    add("--latency-ms", type=float, default=1.0, help="of a request to NATS (network and a majority's disks)")
    add("--bytes-per-audio-s", type=float, default=4000, help="of a recording (32 kbit/s)")
    add("--bandwidth-mb", type=float, default=100, help="MB/s between a worker and the storage")
    add("--cut-above-s", type=float, default=1200)
    add("--range-s", type=float, default=480)
    add("--concurrency", type=int, default=4)
    add("--euro-per-core-hour", type=float, default=0.02)
    add("--workers", default="1,2,4,8,16,32,64")
    add("--seed", type=int, default=1)
    add("--json", action="store_true")
    return parser.parse_args()


def lengths(options):
    """Seconds of audio of each recording, until there are enough hours."""
    chance = random.Random(options.seed)
    mu = math.log(options.mean_minutes * 60) - 0.5
    left = options.hours * 3600
    while left > 0:
        length = min(chance.lognormvariate(mu, 1.0), 12 * 3600, left)
        yield max(length, 1.0)
        left -= length


class Fleet:
    """Whoever is free first takes the oldest piece that is ready. A worker's pieces share its cores, so that a piece's
    fetching and waiting for NATS hide behind the others' computing as long as there are several."""

    def __init__(self, options, workers):
        self.options, self.workers = options, workers
        self.free = [(0.0, i) for i in range(workers)]
        self.ready = []  # pieces: (when, number, seconds of processors, bytes)
        self.busy = 0.0
        self.pieces = 0

    def add(self, when, cpu_s, moved):
        self.pieces += 1
        heapq.heappush(self.ready, (when, self.pieces, cpu_s / self.options.cores, moved))

    def next_ready(self):
        return self.ready[0][0] if self.ready else math.inf

    def work(self):
        """Does the oldest piece; when it is done."""
        when, _, compute, moved = heapq.heappop(self.ready)
        begin, who = heapq.heappop(self.free)
        wait = moved / (self.options.bandwidth_mb * 1e6) + MESSAGES_PER_JOB / 2 * self.options.latency_ms / 1000
        end = max(begin, when) + max(compute, (compute + wait) / self.options.concurrency)
        self.busy += compute
        heapq.heappush(self.free, (end, who))
        return end


def simulate(options, workers):
    fleet = Fleet(options, workers)
    jobs = messages = 0
    audio = nats_cpu = moved = 0.0
    work_per_s = options.work_cpu_s_per_hour / 3600
    for length in lengths(options):
        # Ranges that are ready were queued before this job is begun.
        while fleet.next_ready() <= fleet.free[0][0]:
            fleet.work()
        jobs += 1
        audio += length
        messages += MESSAGES_PER_JOB
        nats_cpu += options.nats_cpu_s_per_job
        source = length * options.bytes_per_audio_s
        now = fleet.free[0][0]
        if length <= options.cut_above_s:
            moved += source
            fleet.add(now, length * work_per_s + options.queue_cpu_s_per_job, source)
            fleet.work()
            continue
        # Read and planned as a whole, by one; then every range, by anybody.
        count = math.ceil(length / options.range_s)
        parts = length * RANGE_BYTES_PER_AUDIO_S
        fleet.add(now, length / 3600 * options.plan_cpu_s_per_hour + options.queue_cpu_s_per_job, source + parts)
        planned = fleet.work()
        for _ in range(count):
            fleet.add(planned, length * work_per_s / count + options.queue_cpu_s_per_job, parts / count)
        moved += source + 2 * parts
        messages += MESSAGES_PER_RANGE * count
        nats_cpu += options.nats_cpu_s_per_job * count * MESSAGES_PER_RANGE / MESSAGES_PER_JOB
    while fleet.ready:
        fleet.work()
    end = max(when for when, _ in fleet.free)
    messages += workers * end * (BEATS_PER_S + 4 / ACK_WAIT_S * options.concurrency)
    return {"workers": workers, "jobs": jobs, "pieces": fleet.pieces, "days": end / 86400,
            "realtime_factor": audio / end, "busy": fleet.busy / (workers * end),
            "messages_per_s": messages / end, "nats_cores": nats_cpu / end,
            "storage_mb_s": moved / end / 1e6,
            "euro_per_audio_hour": workers * options.cores * end / 3600 * options.euro_per_core_hour / (audio / 3600),
            "table_gb": jobs * RECORD_BYTES / 1e9, "queue_gb": jobs * WORK_BYTES / 1e9}


def main():
    options = parse()
    rows = [simulate(options, int(count)) for count in options.workers.split(",")]
    if options.json:
        print(json.dumps({"simulation": True, "options": vars(options), "rows": rows}, indent=1))
        return
    print("simulation | workers | days | x realtime | busy | messages/s | NATS cores | moved MB/s | EUR/audio hour")
    for row in rows:
        print(f"           | {row['workers']:7} | {row['days']:7.1f} | {row['realtime_factor']:9.0f} | "
              f"{100 * row['busy']:5.1f} % | {row['messages_per_s']:8.1f} | {row['nats_cores']:8.4f} | "
              f"{row['storage_mb_s']:7.1f} | {row['euro_per_audio_hour']:.6f}")
    first, last = rows[0], rows[-1]
    print(f"{first['jobs']} jobs, {first['pieces']} pieces; table {first['table_gb']:.2f} GB and queue "
          f"{first['queue_gb']:.2f} GB a copy; {last['workers']} workers are "
          f"{first['days'] / last['days']:.1f} times as fast as one")


main()
