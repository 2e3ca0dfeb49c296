"""What was registered at Xero: written, or told by whether there is a secret."""

import pytest

from counterfoil import settings
from counterfoil.errors import ConfigurationError

SECRET = {"COUNTERFOIL_XERO__CLIENT_SECRET": "s3cret"}


def loaded(tmp_path, app="", environ=None):
    path = tmp_path / "counterfoil.toml"
    path.write_text(f'[xero]\nclient_id = "c"\n{app}\n')
    return settings.load(path, None, environ or {})


@pytest.mark.parametrize(
    ("app", "environ", "kind"),
    [
        ("", {}, "pkce"),
        ("", SECRET, "web"),
        ('app = "pkce"', {}, "pkce"),
        ('app = "web"', SECRET, "web"),
        ('app = "custom"', SECRET, "custom"),
    ],
)
def test_the_kind_of_an_app(tmp_path, app, environ, kind):
    """Without a word of it, a secret makes a web app; a custom connection is always named."""
    assert loaded(tmp_path, app, environ).xero.kind == kind


@pytest.mark.parametrize(
    ("app", "environ", "words"),
    [
        ('app = "custom"', {}, "needs `client_secret_file`"),
        ('app = "web"', {}, "needs `client_secret_file`"),
        ('app = "pkce"', SECRET, "has no secret"),
        ('app = "spa"', SECRET, "custom"),
    ],
)
def test_an_app_that_cannot_be(tmp_path, app, environ, words):
    """Told with its line before anything is asked, and without the secret."""
    with pytest.raises(ConfigurationError, match=words) as caught:
        loaded(tmp_path, app, environ)
    assert ("counterfoil.toml:3" in str(caught.value), "s3cret" in str(caught.value)) == (True, False)
