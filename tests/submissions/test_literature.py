"""The literature's baselines do what their papers say."""

import copy
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn


def changed(net, original) -> set[str]:
    return {
        name
        for name, parameter in net.named_parameters()
        if not torch.equal(parameter, original.get_parameter(name))
    }


def buffers(net) -> dict[str, torch.Tensor]:
    return {name: b.clone() for name, b in net.named_buffers() if b.is_floating_point()}


def run_with_copies(bench, submission, **constants):
    """Run a submission; return its network and the copies it made of the original."""
    copies = []

    def remember(net):
        copies.append(copy.deepcopy(net))
        return copies[-1]

    spy = SimpleNamespace(deepcopy=remember)
    return bench.run(submission, copy=spy, **constants), copies


class TestNegGradPlus:
    def test_it_raises_the_forget_loss_and_keeps_the_retain_loss(self, load, bench):
        def losses(alpha):
            settings = {"ALPHA": alpha, "EPOCHS": 3, "LEARNING_RATE": 0.01}
            net = bench.run(load("neggrad_plus"), **settings)
            return bench.loss(net, "forget"), bench.loss(net, "retain")

        (forget, retain), (tuned_forget, tuned_retain) = losses(0.8), losses(1)
        assert forget - retain > 2 * (tuned_forget - tuned_retain)
        assert retain < bench.loss(bench.original, "retain") + 0.1

    def test_its_batch_norms_keep_the_originals_statistics(self, load, bench):
        net = bench.run(load("neggrad_plus"))

        for name, buffer in buffers(bench.original).items():
            assert torch.equal(buffer, net.get_buffer(name)), name

    def test_the_forget_set_starts_over_when_it_ends(self, load, bench):
        sets = bench.sets()
        bench.run(load("neggrad_plus"), sets=sets, EPOCHS=2, FORGET_BATCH=64)

        assert (sets.retain.dataset.reads == 2).all()
        assert (sets.forget.dataset.reads >= 6).all()

    def test_its_first_step_follows_the_difference_of_the_losses(self, load, bench):
        settings = {"RETAIN_BATCH": 192, "FORGET_BATCH": 64, "EPOCHS": 1}
        net = bench.run(load("neggrad_plus"), LEARNING_RATE=0.01, **settings)

        twin = bench.network().eval()
        losses = [
            F.cross_entropy(twin(bench.tensors[name][0]), bench.tensors[name][1])
            for name in ("retain", "forget")
        ]
        (0.95 * losses[0] - 0.05 * losses[1]).backward()
        for name, parameter in twin.named_parameters():
            expected = parameter - 0.01 * parameter.grad
            assert torch.allclose(net.get_parameter(name), expected, atol=1e-5), name


class TestRandomLabels:
    def test_the_forget_set_learns_what_it_is_told_and_not_the_truth(self, load, bench):
        sets = bench.sets()
        settings = {"EPOCHS": 8, "RETAIN_SHARE": 0, "LEARNING_RATE": 0.05}
        net = bench.run(load("random_labels"), sets=sets, **settings)

        assert bench.loss(net, "forget") > bench.loss(bench.original, "forget") + 0.3

    def test_labels_are_drawn_anew_each_epoch_from_all_classes(self, load, bench):
        seen = []
        names = load("random_labels").module({"EPOCHS": 3, "RETAIN_SHARE": 0})
        descend = names["descend"]

        def spy(optimizer, logits, targets):
            seen.append(targets)
            descend(optimizer, logits, targets)

        names["descend"] = spy
        names["unlearning"](bench.network(), *bench.sets())

        assert len(seen) == 3
        assert len({tuple(labels.tolist()) for labels in seen}) == 3
        assert set(torch.cat(seen).tolist()) == set(range(10))

    def test_it_ends_with_the_true_labels_of_the_retain_set(self, load, bench):
        settings = {"EPOCHS": 4, "RETAIN_SHARE": 1}
        without = bench.run(load("random_labels"), **(settings | {"RETAIN_SHARE": 0}))
        net = bench.run(load("random_labels"), **settings)

        assert bench.loss(net, "retain") < bench.loss(without, "retain")


