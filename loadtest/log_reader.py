"""The switch's log as the page in switch/store/README.md describes it, read without a line of the switch's code.

    log = Log(path)                       # the folder of segments, or one SQLite file
    for row in log.rows(): ...            # row["kind"] ..., in the order of the log, across all segments
    log.count("kind = 'result'")          # a number, summed over the segments
    table = LogTable(log); table.refresh(); table.value("SELECT ...")     # SQL over all of it
    for fault in log.chain_faults(): ...  # the hash chain from the first row to the last

A switch may be writing meanwhile. Each read is one short statement, so that no checkpoint waits for a reader; what is appended while a
reader goes on is read too. Segments that are sealed, or purged from the front, while it goes on do no harm.
"""
import contextlib
import csv
import hashlib
import pathlib
import re
import sqlite3

STRETCH_ROWS = 20000  # of one statement
BUSY_S = 5
SEGMENT_NAME = re.compile(r"segment-(\d{6,})\.db")
PURGED = "purged.csv"
EMPTY_HASH = bytes(32)


class Unreadable(Exception):
    """What cannot be read, and why."""


class Fault(Exception):
    """Where the chain does not hold: `segment` is a file's name, `position` the first row that does not fit."""

    def __init__(self, segment, position, why):
        super().__init__(f"{segment}: {why}")
        self.segment, self.position = segment, position


def column_bytes(value):
    if isinstance(value, int):
        return value.to_bytes(8, "big", signed=True)
    value = value.encode() if isinstance(value, str) else value
    return len(value).to_bytes(2, "big") + value


def row_hash(previous, row):
    """Of one row: a dictionary of all columns but `hash`, in the order of the table."""
    secret = [value for name, value in row.items() if name == "expiry" or isinstance(value, bytes)]
    others = [value for name, value in row.items() if name != "expiry" and not isinstance(value, bytes)]
    stands = hashlib.sha256(previous + b"".join(map(column_bytes, secret))).digest() if any(secret) else bytes(32)
    return hashlib.sha256(previous + b"".join(map(column_bytes, others)) + stands).digest()


class Segment:
    """One SQLite file of the log."""

    def __init__(self, path, ordinal):
        self.path, self.ordinal, self.name = path, ordinal, path.name

    def connect(self):
        file = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=BUSY_S)
        file.row_factory = sqlite3.Row
        return file

    def query(self, sql, parameters=()):
        """All rows of one statement. A sealed segment may be swapped under an open file: each statement opens anew."""
        try:
            with contextlib.closing(self.connect()) as file:
                return file.execute(sql, parameters).fetchall()
        except sqlite3.Error as fault:
            raise Unreadable(f"{self.path}: {fault}") from fault

    def has_table(self, name):
        return bool(self.query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)))

    def header(self):
        """The one row of table `segment`; None: the file is a whole log by itself, or is only being made."""
        rows = self.query("SELECT * FROM segment") if self.has_table("segment") else []
        return dict(rows[0]) if rows else None

    def stretch(self, after, columns, where):
        """At most STRETCH_ROWS positions behind `after`: the rows of them that fit, and the last position looked at (None: no more)."""
        last = self.query("SELECT max(position) FROM (SELECT position FROM log WHERE position > ? ORDER BY position LIMIT ?)", (after, STRETCH_ROWS))[0][0]
        if last is None:
            return [], None
        return self.query(f"SELECT {columns} FROM log WHERE position > ? AND position <= ? AND ({where}) ORDER BY position", (after, last)), last


