#!/usr/bin/env python3
"""Whether an array program of tools/npu/emit_mlir.py moves what it uses: for every object FIFO between the shim and the
cores, the bytes of the host's transfers against the elements that the cores acquire in one launch. A program for which they
differ would stand still, or leave data behind for the next launch.

    tests/device/npu/stream_balance.py < program.mlir
"""
import collections
import re
import sys


def main():
    parts = {}  # a column's FIFO -> those of its cores
    element = {}
    ends = {}
    acquired = collections.Counter()  # elements, for each core's end of a FIFO
    sent = collections.Counter()  # bytes
    constants = {}
    loops = []
    in_core = None
    for line in (raw.strip() for raw in sys.stdin):
        if match := re.match(r"aie\.objectfifo @(\w+)\(%(\w+), \{([^}]+)\}, .*memref<(\d+)xi8>", line):
            element[match.group(1)] = int(match.group(4))
            ends[match.group(1)] = (match.group(2), [each.strip()[1:] for each in match.group(3).split(",")])
        elif match := re.match(r"aie\.objectfifo\.link \[([^\]]+)\] -> \[([^\]]+)\]", line):
            one, other = ([each.strip()[1:] for each in side.split(",")] for side in match.groups())
            parts[one[0] if len(one) == 1 and one[0].count("_") == 1 else other[0]] = max(one, other, key=len)
        elif match := re.match(r"aie\.core\(%(\w+)\)", line):
            in_core = match.group(1)
        elif match := re.match(r"(%\w+) = arith\.constant (\d+) : index", line):
            constants[match.group(1)] = int(match.group(2))
        elif match := re.match(r"scf\.for %\w+ = (%\w+) to (%\w+) step", line):
            count = constants[match.group(2)]
            loops.append(1 if count > 1 << 40 else count)  # the outermost one is for ever: a launch is one turn
        elif line == "}" and loops:
            loops.pop()
        elif line.startswith("}") and in_core and not loops:
            in_core = None
        elif match := re.search(r"aie\.objectfifo\.acquire @(\w+)\(", line):
            turns = 1
            for count in loops:
                turns *= count
            acquired[match.group(1), in_core] += turns
        elif match := re.match(r"aiex\.npu\.dma_memcpy_nd\(%\w+\[[^\]]*\]\[([^\]]*)\].*metadata = @(\w+)", line):
            size = 1
            for extent in match.group(1).split(","):
                size *= int(extent)
            sent[match.group(2)] += size
    wrong = []
    for name in sorted({name for name in element if name.count("_") == 1}):
        fifos = parts.get(name, [name])
        used = 0
        for fifo in fifos:
            cores = ends[fifo][1] if name.startswith("in") else [ends[fifo][0]]
            counts = {acquired[fifo, core] for core in cores}
            if len(counts) > 1:
                wrong.append(f"{fifo}: its cores acquire {sorted(counts)} elements, but it sends all of them the same")
            used += max(counts) * element[fifo]
        if used != sent[name]:
            wrong.append(f"{name}: the host moves {sent[name]} bytes, the cores use {used}")
    if not sent:
        wrong.append("no transfers at all")
    if wrong:
        sys.exit("\n".join(wrong))


main()
