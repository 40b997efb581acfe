"""What the methods that train a network have in common: the way from rows to a trained model.

A method says in ``_learn`` how it learns; everything around it (preparing both domains, the frozen
prefix, predicting, saving) is here.
"""

from __future__ import annotations

import copy
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, final

import numpy as np
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils.metaestimators import available_if
from torch import nn

from fourfold import networks
from fourfold.core.serialization import to_plain
from fourfold.core.tasks import Attributes, Classification, Task, infer_task
from fourfold.data.domain import Domain, pool
from fourfold.data.rows import Rows, as_rows
from fourfold.errors import DataError, ParameterError
from fourfold.estimators import network_export as exporting
from fourfold.estimators import network_files as persistence
from fourfold.estimators.contracts import Source, TransferEstimator
from fourfold.estimators.problem import Data, Job, Model
from fourfold.estimators.trained import Trained
from fourfold.frozen.blocks import in_blocks
from fourfold.frozen.fingerprint import fingerprint
from fourfold.frozen.store import active, compute_once
from fourfold.networks.builder import Body, Builder, as_body
from fourfold.networks.cut import Cut, headless
from fourfold.preparation.choose import (
    Preparation,
    PreparedRows,
    Standardize,
    default_preparation,
)
from fourfold.training.checkpoint import training_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.core.findings import Finding
    from fourfold.estimators.exportable import Exportable
    from fourfold.frozen.frozen import Frozen

__all__ = ["Given", "NetworkEstimator"]

REMEMBERED_BYTES: Final = 1 << 30
"""Without a store, models of sources up to this size are remembered."""


def _classifies(estimator: NetworkEstimator) -> bool:
    """Tell whether there are class probabilities."""
    task = vars(estimator).get("task_", estimator.task)
    kind = estimator.kind if task is None else task.kind
    return kind == "classifier" and not isinstance(task, Attributes)


@final
@dataclass(frozen=True)
class Given:
    """A trained source network, with what is known of its task and its inputs."""

    model: Model
    task: Task | None = None
    prepare: Preparation | None = None
    frozen: Frozen | None = None
    builder: Builder | None = None
    estimator: NetworkEstimator | None = None

    @property
    def way(self) -> tuple[str, str]:
        """Name what is done to a row before it reaches the network."""
        prepare = "" if self.prepare is None else self.prepare.digest
        return prepare, "" if self.frozen is None else self.frozen.key


