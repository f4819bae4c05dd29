"""The cluster id that `StorageTool format -t` is given: one in 64 random ones would read as an option."""

import uuid

from streams.local.kafka import cluster_id


def test_an_id_that_reads_as_an_option_is_drawn_again() -> None:
    drawn = iter([uuid.UUID(bytes=bytes([0xF8] + [0] * 15)), uuid.UUID(bytes=bytes([0xFC] + [0] * 15))])
    assert cluster_id(lambda: next(drawn)) == "_AAAAAAAAAAAAAAAAAAAAA"
