"""How a failed step tells its story in the UI: what happened, to which dataset, what to do; retried where that may help.

Here belongs the one translation from the rooms' own errors to Dagster's; the sentences are written where the errors are.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import dagster as dg
from dagster._core.events import RunFailureReason

from eurostat_assets.eurostat import EurostatError, Transient
from eurostat_assets.jsonstat import JsonStatError
from eurostat_assets.model.messages import message
from eurostat_assets.postgres import PostgresError
from eurostat_assets.quality import QualityError

HELD_BACK = "HeldBack"
"""The `error` in the metadata of a failure that is a check's."""
SUPERSEDED = "NewerPublished"
"""The `error` in the metadata of a failure that leaves nothing to do."""
INTERRUPTED = "The run was stopped before it had finished."
"""The reason of a run whose process was told to end; the exception itself says nothing."""
STAGES = {"raw_json": "download", "observations": "read", "published_table": "publish"}
"""What an asset's step does, in the words of the books."""


class NotStored(Exception):
    """An asset that is needed upstream is not in the store."""

    def __init__(self, dataset: str, asset: str) -> None:
        super().__init__(
            f"{dataset}: there is no {asset} in the store; materialise `{asset}` of this partition first."
        )


@contextmanager
def told(subject: str) -> Iterator[None]:
    """Turn the domain's errors about `subject` (a dataset code, the catalogue) into a `dg.Failure` that explains itself."""
    try:
        yield
    except EurostatError as error:
        raise _failure(subject, error, worth_retrying=isinstance(error, Transient)) from error
    except PostgresError as error:
        raise _failure(subject, error, worth_retrying=error.worth_retrying) from error
    except QualityError as error:
        raise _failure(subject, error, worth_retrying=True) from error
    except (JsonStatError, NotStored) as error:
        raise _failure(subject, error, worth_retrying=False) from error
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = "The disk is full: free some space" if full else "Look at the folder and its permissions"
        where = f" ({error.filename})" if error.filename else ""
        story = (
            f"{subject}: {error.strerror or error}{where}. {remedy}, then materialise this partition again."
        )
        raise dg.Failure(message(story), allow_retries=False) from error


def reason(events: Iterable[dg.DagsterEvent]) -> str:
    """Why a run failed: the sentence of its first failed step, or of the run itself where no step tells."""
    story = "The run failed without saying why; its process may have been killed."
    for event in events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return data.user_failure_data.description
            if data.error:
                error = data.error
                while error.cause:  # what was at the beginning, not "Exceeded max_retries"
                    error = error.cause
                if error.cls_name == dg.DagsterExecutionInterruptedError.__name__:
                    return INTERRUPTED
                return message(error.message.strip())
        if event.is_run_failure and event.message:
            story = event.message
    return story


def worth_retrying(events: Iterable[dg.DagsterEvent]) -> bool:
    """Whether a run that failed may succeed later without anybody doing anything; so it is where its steps do not say."""
    for event in events:
        if event.is_step_failure and (failure := event.step_failure_data.user_failure_data):
            said = failure.metadata.get("worth retrying")
            return said is None or bool(said.value)
    return True


def superseded(events: Iterable[dg.DagsterEvent]) -> bool:
    """Whether a run failed only because another one had published a newer release meanwhile."""
    return any(_error(event) == SUPERSEDED for event in events)


def interrupted(events: Iterable[dg.DagsterEvent]) -> bool:
    """Whether a run failed only because its process was told to end."""
    return any(
        event.is_run_failure
        and event.job_failure_data.failure_reason == RunFailureReason.UNEXPECTED_TERMINATION
        for event in events
    )


def failed_in(events: Iterable[dg.DagsterEvent]) -> str | None:
    """In which stage a run failed: `download`, `read`, `check`, `publish`; None where no step tells, so that it died."""
    for event in events:
        if event.is_step_failure and event.step_key in STAGES:
            return "check" if _error(event) == HELD_BACK else STAGES[event.step_key]
    return None


def _error(event: dg.DagsterEvent) -> str | None:
    """The name of the error by which a step failed, None where it does not tell."""
    failure = event.step_failure_data.user_failure_data if event.is_step_failure else None
    error = failure.metadata.get("error") if failure else None
    return str(error.value) if error else None


def _failure(subject: str, error: Exception, worth_retrying: bool) -> dg.Failure:
    return dg.Failure(
        message(error),
        metadata={"subject": subject, "error": type(error).__name__, "worth retrying": worth_retrying},
        allow_retries=worth_retrying,
    )
