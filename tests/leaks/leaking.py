"""Tests that leak on purpose: test_known runs them in a pytest of their own and wants each of them to fail."""

import base64
import logging
import signal
import sqlite3
import sys

import psycopg
import pytest

from counterfoil.access import key_file
from counterfoil.sandbox import world
from tests import sandbox_process


@pytest.fixture(scope="module")
def tokens():
    """What a sandbox issues."""
    with sandbox_process.start("--auto-consent") as sandbox:
        yield sandbox.connect()


def test_a_token_is_printed(tokens):
    """In the middle of other words."""
    sys.stdout.write(f"the answer was {{'access_token':'{tokens['access_token']}'}}")


def test_a_refresh_token_is_logged(tokens):
    """It has no form of its own."""
    logging.getLogger("counterfoil").warning("refreshed with %s", tokens["refresh_token"])


def test_a_refresh_token_is_in_a_database(tokens, tmp_path):
    """As a plain column beside another text."""
    database = sqlite3.connect(tmp_path / "counterfoil.db")
    database.execute("CREATE TABLE t (a TEXT, b TEXT)")
    database.execute("INSERT INTO t VALUES ('abc', ?)", (tokens["refresh_token"],))
    database.commit()
    database.close()


def test_the_client_secret_is_in_a_crash_file(tmp_path):
    """As an error's words."""
    (tmp_path / "counterfoil-crash-1.txt").write_text(f"ValueError: {world.CLIENT_SECRET}")


def test_a_master_key_is_in_a_file(tmp_path):
    """As its bytes."""
    key_file.new(tmp_path / "counterfoil.key")
    raw = base64.urlsafe_b64decode((tmp_path / "counterfoil.key").read_bytes())
    (tmp_path / "counterfoil.db").write_bytes(b"SQLite" + raw)


def test_a_refresh_token_is_in_postgres(tokens, server):
    """As a text."""
    with psycopg.connect(server.get_uri(), autocommit=True) as database:
        database.execute("CREATE TABLE plain (a int, b text)")
        database.execute("INSERT INTO plain VALUES (1, %s)", (f"x{tokens['refresh_token']}",))


def test_a_master_key_is_in_another_database_of_postgres(server, tmp_path):
    """As a blob that nobody prints."""
    key_file.new(tmp_path / "counterfoil.key")
    raw = base64.urlsafe_b64decode((tmp_path / "counterfoil.key").read_bytes())
    with psycopg.connect(server.get_uri(), autocommit=True) as database:
        database.execute("DROP TABLE plain")
        database.execute("CREATE DATABASE other")
    with psycopg.connect(server.get_uri(), dbname="other", autocommit=True) as database:
        database.execute("CREATE TABLE blobs (a bytea)")
        database.execute("INSERT INTO blobs VALUES (%s)", (b"abc" + raw,))


def test_a_token_is_in_a_configuration(tokens, tmp_path):
    """Which may hold the client secret, and no token."""
    (tmp_path / "counterfoil.toml").write_text(f'client_secret = "{world.CLIENT_SECRET}"\n# {tokens["refresh_token"]}')


def test_a_master_key_is_in_the_memory_of_a_sandbox(tmp_path):
    """Which may hold what it gave out, and that is not it."""
    key_file.new(tmp_path / "counterfoil.key")
    (tmp_path / "state.json").write_bytes((tmp_path / "counterfoil.key").read_bytes() + world.CLIENT_SECRET.encode())


def test_a_signal_is_left_ignored():
    """As a command's ending does: what the next test starts could not be stopped by SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def test_nothing_is_leaked(tokens, tmp_path):
    """And passes."""
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    (tmp_path / "secrets.json").write_text(tokens["refresh_token"])
    (tmp_path / "state.json").write_text(tokens["refresh_token"] + world.CLIENT_SECRET)
    (tmp_path / "counterfoil.toml").write_text(world.CLIENT_SECRET)
    (tmp_path / "counterfoil.db").write_bytes(bytes(range(256)) * 100)
