"""A skill in Python. It speaks the protocol of docs/reference/skill-protocol.md over standard input and output."""

import json
import sys
from collections import Counter

counts = Counter()
# Events whose publish has not been answered yet, by the id of the publish.
waiting = {}
last_id = 0


def send(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def handle(delivery, event):
    """Publishes the count; the event is done when that is stored."""
    global last_id
    last_id += 1
    intent = event["data"]["intent"]
    counts[intent] += 1
    waiting[last_id] = delivery
    text = f"{intent}: {counts[intent]}"
    send({"type": "log", "level": "info", "message": "counted", "fields": {"intent": intent}})
    send({"type": "publish", "id": last_id, "delivery": delivery, "event": "ui.notify@1", "data": {"text": text}})


def settle(result):
    delivery = waiting.pop(result["id"])
    if "error" in result:
        send({"type": "failed", "id": delivery, "error": result["error"]})
    else:
        send({"type": "done", "id": delivery})


def main():
    for line in sys.stdin:
        message = json.loads(line)
        if message["type"] == "start":
            send({"type": "ready", "handlers": message["subscribe"]})
        elif message["type"] == "event":
            handle(message["id"], message["event"])
        elif message["type"] == "result":
            settle(message)
        elif message["type"] == "ping":
            send({"type": "pong", "id": message["id"]})
        elif message["type"] == "stop":
            return


main()
