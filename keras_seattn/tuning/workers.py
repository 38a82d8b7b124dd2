"""A chief and several workers on one machine, as processes of one command."""

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Sequence

from keras_seattn import stopping

_LAUNCHED = "KERAS_SEATTN_LAUNCHED"
_PATIENCE = 30.0  # seconds in which a process that is asked to end keeps its state


def run_workers(command: Sequence[str], workers: int, output_dir: str | os.PathLike) -> int:
    """Runs a command as Keras Tuner's chief and as several workers, until the chief is done.

    The chief hands out the trials and writes the result; its output goes where
    this process's goes, that of a worker to `output_dir/worker-1.log` and so
    on. The processes share the cores, and have a GPU each where there are
    several. A worker that dies is not started again: the others take its
    trials over. Ctrl-C and SIGTERM are passed on, so that each keeps the state
    of its training.

    Args:
        command: list of str, the command to run; it ends by itself when the
            search is over.
        workers: int.
        output_dir: str, a folder that exists.

    Returns:
        int, the exit status of the chief; not 0 if all workers died, and that
        of Ctrl-C or SIGTERM after one.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    gpus, cores = _gpus(), os.cpu_count()

    def start(name, index, workers, gpus, **streams):
        environment = {
            **worker_environment(name, port, index=index, workers=workers, gpus=gpus, cores=cores),
            _LAUNCHED: "1",
        }
        # In sessions of their own they hear of Ctrl-C from here only, and so once.
        return subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, start_new_session=True, **streams
        )

    processes, logs = [], []
    with stopping.StopRequest() as stop:
        chief = start("chief", 0, 1, [])
        try:
            for i in range(workers):
                logs.append(os.path.join(output_dir, f"worker-{i + 1}.log"))
                with open(logs[-1], "a", encoding="utf-8") as log:
                    worker = start(f"worker-{i + 1}", i, workers, gpus, stdout=log, stderr=log)
                    processes.append(worker)
            print(
                f"{workers} workers are at work; what they say is in {', '.join(logs)}", flush=True
            )
            while chief.poll() is None and not stop.made:
                time.sleep(0.5)
                if all(process.poll() not in (None, 0) for process in processes):
                    print(
                        f"error: All workers died; {logs[0]} says why. The same command goes on "
                        "with the search.",
                        flush=True,
                    )
                    return 1
        finally:
            for group in (processes, [chief]):  # which answers these to the last
                for process in group:
                    process.terminate()
                for process in group:
                    process.wait()
        return stop.status or chief.returncode


def end_with_launcher() -> None:
    """Ends this process when the one that started it with `run_workers` is gone, however it went.

    Does nothing in a process that was started otherwise.
    """
    if not os.environ.get(_LAUNCHED):
        return

    def wait():
        # Ends when the other end of the pipe is closed. A read of `sys.stdin` would hold a lock
        # that Python wants when it ends.
        os.read(0, 1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_PATIENCE)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def worker_environment(
    name: str, port: int, *, index: int, workers: int, gpus: Sequence[str], cores: int
) -> dict[str, str]:
    """The environment variables of a chief or a worker.

    Args:
        name: str, `"chief"` or what the worker is called.
        port: int, where the chief listens on this machine.
        index: int, the worker's number, from 0.
        workers: int, how many there are.
        gpus: list of str, as in `CUDA_VISIBLE_DEVICES`.
        cores: int, how many processor cores the workers share.

    Returns:
        dict.
    """
    variables = {
        **os.environ,
        "KERASTUNER_TUNER_ID": name,
        "KERASTUNER_ORACLE_IP": "127.0.0.1",
        "KERASTUNER_ORACLE_PORT": str(port),
        # The chief holds no more of a GPU than it uses, so that a worker has the rest.
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }
    threads = str(max(1, cores // workers))
    for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        variables.setdefault(variable, threads)
    if gpus:
        variables["CUDA_VISIBLE_DEVICES"] = gpus[index % len(gpus)]
    return variables


def _gpus():
    """The GPUs of this machine, as `CUDA_VISIBLE_DEVICES` names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [gpu for gpu in named.split(",") if gpu]
    if not shutil.which("nvidia-smi"):
        return []
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True)
    return [str(i) for i in range(len(listed.stdout.splitlines()))]
