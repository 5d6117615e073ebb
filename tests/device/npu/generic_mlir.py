#!/usr/bin/env python3
"""Rewrites an array program of tools/npu/emit_mlir.py in MLIR's generic form, for parsers that lack mlir-aie's dialects.

    tests/device/npu/generic_mlir.py < program.mlir | mlir-opt --allow-unregistered-dialect

What mlir-opt then checks: syntax, that every value is defined before it is used and has the type it is used with, and all
of scf, arith and memref. Calls are compared with declarations here. Fails on a line of the aie dialects that it does not know, so that nothing passes unseen.
"""
import re
import sys

FIFO = r"!aie\.objectfifo<memref<\d+xi8>>"
VIEW = r"!aie\.objectfifosubview<memref<\d+xi8>>"


def rewrite(line):
    """One line in generic form; None when it opens or closes a region, which the caller knows."""
    rules = [
        (r"(%\w+) = aie\.tile\((\d+), (\d+)\)", r'\1 = "aie.tile"() {col = \2 : i32, row = \3 : i32} : () -> index'),
        (rf"aie\.objectfifo (@\w+)\((%\w+), \{{([^}}]+)\}}, (\d+) : i32\) : ({FIFO})", fifo),
        (r"aie\.objectfifo\.link \[([^\]]+)\] -> \[([^\]]+)\] \(\[([^\]]*)\] \[([^\]]*)\]\)",
         r'"aie.objectfifo.link"() {fifoIns = [\1], fifoOuts = [\2], src_offsets = [\3], dst_offsets = [\4]} : () -> ()'),
        (rf"(%\w+) = aie\.objectfifo\.acquire (@\w+)\((Consume|Produce), (\d+)\) : ({VIEW})",
         r'\1 = "aie.objectfifo.acquire"() {objFifo_name = \2, port = "\3", size = \4 : i32} : () -> \5'),
        (rf"(%\w+) = aie\.objectfifo\.subview\.access (%\w+)\[(\d+)\] : ({VIEW}) -> (memref<\d+xi8>)",
         r'\1 = "aie.objectfifo.subview.access"(\2) {index = \3 : i32} : (\4) -> \5'),
        (r"aie\.objectfifo\.release (@\w+)\((Consume|Produce), (\d+)\)",
         r'"aie.objectfifo.release"() {objFifo_name = \1, port = "\2", size = \3 : i32} : () -> ()'),
        (r"(%\w+) = aie\.buffer\((%\w+)\) (\{[^}]+\}) : (memref<\d+xi8>)", r'\1 = "aie.buffer"(\2) \3 : (index) -> \4'),
        (r"aiex\.npu\.dma_memcpy_nd\((%\w+)\[([\d, ]+)\]\[([\d, ]+)\]\[([\d, ]+)\]\) \{([^}]+)\} : (memref<\d+xi8>)",
         r'"aiex.npu.dma_memcpy_nd"(\1) {offsets = [\2], sizes = [\3], strides = [\4], \5} : (\6) -> ()'),
        (r"aiex\.npu\.dma_wait (\{[^}]+\})", r'"aiex.npu.dma_wait"() \1 : () -> ()'),
        (r"aie\.end", r'"aie.end"() : () -> ()'),
    ]
    for pattern, form in rules:
        match = re.fullmatch(pattern, line)
        if match:
            return form(match) if callable(form) else match.expand(form)
    return None


def fifo(match):
    name, producer, consumers, depth, kind = match.groups()
    ends = [producer] + [each.strip() for each in consumers.split(",")]
    types = ", ".join(["index"] * len(ends))
    return (f'"aie.objectfifo"({", ".join(ends)}) {{sym_name = "{name[1:]}", elemNumber = {depth} : i32, '
            f"elemType = {kind}}} : ({types}) -> ()")


def call(number, line, functions):
    """mlir-opt finds no functions through an operation that it does not know; so they are looked up here."""
    name, operands, types = re.fullmatch(r"func\.call (@\w+)\((.*)\) : (\(.*\)) -> \(\)", line).groups()
    if functions.get(name) != types:
        sys.exit(f"line {number}: {name} is called with {types}, declared with {functions.get(name)}")
    return f'"tile.call"({operands}) {{callee = {name}}} : {types} -> ()'


def main():
    closing = []  # what ends each region that is open
    lines = sys.stdin.read().splitlines()
    functions = dict(re.fullmatch(r"func\.func private (@\w+)(\(.*\))", line.strip()).groups()
                     for line in lines if line.strip().startswith("func.func private"))
    for number, raw in enumerate(lines, 1):
        line = raw.strip()
        core = re.fullmatch(r"aie\.core\((%\w+)\) \{", line)
        sequence = re.fullmatch(r"aiex\.runtime_sequence\((.+)\) \{", line)
        if line.startswith("//") or not line or line.startswith("func.func private"):
            continue
        if line == "aie.device(npu1) {":
            print('"aie.device"() ({')
            closing.append('}) {device = "npu1"} : () -> ()')
        elif core:
            print(f'"aie.core"({core.group(1)}) ({{')
            closing.append("}}) {0} : (index) -> ()")
        elif sequence:
            print('"aiex.runtime_sequence"() ({\n^bb0(' + sequence.group(1) + "):")
            closing.append("}) : () -> ()")
        elif line.endswith("{"):
            print(line)
            closing.append("}")
        elif line.startswith("}"):
            print(closing.pop().format(line[1:].strip()) if line != "}" else closing.pop())
        elif line.startswith("func.call"):
            print(call(number, line, functions))
        elif "aie." in line.split("memref")[0] or "aiex." in line:
            text = rewrite(line)
            if text is None:
                sys.exit(f"line {number}: not understood: {line}")
            print(text)
        else:
            print(line)
    if closing:
        sys.exit(f"{len(closing)} regions are not closed")


main()
