import torch

from framedex.microworld.fit import fit
from framedex.microworld.model import build_model
from framedex.microworld.tokenizer import train_tokenizer


def weights_after(tokenizer, steps):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build_model(vocab_size=tokenizer.vocab_size)
    lines = []
    fit(model, tokenizer, (), steps=steps, seed=0, report=lines.append)
    assert lines[-1].startswith(f"step {steps}: loss ")
    return model.state_dict()


def test_training_is_determined_by_its_seed(tmp_path):
    tokenizer = train_tokenizer(tmp_path)
    one, same, untrained = (weights_after(tokenizer, steps) for steps in (2, 2, 1))
    assert all(torch.equal(value, same[name]) for name, value in one.items())
    assert not torch.equal(one["logit_scale"], untrained["logit_scale"])
