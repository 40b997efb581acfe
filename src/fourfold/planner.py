"""The map: the place of the user's data, the methods that apply, and why the others do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from fourfold.core.transcripts.symbols import normalized, symbols_of
from fourfold.data.kinds import kind_difference, label_kind
from fourfold.data.pooling import join_descriptions
from fourfold.errors import DataError, some
from fourfold.methods import cells, table
from fourfold.methods.cell import Facts
from fourfold.preparation.augmenting.rules import rules_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fourfold.data.domain import Domain
    from fourfold.methods import MethodEntry

__all__ = ["Placement", "locate", "locate_tasks"]


@final
@dataclass(frozen=True)
class Placement:
    """The place of the data on the map.

    Attributes
    ----------
    cell
        The cell they stand on.
    reasons
        Cell → why it applies or does not, in the order of the map.
    open
        The cells that apply.
    methods
        Class names of the methods that can run.
    baselines
        Class names of the baselines that run beside them.
    skipped
        Method → why it does not apply.
    network, towers
        Whether a trained network is the source, and whether it is one of two towers.
    """

    cell: str
    reasons: dict[str, str]
    open: tuple[str, ...]
    methods: tuple[str, ...]
    baselines: tuple[str, ...]
    skipped: dict[str, str]
    network: bool = False
    towers: bool = False

    def tried(self, *, pretrained: bool = False, frozen: bool = False) -> tuple[str, ...]:
        """Return the class names of the methods that a study tries where it is asked for none.

        Training goes on from the weights of a ``pretrained`` network, or of one that is the source.
        Since such trainings are long, methods that hardly differ from others are left out; so they
        are above a ``frozen`` network, where a head alone is learnt.
        """
        given = pretrained or self.network
        return tuple(name for name in self.methods if self._tries(name, given, frozen))

    def _tries(self, name: str, given: bool, frozen: bool) -> bool:
        needs = table()[name].needs
        if needs.get("costly" if given or frozen else "pretrained"):
            return False
        if not given and needs.get("pretrained") and not needs.get("network"):
            return False  # it trains layers
        if needs.get("towers") and not self.towers:
            return False
        cell = cells().get(table()[name].cell)
        if cell is None or cell.name == self.cell or cell.elsewhere is None:
            return True
        return name in cell.elsewhere

    def beside(self, methods: Iterable[str]) -> tuple[str, ...]:
        """Return the baselines of these methods' cells."""
        also = cells()[self.cell].also
        used = {
            self.cell if name in also else table()[name].cell for name in methods if name in table()
        }
        wanted = {b for name, cell in cells().items() if name in used for b in cell.baselines}
        return tuple(b for b in self.baselines if b in wanted)


def locate(
    sources: Sequence[Domain],
    target: Domain,
    *,
    network: bool = False,
    towers: bool = False,
    open_set: bool = False,
) -> Placement:
    """Place a source and a target on the map; the source may be a trained network.

    One of two ``towers`` knows classes by their names.

    With ``open_set``, rows of the target may be of no class of the source.

    Raises
    ------
    DataError
        If there is no source.
    """
    if not sources and not network:
        raise DataError("there must be at least one source to stand on the map; got none")
    facts = _facts(sources, target, towers=towers)._replace(network=network)
    facts = facts._replace(open_set=open_set and not facts.target_labelled)  # else a study refuses
    if network and not (facts.target_labelled or facts.unseen):
        named = ", or classes by their names," if towers else ""
        raise DataError(
            f"the target must have labels{named} where a trained network is the source; got none"
        )
    rulings = {name: cell.applies(facts) for name, cell in cells().items()}
    open_ = tuple(name for name, ruling in rulings.items() if ruling.applies)
    home = next(cell for cell in cells().values() if cell.home(facts))
    beside = dict.fromkeys(b for name in open_ for b in cells()[name].baselines)
    lacking = {
        entry.name: _lacks(entry, facts)
        for entry in table().values()
        if entry.cell in open_ or entry.name in {*beside, *home.also}
    }
    entries = _methods()
    competing = [*home.also, *(e.name for e in entries if e.cell in open_)]
    return Placement(
        cell=home.name,
        reasons={name: ruling.reason for name, ruling in rulings.items()},
        open=open_,
        methods=tuple(name for name in competing if not lacking[name]),
        baselines=tuple(b for b in beside if not (lacking[b] or _transfers(table()[b], facts))),
        skipped={e.name: rulings[e.cell].reason for e in entries if e.cell not in open_}
        | {name: lack for name, lack in lacking.items() if lack},
        network=network,
        towers=towers,
    )


