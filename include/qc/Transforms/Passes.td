//===- Passes.td - Passes that stay on a level -------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef QC_TRANSFORMS_PASSES_TD
#define QC_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def FoldChannelAffinePass : Pass<"qc-fold-channel-affine"> {
  let summary = "fold batch normalization into weights and bias";
  let description = [{
    A convolution, depthwise convolution or product with a constant weight, of
    which `qc.channel_affine`, `arith.mulf` by a channel vector or a splat, or
    `arith.addf` of a channel vector is the only reader, takes the scale into
    its weight and the shift into the tensor that it adds to. The new weight is
    a constant subgraph that the materializer runs; no bytes are read.

    ```mlir
    %c = linalg.conv_2d_nhwc_hwcf ins(%x, %w : ...) outs(%zeros : ...)
    %y = qc.channel_affine %c, %scale, %shift {axis = 3 : i64} : ...
    // becomes
    %s = linalg.broadcast ins(%scale : ...) dimensions = [0, 1, 2]
    %v = arith.mulf %w, %s
    %b = linalg.broadcast ins(%shift : ...) dimensions = [0, 1, 2]
    %y = linalg.conv_2d_nhwc_hwcf ins(%x, %v : ...) outs(%b : ...)
    ```
    Needs level 0, any layout. Rounding changes in the last bits.
  }];
  let statistics = [
    Statistic<"numFolded", "folded", "Number of ops folded into weights">
  ];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect",
                           "::mlir::arith::ArithDialect"];
}

def ChannelsLastPass : Pass<"qc-channels-last"> {
  let summary = "make images NHWC, with transposes only at the borders";
  let description = [{
    Convolutions, poolings and `qc.channel_affine` on NCHW images become their
    NHWC forms between transposes; filters are transposed as constant
    subgraphs. Transposes then move down through elementwise ops, padding,
    slices, concatenations and reductions until they meet their inverse or the
    end of the function. A transpose that moves only axes of size 1 is a
    reshape. A product that reads a flattened image reads the NHWC one; the rows
    of its constant weight move along, and it gets the attribute
    `qc.moved_rows`.

    ```mlir
    %y = linalg.conv_2d_nchw_fchw ins(%x, %w : ...) outs(%init : ...)
    // becomes
    %t = linalg.transpose ins(%x : ...) permutation = [0, 2, 3, 1]
    %f = linalg.transpose ins(%w : ...) permutation = [2, 3, 1, 0]
    %c = linalg.conv_2d_nhwc_hwcf ins(%t, %f : ...) outs(%init2 : ...)
    %y = linalg.transpose ins(%c : ...) permutation = [0, 3, 1, 2]
    ```
    Needs level 0 to 2. The values stay the same but for the order of sums.
  }];
  let statistics = [
    Statistic<"numConverted", "converted", "Number of ops made NHWC">
  ];
  let dependentDialects = ["::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect",
                           "::mlir::arith::ArithDialect"];
}

def InsertObserversPass
    : Pass<"qc-insert-observers"> {
  let summary = "count the values of what quantization would make 8-bit";
  let description = [{
    Puts `qc.observe` behind each activation that `--qc-quantize` would give a
    static encoding (level 0 to 1). The name is that of the value's location,
    made unique in program order; the same model always gives the same names.

    ```mlir
    %y = arith.maximumf %c, %zero : tensor<?x8x8x16xf32> loc("relu1")
    // becomes
    %y = arith.maximumf %c, %zero : tensor<?x8x8x16xf32> loc("relu1")
    %o = qc.observe "relu1" %y : tensor<?x8x8x16xf32>
    ```
  }];
  let statistics = [
    Statistic<"numObserved", "observed", "Number of observed tensors">
  ];
  let dependentDialects = ["::mlir::qc::QCDialect"];
}

