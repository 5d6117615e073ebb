"""The array program of a whole encoder block: ten phases on one set of object FIFOs, in MLIR (see emit_mlir.py, which runs
this). Mirrors src/device/npu/block_phases.cc: the same phases, the same places in the same buffers.

Elements are all of 4,096 bytes but for out1's of 128, so a phase fills an element with as many rows as it holds: this needs
a width of 128, 256, 512 or 1,024, a hidden layer that divides 4,096, and as many heads as four times a whole number.
"""
HEAD = 64
ELEMENT = 4096
SHORT = 128
GROUP = SHORT // 4  # rows whose scales fill a short element
STRIPE = 16  # rows of a head in one element


class Places:
    def __init__(self):
        self.at = {}
        self.size = 0

    def take(self, name, size):
        self.at[name] = self.size
        self.size += size


def layout(shape):
    """(weights, work): where everything lies, as BlockLayout."""
    rows, width, ffn, heads = shape["rows"], shape["inner"], shape["cols"], shape["heads"]
    weights = Places()

    def norm(name):
        weights.take(f"{name}.gamma", width * 4)
        weights.take(f"{name}.beta", width * 4)

    def product(name, out, inner):
        weights.take(f"{name}.codes", out * inner)
        weights.take(f"{name}.scales", out * 4)
        weights.take(f"{name}.bias", out * 4)

    norm("attention_norm")
    product("qkv", 3 * width, width)
    product("out", width, width)
    norm("mlp_norm")
    product("up", ffn, width)
    product("down", width, ffn)
    work = Places()
    for name, size in (("codes", rows * width), ("scales", rows * 4), ("qkv", rows * 3 * width * 4),
                       ("q", heads * rows * HEAD), ("q_step", heads * rows * 4), ("k", heads * rows * HEAD),
                       ("v", heads * rows * HEAD), ("v_scale", heads * HEAD * 4), ("attended", rows * width * 4),
                       ("attended_codes", rows * width), ("attended_scales", rows * 4), ("middle", rows * width * 4),
                       ("middle_codes", rows * width), ("middle_scales", rows * 4), ("hidden", rows * ffn * 4),
                       ("hidden_codes", rows * ffn), ("hidden_scales", rows * 4)):
        work.take(name, size)
    return weights, work


def check(spec, shape, columns, refuse):
    rows, width, ffn, heads = shape["rows"], shape["inner"], shape["cols"], shape["heads"]
    if heads * HEAD != width or width < 128 or 1024 % width or 4096 % ffn or ffn < width:
        refuse(f"{spec['name']}: {heads} heads, width {width}, hidden {ffn}; its program needs heads of 64, a width that "
               "divides 1024 and a hidden layer that divides 4096")
    if heads % 4 or heads > 4 * columns or rows % (GROUP * 4 * columns) or rows % (HEAD * 4) or width % (HEAD * columns):
        refuse(f"{spec['name']}: rows must be a multiple of {max(GROUP * columns, HEAD) * 4}, heads of 4 and at most {4 * columns}, width "
               f"of {HEAD * columns} for {columns} columns")


class Phase:
    """What one phase adds to the cores' programs and to the host's transfers. `program` writes the text."""

    def __init__(self, program, slices):
        self.p = program
        self.slices = slices  # name -> (launch's argument, byte offset)

    def transfer(self, c, stream, name, at, sizes, strides):
        argument, offset = self.slices[name]
        return c, stream, argument, offset + at, sizes, strides


