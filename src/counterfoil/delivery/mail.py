"""A message to an e-mail address: plain text by SMTP, over TLS or STARTTLS.

Called by notifying. The standard library's client blocks, so each letter has a thread, whose socket is cut when the time
is over. Header injection is impossible: subject and addresses are one line each, and the library refuses others.
"""

import asyncio
import contextlib
import email.message
import email.policy
import email.utils
import smtplib
import socket
import ssl
from typing import IO, Any, Final

from counterfoil.delivery import message as messages
from counterfoil.delivery.aside import aside
from counterfoil.delivery.message import Message
from counterfoil.delivery.outcome import NotDelivered
from counterfoil.settings import Target

POLICY: Final = email.policy.SMTP.clone(cte_type="7bit")  # what every server takes
OURSELVES: Final = "[127.0.0.1]"  # how we greet: looking our own name up may take long
ANSWERS_BYTES_MAX: Final = 1 << 16  # of one conversation; a wordy server says a hundredth of it
TAKEN: Final = (250, 251)
TRANSIENT: Final = range(400, 500)  # the server's own trouble, by RFC 5321


def letter(target: Target, message: Message) -> email.message.EmailMessage:
    """The e-mail. What stood and what is over have a reference in common, so that mail programs show them together."""
    host = target.sender.rpartition("@")[2]
    written = email.message.EmailMessage(policy=POLICY)
    written["From"] = target.sender
    written["To"] = target.email
    written["Subject"] = messages.subject(message)
    written["Date"] = email.utils.format_datetime(message.over_at or message.last_at)
    written["Message-ID"] = f"<{message.id}@{host}>"
    written["References"] = f"<{message.cause}@{host}>"
    written["Auto-Submitted"] = "auto-generated"
    written.set_content(messages.text(message))
    return written


async def send(target: Target, message: Message, *, within_s: float) -> None:
    """Hand one message to the mail server. Raises NotDelivered unless the server takes it in time."""
    attempt = _Attempt(target, letter(target, message).as_bytes(), within_s)
    try:
        async with asyncio.timeout(within_s):
            await aside(attempt.carry_out)
    except TimeoutError:
        raise NotDelivered(f"no answer within {within_s:.0f} s", may_have_arrived=attempt.handing_over) from None
    finally:
        attempt.cut()


class _Attempt:
    """One conversation with a mail server."""

    def __init__(self, target: Target, content: bytes, within_s: float) -> None:
        self._target = target
        self._content = content
        self._within_s = within_s
        self._server: smtplib.SMTP | None = None
        self.handing_over = False  # from here on the server may have it, whatever it answers

    def carry_out(self) -> None:
        """Talk to the server. Raises NotDelivered."""
        try:
            self._hand_over(self._connected())
        except smtplib.SMTPResponseException as error:
            is_down = error.smtp_code in TRANSIENT or isinstance(error, smtplib.SMTPAuthenticationError)
            raise NotDelivered(f"the mail server refused: {error.smtp_code}", target_is_down=is_down) from None
        except smtplib.SMTPNotSupportedError:
            raise NotDelivered("the mail server offers no STARTTLS, or no login that we know") from None
        except ssl.SSLCertVerificationError:
            raise NotDelivered("the mail server's certificate is not valid for its name") from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            if self.handing_over:
                raise NotDelivered("the connection to the mail server broke", may_have_arrived=True) from None
            reason = getattr(error, "strerror", None)
            raise NotDelivered(f"the mail server cannot be reached{f': {reason}' if reason else ''}") from None
        finally:
            self._leave()

    def _connected(self) -> smtplib.SMTP:
        to, context = self._target, ssl.create_default_context()
        if to.security == "tls":
            self._server = _BriefTls(
                to.host, to.port, timeout=self._within_s, local_hostname=OURSELVES, context=context
            )
        else:
            self._server = _Brief(to.host, to.port, timeout=self._within_s, local_hostname=OURSELVES)
        if to.security == "starttls":
            self._server.starttls(context=context)
        if to.user is not None and to.password is not None:
            self._server.login(to.user, to.password.reveal())
        return self._server

    def _hand_over(self, server: smtplib.SMTP) -> None:
        server.ehlo_or_helo_if_needed()
        _expect(*server.mail(self._target.sender))
        _expect(*server.rcpt(self._target.email))
        self.handing_over = True
        _expect(*server.data(self._content))

    def _leave(self) -> None:
        """Say goodbye; what it has taken, it has taken."""
        if self._server is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError, ValueError):
                self._server.quit()
            self._server.close()

    def cut(self) -> None:
        """Break off whatever the thread waits for; nothing when it is done."""
        plug = self._server.sock if self._server is not None else None
        if plug is not None:
            with contextlib.suppress(OSError):  # closed already
                socket.socket.shutdown(plug, socket.SHUT_RDWR)  # not TLS's own: a thread is reading from it


class _Answers:
    """What a mail server says, up to ANSWERS_BYTES_MAX: an answer of many lines has no end of its own."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = ANSWERS_BYTES_MAX

    def readline(self, limit: int) -> bytes:
        """The next line. Raises OSError when it has said too much."""
        line = self._file.readline(limit)
        self._left -= len(line)
        if self._left < 0:
            raise OSError("the mail server says too much")
        return line

    def close(self) -> None:
        """End reading."""
        self._file.close()


class _Brief(smtplib.SMTP):
    """A client that listens to so much and no more."""

    file: Any

    def getreply(self) -> tuple[int, bytes]:
        """As the library's, from a bounded reader."""
        if self.file is None and self.sock is not None:
            self.file = _Answers(self.sock.makefile("rb"))
        return super().getreply()


class _BriefTls(_Brief, smtplib.SMTP_SSL):
    """The same over TLS from the first byte."""


def _expect(code: int, answer: bytes) -> None:
    if code not in TAKEN:
        raise smtplib.SMTPResponseException(code, answer)