class NetworkEstimator(Trained, TransferEstimator, ABC):
    """A method that trains a network.

    Parameters
    ----------
    network
        What features are learnt with: a :class:`~fourfold.networks.Builder`, its name (``"mlp"``,
        ``"convnet"``, ``"timm:resnet18"``), any module without its head (it is copied), a
        :class:`~fourfold.networks.cut.Cut`, of which only the upper part is trained; None chooses
        from the data.
    prepare
        Preprocessing, fitted without labels on both domains and applied to both; in scikit-learn's
        ``FrozenEstimator``, one that is fitted already and stays as it is. None chooses from the
        data, and leaves inputs as they are for a network that the user brings.
    task
        What is learnt; None infers it from the labels.
    recipe
        How it is trained; None is the method's own.
    random_state
        Seed of everything random.

    Attributes
    ----------
    model_
        The trained network.
    task_, prepare_
        The task and the preparation, fitted.
    classes_
        (k,) class names, for a classification.
    history_
        Losses and seconds of the training.
    findings_
        What else was found out, for the report.
    """

    network: nn.Module | Builder | str | None = None
    prepare: Preparation | FrozenEstimator | None = None
    task: Task | None = None

    tensors: ClassVar[tuple[str, ...]] = ()
    """Attributes that hold tensors by name and are saved with the model."""
    plain: ClassVar[tuple[str, ...]] = ()
    """Attributes that JSON can hold and that are saved with the model."""
    in_turn: ClassVar[bool] = False
    """Whether several sources come one by one, in order, as ``job.chain``, and are not pooled."""
    blind: ClassVar[bool] = False
    """Whether the target's labels are not looked at, even where there are some."""
    kind: ClassVar[str] = "classifier"
    """What it is to scikit-learn where the task is not given."""

    @abstractmethod
    def _learn(self, job: Job) -> Model:
        """Train, set ``history_``, and return the model that predicts the target."""

    def last_layer(self, width: int) -> nn.Module:
        """Build a fresh last layer on features (B, width); a method may have one of its own."""
        return self.task_.head(width)

    # --- fitting ---------------------------------------------------------------------------------

    @final
    def _fit(self, target: Domain, sources: list[Source]) -> None:
        job = self.begin(target.unlabelled() if self.blind else target, sources)
        self.findings_: list[Finding] = []
        with training_for(self.purpose):
            self.model_ = self._learn(job).cpu().eval()

    @final
    def begin(self, target: Domain, sources: list[Source]) -> Job:
        """Make ready all that is learnt from, and refuse what cannot be, before any training."""
        each = [[one] for one in sources] if self.in_turn else [sources]
        parts = [self._data_or_model(some) for some in each]
        domains = [source for source, _ in parts if source is not None]
        given = _leading([given for _, given in parts if given is not None])
        self.task_ = self.task_for(target, domains[0] if domains else None, given)
        if self.needs.classes and not isinstance(self.task_, Classification):
            raise DataError(
                f"{type(self).__name__} must have classes to learn; got a {self.task_.kind}'s "
                f"labels ({type(self.task_).__name__})"
            )
        self._prepare([*(domain.rows for domain in domains), target.rows], given)
        rows = self._ready(target.rows)
        self.shape_ = rows.shape if self._outside else self.prepare_.shape_
        self.builder_ = self._builder(given)
        self.n_features_in_ = target.rows.shape[0] if len(target.rows.shape) == 1 else None
        job = Job(
            task=self.task_,
            target=Data(rows, self.task_.encode(target), target.labelled),
            recipe=self.recipe or self.default_recipe,
            seed=self.random_state,
            body=self.build_body,
            last_layer=self.last_layer,
        )
        brought = [self._bring(job, *part) for part in parts]
        return replace(job, chain=brought) if self.in_turn else brought[0]

    def _bring(self, job: Job, source: Domain | None, given: Given | None) -> Job:
        """Return the same job with a source to learn from."""
        job = replace(job)
        if source is not None:
            job.source_task = self._source_task(source)
            y = job.source_task.encode(source) if job.source_task else torch.zeros(source.n_rows)
            job.source = Data(self._ready(source.rows), y, source.labelled)
            job.origin = self._origin(source)
        if given is not None:
            job.given, job.source_task = self._taken_over(given), given.task
            job.giver = given.estimator
        return job

    def _data_or_model(self, sources: list[Source]) -> tuple[Domain | None, Given | None]:
        """Sort sources: data are pooled; a model stands alone."""
        domains = [s for s in sources if isinstance(s, Domain)]
        if len(domains) == len(sources):
            return (pool(domains) if domains else None), None
        if len(sources) > 1:
            raise ParameterError(
                f"source of {type(self).__name__} must be Domains or one trained model; got "
                f"{len(sources)} sources, of which {len(domains)} are Domains"
            )
        return None, _given(sources[0])

    def task_for(self, target: Domain, source: Domain | None, given: Given | None) -> Task:
        """Return the task to learn, fitted; a method whose labels say nothing has one of its own.

        Parameters
        ----------
        target, source
            The data; without source data the source is ``given``.
        given
            A trained source network.
        """
        if self.needs.same_labels and given is not None:
            if given.task is None:
                raise ParameterError(
                    "source must know its class names for this method; got a bare network: "
                    "use a fitted estimator or a saved model"
                )
            return given.task
        labels = source if self.needs.same_labels and source is not None else target
        return _fitted(self.task, labels)

    def _source_task(self, source: Domain) -> Task | None:
        if self.needs.same_labels:
            return self.task_
        return _fitted(self.task, source) if source.n_labelled else None

    def _builder(self, given: Given | None) -> Builder | None:
        """Return what builds the network; None where it is a module that the user brings."""
        if given is not None and not (self.in_turn and self.network is not None):
            return given.builder
        if isinstance(self.network, nn.Module):
            return None
        return networks.builder_of(self.network, self.shape_)

    def _prepare(self, rows: list[Rows], given: Given | None) -> None:
        """Fit the preparation on all domains' rows, or take over that of a trained model."""
        self.frozen_: Frozen | None = None
        self.prepare_: Preparation
        if isinstance(self.network, Cut):
            self.frozen_ = self.network.frozen
        if given is not None and given.prepare is not None:
            self.prepare_, self.frozen_ = given.prepare, given.frozen
            return
        brought = given is not None or isinstance(self.network, nn.Module)
        chosen = self.prepare or self.preparation_for(rows, brought=brought)
        if isinstance(chosen, FrozenEstimator):
            self.prepare_ = _already_fitted(chosen)
        else:
            self.prepare_ = clone(chosen).fit(*rows)

    def preparation_for(self, rows: list[Rows], *, brought: bool) -> Preparation:
        """Choose a preparation, not yet fitted, for all domains' rows; a method may know better."""
        return default_preparation(*rows, user_network=brought)

    @property
    def _outside(self) -> bool:
        """Whether inputs are prepared before the trainable network, not at the bottom of it."""
        return self.frozen_ is not None or not isinstance(self.prepare_, Standardize)

    def _ready(self, rows: Rows) -> Rows:
        """Make rows what the trainable network takes; refuse bad ones before it sees any."""
        who = type(self).__name__
        if not self._outside:
            self.prepare_.check_rows(rows, who)
            return rows
        ready = self.prepare_.transform(rows, who)
        if isinstance(ready, PreparedRows) and self.frozen_ is None:
            self.prepare_.check_rows(rows, who)  # else found only when training reads them
        return self.above(ready)

    @final
    def above(self, ready: Rows) -> Rows:
        """Return what the frozen prefix, if there is one, makes of prepared rows."""
        return ready if self.frozen_ is None else compute_once(self.frozen_, ready)

    @final
    def prepared(self, ready: Rows) -> Rows:
        """Return rows as the network's own layers take them, above a preparation at its bottom."""
        return ready if self._outside else self.prepare_.transform(ready, type(self).__name__)

    @final
    def build_body(self) -> Body:
        """Build a fresh network, with its preparation at the bottom where it belongs there."""
        network = self.network.rest if isinstance(self.network, Cut) else self.network
        if self.builder_ is not None:
            body = self.builder_.build(self.shape_)
        elif isinstance(network, nn.Module):
            body = as_body(copy.deepcopy(network), self.shape_)
        else:
            raise ParameterError("network must be given to build a fresh one; got a bare source")
        return self.on_rows(body)

    @final
    def on_rows(self, body: Body) -> Body:
        """Put the preparation at the bottom of a network where it belongs there."""
        if isinstance(self.prepare_, Standardize) and not self._outside:
            return body.under(self.prepare_.module())
        return body

    def _taken_over(self, given: Given) -> Model:
        """Let a bare network stand on rows as they come here; a fitted model does already."""
        if given.prepare is not None:
            return given.model
        (network,) = given.model.body.children()
        return Model(self.on_rows(as_body(network, self.shape_)), given.model.head)

    def _origin(self, source: Domain) -> Callable[[], str] | None:
        """Return what says, when asked, all that a model of the source depends on."""
        if active() is None and source.n_rows * source.rows.row_bytes > REMEMBERED_BYTES:
            return None

        def origin() -> str:
            network = self.network
            what = (
                fingerprint(network) if isinstance(network, nn.Module) else to_plain(self.builder_)
            )
            return json.dumps(
                [what, to_plain(self.task), self.prepare_.digest, source.digest, torch.__version__]
            )

        return origin

    # --- saving ----------------------------------------------------------------------------------

    @final
    def save_fitted(self, folder: Path) -> dict[str, Any]:
        self.write_beside(folder)
        return persistence.write(self, folder)

    @final
    def load_fitted(self, folder: Path, notes: Mapping[str, Any]) -> Self:
        persistence.read(self, folder, notes)
        self.read_beside(folder)
        return self

    def write_beside(self, folder: Path) -> None:
        """Write what a method has learnt besides its network, into files of its own."""

    def read_beside(self, folder: Path) -> None:
        """Take over what :meth:`write_beside` wrote."""

    @final
    def exportable(self) -> Exportable:
        self.check_fitted()
        return exporting.exportable(self)

    # --- predicting ------------------------------------------------------------------------------

    def _asked(self, X: Any) -> Rows:
        """Make what a user asks about rows that the trained network takes."""
        return self._ready(X.rows if isinstance(X, Domain) else as_rows(X))

    @final
    def outputs(self, X: Any) -> NDArray[np.float32]:
        """Return what the network gives for each row, before decoding: (n, k)."""
        self.check_fitted()
        return in_blocks(self.model_, self._asked(X))

    @final
    def predict(self, X: Any, *, among: Any = None) -> NDArray[Any]:
        """Predict each row's label.

        Parameters
        ----------
        X
            (n, ...), as in fit.
        among
            Names of the classes that come into question, some or all of ``classes_``; a method
            that knows classes by their descriptions also takes new ones, ``{name: description}``.

        Returns
        -------
        ndarray
            (n,) or (n, m), in the user's terms.

        Raises
        ------
        ParameterError
            If ``among`` holds a class that the model does not know.
        """
        if among is None:
            outputs = self.outputs(X)
            return self.task_.decode(outputs)
        names, outputs = self.outputs_among(X, among)
        return np.asarray(names[outputs.argmax(axis=1)])

    @available_if(_classifies)
    def predict_topk(
        self, X: Any, k: int = 5, *, among: Any = None
    ) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """Predict each row's likeliest classes.

        Parameters
        ----------
        X
            (n, ...), as in fit.
        k
            How many.
        among
            As in :meth:`predict`.

        Returns
        -------
        names
            (n, k), the likeliest first.
        outputs
            (n, k), what the network gives for them; higher is likelier.

        Raises
        ------
        ParameterError
            If k is none of 1 to the number of classes, or ``among`` holds an unknown class.
        """
        self.check_fitted()
        return self.topk(X, k, among)

    def topk(self, X: Any, k: int, among: Any = None) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """Rank classes; a method that has very many may look them up in an index instead."""
        names, outputs = self.outputs_among(X, self.classes_ if among is None else among)
        if not 1 <= k <= len(names):
            raise ParameterError(f"k must lie in [1, {len(names)}], the number of classes; got {k}")
        order = np.argsort(-outputs, axis=1, kind="stable")[:, :k]
        return names[order], np.take_along_axis(outputs, order, axis=1)

    def outputs_among(self, X: Any, among: Any) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """Return names (k,) of the classes that come into question, and outputs (n, k) for them."""
        task, outputs = self._classification(), self.outputs(X)
        names = np.asarray(list(among))
        codes = task.codes(names)
        if not len(names) or (codes < 0).any():
            strange = ", ".join(repr(name) for name in names[codes < 0][:5].tolist()) or "none"
            raise ParameterError(f"among must hold classes that the model knows; got {strange}")
        return task.classes_[codes], outputs[:, codes]

    @available_if(_classifies)
    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """Predict each row's class probabilities, (n, k) in the order of ``classes_``."""
        outputs = self.outputs(X)
        return self._classification().probabilities(outputs)

    @final
    def embed(self, X: Any) -> NDArray[np.float32]:
        """Return each row's features, before the head: (n, d)."""
        self.check_fitted()
        return in_blocks(self.model_.body, self._asked(X))

    @final
    def score(self, X: Any, y: Any) -> float:
        """Rate predictions for X against y: accuracy, or R² for a regression."""
        outputs = self.outputs(X)
        domain = Domain(np.zeros((len(outputs), 1)), y)
        return self.task_.score(domain.known, outputs[domain.labelled])

    def _classification(self) -> Classification:
        if not isinstance(self.task_, Classification):
            raise ParameterError(f"classes need a Classification; got {type(self.task_).__name__}")
        return self.task_

    @property
    def classes_(self) -> NDArray[Any]:
        """Class names, (k,); of a classification alone, as scikit-learn asks."""
        if not isinstance(self.task_, Classification):
            raise AttributeError(f"a {self.task_.kind} has no classes_")  # noqa: TRY004  hasattr asks
        return self.task_.classes_

    def __sklearn_is_fitted__(self) -> bool:
        return "model_" in vars(self)

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, RegressorTags

        tags = super().__sklearn_tags__()
        tags.estimator_type = self.kind if self.task is None else self.task.kind
        if tags.estimator_type == "classifier":
            tags.classifier_tags = ClassifierTags()
        elif tags.estimator_type == "regressor":
            tags.regressor_tags = RegressorTags()
        tags.target_tags.required = self.needs.target_labels
        tags.target_tags.multi_output = not self.needs.classes
        tags.input_tags.sparse = True
        tags.input_tags.three_d_array = True
        return tags


