"""A server of files that goes wrong on request, for tests of what fetches them."""

import contextlib
import http.server
import re
import threading


class WeightServer(http.server.ThreadingHTTPServer):
    """Serves files on this machine while it is a context.

    Attributes:
        files: dict of str to bytes, by name.
        plan: list of what to do with the requests to come, one after the other,
            and then as with the last one: a status such as 404; `"whole"`;
            `"cut"`, which ends after half of what was asked for; `"dawdle"`,
            which goes on no more after that; `"no ranges"`; `"wrong range"`,
            which begins a byte early; `"bare"`, which tells no size and no
            version.
        requests: list of dicts, the headers of those that came.
        etag: str, the version of the files.
    """

    def __init__(self, files, *plan):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files, self.plan, self.requests, self.etag = files, list(plan or ["whole"]), [], '"1"'
        self.closing = threading.Event()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}/weights"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.shutdown()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.requests.append(dict(self.headers))
        todo = server.plan.pop(0) if len(server.plan) > 1 else server.plan[0]
        content = server.files.get(self.path.removeprefix("/weights/"))
        if content is None or isinstance(todo, int):
            self.send_error(404 if content is None else todo)
            return
        begin = 0
        if todo != "no ranges" and self.headers.get("If-Range") == server.etag:
            begin = int(re.fullmatch(r"bytes=(\d+)-", self.headers["Range"])[1])
        begin -= todo == "wrong range"
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        if todo != "bare":
            self.send_header("ETag", server.etag)
            self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        end = begin + (len(content) - begin) // 2 if todo in ("cut", "dawdle") else len(content)
        with contextlib.suppress(ConnectionError):  # Who asked has gone.
            self.wfile.write(content[begin:end])
            if todo == "dawdle":
                self.wfile.flush()
                server.closing.wait(20)

    def log_message(self, *_):
        pass
