"""An installation without books: a database with notices, targets of a configuration, and a courier between them."""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from counterfoil import settings
from counterfoil.delivery.notifying import Courier
from counterfoil.store import notices
from counterfoil.store.database import Database
from tests.delivery.receivers import Hook, Post

NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


class Clock:
    """A clock that stands until it is moved; what is elapsed goes on."""

    def __init__(self):
        self.at = NOON
        self.s = 0.0

    def now(self):
        """Noon, until it is moved."""
        return self.at

    def elapsed_s(self):
        """Nothing passes by itself."""
        return self.s

    async def sleep(self, seconds):
        """Moves it."""
        self.pass_(seconds)

    def pass_(self, seconds):
        """Let time go by."""
        self.at += datetime.timedelta(seconds=seconds)


class Desk:
    """Tells, ends and sends; `courier(…)` makes another process's."""

    def __init__(self, folder, clock):
        self.folder, self.clock = folder, clock
        self.database = Database(f"sqlite:///{folder / 'counterfoil.db'}", clock)

    def configure(self, *tables):
        """Targets of these [[notify]] tables."""
        path = self.folder / "counterfoil.toml"
        path.write_text('[xero]\nclient_id = "abc"\n' + "".join(tables))
        self.tables = settings.load(path, None, {}).notify
        return self

    def courier(self, owner="here", point=lambda _name: None):
        """A process's courier."""
        return Courier(self.database, self.tables, owner=owner, environment="default", folder=self.folder, point=point)

    async def tell(self, kind="reconnect", subject="grant-1", message="Xero no longer accepts the consent.", **more):
        """A cause stands; → whether that is news."""
        said = {"remedy": "Run `counterfoil connect`.", "now": self.clock.now()} | more
        return await self.database.run(lambda conn: notices.tell(conn, kind, subject, message=message, **said))

    async def over(self, kind="reconnect", subject="grant-1"):
        """It is gone."""
        return await self.database.run(lambda conn: notices.over(conn, kind, subject, now=self.clock.now()))

    async def send(self, owner="here"):
        """A round; → how many were taken."""
        return await self.courier(owner).send_due()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def desk(tmp_path, clock):
    found = Desk(tmp_path, clock)
    await found.database.open()
    yield found
    await found.database.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """(certificate, key) of "localhost", signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    day = datetime.timedelta(days=1)
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(*plain))
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture
def trusted(certificate, monkeypatch):
    """The certificate is among those that this machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))


@pytest.fixture
def hook():
    found = Hook()
    yield found
    found.close()


@pytest.fixture
def post():
    found = Post()
    yield found
    found.close()
