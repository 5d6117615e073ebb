"""The array program of one kernel as MLIR for mlir-aie: tiles, object FIFOs, cores, and the host's transfers of a launch.

A compute tile has two DMA channels inwards. Arguments that share one (catalog: "channel") take turns on one object FIFO,
whose elements are as large as its largest; what is shorter is sent with what lies behind it, which nobody reads.
"""
import math

TYPES = {"int8": ("i8", 1), "int16": ("i16", 2), "int32": ("i32", 4), "float32": ("f32", 4)}
FIRST_CORE_ROW = 2
DESCRIPTORS = 16  # of a column's shim tile


def product(values):
    return math.prod(values)


class Program:
    def __init__(self, spec, shape, columns):
        self.spec = spec
        self.shape = shape
        self.columns = 1 if spec.get("single_column") else columns
        self.tiles = spec["tiles"]
        self.arguments = spec["arguments"]
        self.fifo_of = {f["argument"]: f for f in spec["fifos"]}
        self.lines = []
        self.next_value = 0
        self.held = {}  # elements of each object FIFO that a core holds at this point of its program

    def emit(self, depth, text):
        self.lines.append("  " * depth + text)

    def value(self):
        self.next_value += 1
        return f"%v{self.next_value}"

    def extent(self, e):
        if e == "rows_and_cols":
            return self.shape["rows"] + self.shape["cols"]
        return self.shape[e] if isinstance(e, str) else e

    def bytes_of(self, argument):
        return product(self.extent(e) for e in argument["shape"]) * TYPES[argument["type"]][1]

    def element_bytes(self, name):
        argument = next(a for a in self.arguments if a["name"] == name)
        extents = list(self.fifo_of[name]["element"])
        # Rows narrower than the widest that fits: elements are as large as the rows, or they would never fill.
        if "max_cols" in self.spec and argument["shape"][-1] == "cols":
            extents[-1] = self.shape["cols"]
        return product(extents) * TYPES[argument["type"]][1]

    # An argument's direction and channel name its object FIFO: in0, in1, out0, out1.
    def stream(self, argument):
        return f'{argument["direction"]}{self.fifo_of[argument["name"]]["channel"]}'

    def streams(self):
        """Every object FIFO with its element's bytes and how many elements a tile holds at once."""
        found = {}
        for argument in self.arguments:
            if argument.get("optional") and not self.shape.get("residual"):
                continue
            name = self.stream(argument)
            size, depth = found.get(name, (0, 0))
            held = self.fifo_of[argument["name"]]["depth"] if name not in found else 1
            found[name] = (max(size, self.element_bytes(argument["name"])), depth + held)
        return found

    def broadcast(self, stream):
        # Products and attention: the second operand is the same for all tiles of a column.
        return stream == "in1" and self.tiles > 1 and self.spec["operation"] in ("matmul", "attention")

    def check_memory(self):
        memory = self.spec["tile_memory"]
        streams = sum(size * depth for size, depth in self.streams().values())
        total = streams + sum(memory.values())
        if total > 65536:
            raise SystemExit(f"{self.spec['name']}: object FIFOs {streams} + {memory} = {total} of 65536 bytes")

    def declare(self):
        for c in range(self.columns):
            self.emit(2, f"%shim_{c} = aie.tile({c}, 0)")
            self.emit(2, f"%mem_{c} = aie.tile({c}, 1)")
            for t in range(self.tiles):
                self.emit(2, f"%core_{c}_{t} = aie.tile({c}, {FIRST_CORE_ROW + t})")
        for c in range(self.columns):
            for stream, (size, depth) in self.streams().items():
                self.declare_stream(c, stream, size, depth)

    def declare_stream(self, c, stream, size, depth):
        cores = [f"%core_{c}_{t}" for t in range(self.tiles)]
        one = f"!aie.objectfifo<memref<{size}xi8>>"
        if self.tiles == 1 or self.broadcast(stream):
            ends = (f"%shim_{c}", "{" + ", ".join(cores) + "}") if stream.startswith("in") else (cores[0], f"{{%shim_{c}}}")
            self.emit(2, f"aie.objectfifo @{stream}_{c}({ends[0]}, {ends[1]}, {depth} : i32) : {one}")
            return
        # Through the memory tile, which cuts a column's element into one for each core, or puts theirs together.
        whole = f"!aie.objectfifo<memref<{size * self.tiles}xi8>>"
        parts = [f"@{stream}_{c}_{t}" for t in range(self.tiles)]
        offsets = ", ".join(str(size * t) for t in range(self.tiles))
        if stream.startswith("in"):
            self.emit(2, f"aie.objectfifo @{stream}_{c}(%shim_{c}, {{%mem_{c}}}, {depth} : i32) : {whole}")
            for t, part in enumerate(parts):
                self.emit(2, f"aie.objectfifo {part}(%mem_{c}, {{{cores[t]}}}, {depth} : i32) : {one}")
            self.emit(2, f"aie.objectfifo.link [@{stream}_{c}] -> [{', '.join(parts)}] ([] [{offsets}])")
        else:
            for t, part in enumerate(parts):
                self.emit(2, f"aie.objectfifo {part}({cores[t]}, {{%mem_{c}}}, {depth} : i32) : {one}")
            self.emit(2, f"aie.objectfifo @{stream}_{c}(%mem_{c}, {{%shim_{c}}}, {depth} : i32) : {whole}")
            self.emit(2, f"aie.objectfifo.link [{', '.join(parts)}] -> [@{stream}_{c}] ([{offsets}] [])")

    def fifo_name(self, stream, c, t):
        return f"@{stream}_{c}" if self.tiles == 1 or self.broadcast(stream) else f"@{stream}_{c}_{t}"

    def acquire_element(self, depth, stream, c, t):
        """Its name and its type."""
        size = self.streams()[stream][0]
        port = "Consume" if stream.startswith("in") else "Produce"
        view, element = self.value(), self.value()
        # Acquiring states how many are held from then on; the oldest is released first.
        held = self.held.get(stream, 0)
        self.held[stream] = held + 1
        self.emit(depth, f"{view} = aie.objectfifo.acquire {self.fifo_name(stream, c, t)}({port}, {held + 1}) : "
                         f"!aie.objectfifosubview<memref<{size}xi8>>")
        self.emit(depth, f"{element} = aie.objectfifo.subview.access {view}[{held}] : "
                         f"!aie.objectfifosubview<memref<{size}xi8>> -> memref<{size}xi8>")
        return element, f"memref<{size}xi8>"

    def release_element(self, depth, stream, c, t):
        port = "Consume" if stream.startswith("in") else "Produce"
        self.held[stream] -= 1
        self.emit(depth, f"aie.objectfifo.release {self.fifo_name(stream, c, t)}({port}, 1)")

    def acquire(self, depth, argument, c, t):
        stream = self.stream(argument)
        return *self.acquire_element(depth, stream, c, t), stream

    def release(self, depth, c, t, stream):
        self.release_element(depth, stream, c, t)

    def call(self, depth, function, operands):
        names = ", ".join(name for name, _ in operands)
        types = ", ".join(kind for _, kind in operands)
        self.emit(depth, f"func.call @{function}({names}) : ({types}) -> ()")

    def constant(self, depth, number):
        name = self.value()
        self.emit(depth, f"{name} = arith.constant {number} : i32")
        return name, "i32"

    def loop(self, depth, count):
        low, high, step, index = self.value(), self.value(), self.value(), self.value()
        self.emit(depth, f"{low} = arith.constant 0 : index")
        self.emit(depth, f"{high} = arith.constant {count} : index")
        self.emit(depth, f"{step} = arith.constant 1 : index")
        self.emit(depth, f"scf.for {index} = {low} to {high} step {step} {{")

    # What the streams carry, launch by launch, is queued by the host's runtime sequence in the order in which cores ask.
    def core_rows(self, c, t):
        d = 4
        once = [self.acquire(d, a, c, t) for a in self.arguments if a.get("once")]
        blocks = self.shape["rows"] // (self.spec["block_rows"] * self.tiles * self.columns)
        self.loop(d, blocks)
        held = {}
        for argument in self.arguments:
            if not argument.get("once"):
                held[argument["name"]] = self.acquire(d + 1, argument, c, t)
        kept = iter(once)
        operands = []
        for argument in self.arguments:
            element = next(kept) if argument.get("once") else held[argument["name"]]
            operands.append(element[:2])
        operands += self.scalars(d + 1)
        self.call(d + 1, self.spec["function"], operands)
        for element in held.values():
            self.release(d + 1, c, t, element[2])
        self.emit(d, "}")
        for element in once:
            self.release(d, c, t, element[2])

    def scalars(self, depth):
        rows, cols = self.spec["block_rows"], self.shape.get("cols", 0)
        operation = self.spec["operation"]
        if operation == "log_mel":
            return [self.constant(depth, rows)]
        if operation in ("gelu", "residual_add"):
            return [self.constant(depth, rows * cols)]
        scratch = [(f"%scratch", f"memref<{self.spec['tile_memory']['scratch_bytes']}xi8>")]
        sizes = [self.constant(depth, rows), self.constant(depth, cols)]
        return (scratch if operation == "layer_norm" else []) + sizes

    def named(self, name):
        return next(a for a in self.arguments if a["name"] == name)

    def operands(self):
        return ("operands",) if self.spec.get("packed") else ("a", "b")

    def body(self, c, t, _depth=4):
        {"matmul": self.core_matmul, "attention": self.core_attention}.get(self.spec["operation"], self.core_rows)(c, t)

    def core_matmul(self, c, t):
        d, tile, stripe = 4, self.spec["tile"], self.spec["block_rows"]
        acc = ("%scratch", f"memref<{self.spec['tile_memory']['scratch_bytes']}xi8>")
        passes = (self.shape["rows"] // (tile * self.tiles)) * (self.shape["cols"] // (tile * self.columns))
        self.loop(d, passes)
        self.call(d + 1, "amanuensis_matmul_clear", [acc, self.constant(d + 1, tile * tile)])
        self.loop(d + 1, self.shape["inner"] // tile)
        operands = [self.acquire(d + 2, self.named(name), c, t) for name in self.operands()]
        self.call(d + 2, self.spec["function"], [each[:2] for each in operands] + [acc])
        for each in operands:
            self.release(d + 2, c, t, each[2])
        self.emit(d + 1, "}")
        scales = [self.acquire(d + 1, self.named(name), c, t) for name in ("row_scale", "col_scale", "bias")]
        for first in range(0, tile, stripe):
            adds = self.shape.get("residual")
            residual = self.acquire(d + 1, self.named("residual"), c, t) if adds else None
            y = self.acquire(d + 1, self.named("y"), c, t)
            operands = [acc] + [s[:2] for s in scales] + ([residual[:2]] if adds else []) + [y[:2]]
            # The scales of all rows of a column are broadcast; this tile's begin at its own first row.
            numbers = [t * tile, first, stripe, tile, int(self.shape.get("gelu", 0))]
            function = "amanuensis_matmul_finish" + ("_residual" if adds else "")
            self.call(d + 1, function, operands + [self.constant(d + 1, n) for n in numbers])
            self.release(d + 1, c, t, y[2])
            if adds:
                self.release(d + 1, c, t, residual[2])
        for s in scales:
            self.release(d + 1, c, t, s[2])
        self.emit(d, "}")

    def core_attention(self, c, t):
        d, tile, stripe = 4, self.spec["tile"], self.spec["block_rows"]
        state = ("%scratch", f"memref<{self.spec['tile_memory']['scratch_bytes']}xi8>")
        pieces = self.shape["heads"] * self.shape["rows"] // (tile * self.tiles)
        self.loop(d, len(range(c, pieces, self.columns)))
        q, step, v_scale = (self.acquire(d + 1, self.named(n), c, t) for n in ("q", "q_step", "v_scale"))
        self.call(d + 1, "amanuensis_attention_begin", [state])
        whole, rest = divmod(self.shape["keys"], tile)
        for count, keys in ((whole, tile), (1 if rest else 0, rest)):
            if count == 0:
                continue
            self.loop(d + 1, count)
            k = self.acquire(d + 2, self.named("k"), c, t)
            v = self.acquire(d + 2, self.named("v"), c, t)
            self.call(d + 2, "amanuensis_attention",
                      [q[:2], step[:2], k[:2], v[:2], state, self.constant(d + 2, keys)])
            self.release(d + 2, c, t, k[2])
            self.release(d + 2, c, t, v[2])
            self.emit(d + 1, "}")
        for first in range(0, tile, stripe):
            y = self.acquire(d + 1, self.named("y"), c, t)
            self.call(d + 1, "amanuensis_attention_finish",
                      [state, v_scale[:2], y[:2], self.constant(d + 1, first), self.constant(d + 1, stripe)])
            self.release(d + 1, c, t, y[2])
        for held in (q, step, v_scale):
            self.release(d + 1, c, t, held[2])
        self.emit(d, "}")

    def cores(self):
        scratch = self.spec["tile_memory"]["scratch_bytes"]
        for c in range(self.columns):
            for t in range(self.tiles):
                if scratch:
                    self.emit(2, f'%scratch_{c}_{t} = aie.buffer(%core_{c}_{t}) {{sym_name = "scratch_{c}_{t}"}} : '
                                 f"memref<{scratch}xi8>")
                self.emit(2, f"aie.core(%core_{c}_{t}) {{")
                self.loop(3, 9223372036854775807)
                start = len(self.lines)
                self.body(c, t)
                self.lines[start:] = [line.replace("%scratch,", f"%scratch_{c}_{t},").replace(
                    "%scratch)", f"%scratch_{c}_{t})") for line in self.lines[start:]]
                self.emit(3, "}")
                self.emit(3, "aie.end")
                self.emit(2, f'}} {{link_with = "tile_kernels.o", stack_size = '
                             f"{self.spec['tile_memory']['stack_bytes']} : i32}}")

    def declare_functions(self):
        """One declaration for each function that is called, with the types of its first call."""
        seen = {}
        for line in self.lines:
            text = line.strip()
            if text.startswith("func.call @"):
                name = text[len("func.call @"):text.index("(")]
                seen.setdefault(name, text[text.index(" : ") + 3:text.rindex(" -> ")])
        return ["  " * 2 + f"func.func private @{name}{types}" for name, types in seen.items()]

    # ------------------------------------------------------------------ the host's side of a launch
    def transfers(self):
        """(column, argument, byte offset, sizes, strides in bytes; innermost last) in the order cores ask for them."""
        operation = self.spec["operation"]
        return {"matmul": self.matmul_transfers, "attention": self.attention_transfers}.get(
            operation, self.row_transfers)()

    def row_transfers(self):
        rows = self.shape["rows"] // self.columns
        for argument in sorted(self.arguments, key=lambda a: not a.get("once")):
            row = self.bytes_of(argument) // (1 if argument.get("once") else self.shape["rows"])
            for c in range(self.columns):
                copies = self.tiles if argument.get("once") and self.tiles > 1 else 1
                if argument.get("once"):
                    yield c, argument, 0, (copies, 1, 1, row), (0, 0, 0, 1)
                else:
                    yield c, argument, c * rows * row, (1, 1, rows, row), (0, 0, row, 1)

    def matmul_transfers(self):
        tile, inner, cols = self.spec["tile"], self.shape["inner"], self.shape["cols"]
        stripe = self.spec["block_rows"]
        element = self.streams()["in1"][0]
        copies = self.streams()["in0"][0] // (stripe * tile * 4)  # of a residual's stripe, that fill an element
        for row in range(0, self.shape["rows"], tile * self.tiles):
            for col in range(0, cols, tile * self.columns):
                for c in range(self.columns):
                    at = col + c * tile
                    n = self.named
                    yield from self.operand_transfers(c, row, at)
                    yield c, n("row_scale"), row * 4, (1, 1, 1, element), (0, 0, 0, 1)
                    yield c, n("col_scale"), at * 4, (1, 1, 1, element), (0, 0, 0, 1)
                    yield c, n("bias"), at * 4, (1, 1, 1, element), (0, 0, 0, 1)
                    place = (tile // stripe, self.tiles, stripe, tile * 4)
                    strides = (stripe * cols * 4, tile * cols * 4, cols * 4, 1)
                    if self.shape.get("residual") and copies <= 1:
                        yield c, n("residual"), (row * cols + at) * 4, place, strides
                    elif self.shape.get("residual"):
                        for first in range(0, tile, stripe):
                            yield (c, n("residual"), ((row + first) * cols + at) * 4,
                                   (self.tiles, copies, stripe, tile * 4), (tile * cols * 4, 0, cols * 4, 1))
                    yield c, n("y"), (row * cols + at) * 4, place, strides

    def operand_transfers(self, c, row, col):
        tile, inner, n = self.spec["tile"], self.shape["inner"], self.named
        if not self.spec.get("packed"):
            yield c, n("a"), row * inner, (inner // tile, self.tiles, tile, tile), (tile, tile * inner, inner, 1)
            yield c, n("b"), col * inner, (1, inner // tile, tile, tile), (0, tile, inner, 1)
            return
        # One buffer: an element is a tile of a and, behind it, the column's tile of b, for each core in turn.
        second = (self.shape["rows"] + col) * inner
        for k in range(0, inner, tile):
            for t in range(self.tiles):
                for at in ((row + t * tile) * inner, second):
                    yield c, n("operands"), at + k, (1, 1, tile, tile), (0, 0, inner, 1)

    def attention_transfers(self):
        tile, rows, heads = self.spec["tile"], self.shape["rows"], self.shape["heads"]
        stripe = self.spec["block_rows"]
        element = self.streams()["in0"][0]
        groups = rows // tile // self.tiles
        keys = -(-self.shape["keys"] // tile)
        n = self.named
        pieces = [(h, g) for h in range(heads) for g in range(groups)]
        for i in range(0, len(pieces), self.columns):
            for c, (h, g) in enumerate(pieces[i:i + self.columns]):
                first = g * tile * self.tiles
                yield c, n("q"), (h * rows + first) * tile, (1, 1, self.tiles, tile * tile), (0, 0, tile * tile, 1)
                yield c, n("q_step"), (h * rows + first) * 4, (1, 1, self.tiles, element), (0, 0, tile * 4, 1)
                yield c, n("v_scale"), h * tile * 4, (self.tiles, 1, 1, element), (0, 0, 0, 1)
                for k in range(keys):
                    yield c, n("k"), (h * rows + k * tile) * tile, (1, 1, 1, tile * tile), (0, 0, 0, 1)
                    yield c, n("v"), h * tile * rows + k * tile, (1, 1, tile, tile), (0, 0, rows, 1)
                line = heads * tile * 4
                yield (c, n("y"), first * line + h * tile * 4, (tile // stripe, self.tiles, stripe, tile * 4),
                       (stripe * line, tile * line, line, 1))

    def launch_transfers(self):
        """(column, stream, launch's argument, byte offset, sizes, strides); None: everything before has to have arrived."""
        for c, argument, at, sizes, strides in self.transfers():
            yield c, self.stream(argument), argument["name"], at, sizes, strides
        yield None

    def sequence(self):
        present = [a for a in self.arguments if not a.get("optional") or self.shape.get("residual")]
        kinds = {a["name"]: f"memref<{self.bytes_of(a)}xi8>" for a in present}
        self.emit(2, f"aiex.runtime_sequence({', '.join(f'%{a}: {kind}' for a, kind in kinds.items())}) {{")
        waiting = {}  # for each column the streams of transfers that may still be under way, oldest first
        number = {}
        for transfer in self.launch_transfers():
            if transfer is None:
                for c in sorted(waiting):
                    self.wait_for_all(c, waiting)
                continue
            c, stream, name, at, sizes, strides = transfer
            under_way = waiting.setdefault(c, [])
            if len(under_way) == DESCRIPTORS:
                # A column's descriptors are few: the oldest is waited for before another takes its place.
                self.emit(3, f"aiex.npu.dma_wait {{symbol = @{under_way.pop(0)}_{c}}}")
            self.emit(3, f"aiex.npu.dma_memcpy_nd(%{name}[0, 0, 0, {at}][{', '.join(map(str, sizes))}]"
                         f"[{', '.join(map(str, strides))}]) {{id = {number.get(c, 0) % DESCRIPTORS} : i64, "
                         f"metadata = @{stream}_{c}, issue_token = true}} : {kinds[name]}")
            number[c] = number.get(c, 0) + 1
            under_way.append(stream)
        self.emit(2, "}")

    def wait_for_all(self, c, waiting):
        for stream in waiting[c]:
            self.emit(3, f"aiex.npu.dma_wait {{symbol = @{stream}_{c}}}")
        waiting[c] = []

    def text(self):
        self.check_memory()
        self.declare()
        declared = len(self.lines)
        self.cores()
        functions = self.declare_functions()
        self.lines[declared:declared] = functions
        self.sequence()
        head = [f"// {self.spec['name']}: {self.spec.get('about', '')} Written by tools/npu/emit_mlir.py.",
                "module {", "  aie.device(npu1) {"]
        return "\n".join(head + self.lines + ["  }", "}"]) + "\n"