def QuantizePass : Pass<"qc-quantize", "::mlir::ModuleOp"> {
  let summary = "choose encodings and put quantize and dequantize (level 2)";
  let description = [{
    Gives each layer the precision that the options ask for (docs/Driver.md
    names them). Weights become `qc.dequantize(qc.quantize(w))`, constant
    subgraphs, with `qc.prune` before where the precision has a sparsity. Activations of `w8a8` get static encodings from the statistics
    file, those of products of two activations too; without one, or with
    `w8a8-dynamic`, products with a weight take a scale for each row when they
    run. A value that a float op makes stays float for readers that want no
    codes. What stays in float is named by a remark with its
    reason, which `strict` makes an error.

    ```mlir
    %y = linalg.matmul ins(%x, %w : ...) outs(%zeros : ...)
    // becomes
    %q = qc.quantize %x : tensor<?x64xf32>
      -> tensor<?x64xf32, #qc.affine<i8, scale = 0.05, zero_point = -3>>
    %d = qc.dequantize %q : ...
    %v = qc.quantize %w : tensor<64x10xf32>
      -> tensor<64x10xf32, #qc.affine<i8, group = [-1, 1], symmetric>>
    %e = qc.dequantize %v : ...
    %y = linalg.matmul ins(%d, %e : ...) outs(%zeros : ...)
    ```
    Needs level 0 or 1 (observers are removed).
  }];
  let options = [
    Option<"precision", "precision", "std::string", "\"w8a8\"",
           "Precision of every layer: w8a8, w8a8-dynamic, w8, w4-g128, nf4, "
           "fp16, bf16, fp32">,
    Option<"layer", "layer", "std::string", "\"\"",
           "Precisions by layer name: REGEX=PRECISION;..., the last match "
           "counts, `keep` leaves a layer in float">,
    Option<"recipe", "recipe", "std::string", "\"\"",
           "JSON file with `precision` and `layers`, under `layer`">,
    Option<"stats", "stats", "std::string", "\"\"",
           "Statistics file of a calibration">,
    Option<"observer", "observer", "std::string", "\"minmax\"",
           "Range of an activation: minmax, percentile:P, entropy, mse">,
    Option<"weights", "weights", "std::string", "\"minmax\"",
           "Range of a weight: minmax, mse">,
    Option<"biasCorrection", "bias-correction", "bool", "false",
           "Take the mean error of quantized weights out of the bias">,
    Option<"sparse", "sparse", "bool", "true",
           "Pruned weights of 8 bits have sparse encodings">,
    Option<"strict", "strict", "bool", "false",
           "A layer that cannot be quantized as asked is an error">
  ];
  let statistics = [
    Statistic<"numActivations", "activations",
              "Number of activations with a static encoding">,
    Statistic<"numDynamic", "dynamic",
              "Number of activations quantized at run time">,
    Statistic<"numWeights", "weights", "Number of encoded weights">,
    Statistic<"numPruned", "pruned", "Number of pruned weights">,
    Statistic<"numFloat", "float", "Number of layers that stay in float">
  ];
  let dependentDialects = ["::mlir::qc::QCDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect",
                           "::mlir::arith::ArithDialect"];
}

def FusePass : Pass<"qc-fuse"> {
  let summary = "form fused ops, in integers where both sides are encoded";
  let description = [{
    Level 2 to 3 (or 0 to 3 for float). Convolutions, products and poolings
    become `qc.conv2d`, `qc.matmul`, `qc.batch_matmul`, `qc.pool2d` and take up
    padding, bias, residual, activation and clamp. Where input and weight are
    dequantized codes the op works on the codes, and a `qc.quantize` at its end
    becomes its requantization. Sums, elementary functions and changes of scale
    between 8-bit codes become `qc.add` and `qc.lookup`; data movement moves
    codes. What is left between `qc.dequantize` and `qc.quantize` stays float.
    No rounding of level 2 is removed, none is added.

    ```mlir
    %x = qc.dequantize %xq : ...
    %w = qc.dequantize %wq : ...
    %c = linalg.conv_2d_nhwc_hwcf ins(%x, %w : ...) outs(%bias : ...)
    %r = arith.maximumf %c, %zero : ...
    %y = qc.quantize %r : ...
    // becomes
    %i = qc.quantize_bias %b, %wq {input_scale = 0.05 : f32} : ...
    %y = qc.conv2d %xq, %wq bias %i {low = 0.0 : f32, ...} : ...
    ```
    Needs NHWC images.
  }];
  let statistics = [
    Statistic<"numInteger", "integer", "Number of fused integer ops">,
    Statistic<"numFloat", "float", "Number of fused float ops">,
    Statistic<"numMoved", "moved", "Number of data movements on codes">
  ];
  let dependentDialects = ["::mlir::qc::QCDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect",
                           "::mlir::arith::ArithDialect"];
}

