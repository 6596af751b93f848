import pytest
from tests.studio import fake_desk


@pytest.fixture
def desk(tmp_path):
    return fake_desk.make_desk(tmp_path)


@pytest.fixture
def client(desk):
    return fake_desk.known(desk)
