"""Self-taught learning by sparse coding: atoms of unlabelled rows as features of labelled ones."""

from __future__ import annotations

import json
from functools import partial
from typing import Annotated, ClassVar, Final, Literal, final

import annotated_types as at
import torch

from fourfold.core.serialization import to_plain
from fourfold.methods.kit import (
    Data,
    FitsHead,
    Fitted,
    Needs,
    ParameterError,
    Positive,
    PositiveInt,
    Problem,
    fit_head,
    seeded,
    train_once,
)
from fourfold.methods.selftaught._dictionary import codes_of, describe_dictionary, fit_dictionary
from fourfold.networks.coder import Coder

__all__ = ["SparseCoding"]

LEAST_SIDE: Final = 6
"""Smaller pictures are coded whole."""


@final
class SparseCoding(FitsHead):
    """Learn a dictionary from unlabelled rows, and a linear model on the target's sparse codes.

    The source needs neither labels nor the target's classes. A row, or each window of a picture, is
    coded as a sum of few atoms, and the few labels are learnt from the codes. The dictionary is
    learnt online, also from data larger than memory, and once for all folds.

    Parameters
    ----------
    atoms
        Number of atoms in the dictionary; None: 128 for windows, 256 for whole rows, fewer where
        the source is small.
    penalty
        λ in ½‖x − aD‖² + λ‖a‖₁ for rows or windows of length 1.
    window
        Height and width of the windows of a picture; all bands of some frames of a log-mel picture
        are such a window too. ``"auto"``: about a third of a picture's side, and whole rows for
        other rows and pictures smaller than 6 × 6; None: whole rows.
    stride
        From one window to the next; None: a third of a window's side.
    whiten
        Whether windows are whitened first, as they should be on photographs.
    classify
        Features of the linear model: the codes alone, or with the input beside them.
    split_sign
        Whether positive and negative parts of codes are features of their own.
    windows
        Largest number of windows, or rows, that the dictionary is learnt from.

    References
    ----------
    Raina, Battle, Lee, Packer & Ng, Self-taught Learning: Transfer Learning from Unlabeled Data,
    ICML 2007. Coates & Ng, The Importance of Encoding Versus Training with Sparse Coding and Vector
    Quantization, ICML 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from fourfold import Domain
    >>> X, y = load_digits(return_X_y=True)
    >>> X = X.reshape(-1, 8, 8)
    >>> few, rest, others = np.split(np.arange(1000), [50, 500])
    >>> model = SparseCoding().fit(X[few], y[few], source=Domain(X[others]))
    >>> model.score(X[rest], y[rest]) > 0.9
    True
    """

    atoms: PositiveInt | None = None
    penalty: Positive = 0.25
    window: tuple[Annotated[int, at.Ge(1)], ...] | Literal["auto"] | None = "auto"
    stride: PositiveInt | None = None
    whiten: bool = False
    classify: Literal["codes", "codes+input"] = "codes+input"
    split_sign: bool = True
    windows: PositiveInt = 50_000

    renamed: ClassVar[dict[str, str]] = {"split": "split_sign", **FitsHead.renamed}
    needs: ClassVar[Needs] = Needs(source=True)

    def _learn(self, problem: Problem) -> Fitted:
        source, known = problem.source_data, problem.target.known()
        coder = self._coder(source, problem.inputs.shape)
        body = problem.body(coder)
        key = problem.key(json.dumps([to_plain(coder), self.whiten, self.windows]))
        fit = partial(fit_dictionary, body, source.rows, self.penalty, self.windows)
        with seeded(problem.seed):
            train_once(body, key, lambda: fit(whiten=self.whiten, owner=type(self).__name__))
        model = problem.model(body)
        findings = describe_dictionary(body, known.rows)
        fit_head(model, problem.task, known, self.alpha)
        return Fitted(model, findings=findings)

    def _coder(self, source: Data, shape: tuple[int, ...]) -> Coder:
        """Describe the coder for these rows; refuse more atoms than there are windows."""
        window = self._window(shape)
        for name in ("stride", "whiten") if window is None else ():
            if self.is_changed(name):
                raise ParameterError(
                    f"{name} of {type(self).__name__} must stand beside windows; got it where "
                    "whole rows are coded"
                )
        stride = self.stride or (max(1, round(min(window) / 3)) if window else 1)
        draft = Coder(n_components=1, window=window, stride=stride).build(shape)
        windows = codes_of(draft).windows
        most = source.rows.n * windows.count(torch.zeros(1, 1))
        usual = min(256 if window is None else 128, 8 * windows.width, max(1, most // 4))
        atoms = usual if self.atoms is None else self.atoms
        if atoms > most:
            what = "rows" if window is None else "windows"
            raise ParameterError(
                f"atoms of {type(self).__name__} must be at most the number of {what} of the "
                f"source, {most}; got {atoms}"
            )
        return Coder(
            n_components=atoms,
            alpha=self.penalty,
            window=window,
            stride=stride,
            split_sign=self.split_sign,
            keep_input=self.classify == "codes+input",
        )

    def _window(self, shape: tuple[int, ...]) -> tuple[int, ...] | None:
        if self.window != "auto":
            return None if self.window is None else tuple(self.window)
        side = min(shape[1:]) if len(shape) == 3 else 0
        return None if side < LEAST_SIDE else (round(side / 3),) * 2