def RemoveChannelsPass
    : InterfacePass<"qc-remove-channels", "::mlir::FunctionOpInterface"> {
  let summary = "take channels out of the tensors that have them";
  let description = [{
    The named outputs of a layer go, and with them the entries of every tensor
    on their way: the results of elementwise ops, padding, pooling, slices,
    reshapes and depthwise convolutions up to the layers that sum over them,
    whose weights lose the inputs. What else makes the same channels (the other
    operand of a sum) loses them too. Nothing makes up for what they gave.
    `--precision P/channels:30%` chooses channels by their weights and by data,
    and fits the weights that stay.

    ```mlir
    // channels="fc1=1"
    %h = linalg.matmul ins(%x, %w : ..., tensor<8x3xf32>) outs(...)
    %y = linalg.matmul ins(%h, %v : ..., tensor<3x4xf32>) outs(...)
    // becomes
    %i = arith.constant dense<[0, 2]> : tensor<2xindex>
    %s = linalg.generic ... { // columns %i of %w
    } -> tensor<8x2xf32>
    %h = linalg.matmul ins(%x, %s : ..., tensor<8x2xf32>) outs(...)
    %t = linalg.generic ... // rows %i of %v
    %y = linalg.matmul ins(%h, %t : ..., tensor<2x4xf32>) outs(...)
    ```
    Needs level 0. Fails for channels that go through an op that mixes them, or
    are an input or an output of the function.
  }];
  let options = [
    Option<"channels", "channels", "std::string", "\"\"",
           "NAME=0,3,7;...: what goes of the outputs of each layer">
  ];
  let statistics = [
    Statistic<"numRemoved", "removed", "Number of channels taken out">
  ];
  let dependentDialects = ["::mlir::qc::QCDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect",
                           "::mlir::arith::ArithDialect"];
}

def RemoveLayersPass
    : InterfacePass<"qc-remove-layers", "::mlir::FunctionOpInterface"> {
  let summary = "take layers out of a language model";
  let description = [{
    What runs through the model before a layer takes the place of what does after
    it; the layer's part of the cache goes, and the layers after it have lower
    numbers. `--precision P/layers:2` chooses them by data.

    ```mlir
    // layers=0
    %b = arith.addf %attended, %a   // of layer 0
    %c = arith.addf %forward, %b
    %n = qc.rms_norm %c, ...        // layer 1
    // becomes
    %n = qc.rms_norm %a, ...        // layer 0
    ```
    Needs level 0, and layers that add twice to what runs through the model.
  }];
  let options = [
    ListOption<"layers", "layers", "int64_t", "Numbers of layers, from 0">
  ];
  let statistics = [
    Statistic<"numRemoved", "removed", "Number of layers taken out">
  ];
  let dependentDialects = ["::mlir::qc::QCDialect"];
}

def VerifyEncodingsPass : Pass<"qc-verify-encodings"> {
  let summary = "check that only qc ops, calls and returns see encodings";
  let description = [{
    Fails on any other op with an encoded operand or result: upstream ops drop
    or ignore an encoding without a word.

    ```mlir
    %y = tensor.cast %q : tensor<4xf32, #qc.affine<i8, scale = 0.1>>
      to tensor<?xf32>      // error
    ```
  }];
}

#endif // QC_TRANSFORMS_PASSES_TD
