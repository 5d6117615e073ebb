// attention_64: Attention by 64x64 tiles in bytes, 32-bit scores, online softmax over all keys. Written by tools/npu/emit_mlir.py.
module {
  aie.device(npu1) {
    %shim_0 = aie.tile(0, 0)
    %mem_0 = aie.tile(0, 1)
    %core_0_0 = aie.tile(0, 2)
    %core_0_1 = aie.tile(0, 3)
    %core_0_2 = aie.tile(0, 4)
    %core_0_3 = aie.tile(0, 5)
    aie.objectfifo @in0_0(%shim_0, {%mem_0}, 3 : i32) : !aie.objectfifo<memref<16384xi8>>
    aie.objectfifo @in0_0_0(%mem_0, {%core_0_0}, 3 : i32) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @in0_0_1(%mem_0, {%core_0_1}, 3 : i32) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @in0_0_2(%mem_0, {%core_0_2}, 3 : i32) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @in0_0_3(%mem_0, {%core_0_3}, 3 : i32) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo.link [@in0_0] -> [@in0_0_0, @in0_0_1, @in0_0_2, @in0_0_3] ([] [0, 4096, 8192, 12288])
    aie.objectfifo @in1_0(%shim_0, {%core_0_0, %core_0_1, %core_0_2, %core_0_3}, 3 : i32) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @out0_0_0(%core_0_0, {%mem_0}, 2 : i32) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @out0_0_1(%core_0_1, {%mem_0}, 2 : i32) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @out0_0_2(%core_0_2, {%mem_0}, 2 : i32) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @out0_0_3(%core_0_3, {%mem_0}, 2 : i32) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @out0_0(%mem_0, {%shim_0}, 2 : i32) : !aie.objectfifo<memref<16384xi8>>
    aie.objectfifo.link [@out0_0_0, @out0_0_1, @out0_0_2, @out0_0_3] -> [@out0_0] ([0, 4096, 8192, 12288] [])
    func.func private @amanuensis_attention_begin(memref<16896xi8>)
    func.func private @amanuensis_attention(memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<16896xi8>, i32)
    func.func private @amanuensis_attention_finish(memref<16896xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32)
    %scratch_0_0 = aie.buffer(%core_0_0) {sym_name = "scratch_0_0"} : memref<16896xi8>
    aie.core(%core_0_0) {
      %v1 = arith.constant 0 : index
      %v2 = arith.constant 9223372036854775807 : index
      %v3 = arith.constant 1 : index
      scf.for %v4 = %v1 to %v2 step %v3 {
        %v5 = arith.constant 0 : index
        %v6 = arith.constant 2 : index
        %v7 = arith.constant 1 : index
        scf.for %v8 = %v5 to %v6 step %v7 {
          %v9 = aie.objectfifo.acquire @in0_0_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v10 = aie.objectfifo.subview.access %v9[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v11 = aie.objectfifo.acquire @in0_0_0(Consume, 2) : !aie.objectfifosubview<memref<4096xi8>>
          %v12 = aie.objectfifo.subview.access %v11[1] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v13 = aie.objectfifo.acquire @in0_0_0(Consume, 3) : !aie.objectfifosubview<memref<4096xi8>>
          %v14 = aie.objectfifo.subview.access %v13[2] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @amanuensis_attention_begin(%scratch_0_0) : (memref<16896xi8>) -> ()
          %v15 = arith.constant 0 : index
          %v16 = arith.constant 1 : index
          %v17 = arith.constant 1 : index
          scf.for %v18 = %v15 to %v16 step %v17 {
            %v19 = aie.objectfifo.acquire @in1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v20 = aie.objectfifo.subview.access %v19[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            %v21 = aie.objectfifo.acquire @in1_0(Consume, 2) : !aie.objectfifosubview<memref<4096xi8>>
            %v22 = aie.objectfifo.subview.access %v21[1] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            %v23 = arith.constant 64 : i32
            func.call @amanuensis_attention(%v10, %v12, %v20, %v22, %scratch_0_0, %v23) : (memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<16896xi8>, i32) -> ()
            aie.objectfifo.release @in1_0(Consume, 1)
            aie.objectfifo.release @in1_0(Consume, 1)
          }
          %v24 = arith.constant 0 : index
          %v25 = arith.constant 1 : index
          %v26 = arith.constant 1 : index
          scf.for %v27 = %v24 to %v25 step %v26 {
            %v28 = aie.objectfifo.acquire @in1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v29 = aie.objectfifo.subview.access %v28[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            %v30 = aie.objectfifo.acquire @in1_0(Consume, 2) : !aie.objectfifosubview<memref<4096xi8>>
            %v31 = aie.objectfifo.subview.access %v30[1] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            %v32 = arith.constant 37 : i32
            func.call @amanuensis_attention(%v10, %v12, %v29, %v31, %scratch_0_0, %v32) : (memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<16896xi8>, i32) -> ()
            aie.objectfifo.release @in1_0(Consume, 1)
            aie.objectfifo.release @in1_0(Consume, 1)
          }
          %v33 = aie.objectfifo.acquire @out0_0_0(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v34 = aie.objectfifo.subview.access %v33[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v35 = arith.constant 0 : i32
          %v36 = arith.constant 16 : i32
          func.call @amanuensis_attention_finish(%scratch_0_0, %v14, %v34, %v35, %v36) : (memref<16896xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32) -> ()
          aie.objectfifo.release @out0_0_0(Produce, 1)
          %v37 = aie.objectfifo.acquire @out0_0_0(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v38 = aie.objectfifo.subview.access %v37[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v39 = arith.constant 16 : i32
          %v40 = arith.constant 16 : i32
          func.call @amanuensis_attention_finish(%scratch_0_0, %v14, %v38, %v39, %v40) : (memref<16896xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32) -> ()
          aie.objectfifo.release @out0_0_0(Produce, 1)
          %v41 = aie.objectfifo.acquire @out0_0_0(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v42 = aie.objectfifo.subview.access %v41[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v43 = arith.constant 32 : i32
          %v44 = arith.constant 16 : i32
          func.call @amanuensis_attention_finish(%scratch_0_0, %v14, %v42, %v43, %v44) : (memref<16896xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32) -> ()
          aie.objectfifo.release @out0_0_0(Produce, 1)
          %v45 = aie.objectfifo.acquire @out0_0_0(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v46 = aie.objectfifo.subview.access %v45[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v47 = arith.constant 48 : i32
          %v48 = arith.constant 16 : i32
          func.call @amanuensis_attention_finish(%scratch_0_0, %v14, %v46, %v47, %v48) : (memref<16896xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32) -> ()
          aie.objectfifo.release @out0_0_0(Produce, 1)
          aie.objectfifo.release @in0_0_0(Consume, 1)
          aie.objectfifo.release @in0_0_0(Consume, 1)
          aie.objectfifo.release @in0_0_0(Consume, 1)
        }
      }
      aie.end
    } {link_with = "tile_kernels.o", stack_size = 2048 : i32}
    %scratch_0_1 = aie.buffer(%core_0_1) {sym_name = "scratch_0_1"} : memref<16896xi8>
    aie.core(%core_0_1) {
      %v49 = arith.constant 0 : index
      %v50 = arith.constant 9223372036854775807 : index
      %v51 = arith.constant 1 : index
      scf.for %v52 = %v49 to %v50 step %v51 {
        %v53 = arith.constant 0 : index
        %v54 = arith.constant 2 : index
        %v55 = arith.constant 1 : index
        scf.for %v56 = %v53 to %v54 step %v55 {
          %v57 = aie.objectfifo.acquire @in0_0_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v58 = aie.objectfifo.subview.access %v57[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v59 = aie.objectfifo.acquire @in0_0_1(Consume, 2) : !aie.objectfifosubview<memref<4096xi8>>
          %v60 = aie.objectfifo.subview.access %v59[1] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v61 = aie.objectfifo.acquire @in0_0_1(Consume, 3) : !aie.objectfifosubview<memref<4096xi8>>
          %v62 = aie.objectfifo.subview.access %v61[2] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @amanuensis_attention_begin(%scratch_0_1) : (memref<16896xi8>) -> ()
          %v63 = arith.constant 0 : index
          %v64 = arith.constant 1 : index
          %v65 = arith.constant 1 : index
          scf.for %v66 = %v63 to %v64 step %v65 {
            %v67 = aie.objectfifo.acquire @in1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v68 = aie.objectfifo.subview.access %v67[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            %v69 = aie.objectfifo.acquire @in1_0(Consume, 2) : !aie.objectfifosubview<memref<4096xi8>>
            %v70 = aie.objectfifo.subview.access %v69[1] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            %v71 = arith.constant 64 : i32
            func.call @amanuensis_attention(%v58, %v60, %v68, %v70, %scratch_0_1, %v71) : (memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<16896xi8>, i32) -> ()
            aie.objectfifo.release @in1_0(Consume, 1)
            aie.objectfifo.release @in1_0(Consume, 1)
          }
          %v72 = arith.constant 0 : index
          %v73 = arith.constant 1 : index
          %v74 = arith.constant 1 : index
          scf.for %v75 = %v72 to %v73 step %v74 {
            %v76 = aie.objectfifo.acquire @in1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v77 = aie.objectfifo.subview.access %v76[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            %v78 = aie.objectfifo.acquire @in1_0(Consume, 2) : !aie.objectfifosubview<memref<4096xi8>>
            %v79 = aie.objectfifo.subview.access %v78[1] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            %v80 = arith.constant 37 : i32
            func.call @amanuensis_attention(%v58, %v60, %v77, %v79, %scratch_0_1, %v80) : (memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<16896xi8>, i32) -> ()
            aie.objectfifo.release @in1_0(Consume, 1)
            aie.objectfifo.release @in1_0(Consume, 1)
          }
          %v81 = aie.objectfifo.acquire @out0_0_1(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v82 = aie.objectfifo.subview.access %v81[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v83 = arith.constant 0 : i32
          %v84 = arith.constant 16 : i32
          func.call @amanuensis_attention_finish(%scratch_0_1, %v62, %v82, %v83, %v84) : (memref<16896xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32) -> ()
          aie.objectfifo.release @out0_0_1(Produce, 1)
          %v85 = aie.objectfifo.acquire @out0_0_1(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v86 = aie.objectfifo.subview.access %v85[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v87 = arith.constant 16 : i32
          %v88 = arith.constant 16 : i32
          func.call @amanuensis_attention_finish(%scratch_0_1, %v62, %v86, %v87, %v88) : (memref<16896xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32) -> ()
          aie.objectfifo.release @out0_0_1(Produce, 1)
          %v89 = aie.objectfifo.acquire @out0_0_1(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v90 = aie.objectfifo.subview.access %v89[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v91 = arith.constant 32 : i32
          %v92 = arith.constant 16 : i32
          func.call @amanuensis_attention_finish(%scratch_0_1, %v62, %v90, %v91, %v92) : (memref<16896xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32) -> ()
          aie.objectfifo.release @out0_0_1(Produce, 1)
          %v93 = aie.objectfifo.acquire @out0_0_1(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v94 = aie.objectfifo.subview.access %v93[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v95 = arith.constant 48 : i32
          %v96 = arith.constant 16 : i32
          func.call @amanuensis_attention_finish(%scratch_0_1, %v62, %v94, %v95, %v96) : (memref<16896xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32) -> ()
          aie.objectfifo.release @out0_0_1(Produce, 1)
          aie.objectfifo.release @in0_0_1(Consume, 1)
          aie.objectfifo.release @in0_0_1(Consume, 1)
          aie.objectfifo.release @in0_0_1(Consume, 1)
        }
      }
      aie.end
    } {link_with = "tile_kernels.o", stack_size = 2048 : i32}
    %scratch_0_2 = aie.buffer(%core_0_2) {sym_name = "scratch_0_2"} : memref<16896xi8>
    aie.core(%core_0_2) {
      %v97 = arith.constant 0 : index
      %v98 = arith.constant 9223372036854775807 : index
      %v99 = arith.constant 1 : index
      scf.for %v100 = %v97 to %v98 step %v99 {
        %v101 = arith.constant 0 : index
        %v102 = arith.constant 2 : index
        %v103 = arith.constant 1 : index
        scf.for %v104 = %v101 to %v102 step %v103 {
          %v105 = aie.objectfifo.acquire @in0_0_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v106 = aie.objectfifo.subview.access %v105[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v107 = aie.objectfifo.acquire @in0_0_2(Consume, 2) : !aie.objectfifosubview<memref<4096xi8>>
          %v108 = aie.objectfifo.subview.access %v107[1] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v109 = aie.objectfifo.acquire @in0_0_2(Consume, 3) : !aie.objectfifosubview<memref<4096xi8>>
          %v110 = aie.objectfifo.subview.access %v109[2] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @amanuensis_attention_begin(%scratch_0_2) : (memref<16896xi8>) -> ()
          %v111 = arith.constant 0 : index
          %v112 = arith.constant 1 : index
          %v113 = arith.constant 1 : index
          scf.for %v114 = %v111 to %v112 step %v113 {
            %v115 = aie.objectfifo.acquire @in1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v116 = aie.objectfifo.subview.access %v115[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            %v117 = aie.objectfifo.acquire @in1_0(Consume, 2) : !aie.objectfifosubview<memref<4096xi8>>
            %v118 = aie.objectfifo.subview.access %v117[1] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            %v119 = arith.constant 64 : i32
            func.call @amanuensis_attention(%v106, %v108, %v116, %v118, %scratch_0_2, %v119) : (memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<16896xi8>, i32) -> ()
            aie.objectfifo.release @in1_0(Consume, 1)
            aie.objectfifo.release @in1_0(Consume, 1)
          }
          %v120 = arith.constant 0 : index
          %v121 = arith.constant 1 : index
          %v122 = arith.constant 1 : index
          scf.for %v123 = %v120 to %v121 step %v122 {
            %v124 = aie.objectfifo.acquire @in1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v125 = aie.objectfifo.subview.access %v124[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            %v126 = aie.objectfifo.acquire @in1_0(Consume, 2) : !aie.objectfifosubview<memref<4096xi8>>
            %v127 = aie.objectfifo.subview.access %v126[1] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            %v128 = arith.constant 37 : i32
            func.call @amanuensis_attention(%v106, %v108, %v125, %v127, %scratch_0_2, %v128) : (memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<16896xi8>, i32) -> ()
            aie.objectfifo.release @in1_0(Consume, 1)
            aie.objectfifo.release @in1_0(Consume, 1)
          }
          %v129 = aie.objectfifo.acquire @out0_0_2(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v130 = aie.objectfifo.subview.access %v129[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v131 = arith.constant 0 : i32
          %v132 = arith.constant 16 : i32
          func.call @amanuensis_attention_finish(%scratch_0_2, %v110, %v130, %v131, %v132) : (memref<16896xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32) -> ()
          aie.objectfifo.release @out0_0_2(Produce, 1)
          %v133 = aie.objectfifo.acquire @out0_0_2(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v134 = aie.objectfifo.subview.access %v133[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v135 = arith.constant 16 : i32
          %v136 = arith.constant 16 : i32
          func.call @amanuensis_attention_finish(%scratch_0_2, %v110, %v134, %v135, %v136) : (memref<16896xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32) -> ()
          aie.objectfifo.release @out0_0_2(Produce, 1)
          %v137 = aie.objectfifo.acquire @out0_0_2(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v138 = aie.objectfifo.subview.access %v137[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v139 = arith.constant 32 : i32
          %v140 = arith.constant 16 : i32
          func.call @amanuensis_attention_finish(%scratch_0_2, %v110, %v138, %v139, %v140) : (memref<16896xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32) -> ()
          aie.objectfifo.release @out0_0_2(Produce, 1)
          %v141 = aie.objectfifo.acquire @out0_0_2(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v142 = aie.objectfifo.subview.access %v141[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v143 = arith.constant 48 : i32
          %v144 = arith.constant 16 : i32
          func.call @amanuensis_attention_finish(%scratch_0_2, %v110, %v142, %v143, %v144) : (memref<16896xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32) -> ()
          aie.objectfifo.release @out0_0_2(Produce, 1)
          aie.objectfifo.release @in0_0_2(Consume, 1)
          aie.objectfifo.release @in0_0_2(Consume, 1)
          aie.objectfifo.release @in0_0_2(Consume, 1)
        }
      }
      aie.end
    } {link_with = "tile_kernels.o", stack_size = 2048 : i32}
    %scratch_0_3 = aie.buffer(%core_0_3) {sym_name = "scratch_0_3"} : memref<16896xi8>
    aie.core(%core_0_3) {
      %v145 = arith.constant 0 : index
      %v146 = arith.constant 9223372036854775807 : index
      %v147 = arith.constant 1 : index
      scf.for %v148 = %v145 to %v146 step %v147 {
        %v149 = arith.constant 0 : index
        %v150 = arith.constant 2 : index
        %v151 = arith.constant 1 : index
        scf.for %v152 = %v149 to %v150 step %v151 {
          %v153 = aie.objectfifo.acquire @in0_0_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v154 = aie.objectfifo.subview.access %v153[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v155 = aie.objectfifo.acquire @in0_0_3(Consume, 2) : !aie.objectfifosubview<memref<4096xi8>>
          %v156 = aie.objectfifo.subview.access %v155[1] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v157 = aie.objectfifo.acquire @in0_0_3(Consume, 3) : !aie.objectfifosubview<memref<4096xi8>>
          %v158 = aie.objectfifo.subview.access %v157[2] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          func.call @amanuensis_attention_begin(%scratch_0_3) : (memref<16896xi8>) -> ()
          %v159 = arith.constant 0 : index
          %v160 = arith.constant 1 : index
          %v161 = arith.constant 1 : index
          scf.for %v162 = %v159 to %v160 step %v161 {
            %v163 = aie.objectfifo.acquire @in1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v164 = aie.objectfifo.subview.access %v163[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            %v165 = aie.objectfifo.acquire @in1_0(Consume, 2) : !aie.objectfifosubview<memref<4096xi8>>
            %v166 = aie.objectfifo.subview.access %v165[1] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            %v167 = arith.constant 64 : i32
            func.call @amanuensis_attention(%v154, %v156, %v164, %v166, %scratch_0_3, %v167) : (memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<16896xi8>, i32) -> ()
            aie.objectfifo.release @in1_0(Consume, 1)
            aie.objectfifo.release @in1_0(Consume, 1)
          }
          %v168 = arith.constant 0 : index
          %v169 = arith.constant 1 : index
          %v170 = arith.constant 1 : index
          scf.for %v171 = %v168 to %v169 step %v170 {
            %v172 = aie.objectfifo.acquire @in1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v173 = aie.objectfifo.subview.access %v172[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            %v174 = aie.objectfifo.acquire @in1_0(Consume, 2) : !aie.objectfifosubview<memref<4096xi8>>
            %v175 = aie.objectfifo.subview.access %v174[1] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            %v176 = arith.constant 37 : i32
            func.call @amanuensis_attention(%v154, %v156, %v173, %v175, %scratch_0_3, %v176) : (memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<16896xi8>, i32) -> ()
            aie.objectfifo.release @in1_0(Consume, 1)
            aie.objectfifo.release @in1_0(Consume, 1)
          }
          %v177 = aie.objectfifo.acquire @out0_0_3(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v178 = aie.objectfifo.subview.access %v177[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v179 = arith.constant 0 : i32
          %v180 = arith.constant 16 : i32
          func.call @amanuensis_attention_finish(%scratch_0_3, %v158, %v178, %v179, %v180) : (memref<16896xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32) -> ()
          aie.objectfifo.release @out0_0_3(Produce, 1)
          %v181 = aie.objectfifo.acquire @out0_0_3(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v182 = aie.objectfifo.subview.access %v181[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v183 = arith.constant 16 : i32
          %v184 = arith.constant 16 : i32
          func.call @amanuensis_attention_finish(%scratch_0_3, %v158, %v182, %v183, %v184) : (memref<16896xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32) -> ()
          aie.objectfifo.release @out0_0_3(Produce, 1)
          %v185 = aie.objectfifo.acquire @out0_0_3(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v186 = aie.objectfifo.subview.access %v185[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v187 = arith.constant 32 : i32
          %v188 = arith.constant 16 : i32
          func.call @amanuensis_attention_finish(%scratch_0_3, %v158, %v186, %v187, %v188) : (memref<16896xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32) -> ()
          aie.objectfifo.release @out0_0_3(Produce, 1)
          %v189 = aie.objectfifo.acquire @out0_0_3(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v190 = aie.objectfifo.subview.access %v189[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v191 = arith.constant 48 : i32
          %v192 = arith.constant 16 : i32
          func.call @amanuensis_attention_finish(%scratch_0_3, %v158, %v190, %v191, %v192) : (memref<16896xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32) -> ()
          aie.objectfifo.release @out0_0_3(Produce, 1)
          aie.objectfifo.release @in0_0_3(Consume, 1)
          aie.objectfifo.release @in0_0_3(Consume, 1)
          aie.objectfifo.release @in0_0_3(Consume, 1)
        }
      }
      aie.end
    } {link_with = "tile_kernels.o", stack_size = 2048 : i32}
    aiex.runtime_sequence(%q: memref<32768xi8>, %q_step: memref<2048xi8>, %k: memref<32768xi8>, %v: memref<32768xi8>, %v_scale: memref<512xi8>, %y: memref<131072xi8>) {
      aiex.npu.dma_memcpy_nd(%q[0, 0, 0, 0][1, 1, 4, 4096][0, 0, 4096, 1]) {id = 0 : i64, metadata = @in0_0, issue_token = true} : memref<32768xi8>
      aiex.npu.dma_memcpy_nd(%q_step[0, 0, 0, 0][1, 1, 4, 4096][0, 0, 256, 1]) {id = 1 : i64, metadata = @in0_0, issue_token = true} : memref<2048xi8>
      aiex.npu.dma_memcpy_nd(%v_scale[0, 0, 0, 0][4, 1, 1, 4096][0, 0, 0, 1]) {id = 2 : i64, metadata = @in0_0, issue_token = true} : memref<512xi8>
      aiex.npu.dma_memcpy_nd(%k[0, 0, 0, 0][1, 1, 1, 4096][0, 0, 0, 1]) {id = 3 : i64, metadata = @in1_0, issue_token = true} : memref<32768xi8>
      aiex.npu.dma_memcpy_nd(%v[0, 0, 0, 0][1, 1, 64, 64][0, 0, 256, 1]) {id = 4 : i64, metadata = @in1_0, issue_token = true} : memref<32768xi8>
      aiex.npu.dma_memcpy_nd(%k[0, 0, 0, 4096][1, 1, 1, 4096][0, 0, 0, 1]) {id = 5 : i64, metadata = @in1_0, issue_token = true} : memref<32768xi8>
      aiex.npu.dma_memcpy_nd(%v[0, 0, 0, 64][1, 1, 64, 64][0, 0, 256, 1]) {id = 6 : i64, metadata = @in1_0, issue_token = true} : memref<32768xi8>
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][4, 4, 16, 256][8192, 32768, 512, 1]) {id = 7 : i64, metadata = @out0_0, issue_token = true} : memref<131072xi8>
      aiex.npu.dma_memcpy_nd(%q[0, 0, 0, 16384][1, 1, 4, 4096][0, 0, 4096, 1]) {id = 8 : i64, metadata = @in0_0, issue_token = true} : memref<32768xi8>
      aiex.npu.dma_memcpy_nd(%q_step[0, 0, 0, 1024][1, 1, 4, 4096][0, 0, 256, 1]) {id = 9 : i64, metadata = @in0_0, issue_token = true} : memref<2048xi8>
      aiex.npu.dma_memcpy_nd(%v_scale[0, 0, 0, 256][4, 1, 1, 4096][0, 0, 0, 1]) {id = 10 : i64, metadata = @in0_0, issue_token = true} : memref<512xi8>
      aiex.npu.dma_memcpy_nd(%k[0, 0, 0, 16384][1, 1, 1, 4096][0, 0, 0, 1]) {id = 11 : i64, metadata = @in1_0, issue_token = true} : memref<32768xi8>
      aiex.npu.dma_memcpy_nd(%v[0, 0, 0, 16384][1, 1, 64, 64][0, 0, 256, 1]) {id = 12 : i64, metadata = @in1_0, issue_token = true} : memref<32768xi8>
      aiex.npu.dma_memcpy_nd(%k[0, 0, 0, 20480][1, 1, 1, 4096][0, 0, 0, 1]) {id = 13 : i64, metadata = @in1_0, issue_token = true} : memref<32768xi8>
      aiex.npu.dma_memcpy_nd(%v[0, 0, 0, 16448][1, 1, 64, 64][0, 0, 256, 1]) {id = 14 : i64, metadata = @in1_0, issue_token = true} : memref<32768xi8>
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 256][4, 4, 16, 256][8192, 32768, 512, 1]) {id = 15 : i64, metadata = @out0_0, issue_token = true} : memref<131072xi8>
      aiex.npu.dma_wait {symbol = @in0_0}
      aiex.npu.dma_wait {symbol = @in0_0}
      aiex.npu.dma_wait {symbol = @in0_0}
      aiex.npu.dma_wait {symbol = @in1_0}
      aiex.npu.dma_wait {symbol = @in1_0}
      aiex.npu.dma_wait {symbol = @in1_0}
      aiex.npu.dma_wait {symbol = @in1_0}
      aiex.npu.dma_wait {symbol = @out0_0}
      aiex.npu.dma_wait {symbol = @in0_0}
      aiex.npu.dma_wait {symbol = @in0_0}
      aiex.npu.dma_wait {symbol = @in0_0}
      aiex.npu.dma_wait {symbol = @in1_0}
      aiex.npu.dma_wait {symbol = @in1_0}
      aiex.npu.dma_wait {symbol = @in1_0}
      aiex.npu.dma_wait {symbol = @in1_0}
      aiex.npu.dma_wait {symbol = @out0_0}
    }
  }
}
