"""The prize entries of the competition do what their authors wrote."""

import copy
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader


def convolutions(net):
    return [m for m in net.modules() if isinstance(m, nn.Conv2d)]


def changed(net, original) -> set[str]:
    return {
        name
        for name, parameter in net.named_parameters()
        if not torch.equal(parameter, original.get_parameter(name))
    }


def run_with_copies(bench, submission):
    """Run a submission; return its network and the copies it made of the original."""
    copies = []

    def remember(net):
        copies.append(copy.deepcopy(net))
        return copies[-1]

    spy = SimpleNamespace(deepcopy=remember)
    return bench.run(submission, copy=spy), copies


@pytest.mark.parametrize("name", ["sebastian", "amnesiacs", "forget_cycles"])
def test_the_teacher_stays_frozen(load, bench, name):
    net, (teacher,) = run_with_copies(bench, load(name))

    assert not teacher.training
    for key, tensor in teacher.state_dict().items():
        assert torch.equal(tensor, bench.original.state_dict()[key]), key
    assert all(p.grad is None for p in teacher.parameters())
    assert net is not teacher
    assert changed(net, bench.original)


class TestFanchuan:
    def test_the_first_pass_pulls_the_forget_set_to_the_uniform_distribution(
        self, load, bench
    ):
        distance = load("fanchuan").module()["distance_to_uniform"]
        inputs, _ = bench.tensors["forget"]
        net = bench.run(load("fanchuan"), ROUNDS=0, BLUR_RATE=0.02).train()

        before = distance(bench.network().train()(inputs))
        assert distance(net(inputs)) < 0.9 * before

    def test_the_distance_is_zero_for_equal_logits_and_log_10_for_a_sure_one(
        self, load
    ):
        distance = load("fanchuan").module()["distance_to_uniform"]
        logits = torch.randn(5, 10)

        assert distance(torch.ones(3, 10)).abs() < 1e-6
        log_p = logits.log_softmax(1)
        expected = (0.1 * (torch.tensor(0.1).log() - log_p)).sum(1).mean()
        assert torch.allclose(distance(logits), expected)

    def test_the_similarity_loss_is_least_for_equal_similarities(self, load):
        loss = load("fanchuan").module()["similarity_loss"]
        anchors = torch.randn(7, 10)

        flat = loss(torch.zeros(4, 10), anchors)
        assert torch.allclose(flat, torch.tensor(7.0).log())
        assert loss(torch.randn(4, 10), anchors) > flat

    def test_a_forget_round_lowers_the_similarity_loss(self, load, bench):
        names = load("fanchuan").module()
        net = bench.run(
            load("fanchuan"),
            ROUNDS=6,
            RETAIN_SHARE=0,
            BLUR_RATE=0.0,
            FORGET_RATE=1e-2,
        )

        def loss(model):
            model.train()
            rows = model(bench.tensors["forget"][0])
            return names["similarity_loss"](rows, model(bench.tensors["retain"][0]))

        assert loss(net) < loss(bench.network())

    def test_no_gradient_reaches_the_retain_images_of_a_forget_round(self, load, bench):
        grads = []
        sets = bench.sets()
        retain = sets.retain.dataset
        retain.inputs = retain.inputs.clone().requires_grad_()
        retain.inputs.register_hook(grads.append)

        bench.run(load("fanchuan"), sets=sets, RETAIN_SHARE=0)

        assert sets.reads("retain") > 0
        assert not grads


class TestKookmin:
    def test_it_marks_the_smallest_gradients_of_a_layer(self, load):
        gradient = torch.randn(8, 3, 4, 4)
        mask = load("kookmin").module()["smallest"](gradient)

        assert mask.shape == gradient.shape
        assert int(mask.sum()) == int(0.3 * gradient.numel())
        assert gradient[mask].abs().max() <= gradient[~mask].abs().min()

    def test_it_accumulates_retain_minus_forget_without_stepping(self, load, bench):
        net = bench.network()
        sets = bench.sets(size=64)
        load("kookmin").module()["accumulate_gradients"](net, sets.retain, sets.forget)

        twin = bench.network()
        for sign, name in ((1, "retain"), (-1, "forget")):
            inputs, targets = (t[:64] for t in bench.tensors[name])
            (sign * F.cross_entropy(twin(inputs), targets)).backward()
        assert not changed(net, bench.original)
        for mine, theirs in zip(net.parameters(), twin.parameters(), strict=True):
            assert torch.allclose(mine.grad, theirs.grad, atol=1e-4)

    def test_it_looks_at_as_many_retain_as_forget_images(self, load, bench):
        sets = bench.sets()
        load("kookmin").module()["accumulate_gradients"](
            bench.network(), sets.retain, sets.forget
        )

        assert sets.reads("retain") == sets.reads("forget") == 64
        assert sets.retain.dataset.reads.max() == 1

    def test_it_redraws_marked_weights_alone(self, load, bench):
        conv = convolutions(bench.network())[2]
        before = conv.weight.detach().clone()
        mask = torch.rand_like(before) < 0.3
        load("kookmin").module()["redraw"](conv, mask)

        assert torch.equal(conv.weight[~mask], before[~mask])
        assert (conv.weight[mask] != before[mask]).all()
        fan_out = conv.out_channels * 9
        expected = (2 / fan_out) ** 0.5
        assert abs(conv.weight[mask].std() / expected - 1) < 0.1

    def test_kept_weights_do_not_move_when_their_gradients_are_cut_off(
        self, load, bench
    ):
        net = bench.run(load("kookmin"), KEPT_GRADIENT=0.0, WEIGHT_DECAY=0.0)

        for conv, old in zip(
            convolutions(net), convolutions(bench.original), strict=True
        ):
            kept = (conv.weight == old.weight).float().mean()
            assert abs(kept - 0.7) < 0.02