def locate_tasks(tasks: Mapping[str, Domain]) -> Placement:
    """Place several tasks that all matter on the map.

    Raises
    ------
    DataError
        If there are fewer than two, or one without labels.
    """
    if len(tasks) < 2:
        raise DataError(f"there must be at least two tasks to share anything; got {len(tasks)}")
    for name, domain in tasks.items():
        if not domain.n_labelled:
            raise DataError(f"task {name!r} must have labels; got none")
    most = max(domain.n_labelled for domain in tasks.values())
    kinds = {_features(domain) for domain in tasks.values()}
    features = kinds.pop() if len(kinds) == 1 else ""
    spoken = any(label_kind(domain) == "transcripts" for domain in tasks.values())
    here, other = "multitask", "the data are tasks that all matter, not a source and a target"
    reasons = dict.fromkeys(cells(), other)
    return Placement(
        cell=here,
        reasons=reasons | {here: f"{len(tasks)} tasks, all with labels"},
        open=(here,),
        methods=tuple(entry.name for entry in _methods() if entry.cell == here),
        baselines=tuple(
            b
            for b in cells()[here].baselines
            if not _unsuited(table()[b], most, features)
            and (table()[b].needs.get("transcripts") or not spoken)
        ),
        skipped={entry.name: other for entry in _methods() if entry.cell != here},
    )


def _methods() -> list[MethodEntry]:
    return [entry for entry in table().values() if not entry.is_baseline]


def _facts(sources: Sequence[Domain], target: Domain, *, towers: bool) -> Facts:
    known = {label for source in sources for label in source.counts}
    classes = target.classes or join_descriptions(sources)
    with_labels = [domain for domain in (target, *sources) if domain.n_labelled]
    kinds = [label_kind(one, *(d for d in with_labels if d is not one)) for one in with_labels]
    differ = next(filter(None, (kind_difference(one, target) for one in sources)), "")
    labelled = sum(source.n_labelled for source in sources)
    comparable = labelled > 0 and set(kinds) == {"classes"}

    spoken = kinds[:1] == ["transcripts"]
    letters = _symbols([target] if spoken else []) if labelled and not differ else []
    if spoken:
        known = {*_symbols(sources)}

    def lacking(names: Iterable[object]) -> tuple[str, ...]:
        return tuple(str(name) for name in names if name not in known)

    return Facts(
        source_labelled=labelled,
        target_labelled=target.n_labelled,
        target_rows=target.n_rows,
        strange=lacking(letters or (target.counts if comparable else ())),
        unseen=lacking(classes or ()) if comparable or towers else (),
        numbers=kinds[:1] in (["numbers"], ["yes-no"]),
        described=classes is not None,
        features=_features(target),
        towers=towers,
        transcripts=spoken,
        differ=differ,
    )


def _symbols(domains: Sequence[Domain]) -> list[str]:
    """Return the symbols of all transcripts of domains, sorted."""
    texts = [str(text) for one in domains if one.n_labelled for text in one.known.tolist()]
    return symbols_of(normalized(text, plain=True) for text in texts)


def _lacks(entry: MethodEntry, facts: Facts) -> str:
    """Name the missing needs of a method whose cell applies; nothing if it can run."""
    if entry.needs.get("target_labels", True) and not facts.target_labelled:
        return "the target has no labels"
    transfers = not entry.is_baseline or entry.needs.get("source")
    if facts.network and transfers and not entry.needs.get("network"):
        return "the source is a trained network, without data or classes"
    if entry.needs.get("same_labels") and facts.differ:
        return f"the labels differ in kind: {facts.differ}"
    if entry.needs.get("same_labels") and facts.strange:
        what = "letters" if facts.transcripts else "classes"
        return f"the source lacks {what} of the target: {some(facts.strange, 4)}"
    if entry.needs.get("classes") and facts.numbers:
        return "the labels are numbers or answers, not classes"
    if facts.open_set and not entry.needs.get("open_set"):
        return "it answers with classes of the source alone"
    if facts.transcripts and not entry.needs.get("transcripts"):
        return "the labels are transcripts, and it learns one label a row"
    return _unsuited(entry, facts.target_labelled, facts.features)


def _transfers(baseline: MethodEntry, facts: Facts) -> bool:
    """Return whether a baseline uses the source: where the target has labels, this is transfer."""
    return facts.target_labelled > 0 and bool(baseline.needs.get("source"))


def _features(domain: Domain) -> str:
    """Return the kind of the features of a row: columns, words, pictures, or none of these."""
    rows = domain.rows
    if rows.kind == "table" or (rows.kind == "array" and len(rows.shape) == 1):
        return "columns"
    if rows.kind in {"texts", "sparse"}:
        return "words"
    return "pictures" if rules_for(rows, ()).medium else ""


def _unsuited(entry: MethodEntry, labelled: int, features: str) -> str:
    """Say that a method is not for such rows, or for so many labels; nothing if it is."""
    if entry.needs.get("columns") and features != "columns":
        return "rows are no table and no vectors"
    if entry.needs.get("words") and features not in {"columns", "words"}:
        return "rows are no table, no vectors and no texts"
    if entry.needs.get("pictures") and features != "pictures":
        return "rows are no pictures and no sounds"
    most = entry.needs.get("most_labels", 0)
    return f"the target has more than {most} labels" if most and labelled > most else ""
