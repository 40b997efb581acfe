"""Equal functions have equal fingerprints."""

from __future__ import annotations

import torch
from torch import nn

from fourfold.frozen.fingerprint import fingerprint


def conv():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 9, 3),
        nn.BatchNorm2d(9),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(9, 5, 3),
        nn.Flatten(),
        nn.Linear(45, 6),
    )


def test_where_a_module_lies_and_its_mode_do_not_change_its_name():
    module = conv()
    name = fingerprint(module)
    assert fingerprint(module.eval()) == name
    assert fingerprint(module.to(memory_format=torch.channels_last)) == name
    assert fingerprint(module.requires_grad_(False)) == name
    with torch.no_grad():
        module[1].running_var[3] += 1e-3
    assert fingerprint(module) != name


def test_code_that_has_no_source_counts_as_compiled():
    def define(body):
        space = {"nn": nn, "__name__": "typed"}
        source = f"class Net(nn.Module):\n    def forward(self, x):\n        return {body}\n"
        exec(compile(source, "<typed in a shell>", "exec"), space)  # noqa: S102  as a shell does
        return space["Net"]()

    assert fingerprint(define("x + 1")) == fingerprint(define("x + 1"))
    assert len({fingerprint(define(body)) for body in ("x + 1", "x + 2", "x - 1")}) == 3