class Log:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        if not self.path.exists():
            raise Unreadable(f"{path}: no such file or folder; expected the switch's log")

    def segments(self):
        """As they are now, oldest first; the last one is open unless the switch has just begun it."""
        if self.path.is_file():
            return [Segment(self.path, 1)]
        found = [(int(match[1]), path) for path in self.path.iterdir() if (match := SEGMENT_NAME.fullmatch(path.name))]
        segments = [Segment(path, ordinal) for ordinal, path in sorted(found)]
        if segments and not segments[-1].has_table("log"):
            segments.pop()  # the switch is making it
        return segments

    def must_have_segments(self):
        segments = self.segments()
        if not segments:
            raise Unreadable(f"{self.path}: no segment-NNNNNN.db in it; expected the switch's log")
        return segments

    def columns(self):
        return [row["name"] for row in self.must_have_segments()[0].query("SELECT name FROM pragma_table_info('log') ORDER BY cid")]

    def rows(self, after=0, columns="*", where="1"):
        """All rows behind position `after` that fit the condition, each an sqlite3.Row: row["kind"], dict(row)."""
        done = 0  # ordinal of the last segment read to its end
        for segment in self.must_have_segments():
            after = yield from self._segment_rows(segment, after, columns, where)
            done = segment.ordinal
        while newer := [segment for segment in self.segments() if segment.ordinal > done]:  # begun while we read
            for segment in newer:
                after = yield from self._segment_rows(segment, after, columns, where)
                done = segment.ordinal

    def _segment_rows(self, segment, after, columns, where):
        while True:
            rows, last = segment.stretch(after, columns, where)
            yield from rows
            if last is None:
                return after
            after = last

    def count(self, where="1"):
        return sum(segment.query(f"SELECT count(*) FROM log WHERE {where}")[0][0] for segment in self.must_have_segments())

    def last_position(self):
        return max(segment.query("SELECT coalesce(max(position), 0) FROM log")[0][0] for segment in self.must_have_segments())

    # ---- the chain (I19, I20)

    def purged(self):
        """The anchors that a purge left: dictionaries of ordinal, first_position, last_position, last_hash (hex)."""
        path = self.path / PURGED
        if self.path.is_file() or not path.is_file():
            return []
        names = ("ordinal", "first_position", "last_position", "last_hash")
        with open(path, newline="", encoding="ascii") as file:
            lines = [line for line in csv.reader(file) if line and line[0].isdigit()]
        try:
            return [{name: value if name == "last_hash" else int(value) for name, value in zip(names, line, strict=True)} for line in lines]
        except ValueError as fault:
            raise Unreadable(f"{path}: expected lines of {','.join(names)}: {fault}") from fault

    def chain_faults(self):
        """At most one: behind the first fault nothing can be said."""
        try:
            self.verify()
        except Fault as fault:
            return [fault]
        return []

    def verify(self):
        """Walks the chain over all segments. Answers (rows, hash of the last one); raises Fault at the first thing that does not fit."""
        position, previous, ordinal = 0, EMPTY_HASH, None
        for anchor in self.purged():
            if (anchor["first_position"], anchor["ordinal"]) != (position + 1, (ordinal or 0) + 1):
                raise Fault(PURGED, anchor["first_position"], f"segment {anchor['ordinal']} does not follow the one before it")
            position, previous, ordinal = anchor["last_position"], bytes.fromhex(anchor["last_hash"]), anchor["ordinal"]
        first = position
        for segment in self.must_have_segments():
            if ordinal is not None and segment.ordinal <= ordinal:
                continue  # purged in name, its file not yet removed
            if segment.ordinal != (ordinal or 0) + 1:
                raise Fault(segment.name, position + 1, f"segment {(ordinal or 0) + 1} is missing: the log goes on from position {position}")
            position, previous = self._verify_segment(segment, position, previous)
            ordinal = segment.ordinal
        return position - first, previous

    def _verify_segment(self, segment, position, previous):
        header = segment.header()
        if header and (header["ordinal"], header["first_position"], bytes(header["previous_hash"])) != (segment.ordinal, position + 1, previous):
            raise Fault(segment.name, position + 1, f"its header says ordinal {header['ordinal']} from position {header['first_position']} on, "
                        f"expected {segment.ordinal} from {position + 1} on the hash of the row before")
        names = [name for name in self.columns() if name != "hash"]
        count = 0
        for row in self._positions(segment, position):
            if row["position"] != position + 1:
                raise Fault(segment.name, position + 1, f"position {position + 1} is missing (I19, I20)")
            previous = row_hash(previous, {name: row[name] for name in names})
            position, count = position + 1, count + 1
            if previous != row["hash"]:
                raise Fault(segment.name, position, f"position {position} does not fit the hash chain (I20)")
        if header and header["sealed_us"] and (header["last_position"], bytes(header["last_hash"]), header["row_count"]) != (position, previous, count):
            raise Fault(segment.name, position, f"it was sealed with {header['row_count']} rows up to position {header['last_position']}, "
                        f"and holds {count} up to {position} (I20)")
        return position, previous

    def _positions(self, segment, after):
        if early := segment.query("SELECT position FROM log WHERE position <= ? LIMIT 1", (after,)):
            raise Fault(segment.name, early[0][0], f"position {early[0][0]} belongs to an earlier segment (I20)")
        yield from self._segment_rows(segment, after, "*", "1")


class LogTable:
    """A copy of the log, as one table `log`, for any SQL over all segments. It grows with refresh() and is gone with its object."""

    def __init__(self, log, columns="*"):
        self.log, self.position = log, 0
        kept = log.columns() if columns == "*" else ["position", *[name for name in columns if name != "position"]]
        self.columns = ", ".join(kept)
        self.file = sqlite3.connect("")  # a temporary file: it may be more than fits in memory
        self.file.row_factory = sqlite3.Row
        self.file.execute("CREATE TABLE log (position INTEGER PRIMARY KEY, " + ", ".join(name for name in kept if name != "position") + ")")
        self.insert = f"INSERT INTO log ({self.columns}) VALUES ({', '.join('?' * len(kept))})"

    def refresh(self):
        """Takes over what was appended since. Answers itself."""
        with self.file:
            self.file.executemany(self.insert, map(tuple, self.log.rows(self.position, self.columns)))
        self.position = self.value("SELECT coalesce(max(position), 0) FROM log")
        return self

    def query(self, sql, parameters=()):
        return self.file.execute(sql, parameters).fetchall()

    def value(self, sql, parameters=()):
        return self.file.execute(sql, parameters).fetchone()[0]

    def close(self):
        self.file.close()


def count_rows(path, where, fallback=None):
    """How many rows fit, for one who waits for them: `fallback` while the log is not there yet or somebody is in the way."""
    with contextlib.suppress(Unreadable):
        return Log(path).count(where)
    return fallback