class Rows(Phase):
    """Norms, and rounding rows: 32 rows for each core at a time, their scales in one short element."""

    def __init__(self, program, slices, width, norm):
        super().__init__(program, slices)
        self.width, self.norm = width, norm
        self.parts = max(1, width * 4 // ELEMENT)  # elements that a row is in
        self.rows_in = max(1, ELEMENT // (width * 4))  # rows in an element
        self.rows_out = ELEMENT // width
        self.passes = program.shape["rows"] // (GROUP * 4 * program.columns)

    def core(self, d, c, t):
        p = self.p
        once = [p.acquire(d, "in1", c, t) for _ in range(2)] if self.norm else []
        p.loop(d, self.passes)
        scale = p.acquire(d + 1, "out1", c, t)
        group = p.loop(d + 1, GROUP // self.rows_out)
        y = p.acquire(d + 2, "out0", c, t)
        block = p.loop(d + 2, self.rows_out // self.rows_in)
        x = [p.acquire(d + 3, "in0", c, t) for _ in range(self.parts)]
        row = p.scaled(d + 3, block, self.rows_in)
        scale_row = p.sum(d + 3, row, p.scaled(d + 3, group, self.rows_out))
        numbers = [p.constant(d + 3, self.rows_in), p.constant(d + 3, self.width), row, scale_row]
        if self.norm:
            p.call(d + 3, "amanuensis_layer_norm_at", x + once + [y, scale, p.scratch(c, t)] + numbers)
        elif self.parts == 1:
            p.call(d + 3, "amanuensis_quantize_rows_at", x + [y, scale] + numbers)
        else:
            parts = x + [x[-1]] * (3 - self.parts)  # those that are not there are not looked at
            p.call(d + 3, "amanuensis_quantize_row_at", parts + [y, scale] + numbers[1:])
        for _ in x:
            p.release(d + 3, "in0", c, t)
        p.end(d + 2)
        p.release(d + 2, "out0", c, t)
        p.end(d + 1)
        p.release(d + 1, "out1", c, t)
        p.end(d)
        for _ in once:
            p.release(d, "in1", c, t)

    def transfers(self):
        p = self.p
        row = self.width * 4
        for c in range(p.columns):
            if self.norm:
                yield self.transfer(c, "in1", "gamma", 0, (1, 1, 1, ELEMENT), (0, 0, 0, 1))
                yield self.transfer(c, "in1", "beta", 0, (1, 1, 1, ELEMENT), (0, 0, 0, 1))
        for i in range(self.passes):
            for c in range(p.columns):
                first = (i * p.columns + c) * 4 * GROUP
                # Elements of the four cores in turn: each has 32 rows of its own.
                yield self.transfer(c, "in0", "x", first * row, (GROUP * row // ELEMENT, 4, 1, ELEMENT),
                                    (ELEMENT, GROUP * row, 0, 1))
                yield self.transfer(c, "out0", "y", first * self.width, (GROUP * self.width // ELEMENT, 4, 1, ELEMENT),
                                    (ELEMENT, GROUP * self.width, 0, 1))
                yield self.transfer(c, "out1", "y_scale", first * 4, (1, 4, 1, SHORT), (0, SHORT, 0, 1))


class AttentionInput(Phase):
    """A head for each core: once over its rows to see what they span, once more to round them."""

    def core(self, d, c, t):
        p = self.p
        if c * 4 + t >= p.shape["heads"]:
            return
        state = p.scratch(c, t)
        p.call(d, "amanuensis_input_begin", [state])
        whole, rest = divmod(p.shape["keys"], STRIPE)
        for count, rows in ((whole, STRIPE), (1 if rest else 0, rest)):
            if count:
                p.loop(d, count)
                seen = [p.acquire(d + 1, "in0", c, t) for _ in range(3)]
                p.call(d + 1, "amanuensis_input_see", seen + [state, p.constant(d + 1, rows)])
                for _ in seen:
                    p.release(d + 1, "in0", c, t)
                p.end(d)
        p.call(d, "amanuensis_input_settle", [state])
        for first in range(0, HEAD, GROUP):
            v_scale = p.acquire(d, "out1", c, t)
            p.call(d, "amanuensis_input_scales", [state, v_scale, p.constant(d, first), p.constant(d, GROUP)])
            p.release(d, "out1", c, t)
        p.loop(d, p.shape["rows"] // HEAD)
        for function in ("queries", "keys", "values"):
            y = p.acquire(d + 1, "out0", c, t)
            half = p.loop(d + 1, HEAD // GROUP)
            steps = [p.acquire(d + 2, "out1", c, t)] if function == "queries" else []
            stripe = p.loop(d + 2, GROUP // STRIPE)
            x = p.acquire(d + 3, "in0", c, t)
            row = p.scaled(d + 3, stripe, STRIPE)
            first = p.sum(d + 3, p.scaled(d + 3, half, GROUP), row)
            more = [row] if steps else []  # in the short element
            p.call(d + 3, f"amanuensis_round_{function}_at", [state, x, y] + steps + [p.constant(d + 3, STRIPE), first] + more)
            p.release(d + 3, "in0", c, t)
            p.end(d + 2)
            if steps:
                p.release(d + 2, "out1", c, t)
            p.end(d + 1)
            p.release(d + 1, "out0", c, t)
        p.end(d)

    def transfers(self):
        p = self.p
        rows, heads, width = p.shape["rows"], p.shape["heads"], p.shape["inner"]
        line = 3 * width * 4

        def stripe(c, which, row):
            # 16 rows of 64 values, of the column's four heads in turn.
            return self.transfer(c, "in0", "qkv", row * line + (which * width + c * 4 * HEAD) * 4, (1, 4, STRIPE, HEAD * 4),
                                 (0, HEAD * 4, line, 1))

        used = range(heads // 4)
        for row in range(0, p.shape["keys"], STRIPE):
            for c in used:
                for which in range(3):
                    yield stripe(c, which, row)
        for c in used:
            yield self.transfer(c, "out1", "v_scale", c * 4 * HEAD * 4, (HEAD // GROUP, 4, 1, SHORT),
                                (SHORT, HEAD * 4, 0, 1))
        for block in range(0, rows, HEAD):
            for c in used:
                first = c * 4 * rows
                yield self.transfer(c, "out1", "q_step", (first + block) * 4, (HEAD // GROUP, 4, 1, SHORT),
                                    (SHORT, rows * 4, 0, 1))
                for which, name in enumerate(("q", "k", "v")):
                    for row in range(block, block + HEAD, STRIPE):
                        yield stripe(c, which, row)
                    if name == "v":
                        yield self.transfer(c, "out0", "v", first * HEAD + block, (1, 4, HEAD, HEAD),
                                            (0, HEAD * rows, rows, 1))
                    else:
                        yield self.transfer(c, "out0", name, (first + block) * HEAD, (1, 4, 1, ELEMENT),
                                            (0, rows * HEAD, 0, 1))


class Borrowed(Phase):
    """Products and attention, as array_program.py has them for kernels of their own."""

    def __init__(self, program, slices, inner):
        super().__init__(program, slices)
        self.inner = inner  # a Program whose text goes into this one's

    def core(self, d, c, t):
        self.inner.body(c, t, d)

    def transfers(self):
        for c, argument, at, sizes, strides in self.inner.transfers():
            yield self.transfer(c, self.inner.stream(argument), argument["name"], at, sizes, strides)


def phases(program, borrow):
    """The ten phases in order. borrow(operation, shape) makes a Program that writes into this one."""
    shape = program.shape
    weights, work = layout(shape)
    width, ffn = shape["inner"], shape["cols"]
    w = lambda name: ("weights", weights.at[name])
    k = lambda name: ("work", work.at[name])

    def norm(name, x, codes, scales):
        slices = {"x": x, "gamma": w(f"{name}.gamma"), "beta": w(f"{name}.beta"), "y": k(codes), "y_scale": k(scales)}
        return Rows(program, slices, width, True)

    def rounding(name, cols):
        slices = {"x": k(name), "y": k(f"{name}_codes"), "y_scale": k(f"{name}_scales")}
        return Rows(program, slices, cols, False)

    def product(name, codes, scales, inner, cols, y, residual=None, gelu=False):
        slices = {"a": k(codes), "b": w(f"{name}.codes"), "row_scale": k(scales), "col_scale": w(f"{name}.scales"),
                  "bias": w(f"{name}.bias"), "residual": residual, "y": y}
        part = {"rows": shape["rows"], "inner": inner, "cols": cols, "gelu": gelu, "residual": residual is not None}
        return Borrowed(program, slices, borrow("matmul", part))

    heads = {"rows": shape["rows"], "heads": shape["heads"], "keys": shape["keys"], "cols": 0, "inner": 0}
    attention = Borrowed(program, {"q": k("q"), "q_step": k("q_step"), "k": k("k"), "v": k("v"), "v_scale": k("v_scale"),
                                   "y": k("attended")}, borrow("attention", heads))
    return [
        norm("attention_norm", ("x", 0), "codes", "scales"),
        product("qkv", "codes", "scales", width, 3 * width, k("qkv")),
        AttentionInput(program, {name: k(name) for name in ("qkv", "q", "q_step", "k", "v", "v_scale")}),
        attention,
        rounding("attended", width),
        product("out", "attended_codes", "attended_scales", width, width, k("middle"), residual=("x", 0)),
        norm("mlp_norm", k("middle"), "middle_codes", "middle_scales"),
        product("up", "middle_codes", "middle_scales", width, ffn, k("hidden"), gelu=True),
        rounding("hidden", ffn),
        product("down", "hidden_codes", "hidden_scales", ffn, width, ("y", 0), residual=k("middle")),
    ]
