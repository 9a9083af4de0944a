"""/v1/webhooks as a client sees it, and what submissions say of webhook_url."""

import httpx
import pytest

from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import FolderStore
from jobs.webhook import Attempt, Secrets
from tests.integration.api.server import WebServer
from tests.integration.api.test_submit import refused
from tests.support import ledger as given

URL = "https://hooks.example/a"


@pytest.fixture(autouse=True)
def no_secrets(store: FolderStore) -> None:
    """The front end's store lasts over tests."""
    for each in Secrets(store).in_force("local"):
        Secrets(store).delete("local", each.secret.id)


def test_secrets_rotate(http: httpx.Client) -> None:
    made = [http.post("/v1/webhooks/secrets").json() for _ in range(3)]
    assert all(each["secret"].startswith("whsec_") for each in made)
    newest, before = http.get("/v1/webhooks/secrets").json()["secrets"]
    assert [newest["id"], before["id"]] == [made[2]["id"], made[1]["id"]]  # the oldest is over
    assert newest["expires_at"] is None
    assert before["expires_at"] - newest["created_at"] == pytest.approx(86_400)
    assert made[2]["secret"] not in http.get("/v1/webhooks/secrets").text
    assert made[2]["secret"].startswith(newest["masked"].partition("…")[0])
    assert http.delete(f"/v1/webhooks/secrets/{before['id']}").status_code == 204
    refused(http.delete(f"/v1/webhooks/secrets/{before['id']}"), 404, "secret-not-found")
    last = http.post("/v1/webhooks/secrets?overlap_s=0").json()
    assert [each["id"] for each in http.get("/v1/webhooks/secrets").json()["secrets"]] == [last["id"]]
    refused(http.post("/v1/webhooks/secrets?overlap_s=-1"), 422, "invalid-request")


def test_a_webhook_wants_a_secret_and_a_url_that_may_be_gone_to(
    web: WebServer, http: httpx.Client, recording: bytes
) -> None:
    def submit(url: str) -> httpx.Response:
        return http.post("/v1/jobs", params={"webhook_url": url}, content=recording)

    before = web.stored()
    refused(submit(URL), 409, "webhook-secret-missing")
    refused(submit("http://127.0.0.1/hook"), 403, "url-refused")
    refused(submit("http://169.254.169.254/"), 403, "url-refused")
    refused(http.post("/v1/webhooks/test", json={"url": URL}), 409, "webhook-secret-missing")
    assert web.stored() == before
    http.post("/v1/webhooks/secrets")
    assert submit(URL).status_code == 202
    refused(http.post("/v1/webhooks/test", json={"url": "http://10.0.0.1/"}), 403, "url-refused")


def test_deliveries_are_listed_shown_and_replayed(
    http: httpx.Client, ledger: Ledger, settings: Settings, recording: bytes
) -> None:
    http.post("/v1/webhooks/secrets")
    jobs = [
        http.post("/v1/jobs", params={"webhook_url": URL, "priority": each}, content=recording).json()["id"]
        for each in ("normal", "low")
    ]
    for job_id in jobs:
        http.post(f"/v1/jobs/{job_id}/cancel")
    page = http.get("/v1/webhooks/deliveries", params={"limit": 1}).json()
    [latest] = page["deliveries"]
    assert (latest["job_id"], latest["type"], latest["url"]) == (jobs[1], "job.cancelled", URL)
    rest = http.get("/v1/webhooks/deliveries", params={"cursor": page["next_cursor"]}).json()
    assert [each["job_id"] for each in rest["deliveries"]] == jobs[:1]
    assert rest["next_cursor"] is None
    delivery = ledger.claim_delivery("cpu", given.claim_id(), attempt_s=60.0)
    assert delivery is not None
    attempt = Attempt(at=1.0, duration_s=0.1, status=410, error="the receiver answered 410")
    ledger.report_delivery(delivery, "disabled", attempt)
    path = f"/v1/webhooks/deliveries/{delivery.id}"
    shown = http.get(path).json()
    assert (shown["state"], shown["attempts"], shown["log"]) == ("disabled", 1, [attempt.model_dump()])
    assert (
        http.get("/v1/webhooks/deliveries", params={"state": "disabled"}).json()["deliveries"][0]["job_id"] == jobs[0]
    )
    again = http.post(f"{path}/replay")
    assert again.status_code == 202
    assert (again.json()["state"], again.json()["attempts"], len(again.json()["log"])) == ("pending", 0, 1)
    refused(http.get("/v1/webhooks/deliveries/msg_nobody"), 404, "delivery-not-found")
    refused(http.post("/v1/webhooks/deliveries/msg_nobody/replay"), 404, "delivery-not-found")


def test_a_trial_is_entered(http: httpx.Client, ledger: Ledger) -> None:
    http.post("/v1/webhooks/secrets")
    answer = http.post("/v1/webhooks/test", json={"url": URL})
    assert answer.status_code == 202
    assert (answer.json()["type"], answer.json()["job_id"]) == ("webhook.test", None)
    delivery = ledger.claim_delivery("cpu", given.claim_id(), attempt_s=60.0)
    assert delivery is not None
    assert delivery.id == answer.json()["id"]