class TestSalUn:
    def test_the_mask_is_the_top_half_over_the_whole_network(self, load, bench):
        names = load("salun").module()
        net = bench.network()
        masks = names["salient_weights"](net, bench.sets().forget)

        twin = bench.network().eval()
        inputs, targets = bench.tensors["forget"]
        F.cross_entropy(twin(inputs), targets).backward()
        inside = torch.cat([m.flatten() for m in masks])
        saliency = torch.cat([p.grad.abs().flatten() for p in twin.parameters()])
        assert abs(inside.float().mean() - 0.5) < 0.01
        assert saliency[inside].min() > 0.99 * saliency[~inside].max()

    def test_weights_outside_the_mask_never_move(self, load, bench):
        names = load("salun").module()
        masks = names["salient_weights"](bench.network(), bench.sets().forget)
        net = bench.run(load("salun"))

        moved = 0
        pairs = zip(net.named_parameters(), masks, strict=True)
        for (name, parameter), mask in pairs:
            old = bench.original.get_parameter(name)
            assert torch.equal(parameter[~mask], old[~mask]), name
            moved += int((parameter[mask] != old[mask]).sum())
        assert moved > 0.4 * sum(p.numel() for p in net.parameters())

    def test_with_a_full_mask_it_is_the_random_labels_method(self, load, bench):
        settings = {"LEARNING_RATE": 0.02, "RETAIN_SHARE": 0.5, "EPOCHS": 1}
        # Its mask takes one shuffled pass more, so here the order is fixed.
        fixed = {"DataLoader": _in_order}
        salun = bench.run(load("salun"), SALIENT=1.0, **settings, **fixed)
        plain = bench.run(load("random_labels"), **settings, **fixed)

        assert torch.allclose(bench.weights(salun), bench.weights(plain), atol=1e-6)


def _in_order(dataset, batch_size, shuffle):
    starts = range(0, len(dataset), batch_size)
    return [dataset.__getitems__(list(range(i, i + batch_size))) for i in starts]


@pytest.fixture(autouse=True)
def _ready_batches(monkeypatch):
    """Let `_in_order` hand out a batch as a pair of tensors."""
    from harness.tasks.loaders import Batch  # noqa: PLC0415

    monkeypatch.setattr(
        Batch, "__iter__", lambda self: iter((self.inputs, self.targets))
    )


class TestScrub:
    def test_the_teacher_stays_frozen(self, load, bench):
        net, (teacher,) = run_with_copies(bench, load("scrub"))

        assert net is not teacher
        for key, tensor in teacher.state_dict().items():
            assert torch.equal(tensor, bench.original.state_dict()[key]), key
        assert changed(net, bench.original)

    def test_forget_passes_drive_the_student_away_from_the_teacher(self, load, bench):
        settings = {"EPOCHS": 2, "RETAIN_SHARE": 0, "LEARNING_RATE": 0.005}
        net = bench.run(load("scrub"), **settings)

        inputs, _ = bench.tensors["forget"]
        distillation = load("scrub").module()["distillation"]
        twin = bench.network().train()
        taught = bench.original(inputs)
        assert distillation(net.train()(inputs), taught) > 1.5 * distillation(
            twin(inputs), taught
        )

    def test_retain_passes_bring_it_back(self, load, bench):
        def loss(share):
            settings = {"EPOCHS": 8, "RETAIN_SHARE": share, "LEARNING_RATE": 0.01}
            return bench.loss(bench.run(load("scrub"), **settings), "retain")

        assert loss(1) < loss(0)

    def test_only_the_first_epochs_have_a_forget_pass(self, load, bench):
        sets = bench.sets()
        bench.run(load("scrub"), sets=sets, EPOCHS=5, FORGET_EPOCHS=2, RETAIN_SHARE=1)

        assert (sets.forget.dataset.reads == 2).all()
        assert (sets.retain.dataset.reads == 5).all()

    def test_distillation_is_the_scaled_divergence_from_the_teacher(self, load):
        student, teacher = torch.randn(2, 4, 10)
        p, q = (teacher / 4).softmax(1), (student / 4).softmax(1)

        distance = load("scrub").module()["distillation"](student, teacher)
        assert torch.allclose(distance, 16 * (p * (p / q).log()).sum(1).mean())


