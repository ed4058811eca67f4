"""The `Condition` of an IAM policy statement, and the patterns of all its elements.

As documented in the IAM User Guide, "IAM JSON policy elements: Condition operators", "Condition
with multiple keys or values" and "Variables and tags". What isn't known raises `UnsupportedError`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

Context = Mapping[str, str | list[str]]
"""Condition keys in lower case, with the request's value or values; what is absent is not there."""


class UnsupportedError(Exception):
    """A policy holds what this evaluator doesn't know, or what AWS would refuse."""


KNOWN_KEYS = frozenset(
    {
        "aws:calledvia",
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalisawsservice",
        "aws:principalorgid",
        "aws:principalservicename",
        "aws:requestedregion",
        "aws:resourceaccount",
        "aws:securetransport",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceorgid",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:tagkeys",
        "aws:viaawsservice",
        "cloudformation:rolearn",
        "codeconnections:fullrepositoryid",
        "codestar-connections:fullrepositoryid",
        "ec2:authorizedservice",
        "ec2:authorizeduser",
        "ec2:createaction",
        "ec2:subnet",
        "ec2:vpc",
        "iam:awsservicename",
        "iam:passedtoservice",
        "iam:permissionsboundary",
        "iam:policyarn",
        "kms:calleraccount",
        "kms:grantisforawsresource",
        "kms:granteeprincipal",
        "kms:keyspec",
        "kms:messagetype",
        "kms:requestalias",
        "kms:resourcealiases",
        "kms:signingalgorithm",
        "kms:viaservice",
        "logs:loggeneratingresourcearns",
        "s3:delimiter",
        "s3:if-none-match",
        "s3:prefix",
        "s3:resourceaccount",
        "s3:tlsversion",
        "s3:x-amz-acl",
        "s3:x-amz-server-side-encryption",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "secretsmanager:versionstage",
        "sns:endpoint",
        "sns:protocol",
        "sts:awsservicename",
        "sts:externalid",
    }
)
_KNOWN_PREFIXES = (
    "aws:principaltag/",
    "aws:requesttag/",
    "aws:resourcetag/",
    "ec2:resourcetag/",
    "kms:encryptioncontext:",
)
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_COLON = re.compile(r":(?![^{]*\})")
"""One outside of a variable."""
_LITERALS = {"*": "*", "?": "?", "$": "$"}


def pattern(text: str, context: Context, *, wildcards: bool = True) -> re.Pattern[str] | None:
    """Compile a policy's text: `*`, `?` and policy variables, whose values are taken literally.

    Returns:
        The expression, or None when a variable has no value: then the text matches nothing.
    """
    parts, end = [], 0
    for match in _VARIABLE.finditer(text):
        parts.append(_glob(text[end : match.start()], wildcards))
        name, _, default = match.group(1).partition(",")
        value = _LITERALS.get(name) or context.get(known_key(name))
        if value is None and default:
            value = default.strip().strip("'")
        if not isinstance(value, str):
            return None
        parts.append(re.escape(value))
        end = match.end()
    parts.append(_glob(text[end:], wildcards))
    return re.compile("".join(parts), re.DOTALL)


def _glob(text: str, wildcards: bool) -> str:
    escaped = re.escape(text)
    return escaped.replace(r"\*", ".*").replace(r"\?", ".") if wildcards else escaped


def matches(text: str, value: str, context: Context) -> bool:
    """Whether a value matches a text with wildcards and variables, as `StringLike` does."""
    compiled = pattern(text, context)
    return compiled is not None and compiled.fullmatch(value) is not None


def arn_matches(text: str, value: str, context: Context) -> bool:
    """Whether an ARN matches: each of its six parts by itself, so `*` stops at the first colons."""
    if text == "*":
        return True
    wanted, given = _COLON.split(text, 5), value.split(":", 5)
    if len(wanted) != 6:
        raise UnsupportedError(f"{text} is no ARN")
    pairs = zip(wanted, given, strict=True) if len(given) == 6 else ()
    return len(given) == 6 and all(matches(part, each, context) for part, each in pairs)


