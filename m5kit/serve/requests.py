"""Reads requests: items as JSON, or the modalities of one item as the parts of a form."""

import base64
import binascii
import json
from collections.abc import Mapping
from itertools import islice
from typing import Any, Literal, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from m5kit.data.json_values import as_object
from m5kit.errors import QueryError
from m5kit.index.about import IndexInfo
from m5kit.index.query import require_known
from m5kit.signatures import hint

OPTIONS = "options"
"""The part of a form that holds everything but the item, as JSON."""

MOST_PARTS = 64

MOST_MISTAKES = 3
"""That are told of one request."""

MOST_VALUES = 16
"""Values of one modality of an item in a request, such as pictures from several sides."""

Body = TypeVar("Body", bound=BaseModel)


class SearchBody(BaseModel):
    """What is searched for; without an item and without ``like``, the items that fit the filter are listed."""

    model_config = ConfigDict(extra="forbid")

    item: dict[str, Any] | None = Field(None, description="values by modality; a file is {'base64': ...}")
    like: str | None = Field(None, description="the id of an item: more like this one")
    weights: dict[str, float] = Field(default_factory=dict, description="from 0 to 1 by modality")
    where: str = Field("", description="a filter, such as: price < 20 and colour = 'red'")
    top: int = Field(10, ge=1)


class ItemsBody(BaseModel):
    """Items to embed or to classify."""

    model_config = ConfigDict(extra="forbid")

    items: list[dict[str, Any]] = Field(min_length=1)
    encoding: Literal["list", "base64"] = Field(
        "list", description="of vectors: numbers, or the bytes of float32, little end first, which cost less to write"
    )


def request_schema(body: type[BaseModel]) -> dict[str, Any]:
    """The description of a request in OpenAPI: JSON, or a form with a part for each modality."""
    form = {
        "type": "object",
        "description": f"one item: a part for each modality, and everything else as JSON in {OPTIONS!r}",
        "additionalProperties": {"type": "string", "format": "binary"},
    }
    content = {"application/json": {"schema": body.model_json_schema()}, "multipart/form-data": {"schema": form}}
    return {"requestBody": {"required": True, "content": content}}


async def read_search(request: Request, about: IndexInfo) -> SearchBody:
    """What a request searches for.

    Raises:
        HTTPException: it cannot be read.
        QueryError: a wrong value.
    """
    if not _is_form(request):
        body = _checked(SearchBody, await _json(request))
    else:
        item, options = await _form(request)
        body = _checked(SearchBody, {**options, "item": item or None})
    if body.item is not None:
        body.item = read_item(body.item, about)
    return body


async def read_items(request: Request, about: IndexInfo, most: int) -> ItemsBody:
    """The items of a request; a form holds one.

    Raises:
        HTTPException: it cannot be read.
        QueryError: a wrong value, or too many items.
    """
    if _is_form(request):
        item, options = await _form(request)
        given: Any = {**options, "items": [item]}
    else:
        given = await _json(request)
    # before each of them is looked at
    items = given.get("items") if isinstance(given, dict) else None
    if isinstance(items, list) and len(items) > most:
        raise QueryError(f"{len(items):,} items are over {most}; send them in several requests")
    body = _checked(ItemsBody, given)
    body.items = [read_item(item, about) for item in body.items]
    return body


def read_item(item: Mapping[str, Any], about: IndexInfo) -> dict[str, Any]:
    """An item as :meth:`m5kit.Run.embed` takes it; a path is never among its values.

    Raises:
        QueryError: an unknown modality, or a value that it cannot have.
    """
    require_known(list(item), tuple(about.modalities))
    return {name: _value(name, value, about) for name, value in item.items() if value is not None}


def _value(name: str, value: Any, about: IndexInfo) -> Any:
    """One value of a modality, or a list of several."""
    if not isinstance(value, list):
        return _single(name, value, about)
    # the model reads the item once for each of them, so a small request must not ask for thousands
    if len(value) > MOST_VALUES:
        raise QueryError(f"{name}: an item has at most {MOST_VALUES} values here, got {len(value)}")
    return [_single(name, part, about) for part in value]


