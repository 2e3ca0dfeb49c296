"""An app's address for webhooks: it checks signatures, keeps what came and answers as it is told."""

import base64
import hashlib
import hmac
import http.server
import json
import threading


class Receiver:
    """An app's address. `answer` is the status for good signatures; `deliveries` are (headers, bytes, was good)."""

    def __init__(self, key):
        self.key, self.answer, self.answer_bad, self.body, self.headers = key, 200, 401, b"", {}
        self.deliveries = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                is_good = signature(receiver.key, body) == self.headers["x-xero-signature"]
                receiver.deliveries.append((dict(self.headers), body, is_good))
                self.send_response(receiver.answer if is_good else receiver.answer_bad)
                self.send_header("Content-Length", str(len(receiver.body)))
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(receiver.body)

            def log_message(self, *_):
                """Be quiet."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        """End it."""
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def events(self):
        """The events of every well-signed delivery that has some, delivery by delivery."""
        return [found for _, body, is_good in self.deliveries if is_good and (found := json.loads(body)["events"])]


def signature(key, body):
    return base64.b64encode(hmac.new(key.encode(), body, hashlib.sha256).digest()).decode()
