"""Transcripts by CTC: padding changes nothing, and the losses are those of the papers."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold import Domain
from fourfold.core.tasks import TASKS, Transcription
from fourfold.core.tasks.transcription import FrameHead
from fourfold.errors import DataError


def domain(texts, **options):
    return Domain(np.zeros((len(texts), 1)), np.array(texts, object), **options)


@pytest.fixture
def task():
    return Transcription().fit(domain(["ab", "ba a"]))


def frames(task, *lengths, seed=0):
    """Return log-probabilities of utterances of these lengths, padded as a head pads them."""
    torch.manual_seed(seed)
    x = torch.zeros(len(lengths), 6, max(lengths))
    for row, length in zip(x, lengths, strict=True):
        row[:, :length] = torch.randn(6, length)
    return FrameHead(6, task.n_outputs).double()(x.double()).detach()


def test_transcripts_come_back(task):
    texts = ["Ab!", "BA, a"]
    encoded = task.encode(domain(texts))
    assert task.symbols_ == [" ", "a", "b"]
    assert task.n_outputs == 4
    assert task.decode_labels(encoded).tolist() == ["ab", "ba a"]


def test_the_loss_is_the_sum_over_all_paths(task):
    outputs = frames(task, 4)
    path_sum = 0.0
    for path in product(range(4), repeat=4):
        kept = [c for t, c in enumerate(path) if c and (t == 0 or path[t - 1] != c)]
        if kept == [2, 3]:  # "ab"
            path_sum += float(sum(outputs[0, t, c] for t, c in enumerate(path)).exp())
    y = task.encode(domain(["ab"]))
    assert float(task.loss(outputs, y)) == pytest.approx(-np.log(path_sum) / 2, rel=1e-5)


def test_frames_behind_the_end_change_no_loss(task):
    y = task.encode(domain(["ab", "ba a"]))
    together = frames(task, 5, 12)
    alone = frames(task, 5, 12)[:1, :5]
    torch.testing.assert_close(task.loss(together[:1], y[:1]), task.loss(alone, y[:1]))
    ctc = F.ctc_loss(  # also without the lengths of the utterances
        together.transpose(0, 1), y + 1, [12, 12], [2, 4], reduction="none"
    )
    torch.testing.assert_close(task.loss(together, y), (ctc / torch.tensor([2, 4])).mean().float())


def test_gradients_are_those_of_differences(task):
    y = task.encode(domain(["ab", "ba"]))
    logits = torch.randn(2, 5, 4, dtype=torch.float64, requires_grad=True)
    loss = lambda x: F.ctc_loss(  # noqa: E731
        x.log_softmax(2).transpose(0, 1), y + 1, [5, 5], [2, 2], reduction="none"
    ).mean()
    assert torch.autograd.gradcheck(loss, (logits,))
    (found,) = torch.autograd.grad(task.loss(logits.log_softmax(2), y), logits)
    (wanted,) = torch.autograd.grad(loss(logits) / 2, logits)
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-4)


def test_a_missing_transcript_counts_nowhere(task):
    y = task.encode(domain(["ab", None]))
    outputs = frames(task, 6, 6)
    torch.testing.assert_close(task.loss(outputs, y), task.loss(outputs[:1], y[:1]))


def test_the_distance_to_a_teacher_is_a_mean_of_divergences_over_frames(task):
    teacher, ours = frames(task, 5, 9), frames(task, 5, 9, seed=1)
    each = [F.kl_div(o[:n], t[:n], log_target=True, reduction="sum") / n
            for o, t, n in zip(ours, teacher, (5, 9), strict=True)]  # fmt: skip
    torch.testing.assert_close(task.distillation_loss(ours, teacher), torch.stack(each).mean())
    longer = F.pad(teacher, (0, 0, 0, 3), value=-1e4)
    longer[:, 9:, 0] = 0
    torch.testing.assert_close(task.distillation_loss(ours, longer), torch.stack(each).mean())


def test_a_model_at_its_teacher_gets_no_gradient(task):
    logits = torch.randn(2, 5, 4, requires_grad=True)
    outputs = logits.log_softmax(2)
    task.distillation_loss(outputs, outputs.detach()).backward()
    assert logits.grad.abs().max() < 1e-7


def test_the_score_is_one_minus_the_error_rate(task):
    outputs = np.empty(2, object)
    outputs[:] = [np.log(np.eye(4)[[2, 3, 0]] + 1e-9), np.log(np.eye(4)[[3]] + 1e-9)]
    assert task.decode(outputs).tolist() == ["ab", "b"]
    assert task.score(np.array(["ab", "ba a"], object), outputs) == pytest.approx(1 - 3 / 6)
    assert task.score(np.array(["ab", "ba a"], object), outputs, np.array([1.0, 0.0])) == 1


def test_symbols_of_a_source_are_found_where_both_have_them(task):
    other = Transcription().fit(domain(["bc"]))
    assert other.outputs_in(task).tolist() == [0, 3, -1]
    assert other.joined(task).symbols_ == [" ", "a", "b", "c"]


def test_a_task_comes_back_from_its_state():
    task = Transcription(beam=4, ngram=2).fit(domain(["ab", "ba a"]))
    again = TASKS["Transcription"](**task.get_params()).restore(task.state())
    outputs = frames(task, 7, 9).float().detach().numpy()
    assert again.decode(outputs).tolist() == task.decode(outputs).tolist()


def test_letters_that_were_not_learnt_are_named(task):
    with pytest.raises(DataError, match="that are learnt; got also 'c', 'd' in 1 of 2"):
        task.encode(domain(["ab", "cda"]))


def test_transcripts_without_letters_are_refused():
    with pytest.raises(DataError, match=r"must have letters; got 1 without, '...'"):
        Transcription().fit(domain(["ab", "..."]))


def test_numbers_are_no_transcripts():
    with pytest.raises(DataError, match="must be texts"):
        Transcription().fit(Domain(np.zeros((2, 1)), [1, 2]))
