"""What notices are sent to in tests: a webhook's receiver and a mail server, each a thread on a port of its own."""

import base64
import http.server
import json
import re
import socket
import socketserver
import ssl
import threading
import time

SECRET = base64.b64encode(bytes(range(32))).decode()


class Hook:
    """A webhook. `answer`: the status; `headers`: more of them; `silent`: it never answers, `silent_after`: so many; `got`: (headers, body) each, `at_s`: when."""

    def __init__(self):
        self.answer, self.headers, self.silent, self.got, self.at_s = 204, {}, False, [], []
        self.silent_after = None
        self.released = threading.Event()
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.at_s.append(time.monotonic())
                hook.got.append((dict(self.headers), body))
                if hook.silent or (hook.silent_after is not None and len(hook.got) > hook.silent_after):
                    hook.released.wait(60)
                    return
                self.send_response(hook.answer)
                for name, value in hook.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            do_GET = do_POST  # noqa: N815 - the library's name: a redirect that is followed comes as GET

            def log_message(self, *_):
                """Be quiet."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/T0KEN"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def messages(self):
        """The JSON of each."""
        return [json.loads(body) for _headers, body in self.got]

    def table(self, when='["any"]', name=""):
        """A [[notify]] table that goes here."""
        named = f'name = "{name}"\n' if name else ""
        return f'[[notify]]\n{named}when = {when}\nto = {{ webhook = "{self.url}", secret = "{SECRET}" }}\n'

    def close(self):
        """End it."""
        self.released.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class Post:
    """A mail server. `answers`: verb → what it says instead; `silent_at`: the verb at which it falls silent; `letters`."""

    def __init__(self, certificate=None, *, wrapped=False):
        self.answers, self.silent_at, self.letters, self.heard = {}, "", [], []
        self.context = None
        if certificate is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*certificate)
        self.wrapped = wrapped
        self.released = threading.Event()
        post = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                _Conversation(post, self.request).hold()

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a client that cuts the line is part of the tests
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def table(self, *, when='["any"]', host="127.0.0.1", security="none", more=""):
        """A [[notify]] table that goes here."""
        return (
            f'[[notify]]\nwhen = {when}\nto = {{ email = "books@example.com", from = "us@sender.example", '
            f'smtp = "{host}:{self.port}", security = "{security}"{more} }}\n'
        )

    def close(self):
        """End it."""
        self.released.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class _Conversation:
    """One client's."""

    def __init__(self, post, plug):
        self.post, self.plug = post, plug

    def hold(self):
        """Until it says QUIT or is gone."""
        try:
            if self.post.wrapped:
                self.plug = self.post.context.wrap_socket(self.plug, server_side=True)
            self.lines = self.plug.makefile("rb")
            self.say("220 post.example")
            while line := self.lines.readline():
                words = line.decode().strip()
                verb = words.split(" ")[0].upper()
                self.post.heard.append(words)
                if verb == self.post.silent_at:
                    self.post.released.wait(60)
                    return
                if not self.answered(verb):
                    return
        finally:
            self.plug.close()

    def answered(self, verb):
        said = self.post.answers.get(verb)
        if said:
            self.say(said)
        elif verb == "EHLO":
            offers = [
                "post.example",
                "AUTH PLAIN",
                *(["STARTTLS"] if self.post.context and not self.post.wrapped else []),
            ]
            self.say("\r\n".join(f"250{'-' if n < len(offers) - 1 else ' '}{one}" for n, one in enumerate(offers)))
        elif verb == "STARTTLS":
            self.say("220 go on")
            self.plug = self.post.context.wrap_socket(self.plug, server_side=True)
            self.lines.close()
            self.lines = self.plug.makefile("rb")
        elif verb == "AUTH":
            self.say("235 you are in")
        elif verb == "DATA":
            self.say("354 go on")
            letter = b""
            while (line := self.lines.readline()) != b".\r\n":
                if not line:
                    return False
                letter += line
            self.post.letters.append(re.sub(rb"(?m)^\.\.", b".", letter))
            if self.post.silent_at == "END":
                self.post.released.wait(60)
                return False
            self.say(self.post.answers.get("END", "250 taken"))
        else:
            self.say("250 good")
        return verb != "QUIT"

    def say(self, text):
        self.plug.sendall(f"{text}\r\n".encode())


def nobody():
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as plug:
        return plug.getsockname()[1]
