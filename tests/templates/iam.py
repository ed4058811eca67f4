"""Evaluates a request against IAM policies as AWS does.

After the IAM User Guide, "Policy evaluation logic": an explicit deny anywhere wins; within an
account the identity's policies *or* the resource's must allow, across accounts both; a key's policy
and a role's trust policy must allow in any case; an endpoint's policy and a permissions boundary
must allow besides. What isn't known (`NotPrincipal`, an operator, a condition key) raises.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from tests.templates.iam_conditions import (
    Context,
    UnsupportedError,
    arn_matches,
    condition_holds,
    matches,
    several,
)
from tests.templates.physical import ACCOUNT, REGION

Policy = Mapping[str, Any]
"""A policy document."""
_ROLE = re.compile(r"arn:(aws[a-z-]*):iam::(\d{12}):role/(?:.+/)?([^/]+)")
_ELEMENTS = {
    "Sid",
    "Effect",
    "Principal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
}


@dataclass(frozen=True)
class Caller:
    """Who makes a request."""

    account: str
    """The account of the caller; for a service the account on whose behalf it acts."""
    arn: str = ""
    """Of the role, for a session of a role."""
    session: str = ""
    """Of the session, `arn:aws:sts::…:assumed-role/ROLE/SESSION`."""
    service: str = ""
    """The service principal, for a service."""
    organization: str = ""
    """The organisation of the account."""


def role(arn: str, session: str = "session", organization: str = "") -> Caller:
    """Make a caller that has assumed this role."""
    match = _ROLE.fullmatch(arn)
    if not match:
        raise ValueError(f"{arn} is no role")
    partition, account, name = match.groups()
    assumed = f"arn:{partition}:sts::{account}:assumed-role/{name}/{session}"
    return Caller(account, arn, assumed, organization=organization)


def service(name: str, account: str = ACCOUNT) -> Caller:
    """Make a caller that is an AWS service, such as `events.amazonaws.com`."""
    return Caller(account, service=name)


ANYONE = Caller("")
"""Somebody without credentials."""


@dataclass(frozen=True)
class Request:
    """One call: an action on one resource."""

    caller: Caller
    action: str
    resource: str = "*"
    """Its ARN; `*` for an action that has none."""
    context: Mapping[str, str | list[str]] = field(default_factory=dict)
    """Condition keys besides those that follow from the caller and the action."""
    resource_account: str = ""
    """Whose the resource is, where its ARN doesn't say (S3); by default the caller's."""

    @property
    def owner(self) -> str:
        """The account of the resource."""
        parts = self.resource.split(":")
        return self.resource_account or (parts[4:5] or [""])[0] or self.caller.account or ACCOUNT

    def conditions(self) -> Context:
        """Give every condition key that AWS would give, in lower case."""
        caller = self.caller
        keys: dict[str, str | list[str]] = {
            "aws:securetransport": "true",
            "aws:requestedregion": (self.resource.split(":") + [""] * 4)[3] or REGION,
            "aws:resourceaccount": self.owner,
            "s3:resourceaccount": self.owner,
            "aws:principalisawsservice": "true" if caller.service else "false",
            "aws:viaawsservice": "false",
        }
        if caller.service:
            keys["aws:principalservicename"] = caller.service
            keys["aws:sourceaccount"] = caller.account
        elif caller.account:
            keys["aws:principalaccount"] = caller.account
            keys["aws:principalarn"] = caller.arn
            keys["kms:calleraccount"] = caller.account
        if caller.organization:
            keys["aws:principalorgid"] = caller.organization
        return {**keys, **{key.lower(): value for key, value in self.context.items()}}


@dataclass(frozen=True)
class Allowed:
    """The request is allowed."""

    by: str
    """The `Sid` of a statement that allows it, or the kind of its policy."""

    def __bool__(self) -> bool:
        return True


@dataclass(frozen=True)
class Denied:
    """The request is denied."""

    reason: str

    def __bool__(self) -> bool:
        return False


def granted(request: Request, policy: Policy, kind: str) -> Iterator[Mapping[str, Any]]:
    """Give the statements of a policy that allow a request.

    Args:
        request: who wants what of which resource.
        policy: one policy.
        kind: `identity` or `resource`.
    """
    context = request.conditions()
    for each in _statements([policy], kind):
        fits = each.effect == "Allow" and each.fits(request, context)
        if fits and (kind == "identity" or each.principal(request.caller) is not _Match.NO):
            yield each.body


class _Match(Enum):
    """How a resource policy's principal is the caller."""

    NO = 0
    ACCOUNT = 1
    """Its account is named: the account's own policies decide."""
    DIRECT = 2


def evaluate(
    request: Request,
    *,
    identity: Sequence[Policy] = (),
    resource: Sequence[Policy] = (),
    endpoint: Policy | None = None,
    boundary: Policy | None = None,
) -> Allowed | Denied:
    """Decide a request.

    Args:
        request: who wants what of which resource.
        identity: the policies of the caller's role; a service has none.
        resource: the policies of the resource. A CodeArtifact repository has its domain's besides.
        endpoint: the policy of the VPC endpoint that the request goes through.
        boundary: the permissions boundary of the caller's role.

    Raises:
        UnsupportedError: a policy holds what this evaluator doesn't know.
    """
    context = request.conditions()
    named = [*_statements(identity, "identity")]
    others = [*_statements(resource, "resource")]
    ways = [*_statements([endpoint] if endpoint else [], "endpoint")]
    limits = [*_statements([boundary] if boundary else [], "boundary")]
    fitting = [each for each in (*named, *limits) if each.fits(request, context)]
    principals = {id(each): each.principal(request.caller) for each in (*others, *ways)}
    for each in (*others, *ways):
        if each.fits(request, context) and principals[id(each)] is not _Match.NO:
            fitting.append(each)
    for each in fitting:
        if each.effect == "Deny":
            return Denied(f"{each.name} denies it")
    allowing = {id(each) for each in fitting}
    for policy, statements in ((endpoint, ways), (boundary, limits)):
        if policy and not any(id(each) in allowing for each in statements):
            return Denied(f"the {statements[0].kind} policy doesn't allow it")
    by_identity = next((each for each in named if id(each) in allowing), None)
    trusting = [each for each in others if id(each) in allowing]
    direct = next((each for each in trusting if principals[id(each)] is _Match.DIRECT), None)
    return _decide(request, by_identity, direct, trusting)


