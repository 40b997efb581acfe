"""What is around the fits of a study: what methods are given, and the processes they run in."""

from __future__ import annotations

import signal
import threading
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from joblib import Parallel
from sklearn.base import clone

from fourfold.errors import FourfoldWarning, ParameterError
from fourfold.frozen.index import is_full
from fourfold.frozen.store import Store, compute_once, using
from fourfold.networks.cut import Cut
from fourfold.preparation.choose import SentenceEncoding
from fourfold.preparation.descriptions import encode_descriptions
from fourfold.preparation.texts import MINILM

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fourfold.data.domain import Domain
    from fourfold.estimators.contracts import JointEstimator, TransferEstimator
    from fourfold.preparation.choose import Preparation

__all__ = [
    "encoding",
    "equip",
    "measuring",
    "own_store",
    "seeded",
    "started",
    "warm",
    "with_vectors",
]

E = TypeVar("E", bound="TransferEstimator | JointEstimator")


def encoding(encoder: str | None, domains: Iterable[Domain]) -> SentenceEncoding | None:
    """Return the preparation that encodes texts as sentences, where that is wanted.

    Raises
    ------
    ParameterError
        If an encoder is named, and neither inputs nor descriptions of classes are texts.
    """
    if encoder is None:
        return None
    among = list(domains)
    if any(domain.rows.kind == "texts" for domain in among):
        return SentenceEncoding(model=encoder)
    if not any(domain.classes is not None and domain.classes.texts for domain in among):
        raise ParameterError(
            "encoder must stand beside texts, as inputs or as descriptions of classes; got "
            f"{encoder!r} beside neither"
        )
    return None


def with_vectors(domain: Domain, encoder: str | None) -> Domain:
    """Encode descriptions of classes that are texts, so that no fit has to."""
    if domain.classes is None or domain.classes.texts is None:
        return domain
    return domain.described(encode_descriptions(domain.classes, encoder or MINILM))


def equip(estimator: TransferEstimator | JointEstimator, shared: Mapping[str, Any]) -> None:
    """Give an estimator what a study gives to all, where it takes it and has nothing of its own."""
    ours = estimator.get_params(deep=False)
    given = {name: value for name, value in shared.items() if ours.get(name, 0) is None}
    if isinstance(changes := given.get("recipe"), Mapping):
        del given["recipe"]
        given |= {f"recipe__{name}": value for name, value in changes.items()}
    estimator.set_params(**given).check()


def seeded(estimator: E, seed: int) -> E:
    """Return a copy with a seed of its own."""
    copy: E = clone(estimator)
    copy.set_params(random_state=seed)
    return copy


def measuring(estimator: E) -> E:
    """Return a copy that also measures what costs more than it is worth in every fit."""
    copy: E = clone(estimator)
    if "measure" in copy.get_params(deep=False):
        copy.set_params(measure=True)
    return copy


def own_store() -> Store | None:
    """Open the user's store; where its disk is full, go on without."""
    try:
        return Store.default()
    except OSError as error:
        if not is_full(error):
            raise
        warnings.warn(
            f"the disk of the store is full, so that nothing is kept in it; got: {error}",
            FourfoldWarning,
            stacklevel=3,
        )
        return None


def warm(network: Any, store: Store | None, domains: Sequence[tuple[Preparation, Domain]]) -> None:
    """Compute frozen features with all the threads there are, before fits share them out."""
    if not isinstance(network, Cut):
        return
    with using(store):
        for prepare, domain in domains:
            for _ in compute_once(network.frozen, prepare.transform(domain.rows)).blocks():
                pass


def started(tasks: list[Any], jobs: int) -> Iterator[Any]:
    """Start joblib's delayed calls, so many at a time, and yield what each returns, in any order.

    Workers leave Ctrl-C to this process: it is the one that ends them.
    """
    parallel = Parallel(jobs, return_as="generator_unordered")
    outcomes: Iterator[Any]
    if threading.current_thread() is not threading.main_thread():  # none other has handlers
        outcomes = parallel(tasks)
        return outcomes
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # workers inherit it
    try:
        outcomes = parallel(tasks)
    finally:
        signal.signal(signal.SIGINT, before)
    return outcomes
