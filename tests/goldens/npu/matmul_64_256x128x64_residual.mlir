// matmul_64: Matrix product in bytes by 64x64 tiles, 32-bit sums over all of K, then one rescale with bias, GELU and residual. Written by tools/npu/emit_mlir.py.
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
    aie.objectfifo @in1_0(%shim_0, {%core_0_0, %core_0_1, %core_0_2, %core_0_3}, 5 : i32) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @out0_0_0(%core_0_0, {%mem_0}, 2 : i32) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @out0_0_1(%core_0_1, {%mem_0}, 2 : i32) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @out0_0_2(%core_0_2, {%mem_0}, 2 : i32) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @out0_0_3(%core_0_3, {%mem_0}, 2 : i32) : !aie.objectfifo<memref<4096xi8>>
    aie.objectfifo @out0_0(%mem_0, {%shim_0}, 2 : i32) : !aie.objectfifo<memref<16384xi8>>
    aie.objectfifo.link [@out0_0_0, @out0_0_1, @out0_0_2, @out0_0_3] -> [@out0_0] ([0, 4096, 8192, 12288] [])
    func.func private @amanuensis_matmul_clear(memref<16384xi8>, i32)
    func.func private @amanuensis_matmul_64(memref<4096xi8>, memref<4096xi8>, memref<16384xi8>)
    func.func private @amanuensis_matmul_finish_residual(memref<16384xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32, i32, i32, i32)
    %scratch_0_0 = aie.buffer(%core_0_0) {sym_name = "scratch_0_0"} : memref<16384xi8>
    aie.core(%core_0_0) {
      %v1 = arith.constant 0 : index
      %v2 = arith.constant 9223372036854775807 : index
      %v3 = arith.constant 1 : index
      scf.for %v4 = %v1 to %v2 step %v3 {
        %v5 = arith.constant 0 : index
        %v6 = arith.constant 1 : index
        %v7 = arith.constant 1 : index
        scf.for %v8 = %v5 to %v6 step %v7 {
          %v9 = arith.constant 4096 : i32
          func.call @amanuensis_matmul_clear(%scratch_0_0, %v9) : (memref<16384xi8>, i32) -> ()
          %v10 = arith.constant 0 : index
          %v11 = arith.constant 2 : index
          %v12 = arith.constant 1 : index
          scf.for %v13 = %v10 to %v11 step %v12 {
            %v14 = aie.objectfifo.acquire @in0_0_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v15 = aie.objectfifo.subview.access %v14[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            %v16 = aie.objectfifo.acquire @in1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v17 = aie.objectfifo.subview.access %v16[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            func.call @amanuensis_matmul_64(%v15, %v17, %scratch_0_0) : (memref<4096xi8>, memref<4096xi8>, memref<16384xi8>) -> ()
            aie.objectfifo.release @in0_0_0(Consume, 1)
            aie.objectfifo.release @in1_0(Consume, 1)
          }
          %v18 = aie.objectfifo.acquire @in1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v19 = aie.objectfifo.subview.access %v18[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v20 = aie.objectfifo.acquire @in1_0(Consume, 2) : !aie.objectfifosubview<memref<4096xi8>>
          %v21 = aie.objectfifo.subview.access %v20[1] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v22 = aie.objectfifo.acquire @in1_0(Consume, 3) : !aie.objectfifosubview<memref<4096xi8>>
          %v23 = aie.objectfifo.subview.access %v22[2] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v24 = aie.objectfifo.acquire @in0_0_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v25 = aie.objectfifo.subview.access %v24[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v26 = aie.objectfifo.acquire @out0_0_0(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v27 = aie.objectfifo.subview.access %v26[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v28 = arith.constant 0 : i32
          %v29 = arith.constant 0 : i32
          %v30 = arith.constant 16 : i32
          %v31 = arith.constant 64 : i32
          %v32 = arith.constant 0 : i32
          func.call @amanuensis_matmul_finish_residual(%scratch_0_0, %v19, %v21, %v23, %v25, %v27, %v28, %v29, %v30, %v31, %v32) : (memref<16384xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32, i32, i32, i32) -> ()
          aie.objectfifo.release @out0_0_0(Produce, 1)
          aie.objectfifo.release @in0_0_0(Consume, 1)
          %v33 = aie.objectfifo.acquire @in0_0_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v34 = aie.objectfifo.subview.access %v33[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v35 = aie.objectfifo.acquire @out0_0_0(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v36 = aie.objectfifo.subview.access %v35[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v37 = arith.constant 0 : i32
          %v38 = arith.constant 16 : i32
          %v39 = arith.constant 16 : i32
          %v40 = arith.constant 64 : i32
          %v41 = arith.constant 0 : i32
          func.call @amanuensis_matmul_finish_residual(%scratch_0_0, %v19, %v21, %v23, %v34, %v36, %v37, %v38, %v39, %v40, %v41) : (memref<16384xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32, i32, i32, i32) -> ()
          aie.objectfifo.release @out0_0_0(Produce, 1)
          aie.objectfifo.release @in0_0_0(Consume, 1)
          %v42 = aie.objectfifo.acquire @in0_0_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v43 = aie.objectfifo.subview.access %v42[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v44 = aie.objectfifo.acquire @out0_0_0(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v45 = aie.objectfifo.subview.access %v44[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v46 = arith.constant 0 : i32
          %v47 = arith.constant 32 : i32
          %v48 = arith.constant 16 : i32
          %v49 = arith.constant 64 : i32
          %v50 = arith.constant 0 : i32
          func.call @amanuensis_matmul_finish_residual(%scratch_0_0, %v19, %v21, %v23, %v43, %v45, %v46, %v47, %v48, %v49, %v50) : (memref<16384xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32, i32, i32, i32) -> ()
          aie.objectfifo.release @out0_0_0(Produce, 1)
          aie.objectfifo.release @in0_0_0(Consume, 1)
          %v51 = aie.objectfifo.acquire @in0_0_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v52 = aie.objectfifo.subview.access %v51[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v53 = aie.objectfifo.acquire @out0_0_0(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v54 = aie.objectfifo.subview.access %v53[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v55 = arith.constant 0 : i32
          %v56 = arith.constant 48 : i32
          %v57 = arith.constant 16 : i32
          %v58 = arith.constant 64 : i32
          %v59 = arith.constant 0 : i32
          func.call @amanuensis_matmul_finish_residual(%scratch_0_0, %v19, %v21, %v23, %v52, %v54, %v55, %v56, %v57, %v58, %v59) : (memref<16384xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32, i32, i32, i32) -> ()
          aie.objectfifo.release @out0_0_0(Produce, 1)
          aie.objectfifo.release @in0_0_0(Consume, 1)
          aie.objectfifo.release @in1_0(Consume, 1)
          aie.objectfifo.release @in1_0(Consume, 1)
          aie.objectfifo.release @in1_0(Consume, 1)
        }
      }
      aie.end
    } {link_with = "tile_kernels.o", stack_size = 1024 : i32}
    %scratch_0_1 = aie.buffer(%core_0_1) {sym_name = "scratch_0_1"} : memref<16384xi8>
    aie.core(%core_0_1) {
      %v60 = arith.constant 0 : index
      %v61 = arith.constant 9223372036854775807 : index
      %v62 = arith.constant 1 : index
      scf.for %v63 = %v60 to %v61 step %v62 {
        %v64 = arith.constant 0 : index
        %v65 = arith.constant 1 : index
        %v66 = arith.constant 1 : index
        scf.for %v67 = %v64 to %v65 step %v66 {
          %v68 = arith.constant 4096 : i32
          func.call @amanuensis_matmul_clear(%scratch_0_1, %v68) : (memref<16384xi8>, i32) -> ()
          %v69 = arith.constant 0 : index
          %v70 = arith.constant 2 : index
          %v71 = arith.constant 1 : index
          scf.for %v72 = %v69 to %v70 step %v71 {
            %v73 = aie.objectfifo.acquire @in0_0_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v74 = aie.objectfifo.subview.access %v73[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            %v75 = aie.objectfifo.acquire @in1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v76 = aie.objectfifo.subview.access %v75[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            func.call @amanuensis_matmul_64(%v74, %v76, %scratch_0_1) : (memref<4096xi8>, memref<4096xi8>, memref<16384xi8>) -> ()
            aie.objectfifo.release @in0_0_1(Consume, 1)
            aie.objectfifo.release @in1_0(Consume, 1)
          }
          %v77 = aie.objectfifo.acquire @in1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v78 = aie.objectfifo.subview.access %v77[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v79 = aie.objectfifo.acquire @in1_0(Consume, 2) : !aie.objectfifosubview<memref<4096xi8>>
          %v80 = aie.objectfifo.subview.access %v79[1] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v81 = aie.objectfifo.acquire @in1_0(Consume, 3) : !aie.objectfifosubview<memref<4096xi8>>
          %v82 = aie.objectfifo.subview.access %v81[2] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v83 = aie.objectfifo.acquire @in0_0_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v84 = aie.objectfifo.subview.access %v83[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v85 = aie.objectfifo.acquire @out0_0_1(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v86 = aie.objectfifo.subview.access %v85[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v87 = arith.constant 64 : i32
          %v88 = arith.constant 0 : i32
          %v89 = arith.constant 16 : i32
          %v90 = arith.constant 64 : i32
          %v91 = arith.constant 0 : i32
          func.call @amanuensis_matmul_finish_residual(%scratch_0_1, %v78, %v80, %v82, %v84, %v86, %v87, %v88, %v89, %v90, %v91) : (memref<16384xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32, i32, i32, i32) -> ()
          aie.objectfifo.release @out0_0_1(Produce, 1)
          aie.objectfifo.release @in0_0_1(Consume, 1)
          %v92 = aie.objectfifo.acquire @in0_0_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v93 = aie.objectfifo.subview.access %v92[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v94 = aie.objectfifo.acquire @out0_0_1(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v95 = aie.objectfifo.subview.access %v94[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v96 = arith.constant 64 : i32
          %v97 = arith.constant 16 : i32
          %v98 = arith.constant 16 : i32
          %v99 = arith.constant 64 : i32
          %v100 = arith.constant 0 : i32
          func.call @amanuensis_matmul_finish_residual(%scratch_0_1, %v78, %v80, %v82, %v93, %v95, %v96, %v97, %v98, %v99, %v100) : (memref<16384xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32, i32, i32, i32) -> ()
          aie.objectfifo.release @out0_0_1(Produce, 1)
          aie.objectfifo.release @in0_0_1(Consume, 1)
          %v101 = aie.objectfifo.acquire @in0_0_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v102 = aie.objectfifo.subview.access %v101[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v103 = aie.objectfifo.acquire @out0_0_1(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v104 = aie.objectfifo.subview.access %v103[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v105 = arith.constant 64 : i32
          %v106 = arith.constant 32 : i32
          %v107 = arith.constant 16 : i32
          %v108 = arith.constant 64 : i32
          %v109 = arith.constant 0 : i32
          func.call @amanuensis_matmul_finish_residual(%scratch_0_1, %v78, %v80, %v82, %v102, %v104, %v105, %v106, %v107, %v108, %v109) : (memref<16384xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32, i32, i32, i32) -> ()
          aie.objectfifo.release @out0_0_1(Produce, 1)
          aie.objectfifo.release @in0_0_1(Consume, 1)
          %v110 = aie.objectfifo.acquire @in0_0_1(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v111 = aie.objectfifo.subview.access %v110[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v112 = aie.objectfifo.acquire @out0_0_1(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v113 = aie.objectfifo.subview.access %v112[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v114 = arith.constant 64 : i32
          %v115 = arith.constant 48 : i32
          %v116 = arith.constant 16 : i32
          %v117 = arith.constant 64 : i32
          %v118 = arith.constant 0 : i32
          func.call @amanuensis_matmul_finish_residual(%scratch_0_1, %v78, %v80, %v82, %v111, %v113, %v114, %v115, %v116, %v117, %v118) : (memref<16384xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32, i32, i32, i32) -> ()
          aie.objectfifo.release @out0_0_1(Produce, 1)
          aie.objectfifo.release @in0_0_1(Consume, 1)
          aie.objectfifo.release @in1_0(Consume, 1)
          aie.objectfifo.release @in1_0(Consume, 1)
          aie.objectfifo.release @in1_0(Consume, 1)
        }
      }
      aie.end
    } {link_with = "tile_kernels.o", stack_size = 1024 : i32}
    %scratch_0_2 = aie.buffer(%core_0_2) {sym_name = "scratch_0_2"} : memref<16384xi8>
    aie.core(%core_0_2) {
      %v119 = arith.constant 0 : index
      %v120 = arith.constant 9223372036854775807 : index
      %v121 = arith.constant 1 : index
      scf.for %v122 = %v119 to %v120 step %v121 {
        %v123 = arith.constant 0 : index
        %v124 = arith.constant 1 : index
        %v125 = arith.constant 1 : index
        scf.for %v126 = %v123 to %v124 step %v125 {
          %v127 = arith.constant 4096 : i32
          func.call @amanuensis_matmul_clear(%scratch_0_2, %v127) : (memref<16384xi8>, i32) -> ()
          %v128 = arith.constant 0 : index
          %v129 = arith.constant 2 : index
          %v130 = arith.constant 1 : index
          scf.for %v131 = %v128 to %v129 step %v130 {
            %v132 = aie.objectfifo.acquire @in0_0_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v133 = aie.objectfifo.subview.access %v132[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            %v134 = aie.objectfifo.acquire @in1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v135 = aie.objectfifo.subview.access %v134[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            func.call @amanuensis_matmul_64(%v133, %v135, %scratch_0_2) : (memref<4096xi8>, memref<4096xi8>, memref<16384xi8>) -> ()
            aie.objectfifo.release @in0_0_2(Consume, 1)
            aie.objectfifo.release @in1_0(Consume, 1)
          }
          %v136 = aie.objectfifo.acquire @in1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v137 = aie.objectfifo.subview.access %v136[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v138 = aie.objectfifo.acquire @in1_0(Consume, 2) : !aie.objectfifosubview<memref<4096xi8>>
          %v139 = aie.objectfifo.subview.access %v138[1] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v140 = aie.objectfifo.acquire @in1_0(Consume, 3) : !aie.objectfifosubview<memref<4096xi8>>
          %v141 = aie.objectfifo.subview.access %v140[2] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v142 = aie.objectfifo.acquire @in0_0_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v143 = aie.objectfifo.subview.access %v142[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v144 = aie.objectfifo.acquire @out0_0_2(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v145 = aie.objectfifo.subview.access %v144[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v146 = arith.constant 128 : i32
          %v147 = arith.constant 0 : i32
          %v148 = arith.constant 16 : i32
          %v149 = arith.constant 64 : i32
          %v150 = arith.constant 0 : i32
          func.call @amanuensis_matmul_finish_residual(%scratch_0_2, %v137, %v139, %v141, %v143, %v145, %v146, %v147, %v148, %v149, %v150) : (memref<16384xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32, i32, i32, i32) -> ()
          aie.objectfifo.release @out0_0_2(Produce, 1)
          aie.objectfifo.release @in0_0_2(Consume, 1)
          %v151 = aie.objectfifo.acquire @in0_0_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v152 = aie.objectfifo.subview.access %v151[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v153 = aie.objectfifo.acquire @out0_0_2(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v154 = aie.objectfifo.subview.access %v153[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v155 = arith.constant 128 : i32
          %v156 = arith.constant 16 : i32
          %v157 = arith.constant 16 : i32
          %v158 = arith.constant 64 : i32
          %v159 = arith.constant 0 : i32
          func.call @amanuensis_matmul_finish_residual(%scratch_0_2, %v137, %v139, %v141, %v152, %v154, %v155, %v156, %v157, %v158, %v159) : (memref<16384xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32, i32, i32, i32) -> ()
          aie.objectfifo.release @out0_0_2(Produce, 1)
          aie.objectfifo.release @in0_0_2(Consume, 1)
          %v160 = aie.objectfifo.acquire @in0_0_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v161 = aie.objectfifo.subview.access %v160[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v162 = aie.objectfifo.acquire @out0_0_2(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v163 = aie.objectfifo.subview.access %v162[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v164 = arith.constant 128 : i32
          %v165 = arith.constant 32 : i32
          %v166 = arith.constant 16 : i32
          %v167 = arith.constant 64 : i32
          %v168 = arith.constant 0 : i32
          func.call @amanuensis_matmul_finish_residual(%scratch_0_2, %v137, %v139, %v141, %v161, %v163, %v164, %v165, %v166, %v167, %v168) : (memref<16384xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32, i32, i32, i32) -> ()
          aie.objectfifo.release @out0_0_2(Produce, 1)
          aie.objectfifo.release @in0_0_2(Consume, 1)
          %v169 = aie.objectfifo.acquire @in0_0_2(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v170 = aie.objectfifo.subview.access %v169[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v171 = aie.objectfifo.acquire @out0_0_2(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v172 = aie.objectfifo.subview.access %v171[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v173 = arith.constant 128 : i32
          %v174 = arith.constant 48 : i32
          %v175 = arith.constant 16 : i32
          %v176 = arith.constant 64 : i32
          %v177 = arith.constant 0 : i32
          func.call @amanuensis_matmul_finish_residual(%scratch_0_2, %v137, %v139, %v141, %v170, %v172, %v173, %v174, %v175, %v176, %v177) : (memref<16384xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32, i32, i32, i32) -> ()
          aie.objectfifo.release @out0_0_2(Produce, 1)
          aie.objectfifo.release @in0_0_2(Consume, 1)
          aie.objectfifo.release @in1_0(Consume, 1)
          aie.objectfifo.release @in1_0(Consume, 1)
          aie.objectfifo.release @in1_0(Consume, 1)
        }
      }
      aie.end
    } {link_with = "tile_kernels.o", stack_size = 1024 : i32}
    %scratch_0_3 = aie.buffer(%core_0_3) {sym_name = "scratch_0_3"} : memref<16384xi8>
    aie.core(%core_0_3) {
      %v178 = arith.constant 0 : index
      %v179 = arith.constant 9223372036854775807 : index
      %v180 = arith.constant 1 : index
      scf.for %v181 = %v178 to %v179 step %v180 {
        %v182 = arith.constant 0 : index
        %v183 = arith.constant 1 : index
        %v184 = arith.constant 1 : index
        scf.for %v185 = %v182 to %v183 step %v184 {
          %v186 = arith.constant 4096 : i32
          func.call @amanuensis_matmul_clear(%scratch_0_3, %v186) : (memref<16384xi8>, i32) -> ()
          %v187 = arith.constant 0 : index
          %v188 = arith.constant 2 : index
          %v189 = arith.constant 1 : index
          scf.for %v190 = %v187 to %v188 step %v189 {
            %v191 = aie.objectfifo.acquire @in0_0_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v192 = aie.objectfifo.subview.access %v191[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            %v193 = aie.objectfifo.acquire @in1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
            %v194 = aie.objectfifo.subview.access %v193[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
            func.call @amanuensis_matmul_64(%v192, %v194, %scratch_0_3) : (memref<4096xi8>, memref<4096xi8>, memref<16384xi8>) -> ()
            aie.objectfifo.release @in0_0_3(Consume, 1)
            aie.objectfifo.release @in1_0(Consume, 1)
          }
          %v195 = aie.objectfifo.acquire @in1_0(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v196 = aie.objectfifo.subview.access %v195[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v197 = aie.objectfifo.acquire @in1_0(Consume, 2) : !aie.objectfifosubview<memref<4096xi8>>
          %v198 = aie.objectfifo.subview.access %v197[1] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v199 = aie.objectfifo.acquire @in1_0(Consume, 3) : !aie.objectfifosubview<memref<4096xi8>>
          %v200 = aie.objectfifo.subview.access %v199[2] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v201 = aie.objectfifo.acquire @in0_0_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v202 = aie.objectfifo.subview.access %v201[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v203 = aie.objectfifo.acquire @out0_0_3(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v204 = aie.objectfifo.subview.access %v203[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v205 = arith.constant 192 : i32
          %v206 = arith.constant 0 : i32
          %v207 = arith.constant 16 : i32
          %v208 = arith.constant 64 : i32
          %v209 = arith.constant 0 : i32
          func.call @amanuensis_matmul_finish_residual(%scratch_0_3, %v196, %v198, %v200, %v202, %v204, %v205, %v206, %v207, %v208, %v209) : (memref<16384xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32, i32, i32, i32) -> ()
          aie.objectfifo.release @out0_0_3(Produce, 1)
          aie.objectfifo.release @in0_0_3(Consume, 1)
          %v210 = aie.objectfifo.acquire @in0_0_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v211 = aie.objectfifo.subview.access %v210[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v212 = aie.objectfifo.acquire @out0_0_3(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v213 = aie.objectfifo.subview.access %v212[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v214 = arith.constant 192 : i32
          %v215 = arith.constant 16 : i32
          %v216 = arith.constant 16 : i32
          %v217 = arith.constant 64 : i32
          %v218 = arith.constant 0 : i32
          func.call @amanuensis_matmul_finish_residual(%scratch_0_3, %v196, %v198, %v200, %v211, %v213, %v214, %v215, %v216, %v217, %v218) : (memref<16384xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32, i32, i32, i32) -> ()
          aie.objectfifo.release @out0_0_3(Produce, 1)
          aie.objectfifo.release @in0_0_3(Consume, 1)
          %v219 = aie.objectfifo.acquire @in0_0_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v220 = aie.objectfifo.subview.access %v219[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v221 = aie.objectfifo.acquire @out0_0_3(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v222 = aie.objectfifo.subview.access %v221[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v223 = arith.constant 192 : i32
          %v224 = arith.constant 32 : i32
          %v225 = arith.constant 16 : i32
          %v226 = arith.constant 64 : i32
          %v227 = arith.constant 0 : i32
          func.call @amanuensis_matmul_finish_residual(%scratch_0_3, %v196, %v198, %v200, %v220, %v222, %v223, %v224, %v225, %v226, %v227) : (memref<16384xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32, i32, i32, i32) -> ()
          aie.objectfifo.release @out0_0_3(Produce, 1)
          aie.objectfifo.release @in0_0_3(Consume, 1)
          %v228 = aie.objectfifo.acquire @in0_0_3(Consume, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v229 = aie.objectfifo.subview.access %v228[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v230 = aie.objectfifo.acquire @out0_0_3(Produce, 1) : !aie.objectfifosubview<memref<4096xi8>>
          %v231 = aie.objectfifo.subview.access %v230[0] : !aie.objectfifosubview<memref<4096xi8>> -> memref<4096xi8>
          %v232 = arith.constant 192 : i32
          %v233 = arith.constant 48 : i32
          %v234 = arith.constant 16 : i32
          %v235 = arith.constant 64 : i32
          %v236 = arith.constant 0 : i32
          func.call @amanuensis_matmul_finish_residual(%scratch_0_3, %v196, %v198, %v200, %v229, %v231, %v232, %v233, %v234, %v235, %v236) : (memref<16384xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, memref<4096xi8>, i32, i32, i32, i32, i32) -> ()
          aie.objectfifo.release @out0_0_3(Produce, 1)
          aie.objectfifo.release @in0_0_3(Consume, 1)
          aie.objectfifo.release @in1_0(Consume, 1)
          aie.objectfifo.release @in1_0(Consume, 1)
          aie.objectfifo.release @in1_0(Consume, 1)
        }
      }
      aie.end
    } {link_with = "tile_kernels.o", stack_size = 1024 : i32}
    aiex.runtime_sequence(%a: memref<32768xi8>, %b: memref<8192xi8>, %row_scale: memref<1024xi8>, %col_scale: memref<256xi8>, %bias: memref<256xi8>, %residual: memref<65536xi8>, %y: memref<65536xi8>) {
      aiex.npu.dma_memcpy_nd(%a[0, 0, 0, 0][2, 4, 64, 64][64, 8192, 128, 1]) {id = 0 : i64, metadata = @in0_0, issue_token = true} : memref<32768xi8>
      aiex.npu.dma_memcpy_nd(%b[0, 0, 0, 0][1, 2, 64, 64][0, 64, 128, 1]) {id = 1 : i64, metadata = @in1_0, issue_token = true} : memref<8192xi8>
      aiex.npu.dma_memcpy_nd(%row_scale[0, 0, 0, 0][1, 1, 1, 4096][0, 0, 0, 1]) {id = 2 : i64, metadata = @in1_0, issue_token = true} : memref<1024xi8>
      aiex.npu.dma_memcpy_nd(%col_scale[0, 0, 0, 0][1, 1, 1, 4096][0, 0, 0, 1]) {id = 3 : i64, metadata = @in1_0, issue_token = true} : memref<256xi8>
      aiex.npu.dma_memcpy_nd(%bias[0, 0, 0, 0][1, 1, 1, 4096][0, 0, 0, 1]) {id = 4 : i64, metadata = @in1_0, issue_token = true} : memref<256xi8>
      aiex.npu.dma_memcpy_nd(%residual[0, 0, 0, 0][4, 4, 16, 256][4096, 16384, 256, 1]) {id = 5 : i64, metadata = @in0_0, issue_token = true} : memref<65536xi8>
      aiex.npu.dma_memcpy_nd(%y[0, 0, 0, 0][4, 4, 16, 256][4096, 16384, 256, 1]) {id = 6 : i64, metadata = @out0_0, issue_token = true} : memref<65536xi8>
      aiex.npu.dma_wait {symbol = @in0_0}
      aiex.npu.dma_wait {symbol = @in1_0}
      aiex.npu.dma_wait {symbol = @in1_0}
      aiex.npu.dma_wait {symbol = @in1_0}
      aiex.npu.dma_wait {symbol = @in1_0}
      aiex.npu.dma_wait {symbol = @in0_0}
      aiex.npu.dma_wait {symbol = @out0_0}
    }
  }
}
