// log_mel_100: Log-mel bands of 100 frames: per-frame FIFOs, shared out among four tiles of a column. Written by tools/npu/emit_mlir.py.
module {
  aie.device(npu1) {
    %shim_0 = aie.tile(0, 0)
    %mem_0 = aie.tile(0, 1)
    %core_0_0 = aie.tile(0, 2)
    %core_0_1 = aie.tile(0, 3)
    %core_0_2 = aie.tile(0, 4)
    %core_0_3 = aie.tile(0, 5)
    aie.objectfifo @in0_0(%shim_0, {%mem_0}, 2 : i32) : !aie.objectfifo<memref<3200xi8>>
    aie.objectfifo @in0_0_0(%mem_0, {%core_0_0}, 2 : i32) : !aie.objectfifo<memref<800xi8>>
    aie.objectfifo @in0_0_1(%mem_0, {%core_0_1}, 2 : i32) : !aie.objectfifo<memref<800xi8>>
    aie.objectfifo @in0_0_2(%mem_0, {%core_0_2}, 2 : i32) : !aie.objectfifo<memref<800xi8>>
    aie.objectfifo @in0_0_3(%mem_0, {%core_0_3}, 2 : i32) : !aie.objectfifo<memref<800xi8>>
    aie.objectfifo.link [@in0_0] -> [@in0_0_0, @in0_0_1, @in0_0_2, @in0_0_3] ([] [0, 800, 1600, 2400])
    aie.objectfifo @out0_0_0(%core_0_0, {%mem_0}, 2 : i32) : !aie.objectfifo<memref<80xi8>>
    aie.objectfifo @out0_0_1(%core_0_1, {%mem_0}, 2 : i32) : !aie.objectfifo<memref<80xi8>>
    aie.objectfifo @out0_0_2(%core_0_2, {%mem_0}, 2 : i32) : !aie.objectfifo<memref<80xi8>>
    aie.objectfifo @out0_0_3(%core_0_3, {%mem_0}, 2 : i32) : !aie.objectfifo<memref<80xi8>>
    aie.objectfifo @out0_0(%mem_0, {%shim_0}, 2 : i32) : !aie.objectfifo<memref<320xi8>>
    aie.objectfifo.link [@out0_0_0, @out0_0_1, @out0_0_2, @out0_0_3] -> [@out0_0] ([0, 80, 160, 240] [])
    func.func private @amanuensis_log_mel(memref<800xi8>, memref<80xi8>, i32)
    aie.core(%core_0_0) {
      %v1 = arith.constant 0 : index
      %v2 = arith.constant 9223372036854775807 : index
      %v3 = arith.constant 1 : index
      scf.for %v4 = %v1 to %v2 step %v3 {
        %v5 = arith.constant 0 : index
        %v6 = arith.constant 25 : index
        %v7 = arith.constant 1 : index
        scf.for %v8 = %v5 to %v6 step %v7 {
          %v9 = aie.objectfifo.acquire @in0_0_0(Consume, 1) : !aie.objectfifosubview<memref<800xi8>>
          %v10 = aie.objectfifo.subview.access %v9[0] : !aie.objectfifosubview<memref<800xi8>> -> memref<800xi8>
          %v11 = aie.objectfifo.acquire @out0_0_0(Produce, 1) : !aie.objectfifosubview<memref<80xi8>>
          %v12 = aie.objectfifo.subview.access %v11[0] : !aie.objectfifosubview<memref<80xi8>> -> memref<80xi8>
          %v13 = arith.constant 1 : i32
          func.call @amanuensis_log_mel(%v10, %v12, %v13) : (memref<800xi8>, memref<80xi8>, i32) -> ()
          aie.objectfifo.release @in0_0_0(Consume, 1)
          aie.objectfifo.release @out0_0_0(Produce, 1)
        }
      }
      aie.end
    } {link_with = "tile_kernels.o", stack_size = 4608 : i32}
    aie.core(%core_0_1) {
      %v14 = arith.constant 0 : index
      %v15 = arith.constant 9223372036854775807 : index
      %v16 = arith.constant 1 : index
      scf.for %v17 = %v14 to %v15 step %v16 {
        %v18 = arith.constant 0 : index
        %v19 = arith.constant 25 : index
        %v20 = arith.constant 1 : index
        scf.for %v21 = %v18 to %v19 step %v20 {
          %v22 = aie.objectfifo.acquire @in0_0_1(Consume, 1) : !aie.objectfifosubview<memref<800xi8>>
          %v23 = aie.objectfifo.subview.access %v22[0] : !aie.objectfifosubview<memref<800xi8>> -> memref<800xi8>
          %v24 = aie.objectfifo.acquire @out0_0_1(Produce, 1) : !aie.objectfifosubview<memref<80xi8>>
          %v25 = aie.objectfifo.subview.access %v24[0] : !aie.objectfifosubview<memref<80xi8>> -> memref<80xi8>
          %v26 = arith.constant 1 : i32
          func.call @amanuensis_log_mel(%v23, %v25, %v26) : (memref<800xi8>, memref<80xi8>, i32) -> ()
          aie.objectfifo.release @in0_0_1(Consume, 1)
          aie.objectfifo.release @out0_0_1(Produce, 1)
        }
      }
      aie.end
    } {link_with = "tile_kernels.o", stack_size = 4608 : i32}
    aie.core(%core_0_2) {
      %v27 = arith.constant 0 : index
      %v28 = arith.constant 9223372036854775807 : index
      %v29 = arith.constant 1 : index
      scf.for %v30 = %v27 to %v28 step %v29 {
        %v31 = arith.constant 0 : index
        %v32 = arith.constant 25 : index
        %v33 = arith.constant 1 : index
        scf.for %v34 = %v31 to %v32 step %v33 {
          %v35 = aie.objectfifo.acquire @in0_0_2(Consume, 1) : !aie.objectfifosubview<memref<800xi8>>
          %v36 = aie.objectfifo.subview.access %v35[0] : !aie.objectfifosubview<memref<800xi8>> -> memref<800xi8>
          %v37 = aie.objectfifo.acquire @out0_0_2(Produce, 1) : !aie.objectfifosubview<memref<80xi8>>
          %v38 = aie.objectfifo.subview.access %v37[0] : !aie.objectfifosubview<memref<80xi8>> -> memref<80xi8>
          %v39 = arith.constant 1 : i32
          func.call @amanuensis_log_mel(%v36, %v38, %v39) : (memref<800xi8>, memref<80xi8>, i32) -> ()
          aie.objectfifo.release @in0_0_2(Consume, 1)
          aie.objectfifo.release @out0_0_2(Produce, 1)
        }
      }
      aie.end
    } {link_with = "tile_kernels.o", stack_size = 4608 : i32}
    aie.core(%core_0_3) {
      %v40 = arith.constant 0 : index
      %v41 = arith.constant 9223372036854775807 : index
      %v42 = arith.constant 1 : index
      scf.for %v43 = %v40 to %v41 step %v42 {
        %v44 = arith.constant 0 : index
        %v45 = arith.constant 25 : index
        %v46 = arith.constant 1 : index
        scf.for %v47 = %v44 to %v45 step %v46 {
          %v48 = aie.objectfifo.acquire @in0_0_3(Consume, 1) : !aie.objectfifosubview<memref<800xi8>>
          %v49 = aie.objectfifo.subview.access %v48[0] : !aie.objectfifosubview<memref<800xi8>> -> memref<800xi8>
          %v50 = aie.objectfifo.acquire @out0_0_3(Produce, 1) : !aie.objectfifosubview<memref<80xi8>>
          %v51 = aie.objectfifo.subview.access %v50[0] : !aie.objectfifosubview<memref<80xi8>> -> memref<80xi8>
          %v52 = arith.constant 1 : i32
          func.call @amanuensis_log_mel(%v49, %v51, %v52) : (memref<800xi8>, memref<80xi8>, i32) -> ()
          aie.objectfifo.release @in0_0_3(Consume, 1)
          aie.objectfifo.release @out0_0_3(Produce, 1)
        }
      }
      aie.end
    } {link_with = "tile_kernels.o", stack_size = 4608 : i32}
    aiex.runtime_sequence(%frames: memref<80000xi8>, %bands: memref<8000xi8>) {
      aiex.npu.dma_memcpy_nd(%frames[0, 0, 0, 0][1, 1, 100, 800][0, 0, 800, 1]) {id = 0 : i64, metadata = @in0_0, issue_token = true} : memref<80000xi8>
      aiex.npu.dma_memcpy_nd(%bands[0, 0, 0, 0][1, 1, 100, 80][0, 0, 80, 1]) {id = 1 : i64, metadata = @out0_0, issue_token = true} : memref<8000xi8>
      aiex.npu.dma_wait {symbol = @in0_0}
      aiex.npu.dma_wait {symbol = @out0_0}
    }
  }
}
