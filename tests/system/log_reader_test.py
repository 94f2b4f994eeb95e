#!/usr/bin/env python3
"""loadtest/log_reader.py judged on logs made for it: reading across segments, also while they grow, and each way a chain can be broken."""
import contextlib
import pathlib
import sqlite3
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "loadtest"), str(ROOT / "tests/system")]
import log_reader  # noqa: E402
from log_maker import LogMaker  # noqa: E402


def change(path, sql, *parameters):
    with contextlib.closing(sqlite3.connect(path)) as file, file:
        file.execute(sql, parameters)


class LogReaderTest(unittest.TestCase):
    def setUp(self):
        self.holder = tempfile.TemporaryDirectory(prefix="tillway-log-reader-")
        self.addCleanup(self.holder.cleanup)
        self.folder = pathlib.Path(self.holder.name) / "log"
        self.maker = LogMaker(terminal_id="10000001", epoch=1)
        for seq in range(1, 8):
            self.maker.append("intent", seq=seq, amount_minor=100 * seq)
            self.maker.append("result", seq=seq, amount_minor=100 * seq, pan_hash=bytes([seq] * 16))
            if seq in (3, 5):
                self.maker.cut(20260100 + seq)
        self.maker.write(self.folder)
        self.log = log_reader.Log(self.folder)

    def segment(self, ordinal):
        return self.folder / f"segment-{ordinal:06d}.db"

    def only_fault(self):
        faults = self.log.chain_faults()
        self.assertEqual(len(faults), 1, "the chain is taken for sound")
        return faults[0]

    def test_rows_come_in_the_order_of_the_log_across_segments(self):
        self.assertEqual([row["position"] for row in self.log.rows()], list(range(1, 15)))
        self.assertEqual([row["seq"] for row in self.log.rows(after=6, where="kind = 'result'")], [4, 5, 6, 7])

    def test_stretches_that_hold_nothing_wanted_do_not_end_the_reading(self):
        log_reader.STRETCH_ROWS, before = 3, log_reader.STRETCH_ROWS
        self.addCleanup(setattr, log_reader, "STRETCH_ROWS", before)
        self.assertEqual([row["position"] for row in self.log.rows(where="position IN (2, 14)")], [2, 14])
        self.assertEqual(self.log.chain_faults(), [])

    def test_counts_are_summed_over_segments(self):
        self.assertEqual(self.log.count("kind = 'result'"), 7)
        self.assertEqual(self.log.last_position(), 14)
        self.assertEqual(log_reader.count_rows(self.folder / "missing", "1", 5), 5)

    def test_a_segment_begun_meanwhile_is_read_too(self):
        rows = self.log.rows(columns="position")
        self.assertEqual(next(rows)["position"], 1)
        self.maker.cut().append("anomaly", seq=99)
        last = list(self.log.rows())[-1]
        position, _ = self.maker._write_segment(self.segment(4), {"ordinal": 4, "day": 0, "is_open": True}, self.maker.segments[-1], 14, last["hash"])
        self.assertEqual([row["position"] for row in rows], list(range(2, position + 1)))

    def test_a_table_grows_with_the_log(self):
        table = log_reader.LogTable(self.log, ("seq", "amount_minor")).refresh()
        self.addCleanup(table.close)
        self.assertEqual(table.value("SELECT sum(amount_minor) FROM log"), 2 * 2800)
        last = list(self.log.rows())[-1]
        self.maker.cut().append("intent", seq=50, amount_minor=1)
        self.maker._write_segment(self.segment(4), {"ordinal": 4, "day": 0, "is_open": True}, self.maker.segments[-1], 14, last["hash"])
        self.assertEqual(table.refresh().value("SELECT sum(amount_minor) FROM log"), 2 * 2800 + 1)
        self.assertEqual(table.refresh().position, 15)

    def test_one_file_is_a_log_too(self):
        self.assertEqual(len(list(log_reader.Log(self.segment(1)).rows())), 6)
        self.assertEqual(log_reader.Log(self.segment(1)).chain_faults(), [])

    def test_a_sound_chain_has_no_fault(self):
        self.assertEqual(self.log.chain_faults(), [])
        self.assertEqual(self.log.verify()[0], 14)

    def test_a_changed_row_is_named(self):
        change(self.segment(2), "UPDATE log SET amount_minor = 1 WHERE position = 8")
        fault = self.only_fault()
        self.assertEqual((fault.segment, fault.position), ("segment-000002.db", 8))

    def test_a_missing_row_is_named(self):
        change(self.segment(2), "DELETE FROM log WHERE position = 9")
        self.assertEqual(self.only_fault().position, 9)

    def test_rows_missing_at_the_end_of_a_sealed_segment_are_found(self):
        change(self.segment(2), "DELETE FROM log WHERE position >= 10")
        self.assertEqual((self.only_fault().segment, self.only_fault().position), ("segment-000002.db", 9))

    def test_a_missing_segment_is_named(self):
        self.segment(2).unlink()
        self.assertIn("segment 2 is missing", str(self.only_fault()))

    def test_a_segment_of_another_log_is_found(self):
        other = LogMaker(terminal_id="20000002", epoch=1)
        other.append("epoch").cut().append("epoch", seq=1)
        other.write(self.folder.with_name("other"))
        self.segment(2).write_bytes((self.folder.with_name("other") / "segment-000002.db").read_bytes())
        self.assertEqual(self.only_fault().segment, "segment-000002.db")

    def test_a_purge_leaves_an_anchor(self):
        last = list(self.log.rows())[5]
        self.segment(1).unlink()
        (self.folder / "purged.csv").write_text(f"ordinal,first_position,last_position,last_hash\n1,1,6,{last['hash'].hex()}\n")
        self.assertEqual((self.log.chain_faults(), self.log.verify()[0]), ([], 8))
        (self.folder / "purged.csv").write_text(f"1,1,6,{bytes(32).hex()}\n")
        self.assertEqual(self.only_fault().segment, "segment-000002.db")

    def test_what_is_not_there_is_said(self):
        with self.assertRaisesRegex(log_reader.Unreadable, "no such file or folder"):
            log_reader.Log(self.folder / "missing")
        empty = self.folder.with_name("empty")
        empty.mkdir()
        with self.assertRaisesRegex(log_reader.Unreadable, "no segment-NNNNNN.db"):
            list(log_reader.Log(empty).rows())
        self.segment(3).write_bytes(b"not a database" * 100)
        with self.assertRaisesRegex(log_reader.Unreadable, "segment-000003.db: file is not a database"):
            list(self.log.rows())


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
