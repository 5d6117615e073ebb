#!/usr/bin/env python3
"""Writes the array program of one kernel of the catalog as MLIR for mlir-aie (module with one aie.device(npu1)).

    tools/npu/emit_mlir.py src/device/npu/catalog/log_mel_20.json > log_mel_20.mlir
    tools/npu/emit_mlir.py src/device/npu/catalog/matmul_64.json --rows 1536 --inner 512 --cols 1536 --columns 4 > m.mlir

Needs nothing beyond Python. build.sh runs it and compiles the result. It has not been run on hardware.
"""
import argparse
import json

import emit_block
from array_program import Program


class BlockProgram(Program):
    """A whole encoder block: the cores do its phases one after the other (emit_block.py)."""

    def __init__(self, spec, shape, columns):
        super().__init__(spec, shape, columns)
        weights, work = emit_block.layout(shape)
        self.sizes = {"block_weights": weights.size, "block_work": work.size}
        self.phases = emit_block.phases(self, self.borrow)

    def extent(self, e):
        return self.sizes[e] if e in self.sizes else super().extent(e)

    def streams(self):
        return {f'{a["direction"]}{self.fifo_of[a["name"]]["channel"]}':
                (self.element_bytes(a["name"]), self.fifo_of[a["name"]]["depth"]) for a in self.arguments}

    def broadcast(self, stream):
        return stream == "in1"

    def borrow(self, operation, shape):
        """A product's or attention's program that writes into this one and uses its FIFOs and memory."""
        channel = {"matmul": {"a": 0, "b": 1, "row_scale": 1, "col_scale": 1, "bias": 1, "residual": 0, "y": 0},
                   "attention": {"q": 0, "q_step": 0, "k": 1, "v": 1, "v_scale": 0, "y": 0}}[operation]
        spec = {"name": self.spec["name"], "operation": operation, "tiles": self.tiles, "tile": self.spec["tile"],
                "block_rows": self.spec["block_rows"], "tile_memory": self.spec["tile_memory"],
                "function": "amanuensis_matmul_64",
                "arguments": [{"name": name, "direction": "out" if name == "y" else "in", "optional": name == "residual"}
                              for name in channel],
                "fifos": [{"argument": name, "channel": number} for name, number in channel.items()]}
        inner = Program(spec, shape, self.columns)
        inner.lines, inner.held, inner.value = self.lines, self.held, self.value
        inner.streams, inner.broadcast = self.streams, self.broadcast
        return inner

    # What phases write with: elements are (name, type), as are numbers.
    def scratch(self, _c, _t):
        return "%scratch", f"memref<{self.spec['tile_memory']['scratch_bytes']}xi8>"

    # A phase names the stream.
    def acquire(self, depth, stream, c, t):
        return self.acquire_element(depth, stream, c, t)

    def release(self, depth, stream, c, t):
        self.release_element(depth, stream, c, t)

    def loop(self, depth, count):
        super().loop(depth, count)
        return f"%v{self.next_value}"

    def end(self, depth):
        self.emit(depth, "}")

    def scaled(self, depth, index, factor):
        """A loop's index times a number, as i32."""
        number, by, product = self.value(), self.constant(depth, factor)[0], self.value()
        self.emit(depth, f"{number} = arith.index_cast {index} : index to i32")
        self.emit(depth, f"{product} = arith.muli {number}, {by} : i32")
        return product, "i32"

    def sum(self, depth, a, b):
        total = self.value()
        self.emit(depth, f"{total} = arith.addi {a[0]}, {b[0]} : i32")
        return total, "i32"

    def body(self, c, t, _depth=4):
        for phase in self.phases:
            phase.core(4, c, t)

    def launch_transfers(self):
        for phase in self.phases:
            yield from phase.transfers()
            yield None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("catalog_entry")
    for name in ("rows", "inner", "cols", "heads", "keys"):
        parser.add_argument(f"--{name}", type=int, default=0)
    parser.add_argument("--columns", type=int, default=4, choices=(1, 2, 3, 4))
    parser.add_argument("--gelu", action="store_true")
    parser.add_argument("--residual", action="store_true")
    given = parser.parse_args()
    with open(given.catalog_entry) as file:
        spec = json.load(file)
    shape = {"rows": spec.get("batch") or given.rows, "inner": given.inner, "cols": given.cols, "heads": given.heads,
             "keys": given.keys, "gelu": given.gelu, "residual": given.residual}
    columns = 1 if spec.get("single_column") else given.columns
    unit = spec.get("tile", spec["block_rows"] * columns) * spec["tiles"]
    if shape["rows"] == 0 or shape["rows"] % unit:
        parser.error(f"{spec['name']}: rows must be a multiple of {unit} for {columns} columns")
    if spec["operation"] == "matmul" and (shape["cols"] % (spec["tile"] * columns) or shape["inner"] % spec["tile"]):
        parser.error(f"{spec['name']}: cols must be a multiple of {spec['tile'] * columns}, inner of {spec['tile']}")
    if spec["operation"] == "matmul" and given.residual and spec["tile"] < 64:
        parser.error(f"{spec['name']}: a residual's stripes are larger than its tiles; use matmul_64")
    kind = Program
    if spec["operation"] == "encoder_block":
        emit_block.check(spec, shape, given.columns, parser.error)
        kind = BlockProgram
    print(kind(spec, shape, given.columns).text(), end="")


main()
