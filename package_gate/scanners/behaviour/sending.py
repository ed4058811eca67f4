"""What a call sends away, and whether that is more than a client sends."""

import ast
from collections.abc import Iterator

from package_gate.core.addresses import addresses_in, owner_of, receiver_fingerprint
from package_gate.core.finding import fingerprint_of
from package_gate.core.receivers import is_for_strangers
from package_gate.scanners.behaviour import tables
from package_gate.scanners.behaviour.dataflow import Call, Flow, Label

ON_THE_QUIET = "sends-on-the-quiet"
"""The rule about what an old project starts to send, whatever that is."""


def sent(call: Call, flow: Flow) -> set[Label]:
    """Tell what is sent away by a call, or by a function of another module that it calls."""
    if call.does(tables.SENDS) or call.does(tables.DELIVERS):
        labels = flow.labels(*call.everything)
        if call.does(tables.SENDS) and isinstance(call.node.func, ast.Attribute):
            labels |= flow.labels(call.node.func.value)  # a session has headers
        return labels
    elsewhere = flow.done_elsewhere(call)
    whole = flow.labels(*elsewhere.get("sends whole", ()))
    # A single variable of the environment is not all of it.
    return whole | flow.labels(*elsewhere.get("sends", ())) - {Label.LOOT, Label.GATHERED}


def is_loot(call: Call, flow: Flow) -> bool:
    """Whether a call sends what no client sends: not the one secret that it was given."""
    labels = sent(call, flow)
    if labels & {Label.LOOT, Label.GATHERED}:
        return True
    return Label.IDENTITY in labels and is_sent_there(call, flow)


def is_sent_there(call: Call, flow: Flow) -> bool:
    """Whether a call, or what it calls in another module, has a stranger's address to send to."""
    return "sends there" in flow.done_elsewhere(call) or is_for_strangers(flow.address(call))


def of_quiet_sends(flow: Flow) -> Iterator[tuple[Call, str]]:
    """Yield what sends something to an address in the code, and doesn't care whether it arrives.

    Returns:
        The calls, each with what identifies it: whom it sends to. Programs change how they say
        something more often than whom they say it to.
    """
    for call in flow.calls:
        elsewhere = {} if call.does(tables.SENDS) else flow.done_elsewhere(call)
        sends = call.does(tables.SENDS) or "sends" in elsewhere
        address = flow.address(call) if sends else ""
        quiet = "sends quietly" in elsewhere or id(call.node) in flow.quiet
        if quiet and is_for_strangers(address) and flow.takes_what_is_given(call):
            places = sorted(set(map(owner_of, addresses_in(address))))
            alone = receiver_fingerprint(places[0]) if len(places) == 1 else ""
            yield call, alone or fingerprint_of((ON_THE_QUIET, *places))


def of_copied_calls(flow: Flow) -> Iterator[Call]:
    """Yield what sends on the quiet what its function gives on to another one, whatever it is."""
    passed_on: dict[str, set[int]] = {}
    for call in flow.calls:
        for each in (
            *(a.value for a in call.node.args if isinstance(a, ast.Starred)),
            *(k.value for k in call.node.keywords if k.arg is None),
        ):
            if isinstance(each, ast.Name):
                passed_on.setdefault(each.id, set()).add(id(call.node))
    rest = {
        each.arg
        for function in flow.functions
        for each in (function.args.vararg, function.args.kwarg)
        if each is not None and each.arg in passed_on
    }
    for call in flow.calls if rest else ():
        if call.does(tables.SENDS):
            there = is_for_strangers(flow.address(call)) and id(call.node) in flow.quiet
            given = list(call.everything) if there else []
        else:
            elsewhere = flow.done_elsewhere(call)
            there = bool(elsewhere.get("sends there")) and id(call.node) in flow.quiet
            given = elsewhere.get("sends there" if there else "sends on the quiet", [])
        copied = rest & flow.names_taken_on(given) if given else set()
        if any(passed_on[each] - {id(call.node)} for each in copied):
            yield call
