"""Unlearn the last layer by one Newton step plus noise, with a guarantee in numbers.

Source: Sekhari, Acharya, Kamath and Suresh, "Remember what you want to forget" (2021).
The layers before the classifier stay as they are; on their features the classifier is
an L2-regularised logistic regression, which is convex. It is fitted to all training
data; then one Newton step goes from there to the fit without the forget set, and
Gaussian noise hides what is left of the difference. That is (epsilon, delta)-unlearning
of the classifier: its distribution is as close as that to the distribution of a
classifier fitted to the retain set alone, with the same noise. It says nothing of the
frozen layers, which have seen the forget set, and so nothing of the network.
Prints the epsilon that it claims, twice. Once as in the article, for the worst of all
data sets: the Newton step misses the fit by at most 2 M m^2 L^2 / (lambda^3 n^2). Once
for these data (as Guo et al. 2020): by strong convexity it misses by at most the
gradient's norm over lambda. Epsilon follows from the noise by the exact analysis of the
Gaussian mechanism (Balle and Wang 2018), since the article's sqrt(2 ln(1.25 / delta))
holds for epsilon up to 1 only.
Uses: retain and forget, and validation for the scale of the features.
Faithful constants: none are given; delta is the competition's.
Tuned for cifar10-quick (split seed 7, N = 8, scripts/tune_baselines.py): lambda 1e-4 of
1e-4 to 1e-2 and sigma 1 of 0.01 to 1.2, by the score, not by epsilon.
"""

import math

import torch
import torch.nn.functional as F
from scipy.optimize import brentq
from scipy.special import erfcx, ndtr
from torch import nn

NAME = "Certified Newton step"
AUTHORS = "Sekhari, Acharya, Kamath, Suresh"
URL = "https://arxiv.org/abs/2103.03279"

DELTA = 1e-5
LAMBDA = 1e-4  # strength of the regularisation, and of the convexity
SIGMA = 1.0  # standard deviation of the noise
FIT_STEPS = 100

# Of the cross-entropy of a linear softmax classifier, for inputs of norm at most 1:
LIPSCHITZ = math.sqrt(2)
HESSIAN_LIPSCHITZ = 2 * math.sqrt(2) / (6 * math.sqrt(3))


def unlearning(net, retain, forget, validation):
    """Replace the classifier by a certified one."""
    net.eval()
    classifier = [m for m in net.modules() if isinstance(m, nn.Linear)][-1]
    radius = features(net, classifier, validation)[0].norm(dim=1).max()
    kept, kept_targets = unit_features(net, classifier, retain, radius)
    gone, gone_targets = unit_features(net, classifier, forget, radius)
    everything = torch.cat([kept, gone])
    targets = torch.cat([kept_targets, gone_targets])

    learned = fit(everything, targets, classifier.out_features)
    total = len(targets) * hessian(learned, everything)
    unlearned = newton_step(learned, total, gone, gone_targets, len(targets))
    residual = mean_gradient(unlearned, kept, kept_targets).norm().item()
    report(residual / LAMBDA, len(targets), len(gone))
    noisy = unlearned + SIGMA * torch.randn_like(unlearned)
    install(classifier, noisy, radius)
    return net


@torch.no_grad()
def features(net, classifier, batches):
    """What reaches the classifier, float64 [n, d], and the targets [n]."""
    seen = []
    hook = classifier.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    targets = []
    for inputs, labels in batches:
        net(inputs)
        targets.append(labels)
    hook.remove()
    return torch.cat(seen).double(), torch.cat(targets)


def unit_features(net, classifier, batches, radius):
    """Features of norm at most 1, [n, d + 1]; the last is constant, for the bias."""
    raw, targets = features(net, classifier, batches)
    scaled = raw / raw.norm(dim=1, keepdim=True).clamp(min=radius)
    constant = torch.ones_like(scaled[:, :1])
    return torch.cat([scaled, constant], 1) / math.sqrt(2), targets


