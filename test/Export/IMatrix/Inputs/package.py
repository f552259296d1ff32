"""package.py: importance matrices of the gguf package and of NumPy, laid out as
llama-imatrix does it, through qc-copy-imatrix: the same means are read, and what
is written reads the same."""

import struct
import subprocess

import gguf
import numpy as np

random = np.random.default_rng(5)
# Sums and counts of a weight; the last one has three experts, one unused.
ENTRIES = {
    "blk.0.attn_q.weight": (random.gamma(2, 9, (1, 256)), [640]),
    "blk.0.ffn_down.weight": (random.gamma(2, 900, (1, 172)), [640]),
    "blk.1.ffn_up_exps.weight": (random.gamma(2, 90, (3, 64)), [384, 256, 0]),
}
ENTRIES = {k: (s.astype(np.float32), np.array(c, np.float32))
           for k, (s, c) in ENTRIES.items()}


def write_gguf(path):
    writer = gguf.GGUFWriter(path, None)
    writer.add_type("imatrix")
    writer.add_array("imatrix.datasets", ["one.txt", "two.txt"])
    writer.add_uint32("imatrix.chunk_count", 5)
    writer.add_uint32("imatrix.chunk_size", 128)
    for name, (sums, counts) in ENTRIES.items():
        writer.add_tensor(name + ".in_sum2", sums)
        writer.add_tensor(name + ".counts", counts[:, None])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_binary(path):
    with open(path, "wb") as file:
        file.write(struct.pack("<i", len(ENTRIES)))
        for name, (sums, counts) in sorted(ENTRIES.items()):
            calls = int(-(-counts.max() // 128))
            means = sums / np.maximum(counts, 1)[:, None]
            means[counts == 0] = 1
            values = (means * calls).astype("<f4")
            file.write(struct.pack("<i", len(name)) + name.encode())
            file.write(struct.pack("<ii", calls, values.size))
            file.write(values.tobytes())
        file.write(struct.pack("<ii", 5, 7) + b"two.txt")


def copy(source, target):
    """The means that our reader finds in `source`, by name and matrix."""
    out = subprocess.run(["qc-copy-imatrix", source, target], check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    lines = [line.split() for line in out.splitlines()]
    return {(name, int(k)): np.array(values, np.float32)
            for name, k, *values in lines}


def read_gguf(path):
    reader = gguf.GGUFReader(path)
    tensors = {t.name: t.data for t in reader.tensors}
    fields = {key: field.contents() for key, field in reader.fields.items()
              if not key.startswith("GGUF.")}
    return fields, tensors


def check_means(found, experts=True):
    for name, (sums, counts) in ENTRIES.items():
        for k in range(len(counts)):
            expected = sums[k] / counts[k] if counts[k] else np.ones(64)
            if experts:
                values = found[name, k]
            else:
                # The binary form has one run for all experts.
                values = found[name, 0].reshape(len(counts), -1)[k]
            np.testing.assert_allclose(values, expected, rtol=1e-6)


def main():
    write_gguf("a.gguf")
    write_binary("a.dat")
    check_means(copy("a.gguf", "b.gguf"))
    fields, tensors = read_gguf("b.gguf")
    expected_fields, expected = read_gguf("a.gguf")
    assert fields == expected_fields, fields
    assert tensors.keys() == expected.keys()
    for name, data in expected.items():
        assert data.shape == tensors[name].shape, name
        assert (data == tensors[name]).all(), name
    print("gguf: as the package")

    check_means(copy("a.dat", "b.dat"), experts=False)
    with open("a.dat", "rb") as a, open("b.dat", "rb") as b:
        assert a.read() == b.read()
    copy("a.gguf", "c.dat")
    check_means(copy("c.dat", "d.gguf"), experts=False)
    with open("a.dat", "rb") as a, open("c.dat", "rb") as c:
        theirs, ours = a.read(), c.read()
    assert len(theirs) == len(ours) and theirs[-15:] == ours[-15:]
    print("binary: as llama-imatrix lays it out")


main()
