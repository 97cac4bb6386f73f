"""`ai-engine`: the command line for everything that is not a server by itself."""

import json
import os
import signal
import sys
import threading
from pathlib import Path

import click

# As in the processes' own __main__, for the one that runs here in memory.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from adapters.logs import configure_logs
from adapters.process import run_process
from core.environment import variables
from core.errors import ConfigError
from deploy.curl_lines import curl_lines
from deploy.demo import show_demo
from deploy.local import LocalStack, fetch_first_item
from deploy.one_process import OneProcess, one_process_settings, run_one_process
from deploy.operate.content import content
from deploy.operate.dead_letters import dead_letter
from deploy.operate.erase import erase, export_user
from deploy.operate.evaluate import evaluate
from deploy.operate.keys import key
from deploy.operate.rebuild import rebuild
from deploy.operate.replay import replay
from deploy.operate.replay_answers import replay_answers
from deploy.operate.simulate import simulate_command
from deploy.operate.status import status
from deploy.operate.train import train
from deploy.operate.verify import verify
from deploy.valkey import valkey_binary

_LOOK_EVERY_S = 0.5


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ai-engine")
def main() -> None:
    """Recommendations from RudderStack events: local runs and tools."""


@main.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/run"),
    show_default=True,
    help="Where the embedded Valkey keeps its data.",
)
@click.option("--memory", is_flag=True, help="One process, nothing stored: no Valkey needed.")
def run(folder: Path, *, memory: bool) -> None:
    """Run the whole pipeline: webhook, worker and read API.

    With REDIS_URL set that Redis is used, otherwise an embedded Valkey is
    started. Where there is none for this machine it all runs in memory.
    """
    settings = _settings()
    if memory or not (settings.redis_url or valkey_binary()):
        click.echo("One process, in memory: what it learns ends with it.", err=True)
        sys.exit(run_process("one-process", one_process_settings, _run_in_memory))
    if settings.serve.require_key and not settings.serve.api_key:
        raise click.ClickException("with SERVE_REQUIRE_KEY this command needs SERVE_API_KEY, too")
    configure_logs(settings.log_format, "warning")
    stopping = threading.Event()
    # SIGHUP: the terminal was closed.
    for wanted in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(wanted, lambda *_: stopping.set())
    stack = LocalStack(
        folder.resolve(),
        ingest_port=settings.ingest.port,
        serve_port=settings.serve.port,
        # Who tries it out looks at once.
        environ={"LOG_URL": str(folder.resolve() / "log"), "LOG_ROTATE_S": "5", **os.environ},
        logs_to_terminal=True,
    )
    try:
        with stack:
            _say_how(
                settings,
                fetch_first_item(stack.serve_url, settings.serve.api_key),
                stack.worker_url,
            )
            while not stopping.wait(_LOOK_EVERY_S):
                if (name := stack.ended()) is not None:
                    raise click.ClickException(f"{name} ended by itself; everything is stopped")
    except (ConfigError, RuntimeError) as exc:
        raise click.ClickException(str(exc)) from exc


@main.command()
def demo() -> None:
    """A visitor's day, what was learnt from it, and what is recommended after it."""
    configure_logs("auto", "warning")
    try:
        show_demo(click.echo)
    except (ConfigError, RuntimeError) as exc:
        raise click.ClickException(str(exc)) from exc


@main.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def settings(*, as_json: bool) -> None:
    """Every setting with its default: the environment variables that are read."""
    listed = dict(variables(OneProcess))
    if as_json:
        click.echo(json.dumps(listed, indent=2))
        return
    for name, default in listed.items():
        click.echo(f"{name}={default}")


async def _run_in_memory(settings: OneProcess) -> None:
    await run_one_process(settings, lambda item: _say_how(settings, (item.id, item.title)))


def _say_how(settings: OneProcess, item: tuple[str, str], worker_url: str | None = None) -> None:
    content_id, title = item
    lines = curl_lines(
        ingest_url=f"http://127.0.0.1:{settings.ingest.port}",
        worker_url=worker_url,
        serve_url=f"http://127.0.0.1:{settings.serve.port}",
        content_id=content_id,
        title=title,
        # Of keys in a file only digests are known: the reader's shell has to know one.
        ingest_keys=settings.ingest.api_key or settings.keys_file,
        serve_keys=settings.serve.api_key or settings.keys_file,
        recommend_needs_key=settings.serve.require_key,
    )
    click.echo(lines)
    sys.stdout.flush()


for command in (
    content,
    dead_letter,
    erase,
    evaluate,
    export_user,
    key,
    rebuild,
    replay,
    replay_answers,
    simulate_command,
    status,
    train,
    verify,
):
    main.add_command(command)


def _settings() -> OneProcess:
    try:
        return one_process_settings(os.environ)
    except ConfigError as exc:
        raise click.ClickException(str(exc)) from exc


if __name__ == "__main__":
    main()
