"""Makes logs of the switch's form for tests: a folder of segments with the columns of switch/store/log_column.def, chained and sealed by code
of its own.

    maker = LogMaker(); maker.append("intent", seq=1, ...); maker.cut(20260102); ...; maker.write(folder)
"""
import contextlib
import hashlib
import pathlib
import re
import sqlite3

ROOT = pathlib.Path(__file__).resolve().parents[2]
APPLICATION_ID = 0x54494C57
EMPTY_HASH = bytes(32)
_WORDS = {"payment_kind": "unknown", "state": "free", "reason": "none"}  # of nothing
_DEFINED = re.compile(r"^(INTEGER|NAME|TEXT|BYTES|FIXED)\((\w+),", re.MULTILINE)
_TYPES = {"INTEGER": ("INTEGER", 0), "NAME": ("TEXT", ""), "TEXT": ("TEXT", ""), "BYTES": ("BLOB", b""), "FIXED": ("BLOB", b"")}


def schema_version():
    return int(re.search(r"#define LOG_SCHEMA_VERSION (\d+)", (ROOT / "switch/store/log_schema.h").read_text())[1])


def columns():
    """(name, SQL type, what stands for nothing) of each column between position and hash."""
    return [(name, *_TYPES[kind]) for kind, name in _DEFINED.findall((ROOT / "switch/store/log_column.def").read_text())]


class LogMaker:
    def __init__(self, **always):
        self.columns = columns()
        self.nothing = {name: nothing for name, _, nothing in self.columns} | _WORDS | always
        self.segments, self.days = [[]], [0]  # rows of each segment; the settlement day it began with

    def append(self, kind, **members):
        unknown = set(members) - set(self.nothing)
        assert not unknown, f"the log has no columns {unknown}"
        self.segments[-1].append(self.nothing | members | {"kind": kind})
        return self

    def cut(self, day=0):
        """The rows behind this go into the next segment."""
        self.segments.append([])
        self.days.append(day)
        return self

    def rows(self):
        return [row for rows in self.segments for row in rows]

    def write(self, folder):
        folder = pathlib.Path(folder)
        folder.mkdir(exist_ok=True)
        position, previous = 0, EMPTY_HASH
        for ordinal, rows in enumerate(self.segments, 1):
            path = folder / f"segment-{ordinal:06d}.db"
            is_open = ordinal == len(self.segments)
            position, previous = self._write_segment(path, {"ordinal": ordinal, "day": self.days[ordinal - 1], "is_open": is_open, "folder": folder}, rows, position, previous)
        return folder

    def _write_segment(self, path, segment, rows, position, previous):
        first, before = position + 1, previous
        with contextlib.closing(sqlite3.connect(path)) as file, file:
            file.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            file.execute(f"PRAGMA user_version = {schema_version()}")
            file.execute("CREATE TABLE log (position INTEGER PRIMARY KEY, " + "".join(f"{name} {kind} NOT NULL, " for name, kind, _ in self.columns)
                         + "hash BLOB NOT NULL) STRICT")
            file.execute("CREATE TABLE segment (ordinal INTEGER, first_position INTEGER, previous_hash BLOB, settlement_day INTEGER, opened_us INTEGER,"
                         " sealed_us INTEGER, last_position INTEGER, last_hash BLOB, row_count INTEGER)")
            for row in rows:
                position += 1
                values = [position, *(row[name] for name, _, _ in self.columns)]
                previous = self.hash(previous, ["position", *(name for name, _, _ in self.columns)], values)
                file.execute(f"INSERT INTO log VALUES ({','.join('?' * (len(values) + 1))})", [*values, previous])
            times = [row["wall_us"] for row in rows] or [1]
            sealed = (0, 0, EMPTY_HASH, 0) if segment["is_open"] else (max(times) + 1, position, previous, len(rows))
            file.execute("INSERT INTO segment VALUES (?,?,?,?,?,?,?,?,?)", (segment["ordinal"], first, before, segment["day"], min(times), *sealed))
            if not segment["is_open"]:
                self._seal(file, segment["folder"], segment["ordinal"])
        return position, previous

    @staticmethod
    def _seal(file, folder, ordinal):
        """Indexes, and `carried`: the rows of this and earlier segments whose transaction is in doubt where this one ends, and the last row of
        each terminal that tells its totals."""
        for index in re.findall(r'X\(\w+, "(log_\w+ ON log [^"]+)"\)', (ROOT / "switch/store/log_schema.h").read_text()):
            file.execute(f"CREATE INDEX {index}")
        file.execute("CREATE TABLE carried AS SELECT * FROM log")
        if ordinal > 1:
            file.execute("ATTACH ? AS before", (str(folder / f"segment-{ordinal - 1:06d}.db"),))
            file.execute("INSERT INTO carried SELECT * FROM before.carried")
        story = "iif(kind LIKE 'reversal%', original_epoch * 100000000 + original_seq, epoch * 100000000 + seq)"
        ended = ("SELECT story FROM (SELECT " + story + " AS story, max(iif(kind IN ('intent', 'reversal', 'advice'), position, 0)) AS begun,"
                 " max(iif(kind IN ('result', 'reversal_done', 'advice_done'), position, 0)) AS ended FROM carried GROUP BY 1) WHERE ended > begun")
        file.execute(f"DELETE FROM carried WHERE {story} IN ({ended}) AND position NOT IN (SELECT max(position) FROM carried WHERE totals <> ''"
                     " GROUP BY terminal_id)")

    @staticmethod
    def hash(previous, names, values):
        parts = {True: b"", False: b""}  # secret columns, and the others
        for name, value in zip(names, values, strict=True):
            if isinstance(value, int):
                parts[False] += value.to_bytes(8, "big", signed=True)
            else:
                encoded = value.encode() if isinstance(value, str) else value
                parts[isinstance(value, bytes) or name == "expiry"] += len(encoded).to_bytes(2, "big") + encoded
        secrets = hashlib.sha256(previous + parts[True]).digest() if parts[True].strip(b"\0") else bytes(32)
        return hashlib.sha256(previous + parts[False] + secrets).digest()
