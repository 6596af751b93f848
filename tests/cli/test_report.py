import webbrowser

import pytest

from groundup.cli import report as verb


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "runs" / "mine" / "report" / "index.html"
    path.parent.mkdir(parents=True)
    path.write_text("<p>a report</p>")
    return path


def test_a_run_is_found_by_its_folder_and_by_its_name(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert verb.find(page.parent.parent) == page
    assert verb.find(verb.Path("mine")) == page
    assert verb.find(verb.Path("runs/mine")) == page


def test_the_page_is_opened_once_unless_not_wanted(page, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or True)
    run_folder = str(page.parent.parent)
    assert verb.run([run_folder, "--no-open"]) == 0
    assert opened == []
    assert verb.run([run_folder]) == 0
    assert opened == [page.as_uri()]
    assert capsys.readouterr().out.splitlines() == [str(page)] * 2


def test_without_a_browser_it_says_what_to_do(page, monkeypatch, capsys):
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    assert verb.run([str(page.parent.parent)]) == 0
    assert "open this file" in capsys.readouterr().out


def test_no_run_and_no_report_are_clear_errors(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="nothing is not a run's folder"):
        verb.run(["nothing"])
    page.unlink()
    with pytest.raises(ValueError, match=r"has no report/index.html yet; `groundup build`"):
        verb.run(["mine"])
