"""The graph of a sequence is written as torch.fx traces it."""

from __future__ import annotations

import pytest
from torch import nn

from fourfold.networks.builder import Body
from fourfold.networks.tracing import _graph, trace

SHARED = nn.Linear(3, 3)


class Own(nn.Sequential):
    """A sequence with a forward of its own."""

    def forward(self, x):
        return super().forward(x) + 1


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(SHARED, nn.ReLU(), SHARED),
        nn.Sequential(nn.Sequential(SHARED, nn.Dropout()), SHARED),
        nn.Sequential(),
        Body({"fc": nn.Linear(3, 2), "out": nn.Sequential(nn.ReLU())}, 2),
    ],
)
def test_a_sequence_has_the_graph_that_torch_traces(network):
    assert str(trace(network).graph) == str(_graph(network, training=True))


def test_a_forward_of_its_own_is_traced():
    called = [node.op for node in trace(Own(SHARED)).graph.nodes]
    assert called == ["placeholder", "call_module", "call_function", "output"]
