# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""make.py KIND SHARED ROOT: trains a small tokenizer of a kind and writes it to
KIND.json, and to KIND.gguf where GGUF has that kind."""

import json
import sys

import gguf
import tokenizers
from tokenizers import AddedToken, Regex, decoders, models, normalizers
from tokenizers import pre_tokenizers, processors, trainers

import corpus

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
          r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace("{1,3}", "")
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def byte_level(model_options=(), pattern=None, prefix=False):
    tokenizer = tokenizers.Tokenizer(models.BPE(**dict(model_options)))
    steps = [pre_tokenizers.ByteLevel(add_prefix_space=prefix,
                                      use_regex=not pattern)]
    if pattern:
        steps.insert(0, pre_tokenizers.Split(Regex(pattern), "isolated"))
    tokenizer.pre_tokenizer = (steps[0] if len(steps) == 1
                               else pre_tokenizers.Sequence(steps))
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def gpt2():
    return byte_level()


def llama3():
    tokenizer = byte_level({"ignore_merges": True}, LLAMA3)
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False),
        processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", 0)])])
    return tokenizer


def qwen2():
    tokenizer = byte_level(pattern=QWEN2)
    tokenizer.normalizer = normalizers.NFC()
    return tokenizer


def digits():
    tokenizer = byte_level(prefix=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True),
         tokenizer.pre_tokenizer])
    return tokenizer


def sentence_piece():
    return tokenizers.Tokenizer(models.BPE(
        unk_token="<unk>", byte_fallback=True, fuse_unk=True))


def gemma():
    tokenizer = sentence_piece()
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(),
         decoders.Fuse()])
    return tokenizer


def metaspace(scheme="first", split=False):
    """Without bytes: characters that it lacks are unknown."""
    tokenizer = sentence_piece()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(
        prepend_scheme=scheme, split=split)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme=scheme)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 1)])
    return tokenizer


def words():
    return metaspace("always", split=True)


KINDS = {"gpt2": gpt2, "llama3": llama3, "qwen2": qwen2, "digits": digits,
         "gemma": gemma, "metaspace": metaspace, "words": words}
PRE = {"gpt2": "gpt-2", "llama3": "llama-bpe", "qwen2": "qwen2"}


def train(kind, shared, root):
    tokenizer = KINDS[kind]()
    bytes_too = kind == "gemma"
    level = kind in ("gpt2", "llama3", "qwen2", "digits")
    trainer = trainers.BpeTrainer(
        vocab_size=3000, show_progress=False, max_token_length=16,
        special_tokens=["<s>", "</s>", "<unk>", "<|endoftext|>"]
        + (BYTES if bytes_too else []),
        limit_alphabet=300,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if level else [])
    texts = [text for text in corpus.lines(shared, root) if len(text) < 2000]
    tokenizer.train_from_iterator(texts, trainer)
    if kind not in PRE:
        tokenizer.add_tokens([
            AddedToken("[NEW]", lstrip=True, rstrip=True),
            AddedToken("user", single_word=True, normalized=True),
            AddedToken("don", single_word=True, normalized=False),
            AddedToken("it", rstrip=True, normalized=True)])
        tokenizer.add_special_tokens([AddedToken("<|user|>", lstrip=True)])
    text = json.loads(tokenizer.to_str())
    # The bytes are tokens of the model, not texts to look for.
    text["added_tokens"] = [token for token in text["added_tokens"]
                            if token["content"] not in BYTES]
    with open(kind + ".json", "w", encoding="utf-8") as file:
        json.dump(text, file)
    return text


def write_gguf(kind, text):
    vocab = sorted(text["model"]["vocab"].items(), key=lambda item: item[1])
    special = {token["id"] for token in text["added_tokens"]}
    writer = gguf.GGUFWriter(kind + ".gguf", "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(PRE[kind])
    writer.add_token_list([token for token, _ in vocab])
    writer.add_token_types([3 if id in special else 1 for _, id in vocab])
    writer.add_token_merges([" ".join(pair)
                             for pair in text["model"]["merges"]])
    writer.add_bos_token_id(0)
    writer.add_add_bos_token(kind == "llama3")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


if __name__ == "__main__":
    result = train(*sys.argv[1:])
    if sys.argv[1] in PRE:
        write_gguf(sys.argv[1], result)
