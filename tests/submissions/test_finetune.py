"""Fine-tuning, with and without noise or a mask, and gradient ascent."""

import torch
from torch import nn


def test_fine_tuning_lowers_the_loss_of_the_retain_set(load, bench):
    net = bench.run(load("finetune"), EPOCHS=3)

    assert bench.loss(net, "retain") < bench.loss(bench.original, "retain")


def test_fine_tuning_reads_every_retain_image_once_an_epoch(load, bench):
    sets = bench.sets()
    bench.run(load("finetune"), sets=sets, EPOCHS=2)

    assert (sets.retain.dataset.reads == 2).all()


def test_noise_is_added_to_convolutions_and_linear_weights_alone(load, bench):
    net = bench.network()
    load("noisy_finetune").module()["add_noise"](net)

    for name, parameter in net.named_parameters():
        changed = not torch.equal(parameter, bench.original.get_parameter(name))
        assert changed == (parameter.ndim > 1), name


def test_the_noise_is_the_stated_share_of_each_tensors_spread(load, bench):
    net = bench.network()
    load("noisy_finetune").module({"NOISE": 0.25})["add_noise"](net)

    for name, parameter in net.named_parameters():
        if parameter.numel() > 1_000:
            old = bench.original.get_parameter(name)
            ratio = (parameter - old).std() / old.std()
            assert abs(ratio - 0.25) < 0.03, name


def test_noise_makes_runs_differ_more_than_the_order_of_the_data_does(load, bench):
    def spread(name):
        runs = [bench.weights(bench.run(load(name), seed=seed)) for seed in range(3)]
        return torch.stack(runs).std(0).mean()

    assert spread("noisy_finetune") > 1.2 * spread("finetune")


def test_the_mask_zeroes_the_stated_share_outside_batch_norm(load, bench):
    net = bench.network()
    load("random_mask").module({"MASKED": 0.5})["mask_weights"](net)

    for name, parameter in net.named_parameters():
        old = bench.original.get_parameter(name)
        kept = parameter == old
        assert (kept | (parameter == 0)).all(), name
        if parameter.numel() > 500:
            assert abs(kept.float().mean() - 0.5) < 0.07, name
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm, old in zip(norms, _norms(bench.original), strict=True):
        assert torch.equal(norm.weight, old.weight)


def _norms(net):
    return [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]


def test_masked_weights_grow_back(load, bench):
    net = bench.run(load("random_mask"))

    assert all((p != 0).float().mean() > 0.9 for p in net.parameters())


def test_gradient_ascent_raises_the_loss_of_the_forget_set(load, bench):
    net = bench.run(load("gradient_ascent"))

    assert bench.loss(net, "forget") > bench.loss(bench.original, "forget")