def _equals(text: str, value: str, context: Context) -> bool:
    compiled = pattern(text, context, wildcards=False)
    return compiled is not None and compiled.fullmatch(value) is not None


def _bool(text: str, value: str, context: Context) -> bool:
    if text.lower() not in ("true", "false"):
        raise UnsupportedError(f"Bool: {text}")
    return text.lower() == value.lower()


def _numeric(compare: Callable[[float, float], bool]) -> "_Test":
    return lambda text, value, _: compare(float(value), float(text))


_Test = Callable[[str, str, Context], bool]
_POSITIVE: dict[str, _Test] = {
    "ArnEquals": arn_matches,  # ArnEquals and ArnLike behave identically, says the guide
    "ArnLike": arn_matches,
    "Bool": _bool,
    "NumericEquals": _numeric(lambda given, limit: given == limit),
    "NumericGreaterThan": _numeric(lambda given, limit: given > limit),
    "NumericGreaterThanEquals": _numeric(lambda given, limit: given >= limit),
    "NumericLessThan": _numeric(lambda given, limit: given < limit),
    "NumericLessThanEquals": _numeric(lambda given, limit: given <= limit),
    "StringEquals": _equals,
    "StringEqualsIgnoreCase": lambda text, value, context: _equals(
        text.lower(), value.lower(), context
    ),
    "StringLike": matches,
}
_NEGATED: dict[str, _Test] = {
    "ArnNotEquals": arn_matches,
    "ArnNotLike": arn_matches,
    "NumericNotEquals": _POSITIVE["NumericEquals"],
    "StringNotEquals": _equals,
    "StringNotEqualsIgnoreCase": _POSITIVE["StringEqualsIgnoreCase"],
    "StringNotLike": matches,
}


def condition_holds(condition: Mapping[str, Any], context: Context) -> bool:
    """Evaluate a `Condition`: every operator and every key of it must hold.

    Raises:
        UnsupportedError: an unknown operator or condition key.
    """
    results = [
        _holds(operator, known_key(key), several(wanted), context)
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    ]
    return all(results)  # not lazily: what is unknown raises in any case


def _holds(operator: str, key: str, wanted: list[str], context: Context) -> bool:
    quantifier, _, name = operator.rpartition(":")
    if quantifier not in ("", "ForAnyValue", "ForAllValues"):
        raise UnsupportedError(f"the condition operator {operator}")
    if name == "Null" and not quantifier:
        return (key not in context) == _bool(wanted[0], "true", context)
    base = name.removesuffix("IfExists")
    if base not in _POSITIVE and base not in _NEGATED:
        raise UnsupportedError(f"the condition operator {operator}")
    negated = base in _NEGATED
    test = _NEGATED[base] if negated else _POSITIVE[base]
    if key not in context:
        return (
            name.endswith("IfExists")
            or quantifier == "ForAllValues"
            or (negated and not quantifier)
        )
    given = context[key]
    if isinstance(given, list) != bool(quantifier):
        raise UnsupportedError(f"{operator} for {key}, which has {'many' if given else 'one'}")
    values = given if isinstance(given, list) else [given]
    each = [any(test(text, value, context) for text in wanted) != negated for value in values]
    return any(each) if quantifier == "ForAnyValue" else all(each)


def known_key(key: str) -> str:
    """Give a condition key in lower case.

    Raises:
        UnsupportedError: nobody has said what its value is.
    """
    lower = key.strip().lower()
    if lower not in KNOWN_KEYS and not lower.startswith(_KNOWN_PREFIXES):
        raise UnsupportedError(f"the condition key {key}: add it to KNOWN_KEYS")
    return lower


def several(value: Any) -> list[str]:
    """Give a list of strings; one value may stand for a list of one, and a boolean for its text."""
    values = value if isinstance(value, list) else [value]
    if not values:
        raise UnsupportedError("an empty list")
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in values]
