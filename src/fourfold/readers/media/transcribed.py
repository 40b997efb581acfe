"""Sounds with transcripts beside them: their columns, speakers, and prompts that are equal."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from fourfold.core.transcripts.symbols import normalized, symbols_of
from fourfold.data.schema.cells import missing_as_null
from fourfold.errors import DataError, counted
from fourfold.readers.media.failures import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from fourfold.data.annotations import Annotations
    from fourfold.data.domain import Domain
    from fourfold.data.schema import Hints, Pile
    from fourfold.readers.media.speech import SpeechRows

__all__ = ["as_speech", "describe_speech", "is_speech", "speakers_of", "transcript_hints"]

TRANSCRIPTS: Final = ("transcription", "transcript", "sentence", "normalized_text", "text")
"""Names of a column of transcripts beside sounds, the likeliest first."""
SPEAKERS: Final = ("speaker", "speaker_id", "client_id")
"""Names of a column of speakers."""
FRAMES_A_SYMBOL: Final = 3
"""Fewest frames of 10 ms for a symbol: the stride of a network that listens."""


def transcript_hints(piles: Sequence[Pile], hints: Hints) -> Hints:
    """Return hints with the column of transcripts beside sounds.

    It is a column of the label with a usual name of transcripts, or where no label is named, the
    first of such a name; ``label_type`` says otherwise.
    """
    if hints.label_type not in {None, "transcripts"}:
        return hints
    columns = [name for pile in piles for name in pile.columns]
    wanted = [name for name in (hints.label or TRANSCRIPTS) if name in columns][:1]
    if not wanted or not (hints.label_type or wanted[0].lower() in TRANSCRIPTS):
        return hints
    return replace(hints, label=tuple(wanted), label_type="transcripts")


def speakers_of(pile: Pile | None) -> NDArray[Any] | None:
    """Return the speaker of each row, (n,), None where it is missing; None without a column."""
    columns = {} if pile is None else pile.columns
    cells = next((columns[name] for name in SPEAKERS if name in columns), None)
    if cells is None:
        return None
    return np.array(missing_as_null(cells).to_pylist(), object)


def is_speech(domains: Iterable[Domain], hints: Hints) -> bool:
    """Return whether sounds are speech to transcribe: if one of the domains has transcripts."""
    if hints.label_type == "transcripts":
        return True
    found = [one.schema.labels for one in domains if one.schema is not None]
    return any(labels is not None and labels.type == "transcripts" for labels in found)


def as_speech(
    domain: Domain, bands: int | None = None, speakers: NDArray[Any] | None = None
) -> Domain:
    """Return sounds as utterances, in groups: those that are given, speakers, or equal prompts.

    Raises
    ------
    DataError
        If labels are no transcripts, or one is longer than its sound allows.
    """
    from fourfold.readers.media.sounds import SoundRows
    from fourfold.readers.media.speech import SpeechRows

    if not isinstance(domain.rows, SoundRows):
        return domain
    labels = None if domain.schema is None else domain.schema.labels
    if domain.y is not None and (labels is None or not labels.columns):
        raise DataError(
            f"transcripts of {domain.name or 'sounds'} must stand in a table beside them; got "
            "sub-folders, which are classes"
        )
    rows = SpeechRows.of(domain.rows, bands)
    spoken = domain.with_rows(rows)
    if domain.n_labelled:
        _check_lengths(spoken, rows)
    spoken.annotations = _grouped(spoken, speakers)
    return spoken


def describe_speech(domains: Iterable[Domain]) -> str:
    """Return the symbols, the length and the speakers of each domain of speech, in words."""
    said = []
    for domain in dict.fromkeys(domains):
        seconds = _seconds(domain)
        if seconds is None:
            continue
        name = domain.name or "the data"
        about = [f"{seconds / 3600:.2f} hours" if seconds > 360 else f"{seconds / 60:.1f} minutes"]
        if domain.n_labelled:
            texts = _texts(domain)
            about = [counted(len(symbols_of(texts)), "symbol"), *about, _groups(domain)]
        said.append(f"{name}: {', '.join(about)}")
    return "; ".join(said)


def _seconds(domain: Domain) -> float | None:
    """Return the length of a domain's utterances; None where it has none."""
    if domain.rows.kind != "speech":
        return None
    from fourfold.readers.media.speech import SpeechRows

    return domain.rows.seconds if isinstance(domain.rows, SpeechRows) else None


def _groups(domain: Domain) -> str:
    groups = domain.annotations.groups
    if groups is None:
        return "no prompt twice"
    known = {one for one in groups.tolist() if one is not None}
    spoken = {*_texts(domain)}
    kind = "prompt" if known <= spoken else "speaker"
    return f"{counted(len(known), kind)}, whose utterances stay together"


def _check_lengths(domain: Domain, rows: SpeechRows) -> None:
    """Refuse transcripts of more symbols than the frames of their sounds can hold."""
    where = np.flatnonzero(domain.labelled)
    texts = _texts(domain)
    needed = np.array([FRAMES_A_SYMBOL * _steps(text) for text in texts])
    bad = np.flatnonzero(needed > rows.lengths[where])
    if not len(bad):
        return
    first = bad[0]
    said = f"{len(texts[first])} symbols in {rows.lengths[where[first]] / 100:.2f} s"
    names = [rows.named(int(where[at])) for at in bad]
    must = "must last at least 30 ms a symbol of their transcripts; shorter are"
    raise DataError(listed(f"{len(bad)} sounds", names, must, f"; the first: {said}"))


def _steps(text: str) -> int:
    """Return the outputs that a text takes: a blank parts equal symbols."""
    return len(text) + sum(a == b for a, b in pairwise(text))


def _grouped(domain: Domain, speakers: NDArray[Any] | None) -> Annotations:
    """Return annotations with groups: several speakers, or else prompts that are repeated."""
    beside = domain.annotations
    for groups in (beside.groups, speakers):
        if groups is not None and len({*groups.tolist()} - {None}) > 1:
            return replace(beside, groups=groups)
    return replace(beside, groups=_prompts(domain))


def _prompts(domain: Domain) -> NDArray[Any] | None:
    """Return the text of each row, for equal ones to stay together; None where all differ."""
    if not domain.n_labelled:
        return None
    found = np.full(domain.n_rows, None, object)
    found[domain.labelled] = _texts(domain)
    return found if len({*found[domain.labelled]}) < domain.n_labelled else None


def _texts(domain: Domain) -> list[str]:
    """Return the known transcripts as they are compared."""
    return [normalized(str(text), plain=True) for text in domain.known]
