"""A real browser without a window, driven through its debugging pipe (Chrome DevTools Protocol)."""

import base64
import fcntl
import json
import os
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--mute-audio")


def find_browser() -> str | None:
    """The browser's program, if there is one here."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def browser() -> Iterator["Tab"]:
    """A tab of a freshly started browser, which ends with the block."""
    program = find_browser()
    assert program is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        ours_out, theirs_in = _pipe()
        theirs_out, ours_in = _pipe()
        command = [program, *_FLAGS, f"--user-data-dir={profile}", "--remote-debugging-pipe"]
        # The browser reads from descriptor 3 and writes to 4.
        line = f"exec {shlex.join(command)} about:blank 3<&{theirs_out} 4>&{theirs_in}"
        process = subprocess.Popen(
            ["bash", "-c", line],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            with open(ours_in, "wb") as to, open(ours_out, "rb") as back:  # noqa: PTH123
                yield Tab(to, back)
        finally:
            process.terminate()
            process.wait(10)


def _pipe() -> tuple[int, int]:
    """Both ends of a pipe, with numbers that the shell does not use."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD, 30) for end in ends)
    for end in ends:
        os.close(end)
    return high  # type: ignore[return-value]


class Tab:
    """What a person does with a page, and what they see."""

    def __init__(self, to: BinaryIO, back: BinaryIO) -> None:
        self._to, self._back = to, back
        self._number = 0
        self._session: str | None = None
        self.complaints: list[str] = []
        targets = self._call("Target.getTargets")["targetInfos"]
        page = next(each for each in targets if each["type"] == "page")
        attached = self._call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")
        self._call("Performance.enable", timeDomain="threadTicks")

    def open(self, path: Path, *, width: int, height: int, link: str = "") -> None:
        """Show a file in a window of that size, and wait until it is drawn."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self._call("Page.navigate", url="about:blank")
        self._call("Page.navigate", url=f"{path.as_uri()}#{link}")
        self.wait_for("document.documentElement.dataset.ready === 'true'")

    def value(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page, or what its promise is kept with."""
        answer = self._call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        return answer["result"].get("value")

    def busy_seconds(self) -> float:
        """Processor time that the page's main thread has taken, however busy the machine is."""
        metrics = self._call("Performance.getMetrics")["metrics"]
        return next(each["value"] for each in metrics if each["name"] == "ThreadTime")

    def wait_for(self, expression: str, *, seconds: float = 20) -> None:
        """Wait until the expression is true."""
        end = time.monotonic() + seconds
        while self.value(expression) is not True:
            assert time.monotonic() < end, f"not in {seconds} s: {expression}"
            time.sleep(0.05)

    def press(self, key: str) -> None:
        """Press a key and let go."""
        for kind in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, key=key)

    def drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Press the mouse at one place, move to another, and let go."""
        for kind, (x, y) in (("mousePressed", start), ("mouseMoved", end), ("mouseReleased", end)):
            self._call(
                "Input.dispatchMouseEvent",
                type=kind,
                x=x,
                y=y,
                button="left",
                buttons=int(kind != "mouseReleased"),
                clickCount=1,
            )

    def screenshot(self) -> bytes:
        """What is to be seen, as PNG."""
        # Two frames later, whatever was changed is on the screen.
        self.value("new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))")
        return base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"])

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self._note(answer)

    def _receive(self) -> dict[str, Any]:
        text = bytearray()
        while (byte := self._back.read(1)) != b"\0":
            assert byte, "the browser has ended"
            text += byte
        return json.loads(text)

    def _note(self, event: dict[str, Any]) -> None:
        """Keep what the console says."""
        told = {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"}
        if event.get("method") in told:
            self.complaints.append(json.dumps(event["params"])[:500])
