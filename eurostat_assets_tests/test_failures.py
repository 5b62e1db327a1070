"""How a failed run tells its story."""

import dagster as dg

from eurostat_assets.failures import reason


def test_a_run_that_was_stopped_is_told_in_words_not_by_the_name_of_an_exception() -> None:
    @dg.op
    def stopped() -> None:
        raise dg.DagsterExecutionInterruptedError

    @dg.job
    def work() -> None:
        stopped()

    events = work.execute_in_process(raise_on_error=False).all_events
    assert reason(events) == "The run was stopped before it had finished."