class TestSeif:
    def test_the_noise_reaches_the_first_convolution_alone(self, load, bench):
        net = bench.run(load("seif"), LEARNING_RATE=0.0)

        (name,) = changed(net, bench.original)
        assert net.get_parameter(name) is convolutions(net)[0].weight

    def test_both_noises_have_their_size(self, load, bench):
        first = convolutions(bench.original)[0].weight
        for which, other in (("FIRST", "LAST"), ("LAST", "FIRST")):
            sizes = {f"{which}_NOISE": 0.3, f"{other}_NOISE": 0.0}
            net = bench.run(load("seif"), LEARNING_RATE=0.0, **sizes)
            noise = convolutions(net)[0].weight - first
            assert abs(noise.std() - 0.3) < 0.03


class TestSebastian:
    def test_it_redraws_the_smallest_weights_of_the_whole_network(self, load, bench):
        net = bench.network()
        load("sebastian").module({"PRUNED": 0.9})["prune"](net)

        pairs = [
            (new, bench.original.get_parameter(name))
            for name, new in net.named_parameters()
            if new.ndim > 1
        ]
        kept = torch.cat([(new == old).flatten() for new, old in pairs])
        magnitude = torch.cat([old.abs().flatten() for _, old in pairs])
        assert abs(kept.float().mean() - 0.1) < 0.01
        assert magnitude[kept].min() >= magnitude[~kept].max()

    def test_new_weights_are_uniform_within_the_inverse_root_of_the_fan_in(
        self, load, bench
    ):
        net = bench.network()
        load("sebastian").module({"PRUNED": 1.0})["prune"](net)

        conv = convolutions(net)[-1]
        bound = (conv.in_channels * 9) ** -0.5
        assert conv.weight.abs().max() <= bound
        assert abs(conv.weight.std() / (bound / 3**0.5) - 1) < 0.05
        assert (net.fc.bias == 0).all()

    def test_it_leaves_batch_norm_alone(self, load, bench):
        net = bench.network()
        load("sebastian").module()["prune"](net)

        old = bench.original
        assert not {n for n in changed(net, old) if net.get_parameter(n).ndim == 1} - {
            "fc.bias"
        }

    def test_its_entropy_is_that_of_the_prediction(self, load):
        entropy = load("sebastian").module()["entropy"]
        logits = torch.randn(6, 10)

        expected = torch.distributions.Categorical(logits=logits).entropy()
        assert torch.allclose(entropy(logits), expected, atol=1e-6)

    def test_its_weights_end_in_half_precision(self, load, bench):
        net = bench.run(load("sebastian"))

        assert all(torch.equal(p, p.half().float()) for p in net.parameters())

    def test_it_counts_the_retain_set(self, load, bench):
        retain = bench.sets().retain
        counts = load("sebastian").module()["count_classes"](bench.original, retain)

        targets = bench.tensors["retain"][1]
        assert counts.tolist() == [max(1, int((targets == c).sum())) for c in range(10)]


class TestAmnesiacs:
    def test_it_resets_the_first_and_the_last_layer(self, load, bench):
        net = bench.network()
        load("amnesiacs").module()["reset_ends"](net)

        assert changed(net, bench.original) == {"stem.0.weight", "fc.weight", "fc.bias"}

    def test_the_warm_up_brings_the_student_nearer_to_the_teacher(self, load, bench):
        names = load("amnesiacs").module({"WARMUP_EPOCHS": 10})
        net = bench.network()
        names["reset_ends"](net)
        inputs, _ = bench.tensors["validation"]

        def distance():
            with torch.no_grad():
                return names["divergence"](net(inputs), bench.original(inputs))

        net.train()
        before = distance()
        names["warm_up"](net, bench.original, bench.sets().validation)
        net.train()
        assert distance() < 0.9 * before

    def test_the_divergence_is_that_of_the_teacher_from_the_student(self, load):
        divergence = load("amnesiacs").module()["divergence"]
        student, teacher = torch.randn(2, 4, 10)

        p, q = (teacher / 5).softmax(1), (student / 5).softmax(1)
        expected = (p * (p / q).log()).sum(1).mean()
        assert torch.allclose(divergence(student, teacher), expected, atol=1e-6)
        assert divergence(student, student).abs() < 1e-6


