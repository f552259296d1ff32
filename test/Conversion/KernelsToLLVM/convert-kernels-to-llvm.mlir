// RUN: qc-opt %s --convert-kernels-to-llvm | FileCheck %s

// Kernels are numbered by first use, once each; encodings tell them apart.
// CHECK: module attributes
// CHECK-SAME: qc.kernels = ["lookup:u8", "copy:b8"]
// CHECK-SAME: qc.type = () -> ()
module attributes {qc.bounds = {batch = array<i64: 1, 4, 8>, seq = array<i64: 1, 4, 8>}} {
// CHECK: llvm.func hidden @qc_graph(%[[EXEC:.*]]: !llvm.ptr)
// CHECK-NOT: func.func @main
func.func @main() attributes {qc.type = () -> ()} {
  // One array of slots, as long as the longest launch needs.
  // CHECK: %[[MOST:.*]] = llvm.mlir.constant(5 : i64)
  // CHECK: %[[SLOTS:.*]] = llvm.alloca %[[MOST]] x i64 {alignment = 64 : i64}
  // CHECK: %[[CALLBACK:.*]] = llvm.load
  %c1 = arith.constant 1 : index
  // Addresses: a number of bytes into the arena, an entry of a table of ports.
  // CHECK: %[[ARENA:.*]] = llvm.load
  // CHECK: %[[BYTES:.*]] = llvm.mlir.constant(128 : i64)
  // CHECK: %[[A:.*]] = llvm.getelementptr %[[ARENA]][%[[BYTES]]]
  %a = qc.buffer "arena" 128 : !llvm.ptr
  // CHECK: %[[INPUTS:.*]] = llvm.load
  // CHECK: %[[PORT:.*]] = llvm.getelementptr %[[INPUTS]][8]
  // CHECK: %[[X:.*]] = llvm.load %[[PORT]]
  %x = qc.buffer "input" 1 : !llvm.ptr
  // Symbols are numbered in the order of the bounds.
  // CHECK: %[[DIMS:.*]] = llvm.load
  // CHECK: %[[ENTRY:.*]] = llvm.getelementptr %[[DIMS]][8]
  // CHECK: %[[N:.*]] = llvm.load %[[ENTRY]] : !llvm.ptr -> i64
  %n = qc.symbol "seq" max 8
  // CHECK: %[[TABLE:.*]] = llvm.mlir.addressof @qc_slots_0
  // CHECK: "llvm.intr.memcpy"(%[[SLOTS]], %[[TABLE]]
  // CHECK: llvm.store %[[X]], %[[SLOTS]]
  // CHECK: %[[SLOT2:.*]] = llvm.getelementptr %[[SLOTS]][16]
  // CHECK: llvm.store %[[A]], %[[SLOT2]]
  // CHECK: llvm.call %[[CALLBACK]](%[[EXEC]], %{{.*}}, %[[SLOTS]], %{{.*}})
  qc.launch "lookup:u8" parts(%c1) buffers(%x, %a) sizes()
    {constants = array<i64: 0, 0, 0, 7, 64>, buffer_slots = array<i64: 0, 2>, size_slots = array<i64>}
    : !llvm.ptr, !llvm.ptr
  // Index arithmetic is lowered, sizes are stored over the constants.
  // CHECK: %[[TWICE:.*]] = llvm.add %[[N]], %[[N]]
  %m = arith.addi %n, %n : index
  // CHECK: llvm.mlir.addressof @qc_slots_1
  // CHECK: %[[SLOT3:.*]] = llvm.getelementptr %[[SLOTS]][24]
  // CHECK: llvm.store %[[TWICE]], %[[SLOT3]]
  // CHECK: llvm.mlir.constant(0 : i32)
  // CHECK: llvm.call %[[CALLBACK]]
  qc.launch "lookup:u8" parts(%c1) buffers(%x, %a) sizes(%m)
    {constants = array<i64: 0, 0, 0, 0, 64>, buffer_slots = array<i64: 0, 2>, size_slots = array<i64: 3>}
    : !llvm.ptr, !llvm.ptr
  // CHECK: llvm.mlir.constant(1 : i32)
  // CHECK: llvm.call %[[CALLBACK]]
  qc.launch "copy:b8" parts(%m) buffers(%a, %x) sizes()
    {constants = array<i64: 0, 0>, buffer_slots = array<i64: 0, 1>, size_slots = array<i64>}
    : !llvm.ptr, !llvm.ptr
  // CHECK: llvm.return
  return
}
// The constants of each launch are read-only data.
// CHECK: llvm.mlir.global private constant @qc_slots_0(dense<[0, 0, 0, 7, 64]> : tensor<5xi64>)
// CHECK: llvm.mlir.global private constant @qc_slots_1(dense<[0, 0, 0, 0, 64]> : tensor<5xi64>)
// The functions that kernels are made from stay.
// CHECK: func.func private @generic_0
func.func private @generic_0(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
}
