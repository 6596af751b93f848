"""An application behind a real socket of this machine, in a thread."""

import threading

import uvicorn

from groundup.serve.listen import address, bind, configured


class RealServer:
    """Uvicorn on 127.0.0.1, at a free port."""

    def __init__(self, app, **settings):
        self._socket = bind("127.0.0.1", 0)
        self.url = address(self._socket)
        self.port = self._socket.getsockname()[1]
        self._server = uvicorn.Server(configured(app, **settings))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))

    def __enter__(self):
        self._thread.start()
        for _ in range(3000):
            if self._server.started:
                return self
            threading.Event().wait(0.01)
        raise RuntimeError("the server did not start")

    def __exit__(self, *error):
        self._server.should_exit = True
        self._thread.join(30)
        self._socket.close()
        assert not self._thread.is_alive(), "the server did not stop"