class TestBadTeacher:
    def test_both_teachers_stay_frozen_and_the_bad_one_knows_nothing(self, load, bench):
        net, (good, bad) = run_with_copies(bench, load("bad_teacher"))

        for key, tensor in good.state_dict().items():
            assert torch.equal(tensor, bench.original.state_dict()[key]), key
        assert not good.training
        assert not bad.training
        assert bench.loss(bad, "retain") > 2
        names = changed(bad, bench.original)
        assert names == {n for n, _ in net.named_parameters()}
        fresh = nn.BatchNorm2d(16)
        assert torch.equal(bad.stem[1].running_var, fresh.running_var)

    def test_forget_images_learn_from_the_bad_one_and_retain_images_from_the_good(
        self, load, bench
    ):
        targets = load("bad_teacher").module()["targets"]
        inputs = bench.tensors["retain"][0][:4]
        bad = copy.deepcopy(bench.original)
        load("bad_teacher").module()["initialise"](bad)
        flags = torch.tensor([0.0, 1.0, 1.0, 0.0])

        wanted = targets(inputs, flags, bench.original, bad.eval())
        with torch.no_grad():
            p, q = bench.original(inputs).softmax(1), bad(inputs).softmax(1)
        assert torch.allclose(wanted, torch.where(flags[:, None] > 0, q, p), atol=1e-6)

    def test_it_mixes_all_forget_images_with_a_third_of_the_rest(self, load, bench):
        sets = bench.sets()
        mixture = load("bad_teacher").module()["mix"](sets.retain, sets.forget)

        images, flags = mixture.tensors
        assert int(flags.sum()) == 64
        assert len(images) == 64 + int(0.3 * 192)
        assert sets.reads("forget") == 64
        order = images[flags == 1].flatten(1).sum(1).sort().values
        expected = bench.tensors["forget"][0].flatten(1).sum(1).sort().values
        assert torch.allclose(order, expected)

    def test_the_student_moves_towards_the_bad_teacher_on_forget_images(
        self, load, bench
    ):
        net, (_, bad) = run_with_copies(bench, load("bad_teacher"), EPOCHS=6)
        inputs, _ = bench.tensors["forget"]

        def distance(model):
            with torch.no_grad():
                logs, wanted = model(inputs).log_softmax(1), bad(inputs).softmax(1)
                return F.kl_div(logs, wanted, reduction="batchmean")

        assert distance(net) < 0.8 * distance(bench.original)

    def test_it_never_uses_a_label(self, load, bench):
        sets = bench.sets()
        for loader in sets:
            loader.dataset.targets = torch.zeros_like(loader.dataset.targets)

        blind = bench.weights(bench.run(load("bad_teacher"), sets=sets))
        assert torch.equal(blind, bench.weights(bench.run(load("bad_teacher"))))


class TestSSD:
    def test_importance_is_the_squared_gradient_of_each_batch(self, load, bench):
        batches = [bench.tensors["forget"], bench.tensors["validation"]]
        net = bench.network()
        sums = load("ssd").module()["squared_gradients"](net, batches)

        twin = bench.network()
        expected = 0
        for inputs, targets in batches:
            twin.zero_grad()
            F.cross_entropy(twin(inputs), targets).backward()
            expected = expected + twin.fc.weight.grad**2
        assert torch.allclose(sums[-2], expected)
        assert not changed(net, bench.original)

    def test_only_weights_that_the_forget_set_needs_more_are_dampened(self, load):
        weights = torch.ones(4)
        everything = torch.tensor([1.0, 1.0, 1.0, 0.0])
        forgotten = torch.tensor([0.5, 9.0, 40.0, 0.0])
        names = load("ssd").module({"ALPHA": 10.0, "LAMBDA": 2.0})
        names["dampen"](weights, everything, forgotten)

        assert torch.equal(weights, torch.tensor([1.0, 1.0, 2 / 40, 1.0]))

    def test_dampening_never_grows_a_weight(self, load, bench):
        net = bench.run(load("ssd"), ALPHA=1.0, LAMBDA=5.0)

        for name, parameter in net.named_parameters():
            old = bench.original.get_parameter(name)
            assert (parameter.abs() <= old.abs()).all()
            assert (parameter * old >= 0).all()

    def test_it_harms_the_forget_set_more_than_the_retain_set(self, load, bench):
        net = bench.run(load("ssd"), ALPHA=2.0)

        def harm(name):
            return bench.loss(net, name) - bench.loss(bench.original, name)

        assert harm("forget") > harm("retain")

    def test_a_threshold_out_of_reach_changes_nothing(self, load, bench):
        net = bench.run(load("ssd"), ALPHA=1e9)

        assert not changed(net, bench.original)


class TestFisherNoise:
    def test_the_estimate_is_the_mean_over_the_models_own_labels(self, load, bench):
        inputs = bench.tensors["retain"][0][:1]
        many = [(inputs, None)] * 800
        net = bench.network()
        estimate = load("fisher_noise").module()["fisher"](net, many)[-1]

        with torch.no_grad():
            p = bench.original(inputs).softmax(1)[0]
        # The gradient in the bias is p - e_y, so its square has mean p (1 - p).
        assert torch.allclose(estimate, p * (1 - p), atol=0.06)

    def test_a_weight_that_matters_gets_less_noise(self, load):
        names = load("fisher_noise").module({"ALPHA": 1.0, "MOST": 1e9})
        bias = torch.zeros(4000)
        diagonal = torch.full((4000,), 100.0)
        diagonal[2000:] = 1.0
        names["add_noise"](bias, diagonal, is_last=False)

        ratio = bias[2000:].std() / bias[:2000].std()
        assert abs(ratio - 10) < 1

    def test_the_noise_has_the_stated_variance(self, load):
        names = load("fisher_noise").module({"ALPHA": 1e-6})
        weight = torch.zeros(200, 50)
        names["add_noise"](weight, torch.zeros(200, 50), is_last=False)
        last = torch.zeros(200, 50)
        names["add_noise"](last, torch.zeros(200, 50), is_last=True)

        assert abs(weight.std() / 0.001**0.5 - 1) < 0.05
        assert abs(last.std() / 0.001**0.5 - 1) < 0.05  # 10 times a tenth

    def test_its_runs_differ_in_every_weight(self, load, bench):
        runs = [
            bench.weights(bench.run(load("fisher_noise"), seed=s, N_IMAGES=20))
            for s in (0, 1)
        ]

        assert (runs[0] != runs[1]).float().mean() > 0.99