def _given(source: Source) -> Given:
    """Take over a fitted estimator, or a bare network whose last layer is its head."""
    if isinstance(source, NetworkEstimator):
        source.check_fitted()
        if persistence.only_predicts(source.model_):
            raise ParameterError(
                "a saved model of the user's own network must be loaded with it to be trained on: "
                "load(path, network=...); got one that only predicts"
            )
        return Given(
            source.model_,
            source.task_,
            source.prepare_,
            source.frozen_,
            source.builder_,
            source,
        )
    if not isinstance(source, nn.Module):
        raise ParameterError(
            f"source must be an estimator that trains a network; got {type(source).__name__}"
        )
    features, width = headless(source)
    head = [module for module in source.modules() if isinstance(module, nn.Linear)][-1]
    return Given(Model(Body({"network": features}, width), copy.deepcopy(head)))


def _leading(given: list[Given]) -> Given | None:
    """Return the trained source whose preparation is taken over; others must have the same."""
    prepared = [one for one in given if one.prepare is not None]
    ways = {one.way for one in prepared}
    if len(ways) > 1:
        raise ParameterError(
            "trained sources must share one preparation of their inputs; got "
            f"{len(ways)} different ones: fit them with the same prepare=FrozenEstimator(...)"
        )
    return next(iter([*prepared, *given]), None)


def _already_fitted(frozen: FrozenEstimator) -> Preparation:
    """Take the fitted preparation out of its wrapping."""
    inner = frozen.estimator
    if not (isinstance(inner, Preparation) and "shape_" in vars(inner)):
        raise ParameterError(
            "prepare in a FrozenEstimator must be a Preparation that is fitted; got one "
            f"{'not fitted' if isinstance(inner, Preparation) else 'of ' + type(inner).__name__}"
        )
    return inner


def _fitted(task: Task | None, labels: Domain) -> Task:
    """Fit a copy of the task that was asked for, or of the one that the labels speak of."""
    fitted = (clone(task) if task is not None else infer_task(labels)).fit(labels)
    if isinstance(fitted, Classification) and len(fitted.classes_) < 2:
        raise DataError(
            f"labels of {labels.name or 'the domain'} must be of at least two classes; got one "
            f"class, {fitted.classes_.tolist()[0]!r}"
        )
    return fitted