def _single(name: str, value: Any, about: IndexInfo) -> Any:
    if isinstance(value, Mapping) and set(value) == {"base64"}:
        value = _decoded(name, value["base64"])
    kind = about.modalities[name]
    if kind == "media":
        if not isinstance(value, bytes):
            # a text would be taken for the path of a file of this machine
            raise QueryError(f'{name}: send the file itself as a part of a form, or as {{"base64": ...}}')
        return value
    if isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise QueryError(f"{name}: expected UTF-8, got other bytes") from error
    if kind == "rows" and isinstance(value, str):
        return _parsed(value, name)
    return value


def _decoded(name: str, text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise QueryError(f"{name}: cannot read the base64: {error}") from error


def _parsed(text: str | bytes, what: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=as_object)
    except (ValueError, RecursionError) as error:
        raise QueryError(f"{what}: cannot read the JSON: {error}") from error


def _is_form(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", "multipart/form-data"):
        raise HTTPException(415, f"expected application/json or multipart/form-data, got {kind or 'no content type'}")
    return kind == "multipart/form-data"


async def _json(request: Request) -> Any:
    return _parsed(await request.body(), "body")


async def _form(request: Request) -> tuple[dict[str, Any], dict[str, Any]]:
    """The item and the options of a form; files are read, and their names forgotten."""
    item: dict[str, Any] = {}
    options: Any = None
    async with request.form(max_files=MOST_PARTS, max_fields=MOST_PARTS) as form:
        parts = form.multi_items()
        for name, value in parts:
            content = await value.read() if isinstance(value, UploadFile) else value
            if name in item or (name == OPTIONS and options is not None):
                raise QueryError(f"{name}: given twice")
            if name == OPTIONS:
                options = _options(content)
            elif content:
                item[name] = content
    if not parts:
        raise QueryError("the form has no parts, or is cut short")
    if not item and not options:  # else a file that came empty would ask for the first items of the index
        raise QueryError("the query is empty: no part of the form holds anything")
    return item, options or {}


def _options(content: str | bytes) -> dict[str, Any]:
    """What a form says beside the item.

    Raises:
        QueryError: it is no object, or holds items of its own.
    """
    options = _parsed(content, OPTIONS)
    if not isinstance(options, dict):
        raise QueryError(f"{OPTIONS}: expected an object, got {type(options).__name__}")
    if strange := [name for name in ("item", "items") if name in options]:
        raise QueryError(f"{OPTIONS}: {strange[0]} stands in the parts of the form; leave it out")
    return options


def _checked(body: type[Body], given: Any) -> Body:
    """The body, with its first mistakes in one sentence.

    Raises:
        QueryError: a mistake.
    """
    lines = _too_much(body, given) if isinstance(given, dict) else []
    if not lines:
        try:
            return body.model_validate(given)
        except ValidationError as error:
            lines = [_described(each) for each in error.errors(include_url=False, include_context=False)]
    more = f"; and {len(lines) - MOST_MISTAKES:,} more" if len(lines) > MOST_MISTAKES else ""
    raise QueryError("; ".join(lines[:MOST_MISTAKES]) + more)


def _too_much(body: type[BaseModel], given: Mapping[str, Any]) -> list[str]:
    """Keys and weights of which a request may hold millions, each a mistake that would be described at length."""
    names = list(body.model_fields)
    unknown = (name for name in given if name not in names)
    lines = [f"{name}: unknown key; {hint(name, names)}" for name in islice(unknown, MOST_MISTAKES)]
    weights = given.get("weights")
    if isinstance(weights, Mapping) and len(weights) > MOST_PARTS:
        lines.append(f"weights: {len(weights):,} are more than there are modalities")
    return lines


def _described(mistake: ErrorDetails) -> str:
    return f"{'.'.join(map(str, mistake['loc'])) or 'body'}: {mistake['msg']}"
