// log_mel_20: Log-mel bands of 20 frames on one tile: the largest batch whose double-buffered input fits. Written by tools/npu/emit_mlir.py.
module {
  aie.device(npu1) {
    %shim_0 = aie.tile(0, 0)
    %mem_0 = aie.tile(0, 1)
    %core_0_0 = aie.tile(0, 2)
    aie.objectfifo @in0_0(%shim_0, {%core_0_0}, 2 : i32) : !aie.objectfifo<memref<16000xi8>>
    aie.objectfifo @out0_0(%core_0_0, {%shim_0}, 2 : i32) : !aie.objectfifo<memref<1600xi8>>
    func.func private @amanuensis_log_mel(memref<16000xi8>, memref<1600xi8>, i32)
    aie.core(%core_0_0) {
      %v1 = arith.constant 0 : index
      %v2 = arith.constant 9223372036854775807 : index
      %v3 = arith.constant 1 : index
      scf.for %v4 = %v1 to %v2 step %v3 {
        %v5 = arith.constant 0 : index
        %v6 = arith.constant 1 : index
        %v7 = arith.constant 1 : index
        scf.for %v8 = %v5 to %v6 step %v7 {
          %v9 = aie.objectfifo.acquire @in0_0(Consume, 1) : !aie.objectfifosubview<memref<16000xi8>>
          %v10 = aie.objectfifo.subview.access %v9[0] : !aie.objectfifosubview<memref<16000xi8>> -> memref<16000xi8>
          %v11 = aie.objectfifo.acquire @out0_0(Produce, 1) : !aie.objectfifosubview<memref<1600xi8>>
          %v12 = aie.objectfifo.subview.access %v11[0] : !aie.objectfifosubview<memref<1600xi8>> -> memref<1600xi8>
          %v13 = arith.constant 20 : i32
          func.call @amanuensis_log_mel(%v10, %v12, %v13) : (memref<16000xi8>, memref<1600xi8>, i32) -> ()
          aie.objectfifo.release @in0_0(Consume, 1)
          aie.objectfifo.release @out0_0(Produce, 1)
        }
      }
      aie.end
    } {link_with = "tile_kernels.o", stack_size = 4608 : i32}
    aiex.runtime_sequence(%frames: memref<16000xi8>, %bands: memref<1600xi8>) {
      aiex.npu.dma_memcpy_nd(%frames[0, 0, 0, 0][1, 1, 20, 800][0, 0, 800, 1]) {id = 0 : i64, metadata = @in0_0, issue_token = true} : memref<16000xi8>
      aiex.npu.dma_memcpy_nd(%bands[0, 0, 0, 0][1, 1, 20, 80][0, 0, 80, 1]) {id = 1 : i64, metadata = @out0_0, issue_token = true} : memref<1600xi8>
      aiex.npu.dma_wait {symbol = @in0_0}
      aiex.npu.dma_wait {symbol = @out0_0}
    }
  }
}
