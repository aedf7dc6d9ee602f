"""The bytes of a record on `incidents.fates`, a few per report: offsets travel as the first one and the steps from there.

`{"topic_id": …, "partition": p, "fates": [[case id | null, verdict, reason, rules, [first, step, step, …]], …]}`, key = the partition,
on partition `p % partitions`; and the note of a rebuild, `{"rebuilt": "<RFC 3339>", …}`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import accumulate, pairwise
from typing import Any

import orjson

from incidents.decision import Verdict
from incidents.fates import BadFates, Fate, Flush, Rebuilt

VERDICTS = {str(verdict): verdict for verdict in Verdict if verdict is not Verdict.ALREADY}


def encode_fates(topic_id: str, partition: int, fates: Iterable[Fate | tuple[str | None, Verdict | str, str, str, Sequence[int]]]) -> bytes:
    """The record's value; plain tuples in the order of `Fate` will do. Raises ValueError when offsets are empty or do not ascend.

    >>> encode_fates("T", 3, [(None, "rejected", "not_json", "r1", [7, 8, 12])])
    b'{"topic_id":"T","partition":3,"fates":[[null,"rejected","not_json","r1",[7,1,4]]]}'
    """
    rows = [(case_id, str(verdict), reason, rules, _steps(offsets)) for case_id, verdict, reason, rules, offsets in fates]
    return orjson.dumps({"topic_id": topic_id, "partition": partition, "fates": rows})


def encode_rebuilt(at: datetime) -> bytes:
    """The note that the hot store was filled anew at `at` (aware, the machine's clock)."""
    return orjson.dumps({"rebuilt": at.isoformat()})


def decode_fates(value: bytes | None) -> Flush | Rebuilt:
    """What a record says. Raises BadFates when it is not one of the two shapes, a verdict is unknown, or offsets do not ascend."""
    try:
        said = orjson.loads(value or b"")
        if "rebuilt" in said:
            return Rebuilt(datetime.fromisoformat(said["rebuilt"]))
        return Flush(str(said["topic_id"]), int(said["partition"]), tuple(map(_fate, said["fates"])))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise BadFates(f"not a record of fates: {error!r}, value {(value or b'')[:200]!r}") from error


def _steps(offsets: Sequence[int]) -> list[int]:
    steps = [offsets[0], *(b - a for a, b in pairwise(offsets))] if len(offsets) else []
    if not steps or steps[0] < 0 or (len(steps) > 1 and min(steps[1:]) < 1):
        raise ValueError(f"offsets of a fate must ascend and be there: {list(offsets[:20])}")
    return steps


def _fate(row: Sequence[Any]) -> Fate:
    case_id, verdict, reason, rules, steps = row
    if not steps or steps[0] < 0 or (len(steps) > 1 and min(steps[1:]) < 1):
        raise ValueError(f"offsets of a fate must ascend and be there: {steps[:20]}")
    return Fate(case_id, VERDICTS[verdict], reason, rules, tuple(accumulate(steps)))
