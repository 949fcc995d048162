"""Interrupts cells through Jupyter's protocol, and fails unless they stop and the kernel goes on."""

import queue
import sys
import time

from jupyter_client.manager import start_new_kernel

ENDLESS = {
    "a loop": "while (true) k++;",
    "a loop that prints": "while (true) System.out.println(k++);",
    "a pause": "Thread.sleep(1_000_000);",
}


def run(manager, client, code, interrupt):
    """Runs a cell; what it answers, or the error's name."""
    cell = client.execute(code)
    answer, sent, start = None, False, time.time()
    while time.time() - start < 60:
        if interrupt and not sent and time.time() - start > 0.5:
            manager.interrupt_kernel()
            sent = True
        try:
            message = client.get_iopub_msg(timeout=0.1)
        except queue.Empty:
            continue
        content = message["content"]
        if message["parent_header"].get("msg_id") != cell:
            continue
        if message["msg_type"] == "execute_result":
            answer = content["data"]["text/plain"]
        elif message["msg_type"] == "error":
            answer = content["ename"]
        elif content.get("execution_state") == "idle":
            return answer
    sys.exit("did not stop: " + code)


def main():
    manager, client = start_new_kernel(kernel_name="java", startup_timeout=60)
    try:
        run(manager, client, "int k = 0;", False)
        for name, code in ENDLESS.items():
            error = run(manager, client, code, True)
            alive = run(manager, client, "1 + 1", False)
            if (error, alive) != ("InterruptedCellException", "2"):
                sys.exit(f"{name}: {error}, then {alive}")
            print(f"An interrupt stops {name}.")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


main()
