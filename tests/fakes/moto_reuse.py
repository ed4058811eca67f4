"""What moto would do again for each request and each key, done once."""

from functools import cache


def reuse_what_moto_makes() -> None:
    """Let moto list its own modules once, and make one private key of each kind.

    Every KMS key of moto gets an RSA key, symmetric ones too, which takes longer than the rest of
    a stack. No test looks at it.
    """
    # Here, because importing it reads AWS_PROFILE and the like, which a caller may first take away.
    from moto import backends
    from moto.kms import models, utils

    if isinstance(backends.list_of_moto_modules(), tuple):  # done already
        return
    modules = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: modules
    models.generate_private_key = cache(utils.generate_private_key)  # type: ignore[attr-defined]