class TestLastLayers:
    LAST = frozenset(
        {
            "blocks.3.0.weight",
            "blocks.3.1.weight",
            "blocks.3.1.bias",
            "fc.weight",
            "fc.bias",
        }
    )

    @pytest.mark.parametrize("name", ["cf_k", "eu_k"])
    def test_only_the_last_layers_change(self, load, bench, name):
        net = bench.run(load(name))

        assert changed(net, bench.original) == self.LAST
        assert all(p.requires_grad for p in net.parameters())

    @pytest.mark.parametrize("name", ["cf_k", "eu_k"])
    def test_frozen_batch_norms_keep_their_statistics_and_the_last_does_not(
        self, load, bench, name
    ):
        net = bench.run(load(name))

        for key, buffer in buffers(bench.original).items():
            same = torch.equal(buffer, net.get_buffer(key))
            assert same == (not key.startswith("blocks.3")), key

    @pytest.mark.parametrize("name", ["cf_k", "eu_k"])
    def test_in_a_resnet_18_they_are_the_last_stage_and_the_classifier(
        self, load, resnet18, name
    ):
        frozen, trained = load(name).module()["split_modules"](resnet18)

        last = {id(m) for m in resnet18.layer4.modules()} | {id(resnet18.fc)}
        inside = {id(m) for m in trained if list(m.parameters(recurse=False))}
        assert inside <= last
        assert not {id(m) for m in frozen} & last

    def test_cf_k_starts_from_the_original_and_eu_k_from_scratch(self, load, bench):
        kept = bench.run(load("cf_k"), LEARNING_RATE=0.0)
        recipe = SimpleNamespace(
            **(vars(bench.recipe) | {"learning_rate": 0.0, "weight_decay": 0.0})
        )
        fresh = load("eu_k").load()(bench.network(), *bench.sets(), recipe=recipe)

        assert not changed(kept, bench.original)
        assert changed(fresh, bench.original) >= {"blocks.3.0.weight", "fc.weight"}
        assert bench.loss(fresh, "retain") > 2

    def test_both_learn_the_retain_set(self, load, bench):
        tuned = bench.run(load("cf_k"))
        exact = bench.run(load("eu_k"))

        assert bench.loss(tuned, "retain") < bench.loss(bench.original, "retain")
        assert bench.loss(exact, "retain") < 2

    def test_eu_k_takes_the_whole_schedule(self, load, bench):
        sets = bench.sets()
        bench.run(load("eu_k"), sets=sets)

        assert (sets.retain.dataset.reads == bench.recipe.epochs).all()

    def test_eu_ks_learning_rate_rises_to_the_peak_and_falls_to_zero(self, load, bench):
        rate = load("eu_k").module()["rate_at"]

        assert rate(0.0, bench.recipe) == 0
        assert rate(0.2, bench.recipe) == pytest.approx(0.2)
        assert rate(0.6, bench.recipe) == pytest.approx(0.1)
        assert rate(1.0, bench.recipe) == 0


class TestL1Sparse:
    def test_the_penalty_shrinks_the_weights(self, load, bench):
        with_, without = (
            bench.run(load("l1_sparse"), PENALTY=penalty, EPOCHS=4)
            for penalty in (1e-2, 0.0)
        )

        magnitude = load("l1_sparse").module()["magnitude"]
        assert magnitude(with_) < 0.9 * magnitude(without)

    def test_its_norm_is_the_sum_of_magnitudes(self, load, bench):
        magnitude = load("l1_sparse").module()["magnitude"](bench.original)

        assert torch.allclose(magnitude, bench.weights(bench.original).abs().sum())

    def test_without_a_penalty_it_lowers_the_retain_loss(self, load, bench):
        net = bench.run(load("l1_sparse"), PENALTY=0.0, EPOCHS=3)

        assert bench.loss(net, "retain") < bench.loss(bench.original, "retain")
