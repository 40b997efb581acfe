"""Everything that a method's file needs, in one import line: ``from fourfold.methods.kit import``.

Names of the contract (:class:`TrainsNetwork`, :class:`Problem`, :class:`Fitted`), of the training
loop (:func:`minimize`, :class:`Phase`), and of what methods share; each is documented where it is
defined.
"""

from __future__ import annotations

from fourfold.core.findings import Bars, Curves, Facts, Finding, HeatMap
from fourfold.core.parameters import Fraction, NonNegative, Positive, PositiveInt
from fourfold.core.process import seeded
from fourfold.core.tasks import Classification, Task, Transcription
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.bases.aligned import Aligned, AlignsDomains, Apart, FitsApart, most_rows
from fourfold.estimators.bases.kernel import FitsKernel
from fourfold.estimators.bases.wraps import BaseName, Boosts, Ground, Wraps, WrapsBase
from fourfold.estimators.contracts import Needs
from fourfold.estimators.inputs import Data
from fourfold.estimators.linear_head import fit_head, usual_penalty
from fourfold.estimators.model import Model
from fourfold.estimators.network import (
    FitsHead,
    LearnsLabels,
    OnFeatures,
    SolvesHead,
    StartsFromHead,
    TrainsNetwork,
    UsesRecipe,
)
from fourfold.estimators.problem import Fitted, Labelled, Problem, SourceNetwork, Unlabelled
from fourfold.estimators.supervised import (
    hold_out,
    label_loss,
    probe,
    split_rows,
    supervise,
    teacher_outputs,
    train_by,
    train_once,
    validation,
)
from fourfold.estimators.transfer import TransferEstimator
from fourfold.estimators.warm_start import Head, onward, warm_start
from fourfold.frozen.blocks import in_blocks
from fourfold.frozen.store import frozen_rows
from fourfold.networks.builder import Body, Builder, as_body, stages
from fourfold.networks.choice import choose
from fourfold.networks.cut import split
from fourfold.networks.mlp import Flat
from fourfold.preparation.augmenting.swapped import Swapped
from fourfold.training.augmentation import Augmentation
from fourfold.training.batches import Batch, Table
from fourfold.training.loop import minimize
from fourfold.training.losses import (
    certainty,
    class_confusion,
    domain_loss,
    information,
    ramp,
    reverse,
)
from fourfold.training.norms import forward_by_domain, has_batch_norm, track
from fourfold.training.phases import History, Part, Phase
from fourfold.training.recipe import SPEECH, USUAL, Recipe