def _decide(
    request: Request,
    by_identity: "_Statement | None",
    direct: "_Statement | None",
    trusting: "list[_Statement]",
) -> Allowed | Denied:
    if request.caller.service or not request.caller.account:
        return Allowed(direct.name) if direct else Denied("no resource policy allows it")
    if request.owner != request.caller.account:
        if not by_identity:
            return Denied("no identity policy allows it, and the resource is another account's")
        return Allowed(by_identity.name) if trusting else Denied("the other account doesn't allow")
    if direct:
        return Allowed(direct.name)
    if not by_identity:
        return Denied("no policy allows it")
    if _resource_decides(request) and not trusting:
        return Denied("the resource's own policy doesn't allow it")
    return Allowed(by_identity.name)


def _resource_decides(request: Request) -> bool:
    """Whether nothing is allowed without the resource's policy: a key, and assuming a role."""
    key = request.action.startswith("kms:") and ":key/" in request.resource
    return key or request.action == "sts:AssumeRole"


@dataclass(frozen=True)
class _Statement:
    kind: str
    """`identity`, `resource`, `endpoint` or `boundary`."""
    body: Mapping[str, Any]

    @property
    def effect(self) -> str:
        return str(self.body["Effect"])

    @property
    def name(self) -> str:
        return str(self.body.get("Sid", f"the {self.kind} policy"))

    def fits(self, request: Request, context: Context) -> bool:
        """Whether action, resource and condition are the request's."""
        condition = condition_holds(self.body.get("Condition", {}), context)
        return (
            self._action(request.action) and self._resource(request.resource, context) and condition
        )

    def _action(self, action: str) -> bool:
        listed = several(self.body.get("Action", self.body.get("NotAction")))
        found = any(matches(each.lower(), action.lower(), {}) for each in listed)
        return found != ("NotAction" in self.body)

    def _resource(self, arn: str, context: Context) -> bool:
        listed = several(self.body.get("Resource", self.body.get("NotResource", "*")))
        found = any(arn_matches(each, arn, context) for each in listed)
        return found != ("NotResource" in self.body)

    def principal(self, caller: Caller) -> _Match:
        """How the statement's principal is the caller."""
        given = self.body["Principal"]
        if given == "*":
            return _Match.DIRECT
        if not isinstance(given, Mapping):
            raise UnsupportedError(f"the principal {given}")
        found = [_Match.NO]
        for kind, values in given.items():
            for value in several(values):
                found.append(_principal(kind, value, caller))
        best = max(found, key=lambda each: each.value)
        if self.kind == "endpoint" and best is _Match.ACCOUNT:
            raise UnsupportedError("an endpoint policy for an account: use aws:PrincipalAccount")
        return best


def _principal(kind: str, value: str, caller: Caller) -> _Match:
    if kind == "Service":
        return _Match.DIRECT if value == caller.service else _Match.NO
    if kind != "AWS":
        raise UnsupportedError(f"a {kind} principal")
    if value == "*":
        return _Match.DIRECT
    if "*" in value or "?" in value:
        raise UnsupportedError(f"AWS takes no wildcard in the principal {value}")
    if caller.service:
        return _Match.NO
    if value in (caller.arn, caller.session) and value:
        return _Match.DIRECT
    account = re.fullmatch(r"(?:arn:aws[a-z-]*:iam::)?(\d{12})(?::root)?", value)
    if account:
        return _Match.ACCOUNT if account.group(1) == caller.account else _Match.NO
    if not re.fullmatch(r"arn:aws[a-z-]*:(iam|sts)::\d{12}:(role|user|assumed-role)/.+", value):
        raise UnsupportedError(f"the principal {value}")
    return _Match.NO


def _statements(policies: Iterable[Policy], kind: str) -> Iterator[_Statement]:
    """Check and give the statements of all policies."""
    for policy in policies:
        if policy.get("Version") != "2012-10-17":
            raise UnsupportedError(f"the version {policy.get('Version')} of a policy")
        written = policy["Statement"]
        for body in written if isinstance(written, list) else [written]:
            unknown = set(body) - _ELEMENTS
            if unknown or body.get("Effect") not in ("Allow", "Deny"):
                raise UnsupportedError(f"{sorted(unknown) or 'Effect'} in {body}")
            if ("Action" in body) == ("NotAction" in body):
                raise UnsupportedError(f"Action or NotAction in {body}")
            if ("Principal" in body) != (kind in ("resource", "endpoint")):
                raise UnsupportedError(f"Principal in the {kind} policy {body}")
            if kind != "resource" and ("Resource" in body) == ("NotResource" in body):
                raise UnsupportedError(f"Resource or NotResource in {body}")
            yield _Statement(kind, body)