def fit(inputs, targets, n_classes):
    """Minimise the regularised cross-entropy; weights [classes, d + 1]."""
    weights = inputs.new_zeros(n_classes, inputs.shape[1], requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weights],
        max_iter=FIT_STEPS,
        tolerance_grad=1e-8,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def objective():
        optimizer.zero_grad()
        loss = F.cross_entropy(inputs @ weights.T, targets)
        loss = loss + LAMBDA / 2 * weights.square().sum()
        loss.backward()
        return loss

    optimizer.step(objective)
    return weights.detach()


def mean_gradient(weights, inputs, targets):
    """Gradient of the mean regularised loss, [classes, d + 1]."""
    excess = (inputs @ weights.T).softmax(1)
    excess -= F.one_hot(targets, len(weights))
    return excess.T @ inputs / len(inputs) + LAMBDA * weights


def hessian(weights, inputs):
    """Hessian of the mean regularised loss, square, in the order of flat weights."""
    predictions = (inputs @ weights.T).softmax(1)
    n_classes, width = weights.shape
    blocks = inputs.new_empty(n_classes, width, n_classes, width)
    for i in range(n_classes):
        for j in range(i + 1):
            factor = predictions[:, i] * (float(i == j) - predictions[:, j])
            block = (inputs * factor[:, None]).T @ inputs / len(inputs)
            blocks[i, :, j], blocks[j, :, i] = block, block
    square = blocks.view(weights.numel(), weights.numel())
    square.diagonal().add_(LAMBDA)
    return square


def newton_step(learned, total_hessian, inputs, targets, n_images):
    """Take the article's step, from the forget set and the stored Hessian alone."""
    n_gone = len(inputs)
    n_left = n_images - n_gone
    left = (total_hessian - n_gone * hessian(learned, inputs)) / n_left
    gradient = n_gone * mean_gradient(learned, inputs, targets) / n_left
    step = torch.linalg.solve(left, gradient.flatten())
    return learned + step.view_as(learned)


def report(distance, n_images, n_gone):
    """Print what is guaranteed: for these data, and for the worst."""
    print(  # noqa: T201 - the claim belongs in the log of the run
        f"certified for the classifier, its features given: epsilon = "
        f"{gaussian_epsilon(distance / SIGMA):.3g} at delta = {DELTA:g} "
        f"(sigma {SIGMA:g}, distance at most {distance:.2g}); for the worst data set "
        f"epsilon = {gaussian_epsilon(worst_distance(n_images, n_gone) / SIGMA):.3g}"
    )


def worst_distance(n_images, n_gone):
    """Distance of the Newton step from the fit to the rest, for any data."""
    # The regularised loss is Lipschitz where the fits are: of norm at most
    # sqrt(2 ln(classes) / lambda), where the loss is below that of zero weights, and
    # sqrt(2) / lambda, where the gradients cancel.
    lipschitz = LIPSCHITZ + min(LIPSCHITZ, math.sqrt(2 * LAMBDA * math.log(10)))
    return 2 * HESSIAN_LIPSCHITZ * (n_gone * lipschitz / n_images) ** 2 / LAMBDA**3


def gaussian_epsilon(shift):
    """Epsilon at `DELTA` between Gaussians `shift` standard deviations apart."""

    # delta = Phi(-z) - exp(epsilon) Phi(-shift - z), z = epsilon / shift - shift / 2;
    # written so that no term overflows.
    def excess(z):
        tail = erfcx((shift + z) / math.sqrt(2)) / 2
        return ndtr(-z) - math.exp(-(z**2) / 2) * tail - DELTA

    if excess(-shift / 2) <= 0:
        return 0.0
    z = brentq(excess, -shift / 2, 40)
    return shift * (z + shift / 2)


def install(classifier, weights, radius):
    """Write the weights into the network, whose features are not scaled."""
    scaled = weights / math.sqrt(2)
    with torch.no_grad():
        classifier.weight.copy_(scaled[:, :-1] / radius)
        classifier.bias.copy_(scaled[:, -1])
