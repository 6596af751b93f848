import pytest
from starlette.testclient import TestClient
from tests.serve.fake_engine import fake_model, make_tokenizer

from groundup.serve.app import create_app
from groundup.serve.service import Service


@pytest.fixture(scope="session")
def tokenizer():
    return make_tokenizer()


@pytest.fixture
def open_app(tokenizer):
    """Opens an application around fake engines; closed at the end of the test.

    At the end no engine holds anything: nothing may leak, whatever the test did.
    """
    opened = []

    def open_(models=None, *, app_settings=None, **settings):
        service = Service(models or [fake_model(tokenizer)], **settings)
        client = TestClient(create_app(service, **(app_settings or {})))
        opened.append((client, service))
        client.__enter__()
        client.service = service
        client.engine = next(iter(service.runners.values()))._engine
        return client

    yield open_
    for client, service in opened:
        client.__exit__(None, None, None)
        for runner in service.runners.values():
            assert not runner._engine.has_work(), "a sequence is still running after the test"


@pytest.fixture
def client(open_app):
    return open_app()
