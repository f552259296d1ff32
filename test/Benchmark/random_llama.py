# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Language models with random weights and a made-up vocabulary, as GGUF files in
float16: how fast a model runs does not depend on what it has learnt."""

import gguf
import numpy


class Shape:
    """The sizes of TinyLlama-1.1B but for the number of layers."""

    context, width, heads, kv_heads, inner, vocabulary = (
        2048, 2048, 32, 4, 5632, 32000)

    def __init__(self, layers=22):
        self.layers = layers

    def matrices(self):
        """Names and [rows, columns], in the order of the file."""
        kv = self.width // self.heads * self.kv_heads
        yield "token_embd.weight", (self.vocabulary, self.width)
        yield "output.weight", (self.vocabulary, self.width)
        for i in range(self.layers):
            for name, shape in (("attn_q", (self.width, self.width)),
                                ("attn_k", (kv, self.width)),
                                ("attn_v", (kv, self.width)),
                                ("attn_output", (self.width, self.width)),
                                ("ffn_gate", (self.inner, self.width)),
                                ("ffn_up", (self.inner, self.width)),
                                ("ffn_down", (self.width, self.inner))):
                yield f"blk.{i}.{name}.weight", shape

    def norms(self):
        yield "output_norm.weight"
        for i in range(self.layers):
            yield f"blk.{i}.attn_norm.weight"
            yield f"blk.{i}.ffn_norm.weight"


def add_vocabulary(writer, size):
    """The 256 bytes, and words that nobody writes."""
    kinds = gguf.TokenType
    words = ["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)]
    types = ([kinds.UNKNOWN, kinds.CONTROL, kinds.CONTROL] + [kinds.BYTE] * 256)
    words += [f"w{i}" for i in range(size - len(words))]
    types += [kinds.NORMAL] * (size - len(types))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(words)
    writer.add_token_scores([-float(i) for i in range(size)])
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)


def write(path, shape, seed=0):
    """Writes the model; one tensor at a time is in memory."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("random")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    add_vocabulary(writer, shape.vocabulary)
    for name, size in shape.matrices():
        writer.add_tensor_info(name, size, numpy.dtype("float16"),
                               2 * size[0] * size[1])
    for name in shape.norms():
        writer.add_tensor_info(name, (shape.width,), numpy.dtype("float32"),
                               4 * shape.width)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    random = numpy.random.default_rng(seed)
    for _, size in shape.matrices():
        values = random.standard_normal(size, numpy.float32)
        values *= size[1] ** -0.5
        writer.write_tensor_data(values.astype(numpy.float16))
    for _ in shape.norms():
        writer.write_tensor_data(numpy.ones(shape.width, numpy.float32))
    writer.close()


def bytes_per_token(path):
    """Bytes of weights that a token reads: all matrices but the embedding."""
    return sum(int(tensor.n_bytes) for tensor in gguf.GGUFReader(path).tensors
               if tensor.name != "token_embd.weight")
