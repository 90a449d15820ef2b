"""Drives the PyPI package anthropic. The contract is in contract.ts."""

from typing import Any

import anthropic
from contract import repeat_header, serve_calls


def call(request: dict[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if request["repeatedHeader"]:
        hooks = {"request": [repeat_header(request["repeatedHeader"])]}
        options["http_client"] = anthropic.DefaultHttpxClient(event_hooks=hooks)
    with anthropic.Anthropic(base_url=request["baseUrl"], api_key=request["apiKey"], **options) as client:
        body: dict[str, Any] = {
            "model": request["model"],
            "max_tokens": request["maxTokens"],
            "messages": [{"role": "user", "content": request["prompt"]}],
            "extra_body": request["extraBody"],
        }
        if request["mode"] == "plain":
            answer = client.messages.create(**body)
            return {"text": "".join(block.text for block in answer.content if block.type == "text"), "pieces": 1}
        pieces = [
            event.delta.text
            for event in client.messages.create(**body, stream=True)
            if event.type == "content_block_delta" and event.delta.type == "text_delta"
        ]
        return {"text": "".join(pieces), "pieces": len(pieces)}


serve_calls(anthropic.__version__, call)
