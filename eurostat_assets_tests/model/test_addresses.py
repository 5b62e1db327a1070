"""Credentials are cut out of whatever is told, and nothing else is."""

import pytest

from eurostat_assets.model.addresses import without_secrets, without_user

SECRET = "s3cr3t"


@pytest.mark.parametrize(
    "text",
    [
        f"http://clerk:{SECRET}@proxy.example:3128 does not answer",
        f"https://{SECRET}@git.example/x",
        f"https://{SECRET}:x-oauth-basic@git.example/x",
        f"postgresql://me:p@{SECRET}@db:5432/eurostat",
        f"postgresql://me:a/{SECRET}@db:5432/eurostat",
        f"postgresql+psycopg2://me:{SECRET}%40@db/eurostat?sslmode=require",
        f"host=db user=me password={SECRET} dbname=x",
        f"postgresql://db/eurostat?user=me&password={SECRET}",
        f"s3://AKIA1:{SECRET}@bucket/prefix",
        f"smtp+starttls://robot:{SECRET}@mail.example:587",
        f"clerk:{SECRET}@proxy.example:3128",
        f"GET https://api.example/x?access_token={SECRET}&lang=EN",
        f"GET https://api.example/x?lang=EN&X-Amz-Signature={SECRET}",
        f"GET https://blob.example/x?sv=1;sig={SECRET}",
        f"GET /x?subscription-key={SECRET}#top",
        f"https://hooks.slack.com/services/T00/B00/{SECRET}",
        f"https://prod-1.westeurope.logic.azure.com/workflows/x/{SECRET}",
        f"https://chat.example/hooks/{SECRET}",
        f"https://discord.com/api/webhooks/1/{SECRET}",
        f"{{'Authorization': 'Basic {SECRET}'}}",
        f"Authorization: Bearer {SECRET}",
        f"AWS_SECRET_ACCESS_KEY={SECRET}",
        f'{{"url": "http://u:{SECRET}@host/", "next": "http://host/a"}}',
        f"two: http://u:{SECRET}@a/ and http://v:{SECRET}@b/",
    ],
)
def test_a_secret_is_cut_wherever_it_stands(text: str) -> None:
    cut = without_secrets(text)
    assert SECRET not in cut
    assert "***" in cut
    assert without_secrets(cut) == cut


@pytest.mark.parametrize(
    "text",
    [
        "https://ec.europa.eu/eurostat/api/dissemination/statistics/1.0/data/HLTH_CD_ARO?format=JSON&lang=EN",
        "no connection to the database at db:5432/eurostat: it is starting up",
        "write it as postgresql://user:password@host:5432/database",
        "EUROSTAT_WEB_PASSWORD_FILE=/etc/eurostat/password",
        "the partition key of HLTH_CD_ARO: unknown",
        "password authentication failed for user “me”",
        "Basic characteristics of the population, by key activity: total",
        "ask statistics@example.org: they know",
        "A & B; C_diff, 10:30, x*y, €, <5 years, a:b@c",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert without_secrets(text) == text


def test_a_place_is_named_without_those_who_may_go_there() -> None:
    assert without_user("https://me:pw@api.example:8443/x?y=1") == "https://api.example:8443/x?y=1"
    assert without_user("https://api.example/x") == "https://api.example/x"


def test_a_secret_that_is_known_goes_in_any_form() -> None:
    assert without_secrets("/a/b said no", ["/a/b", ""]) == "*** said no"
