"""Dynamic symbols of an ELF64 file and the 32-bit values they stand for."""

import struct

_SHT_DYNSYM = 11
_SHT_NOBITS = 8


def int_symbols(path, prefix):
    """{name: value} of exported objects whose name starts with `prefix`."""
    data = path.read_bytes()
    table_at, entry_size, count = (
        struct.unpack_from("<Q", data, 40)[0],
        *struct.unpack_from("<HH", data, 58),
    )
    sections = [
        struct.unpack_from("<IIQQQQIIQQ", data, table_at + i * entry_size) for i in range(count)
    ]
    found = {}
    for _, kind, _, _, offset, size, link, _, _, step in sections:
        if kind != _SHT_DYNSYM:
            continue
        names_at = sections[link][4]
        for at in range(offset, offset + size, step):
            name_at, _, _, section, value, _ = struct.unpack_from("<IBBHQQ", data, at)
            end = data.index(b"\0", names_at + name_at)
            name = data[names_at + name_at : end].decode()
            if name.startswith(prefix) and 0 < section < count:
                found[name] = _int_at(data, sections[section], value)
    return found


def _int_at(data, section, address):
    _, kind, _, start, offset, *_ = section
    if kind == _SHT_NOBITS:
        return 0
    return struct.unpack_from("<i", data, offset + address - start)[0]
