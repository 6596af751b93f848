"""Killed ten times without warning, a run ends with the very bytes of one that never was."""

import subprocess
import sys

import pytest

DRIVER = """
import hashlib, os, random, signal, sys, time
from pathlib import Path
import torch
from torch import nn
from groundup.train.loop import train
from groundup.train.settings import TrainConfig

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.mix = nn.Embedding(11, 8), nn.Linear(8, 8)
    def loss(self, inputs_BT, targets_BT):
        logits = self.mix(self.embed(inputs_BT)) @ self.embed.weight.T
        return nn.functional.cross_entropy(logits.flatten(0, 1), targets_BT.flatten())

class Batches:
    def at(self, step):
        tokens = torch.randint(11, (2, 6), generator=torch.Generator().manual_seed(step))
        return tokens[:, :-1], tokens[:, 1:]

def session(folder, nap):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = TrainConfig(steps=250, batch_size=2, context=5, checkpoint_every=2, compile="off",
                         device="cpu", precision="float32")
    result = train(Model(), Batches(), config, folder, watch=lambda step, row: time.sleep(nap))
    files = sorted((folder / "checkpoints" / "step_000250").glob("*.safetensors"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    (folder / "end").write_text(f"{len(files)} {digest}")
    (folder / "from").write_text(str(result.resumed_from))

def fork(folder, nap):
    # Forked before torch has started any thread, so that torch is imported only once.
    child = os.fork()
    if child == 0:
        session(folder, nap)
        os._exit(0)
    return child

def newest(folder):
    return max((path.name for path in folder.glob("checkpoints/step_*")), default="")

straight, killed = Path(sys.argv[1]) / "straight", Path(sys.argv[1]) / "killed"
os.waitpid(fork(straight, 0.0), 0)
draw = random.Random(int(sys.argv[2]))
kills = 0
for _ in range(10):
    child = fork(killed, 0.004)
    before = newest(killed)
    while newest(killed) == before and os.waitpid(child, os.WNOHANG) == (0, 0):
        time.sleep(0.002)  # until it has gone on from where it was
    time.sleep(draw.uniform(0.0, 0.12))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    kills += os.WIFSIGNALED(status)
os.waitpid(fork(killed, 0.0), 0)
print(kills, (straight / "end").read_text() == (killed / "end").read_text(),
      (straight / "from").read_text(), (killed / "from").read_text())
"""


@pytest.mark.slow
def test_ten_kills_change_nothing(tmp_path):
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    command = [sys.executable, str(script), str(tmp_path), "7"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    kills, same, straight_from, killed_from = run.stdout.split()
    assert same == "True", run.stdout + run.stderr
    assert kills == "10"
    assert straight_from == "None"
    assert 0 < int(killed_from) <= 250
