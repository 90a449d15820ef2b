"""Drives the PyPI package openai. The contract is in contract.ts."""

from typing import Any

import openai
from contract import repeat_header, serve_calls


def call(request: dict[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if request["repeatedHeader"]:
        hooks = {"request": [repeat_header(request["repeatedHeader"])]}
        options["http_client"] = openai.DefaultHttpxClient(event_hooks=hooks)
    with openai.OpenAI(base_url=request["baseUrl"], api_key=request["apiKey"], **options) as client:
        body: dict[str, Any] = {
            "model": request["model"],
            "max_completion_tokens": request["maxTokens"],
            "messages": [{"role": "user", "content": request["prompt"]}],
            "extra_body": request["extraBody"],
        }
        if request["mode"] == "plain":
            answer = client.chat.completions.create(**body)
            return {"text": answer.choices[0].message.content or "", "pieces": 1}
        pieces = [
            chunk.choices[0].delta.content or "" if chunk.choices else ""
            for chunk in client.chat.completions.create(**body, stream=True)
        ]
        return {"text": "".join(pieces), "pieces": len(pieces)}


serve_calls(openai.__version__, call)