class TestSun:
    def test_a_stage_trains_the_given_tensors_alone(self, load, bench):
        names = load("sun").module()
        net = bench.network().train()
        norms, others = names["split_tensors"](net)
        chosen = [*norms, others[1]]
        batches = DataLoader(bench.sets().retain.dataset, 64)
        names["train"](net, batches, chosen, 1)

        allowed = {n for n, p in net.named_parameters() if any(p is c for c in chosen)}
        assert changed(net, bench.original) == allowed
        assert all(p.requires_grad for p in net.parameters())

    def test_only_batch_norm_counts_as_always_trained(self, load, bench):
        norms, others = load("sun").module()["split_tensors"](bench.original)

        assert len(norms) == 10
        assert len(others) == 7

    def test_without_a_learning_rate_only_noise_and_the_reset_remain(self, load, bench):
        net = bench.run(load("sun"), LEARNING_RATE=0.0, NOISED=1.0, CHOSEN=0.3)

        names = changed(net, bench.original)
        assert {"fc.weight", "fc.bias"} <= names
        assert len(names) > 2
        for name in names - {"fc.weight", "fc.bias"}:
            noise = net.get_parameter(name) - bench.original.get_parameter(name)
            assert abs(noise.std() - 0.04) < 0.01, name

    def test_the_first_stage_gets_no_noise(self, load, bench):
        settings = {"PARTIAL_STAGES": 1, "CHOSEN": 1.0, "NOISED": 1.0}
        net = bench.run(load("sun"), LEARNING_RATE=0.0, **settings)

        assert changed(net, bench.original) == {"fc.weight", "fc.bias"}

    def test_no_tensor_gets_noise_twice(self, load, bench):
        settings = {"PARTIAL_STAGES": 9, "CHOSEN": 1.0, "NOISED": 1.0}
        net = bench.run(load("sun"), LEARNING_RATE=0.0, **settings)

        # All were seen in the first stage, which adds none.
        assert changed(net, bench.original) == {"fc.weight", "fc.bias"}


class TestForgetCycles:
    def test_it_redraws_convolutions_only(self, load, bench):
        net = bench.network()
        load("forget_cycles").module({"REDRAWN": 20.0})["redraw_layers"](net)

        names = changed(net, bench.original)
        assert names == {n for n, p in net.named_parameters() if p.ndim == 4}

    def test_it_spares_the_shortcuts_of_a_residual_network(self, load, resnet18):
        net = copy.deepcopy(resnet18)
        load("forget_cycles").module({"REDRAWN": 20.0})["redraw_layers"](net)

        names = changed(net, resnet18)
        assert len(names) == 17
        assert not any("downsample" in name or "fc" in name for name in names)

    def test_other_seeds_redraw_other_layers(self, load, bench):
        drawn = set()
        for _ in range(10):
            net = bench.network()
            load("forget_cycles").module()["redraw_layers"](net)
            drawn.add(frozenset(changed(net, bench.original)))

        assert len(drawn) > 1

    def test_training_brings_the_logits_back_to_the_originals(self, load, bench):
        inputs, _ = bench.tensors["retain"]

        def distance(**constants):
            net = bench.run(load("forget_cycles"), REDRAW_BEFORE=(0,), **constants)
            with torch.no_grad():
                return F.mse_loss(net(inputs), bench.original(inputs))

        assert distance(STAGE_EPOCHS=3) < 0.7 * distance(LEARNING_RATE=0.0)

    def test_it_never_uses_a_label(self, load, bench):
        sets = bench.sets()
        sets.retain.dataset.targets = torch.zeros_like(sets.retain.dataset.targets)

        blind = bench.weights(bench.run(load("forget_cycles"), sets=sets))
        assert torch.equal(blind, bench.weights(bench.run(load("forget_cycles"))))


class TestConvTranspose:
    def test_every_kernel_is_turned_and_nothing_else(self, load, bench):
        net = bench.network()
        load("conv_transpose").module()["transpose_kernels"](net)

        for name, parameter in net.named_parameters():
            old = bench.original.get_parameter(name)
            turned = old.transpose(2, 3) if old.ndim == 4 else old
            assert torch.equal(parameter, turned), name
        assert changed(net, bench.original)

    def test_turning_twice_is_the_identity(self, load, bench):
        net = bench.network()
        for _ in range(2):
            load("conv_transpose").module()["transpose_kernels"](net)

        assert not changed(net, bench.original)
