"""The HTTP side of a service: its paths, its errors, its page."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

import m5kit
from m5kit.errors import DecodeError, IndexUnavailableError, M5KitError, QueryError
from m5kit.index.index import Index
from m5kit.index.rows import Row
from m5kit.serve.answers import PlainJSON, encoded
from m5kit.serve.guard import COOKIE, Guard
from m5kit.serve.metrics import Metrics
from m5kit.serve.requests import ItemsBody, SearchBody, read_items, read_search, request_schema
from m5kit.serve.service import Service
from m5kit.serve.settings import Settings

PATHS = (
    *("/", "/about", "/embed", "/health", "/item", "/media", "/metrics"),
    *("/openapi.json", "/predict", "/search", "/thumbnail"),
)
"""Those that are counted by name."""
NOTHING_THERE = "Not Found"
"""What the framework says of a path that nobody answers."""
KEPT = {"cache-control": "private, max-age=3600"}
"""For media: the files of an item change rarely."""


class ReadByItself(APIRoute):
    """A route whose function reads the request itself: FastAPI only describes it, and so costs nothing."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The function as it is."""
        return self.endpoint


def make_app(index: Index, settings: Settings) -> Guard:
    """The service as an ASGI application.

    Args:
        index: of items that a run embedded.
        settings: the limits.
    """
    metrics = Metrics(PATHS)
    service = Service(index, settings, metrics)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(service.close)

    # the pages that FastAPI would add load scripts from the network
    app = FastAPI(title="m5kit", version=m5kit.__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    _add_errors(app)
    _add_questions(app, service)
    _add_files(app, service)
    _add_state(app, service, metrics)
    _add_page(app)
    return Guard(app, settings, metrics.request)


def _add_errors(app: FastAPI) -> None:
    async def of_client(request: Request, error: Exception) -> Response:
        return PlainJSON.error(422, str(error))

    async def of_index(request: Request, error: Exception) -> Response:
        return PlainJSON.error(503, str(error), {"retry-after": "2"})

    async def of_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code == 404 and error.detail == NOTHING_THERE:
            return PlainJSON.error(
                404, f"there is nothing at {request.url.path}; GET /openapi.json lists what there is"
            )
        return PlainJSON.error(error.status_code, str(error.detail), error.headers)

    async def of_address(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        problems = [f"{each['loc'][-1]}: {each['msg']}" for each in error.errors()]
        return PlainJSON.error(422, "; ".join(problems))

    async def gone(request: Request, error: Exception) -> Response:
        return PlainJSON.error(400, "the client has gone")

    app.add_exception_handler(M5KitError, of_client)
    app.add_exception_handler(IndexUnavailableError, of_index)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(RequestValidationError, of_address)
    app.add_exception_handler(ClientDisconnect, gone)


def _add_questions(app: FastAPI, service: Service) -> None:
    most = service.settings.max_items
    router = APIRouter(route_class=ReadByItself)

    @router.post("/search", openapi_extra=request_schema(SearchBody))
    async def search(request: Request) -> Response:
        """The nearest items of a query of any modalities, with the share that each modality has in a hit."""
        await service.watch.look()
        body = await read_search(request, service.watch.now.index.about)
        return PlainJSON(await run_in_threadpool(service.search, body))

    @router.post("/embed", openapi_extra=request_schema(ItemsBody))
    async def embed(request: Request) -> Response:
        """The vectors of items; null and a problem for an item that cannot be used."""
        await service.watch.look()
        about = service.watch.last.index.about  # vectors are made without the items, and so while these are gone
        body = await read_items(request, about, most)
        answers = await asyncio.wrap_future(service.embed(body.items))
        vectors = [None if isinstance(answer, str) else encoded(answer, body.encoding) for answer in answers]
        problems = {row: answer for row, answer in enumerate(answers) if isinstance(answer, str)}
        return PlainJSON({"space": about.space, "width": about.width, "vectors": vectors, "problems": problems})

    @router.post("/predict", openapi_extra=request_schema(ItemsBody))
    async def predict(request: Request) -> Response:
        """The classes of items, the best first."""
        await service.watch.look()
        body = await read_items(request, service.watch.last.index.about, most)
        answers = await asyncio.wrap_future(service.predict(body.items))
        return PlainJSON({"predictions": [asdict(answer) for answer in answers]})

    app.router.routes += router.routes  # included, each request would look through two lists


def _add_files(app: FastAPI, service: Service) -> None:
    def row_of(item: str) -> Row:
        row = service.row(item)
        if row is None:
            raise HTTPException(404, f"the index holds no item {item!r}")
        return row

    @app.get("/media")
    def media(item: str, modality: str, number: int = 0) -> Response:
        """The file of one modality of an item; a range of it may be asked for."""
        path, kind = _found(lambda: service.watch.now.media.file(row_of(item), modality, number))
        # in its own origin, so that no file of the catalogue can act as the page
        return FileResponse(path, media_type=kind, headers={**KEPT, "content-security-policy": "sandbox"})

    @app.get("/thumbnail")
    def thumbnail(item: str, modality: str, number: int = 0) -> Response:
        """A small picture of one modality of an item."""
        picture = _found(lambda: service.watch.now.media.thumbnail(row_of(item), modality, number))
        return Response(picture, 200, KEPT, "image/jpeg")

    @app.get("/item")
    def one(item: str) -> Response:
        """One item of the index."""
        row = row_of(item)
        properties = {"id": row.id, "split": row.split, "properties": dict(row.values)}
        return PlainJSON({**properties, **service.watch.now.media.shown(row)})


def _add_state(app: FastAPI, service: Service, metrics: Metrics) -> None:
    @app.get("/about")
    def about() -> Response:
        """Modalities, columns and limits."""
        return PlainJSON(service.about())

    @app.head("/health", include_in_schema=False)
    @app.get("/health")
    async def health() -> Response:
        """Whether the service answers: 503 while its index is gone or damaged."""
        await service.watch.look()
        if service.watch.trouble:
            return PlainJSON({"status": "unavailable", "error": service.watch.told}, 503)
        return PlainJSON({"status": "ok"})

    @app.get("/metrics")
    def counted() -> Response:
        """Counters for Prometheus."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")


def _add_page(app: FastAPI) -> None:
    folder = str(files("m5kit.serve") / "page")
    static = StaticFiles(directory=folder)

    async def file(request: Request) -> Response:
        return await static.get_response(request.url.path[1:], request.scope)

    # A folder that is mounted answers for every path and method that nothing else does: GET /search would not be found.
    for path in Path(folder).iterdir():
        app.add_route(f"/{path.name}", file, methods=["GET"])

    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def page(request: Request) -> Response:
        """The page; a token in its address becomes a cookie, so that it stays out of links and logs."""
        if "token" not in request.query_params:
            return await static.get_response("index.html", request.scope)
        answer = RedirectResponse("/", 303)
        # a header is written in latin-1, and the token is compared by its bytes in UTF-8
        token = request.query_params["token"].encode("utf-8", "replace").decode("latin-1")
        answer.set_cookie(COOKIE, token, httponly=True, samesite="strict")
        return answer


def _found(find: Any) -> Any:
    """What ``find`` gives; what is not there is a 404."""
    try:
        return find()
    except (QueryError, DecodeError) as error:
        raise HTTPException(404, str(error)) from error
