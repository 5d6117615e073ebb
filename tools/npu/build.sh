#!/usr/bin/env bash
# Builds the NPU kernels for real hardware, for people who have mlir-aie (docs/npu.md): array programs by emit_mlir.py, tile
# kernels by Peano's clang, xclbin and instruction streams by aiecc.py. What comes out goes into one folder, with the catalog
# entries and a manifest of the streams' words, for AMANUENSIS_NPU_KERNELS.
#
#   tools/npu/build.sh OUTPUT_FOLDER [--columns N]
#
# Needs aiecc.py in the PATH and PEANO_INSTALL_DIR (both set by mlir-aie's own environment script). Shapes are those of the
# self-tests and of the base model's encoder; add lines below for others.
set -euo pipefail

out=${1:?usage: tools/npu/build.sh OUTPUT_FOLDER [--columns N]}
columns=4
[ "${2:-}" = "--columns" ] && columns=${3:?--columns needs a number}
source_dir=$(cd "$(dirname "$0")/../.." && pwd)
catalog=$source_dir/src/device/npu/catalog
command -v aiecc.py > /dev/null || { echo "aiecc.py is not in the PATH: set up mlir-aie first (docs/npu.md)" >&2; exit 1; }
clang=${PEANO_INSTALL_DIR:?PEANO_INSTALL_DIR is not set: set up mlir-aie first (docs/npu.md)}/bin/clang++

mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$clang" --target=aie2-none-unknown-elf -O2 -std=c++20 -fno-exceptions -fno-rtti -I"$source_dir/src" \
  -c "$source_dir/src/device/npu/kernels/aie_entry.cc" -o "$work/tile_kernels.o"

# build NAME STREAM_FILE [emit_mlir.py's options]
build() {
  local name=$1 stream=$2
  shift 2
  python3 "$source_dir/tools/npu/emit_mlir.py" "$catalog/$name.json" --columns "$columns" "$@" > "$work/$stream.mlir"
  (cd "$work" && aiecc.py --no-xchesscc --no-xbridge --aie-generate-xclbin --aie-generate-npu --no-compile-host \
    --xclbin-name="$name.xclbin" --npu-insts-name="$stream.insts.bin" "$stream.mlir")
  cp "$work/$name.xclbin" "$work/$stream.insts.bin" "$catalog/$name.json" "$out"
}

for batch in 1 10 20 100; do build "log_mel_$batch" "log_mel_$batch"; done

# The shapes of the self-tests (src/device/npu/self_test.cc), then base: 1500 positions padded to 1536, 8 heads of 64.
for width in 256 512; do build "layer_norm_$width" "layer_norm_${width}_128x$width" --rows 128 --cols "$width"; done
for width in 512 2048; do build "gelu_$width" "gelu_${width}_64x$width" --rows 64 --cols "$width"; done
build softmax_1536 softmax_1536_32x300 --rows 32 --cols 300
build residual_add residual_add_64x512 --rows 64 --cols 512
for tile in 16 32; do
  build "matmul_$tile" "matmul_${tile}_$((4 * tile))x$((3 * tile))x$((4 * tile))" \
    --rows $((4 * tile)) --inner $((3 * tile)) --cols $((4 * tile))
done
build layer_norm_512 layer_norm_512_1536x512 --rows 1536 --cols 512
build matmul_64 matmul_64_256x192x256 --rows 256 --inner 192 --cols 256
build matmul_64_packed matmul_64_packed_256x192x256 --rows 256 --inner 192 --cols 256
build matmul_64 matmul_64_3072x256x512_gelu --rows 3072 --inner 256 --cols 512 --gelu
build matmul_64 matmul_64_1536x1536x512_gelu --rows 1536 --inner 1536 --cols 512 --gelu
build matmul_64 matmul_64_1536x512x1536 --rows 1536 --inner 512 --cols 1536
build matmul_64 matmul_64_1536x512x512_residual --rows 1536 --inner 512 --cols 512 --residual
build matmul_64 matmul_64_1536x512x2048_gelu --rows 1536 --inner 512 --cols 2048 --gelu
build matmul_64 matmul_64_1536x2048x512_residual --rows 1536 --inner 2048 --cols 512 --residual
build encoder_block encoder_block_512x256x512_heads4_keys101 --rows 512 --inner 256 --cols 512 --heads 4 --keys 101
build encoder_block encoder_block_1536x512x2048_heads8_keys1500 --rows 1536 --inner 512 --cols 2048 --heads 8 --keys 1500
build attention_64 attention_64_256_heads2_keys101 --rows 256 --heads 2 --keys 101
build attention_64 attention_64_1536_heads8_keys1500 --rows 1536 --heads 8 --keys 1500

python3 - "$out" <<'PYTHON'
import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])
words = {path.name: path.stat().st_size // 4 for path in sorted(folder.glob("*.insts.bin"))}
(folder / "manifest.json").write_text(json.dumps(words, indent=1) + "\n")
PYTHON
echo "kernels are in $out; AMANUENSIS_NPU_KERNELS=$out amanuensis npu selftest --device npu tests them"
