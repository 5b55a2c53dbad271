"""P1, P2: the form of keys and tokens."""

import re

import pytest

from accounts import secrets

PUBLISHED = re.compile(r"\b(ac|at)_stitch[0-9A-Za-z]{46}\b")


@pytest.mark.parametrize("prefix", [secrets.API_KEY_PREFIX, secrets.ACCESS_TOKEN_PREFIX])
def test_P1_secrets_are_distinct_and_keep_their_form(prefix):
    made = {secrets.generate(prefix) for _ in range(20_000)}
    assert len(made) == 20_000
    for secret in made:
        assert PUBLISHED.fullmatch(secret)
        assert secrets.is_well_formed(secret, prefix)


def test_P2_a_typo_is_seen_without_a_query():
    secret = secrets.generate(secrets.API_KEY_PREFIX)
    for position in range(len(secret)):
        other = "x" if secret[position] != "x" else "y"
        assert not secrets.is_well_formed(
            secret[:position] + other + secret[position + 1 :], secrets.API_KEY_PREFIX
        )


def test_P2_the_other_kind_is_not_taken():
    assert not secrets.is_well_formed(secrets.generate(secrets.ACCESS_TOKEN_PREFIX), secrets.API_KEY_PREFIX)


@pytest.mark.parametrize("junk", ["", "ac_stitch", "ü" * 55, "ac_stitch" + "\n" * 46, "ac_stitch" + " " * 46])
def test_P2_junk_is_refused(junk):
    assert not secrets.is_well_formed(junk, secrets.API_KEY_PREFIX)
